"""Unanswered: which requests and cases got no answer, and the commands that mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.miss import UNRECORDED
from pytest_llmprod.core.results import SuiteResult, Unanswered
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.amounts import plural
from pytest_llmprod.report.misses import move_commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What got no answer.

    `texts` count the requests. Each of `commands` is its lead, which says what for, and the words
    that mend it. `moves` are the words of commands that mend a rename, one after the other.
    """

    texts: tuple[str, ...]
    commands: tuple[tuple[str, tuple[str, ...]], ...]
    moves: tuple[tuple[str, ...], ...]


_RECORD = "record what is missing with: "


def missing_of(unanswered: Unanswered, options: Sequence[str], *, has_others: bool) -> Missing:
    """Return what got no answer, and the commands that mend it.

    `options` are the words by which the tests of this run are run again. `has_others` says that
    cases went without an answer which `unanswered` may not count.
    """
    misses, outages, record = unanswered.misses, unanswered.outages, unanswered.record
    refused = unanswered.refused
    old, unplayed = misses.get("too old", 0), misses.get("unplayed", 0)
    unmet = {kind: count for kind, count in misses.items() if kind not in ("too old", "unplayed")}
    number = sum(unmet.values())
    moved, renamed = (misses.get(kind, 0) for kind in ("test renamed", "case renamed"))
    texts, modes = [], {}
    if refused:
        requests = plural(refused, "request was", "requests were")
        rules = "[tool.llmprod.wire] in pyproject.toml"
        texts.append(f"{requests} refused by {rules}: mend what the tests above name")
    if outages:
        tests = counted(sum(outages.values()), "test")
        texts.append(f"{tests} got no answer: {_ranked(outages)}")
        modes["once that is mended, ask again with: "] = record
    if number:
        requests = plural(number, "request is", "requests are")
        texts.append(f"{requests} in no recording: {_ranked(unmet, is_counted=True)}")
    unrecorded = sum(count for kind, count in misses.items() if kind in UNRECORDED)
    if number > moved + renamed:
        modes[_RECORD] = "once" if number == unrecorded + moved else "new_episodes"
    elif renamed:
        modes["rename the case, or record it with: "] = "once"
    elif has_others and record == "none" and not (number or old or unplayed or refused):
        # A cassette that cannot be read, say: no mode of recording mends that.
        texts.append("the tests that got no answer say how to mend it")
    if old:
        texts.append(f"{plural(old, 'recording is', 'recordings are')} too old to be played")
        modes["record what is too old with: "] = "rewrite"
    if unplayed:
        texts.append(_unplayed_text(unplayed, "test"))
        if "new_episodes" not in modes.values():
            modes["drop what is not played with: "] = "new_episodes"
    return Missing(
        texts=tuple(texts),
        commands=tuple((lead, record_command(mode, options)) for lead, mode in modes.items()),
        moves=move_commands(unanswered.moves),
    )


def unrecorded_text(tests: Sequence[SuiteResult], whom: str = "") -> str:
    """Return how many cases got no answer, and how many did not play all of their recordings.

    The repeats without an answer are counted too, where there are some. `whom` are words that say
    from whom, after a space.
    """
    unplayed = sum(each.unplayed for each in tests)
    unanswered = sum(each.unrecorded for each in tests) - unplayed
    texts = [_unanswered_text(unanswered, tests, whom)] if unanswered else []
    if unplayed:
        texts.append(_unplayed_text(unplayed, "case"))
    return ", ".join(texts)


def _unanswered_text(cases: int, tests: Sequence[SuiteResult], whom: str) -> str:
    text = f"{counted(cases, 'case')} got no answer{whom}"
    repeated = [each.repeats for each in tests if each.repeats.count > 1]
    if not repeated:
        return text
    unanswered = sum(each.unanswered for each in repeated)
    return f"{text} in {unanswered} of {sum(each.answers for each in repeated)} repeats"


def _unplayed_text(number: int, noun: str) -> str:
    one, many = f"{noun} did not play all of its", f"{noun}s did not play all of their"
    return f"{plural(number, one, many)} recordings"


def _ranked(counts: Mapping[str, int], *, is_counted: bool = False) -> str:
    """Return what was counted, the most frequent first; one thing alone without its number."""
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    if len(ranked) == 1 and not is_counted:
        return printable(ranked[0][0])
    return ", ".join(f"{printable(name)} {count:,}" for name, count in ranked)


def record_command(mode: str, options: Sequence[str]) -> tuple[str, ...]:
    """Return the words that run everything again, with `options`, and record in `mode`."""
    flag = ["--llm-eval"] if "--llm-eval" in options else []
    others = (printable(option) for option in options if option != "--llm-eval")
    return ("pytest", *flag, f"--llm-record={mode}", *others)

"""Failures: the cases that did not hit, with all that a reader needs to see why.

Long texts are cut so that a page of all of them keeps its size; each says that it was cut.
"""

import difflib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pytest_llmprod.core.results import CaseResult, RunResult
from pytest_llmprod.core.text import escaped

#: Bytes that the texts of all failures may take together in a page.
ROOM = 2_500_000
_LONGEST, _SHORTEST = 4_000, 300  # characters of one text
_MOST_LINES = 120  # of a diff: comparing takes quadratic time
_TEXTS = 5  # prompt, answer, expected, and the two sides of the diff
_WORST = {"error": 0, "miss": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One answer that did not hit or scored below 1.

    `prompt` holds (role, text) of each message, `diff` (sign, line) with the sign `-` for what was
    expected and `+` for what came. `scores` are those below 1, as text. `command` runs the case
    alone. `is_cut` says that a text is shorter here than it was.
    """

    anchor: str
    name: str
    suite: str
    outcome: str
    why: str
    scores: tuple[tuple[str, str, str], ...]
    model: str
    prompt: tuple[tuple[str, str], ...]
    answer: str
    expected: str
    diff: tuple[tuple[str, str], ...]
    command: str
    is_cut: bool


def is_failure(case: CaseResult) -> bool:
    """Say whether a case missed, ended in an error, or scored below 1."""
    if case.outcome in _WORST:
        return True
    return case.outcome == "hit" and any(score < 1 for score in case.scores.values())


def anchor(case: CaseResult) -> str:
    """Return the name by which a link finds a case; it is the same in each run."""
    name = f"{case.nodeid} {case.repeat}".encode("utf-8", "backslashreplace")
    return f"c-{sha256(name).hexdigest()[:12]}"


def name_of(case: CaseResult) -> str:
    """Return the id of a case, and which of its repeats it is where there are several."""
    return case.id if case.repeat == 1 else f"{case.id}, repeat {case.repeat}"


def failures(result: RunResult) -> tuple[list[Failure], int]:
    """Return the failures, errors first, and how many more have no room."""
    cases = sorted(filter(is_failure, result.cases), key=lambda case: _WORST.get(case.outcome, 2))
    longest = max(_SHORTEST, min(_LONGEST, ROOM // (_TEXTS * max(1, len(cases)))))
    shown: list[Failure] = []
    room = ROOM
    for case in cases:
        made = _failure(case, result.options, longest)
        room -= _size(made)
        if room < 0:
            break
        shown.append(made)
    return shown, len(cases) - len(shown)


def _size(failure: Failure) -> int:
    """Return how many bytes the texts take, with what makes them safe and shows them."""
    texts = [failure.answer, failure.expected, failure.why, failure.command]
    texts += [failure.name, failure.suite, failure.model]
    parts = (*failure.prompt, *failure.diff, *failure.scores)
    texts += [part for each in parts for part in each]
    size = sum(len(visible(text).encode()) + 40 for text in texts)
    marks = sum(text.count(char) for text in texts for char in "&<>'\"")
    return size + 4 * marks + 900


def visible(text: str) -> str:
    """Return `text` with its lines, and every other unprintable character escaped."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(escaped(part) for part in line.split("\t")) for line in lines)


def _failure(case: CaseResult, options: Sequence[str], longest: int) -> Failure:
    answer, expected = _sides(case.output, case.expected)
    prompt = [(role, _cut(text, longest)) for role, text in case.prompt[:20]]
    texts = [text for _, text in case.prompt] + [answer, expected]
    return Failure(
        anchor=anchor(case),
        name=name_of(case)[:200],
        suite=case.suite,
        outcome=case.outcome if case.outcome in _WORST else "low score",
        why=case.why,
        scores=tuple(_low_scores(case.scores, case.whys)),
        model=case.model,
        prompt=tuple(prompt),
        answer=_cut(answer, longest),
        expected=_cut(expected, longest),
        diff=_diff(expected, answer, longest) if expected and answer else (),
        command=visible(shlex.join(("pytest", *options, case.nodeid))),
        is_cut=len(case.prompt) > 20 or any(len(text) > longest for text in texts),
    )


def _low_scores(
    scores: Mapping[str, float], whys: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for metric, score in sorted(scores.items()):
        if score < 1 and metric != "passed":
            yield metric, f"{score:.2f}", whys.get(metric, "")


def _sides(output: Any, expected: Any) -> tuple[str, str]:
    """Return answer and expected value as texts that can be compared; '' for none of it."""
    if isinstance(output, str) and expected is not None and not isinstance(expected, str):
        with suppress(ValueError, RecursionError):  # what is no JSON stays a text
            output = json.loads(output)
    return shown_text(output), shown_text(expected)


def shown_text(value: Any) -> str:
    """Return an output or an expected value as text, '' for none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n... ({len(text) - longest:,} characters more)"


def _diff(expected: str, answer: str, longest: int) -> tuple[tuple[str, str], ...]:
    """Return the lines that differ, with some of those around them."""
    old, new = (text[:longest].splitlines()[:_MOST_LINES] for text in (expected, answer))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
    return tuple((line[:1], line[1:]) for line in lines if not line.startswith("@@"))

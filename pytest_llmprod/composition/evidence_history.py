"""Evidence history: tests of guardrails and logs that passed, and models that were compared.

Each becomes a line of `llmprod-history.jsonl`, which git keeps and `llmprod audit` reads.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.files import HISTORY_NAME, add_lines
from pytest_llmprod.core.history import read_history
from pytest_llmprod.core.mode_test import ModeTest
from pytest_llmprod.core.scorecard import RATES, ScorecardResult
from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import shorten
from pytest_llmprod.records.head import head_commit

_LONGEST_NAME = 200
#: The verdicts on a new model, the worst first.
_VERDICTS = ("INFERIOR", "INFERIOR in a tag", "LACKS CASES", "INCONCLUSIVE", "NON-INFERIOR")


def guard_rows(
    tests: Iterable[ModeTest], cards: Iterable[ScorecardResult]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each kind of guardrail of a feature whose tests all passed."""
    found: dict[tuple[str, str], list[ModeTest]] = {}
    for each in tests:
        if each.kind:
            found.setdefault((each.feature, each.kind), []).append(each)
    by_test: dict[str, list[ScorecardResult]] = {}
    for card in cards:
        by_test.setdefault(card.test, []).append(card)
    for (feature, kind), own in sorted(found.items()):
        if all(each.passed for each in own):
            row = {"kind": "guardrail", "feature": _cut(feature), "guard": kind, "tests": len(own)}
            bounds = _bounds(card for each in own for card in by_test.get(each.test, ()))
            yield row | ({"bounds": bounds} if bounds else {})


def _bounds(cards: Iterable[ScorecardResult]) -> dict[str, str]:
    """Return the worst bound of each rate over all cases of a scorecard: `>= 95.1%`."""
    worst: dict[str, float] = {}
    for rate in (rate for card in cards for rate in card.rates if rate.of and not rate.facet):
        pick = min if RATES[rate.name] else max
        worst[rate.name] = pick(worst.get(rate.name, rate.bound), rate.bound)
    return {name: f"{'>=' if RATES[name] else '<='} {bound:.1%}" for name, bound in worst.items()}


def contract_rows(passed: Collection[bool]) -> Iterator[dict[str, Any]]:
    """Yield a row where all tests of the application's own log passed, and there were some."""
    if passed and all(passed):
        yield {"kind": "contract", "tests": len(passed)}


def swap_rows(swaps: Sequence[Swap]) -> Iterator[dict[str, Any]]:
    """Yield a row for each feature and new model, with the worst verdict of its suites."""
    compared: dict[tuple[str, str, str], list[str]] = {}
    for each in swaps:
        compared.setdefault((each.feature, each.model_a, each.model_b), []).append(each.outcome)
    for (feature, old, new), verdicts in compared.items():
        yield {
            "kind": "swap",
            "feature": _cut(feature),
            "old": _cut(old),
            "new": _cut(new),
            "verdict": min(verdicts, key=_VERDICTS.index),
        }


def _cut(text: str) -> str:
    return shorten(text, _LONGEST_NAME)


def note(root: Path, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Add the rows to the history, those left out that it has of this day or of this commit.

    Raises LlmprodError where the file cannot be written.
    """
    commit = head_commit(root)[:12]
    known = {key for row in read_history(root) for key in _keys(row.values)}
    dated = [{**row, "commit": commit, "when": now.isoformat(timespec="seconds")} for row in rows]
    new = [row for row in dated if not known.intersection(_keys(row))]
    if not new:
        return
    content = "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in new)
    try:
        add_lines(root / HISTORY_NAME, content.encode())
    except OSError as error:
        raise LlmprodError(
            f"{HISTORY_NAME}: cannot be written ({error.strerror}). Make it writable, and run the "
            f"tests again."
        ) from error


def _keys(row: Mapping[str, Any]) -> list[str]:
    """Return by what a row is known again: what it says, with its day and with its commit."""
    says = {key: value for key, value in row.items() if key not in ("commit", "when")}
    text = json.dumps(says, sort_keys=True)
    commit = str(row.get("commit", ""))
    day = f"{text} on {str(row.get('when', ''))[:10]}"
    return [day, f"{text} at {commit}"] if commit else [day]

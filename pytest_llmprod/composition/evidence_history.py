"""Evidence history: tests of guardrails and logs that passed, and models that were compared.

Each becomes a line of `llmprod-history.jsonl`, which git keeps and `llmprod audit` reads.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.files import HISTORY_NAME, add_lines
from pytest_llmprod.core.history import read_history
from pytest_llmprod.core.scorecard import RATES
from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import shorten
from pytest_llmprod.records.head import head_commit

_LONGEST_NAME = 200
#: The verdicts on a new model, the worst first.
_VERDICTS = ("INFERIOR", "INFERIOR in a tag", "LACKS CASES", "INCONCLUSIVE", "NON-INFERIOR")


class Witnessed:
    """What the reports of one run are evidence of."""

    def __init__(self) -> None:
        """Make one that has seen nothing."""
        self._told: dict[str, Sequence[Mapping[str, Any]]] = {}
        self._outcomes: dict[str, set[str]] = {}
        self._cards: dict[str, Sequence[Mapping[str, Any]]] = {}

    def take(self, report: Any) -> None:
        """Take one report of a test; what it is evidence of is on each of them."""
        self._told[report.nodeid] = report.llmprod_evidence
        self._outcomes.setdefault(report.nodeid, set()).add(report.outcome)
        cards = getattr(report, "llmprod_scorecards", None)
        if cards:
            self._cards[report.nodeid] = cards

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each thing whose tests all passed; a skipped test is no evidence."""
        tests: dict[str, list[str]] = {}
        for nodeid, told in sorted(self._told.items()):
            for row in told:
                tests.setdefault(json.dumps(row, sort_keys=True), []).append(nodeid)
        for text, nodeids in tests.items():
            outcomes = [self._outcomes[nodeid] for nodeid in nodeids]
            passed = [nodeid for nodeid in nodeids if self._outcomes[nodeid] == {"passed"}]
            if not passed or any("failed" in each for each in outcomes):
                continue
            row = {key: _cut(value) for key, value in json.loads(text).items()}
            row["tests"] = len(passed)
            bounds = _bounds(card for nodeid in passed for card in self._cards.get(nodeid, ()))
            yield row | ({"bounds": bounds} if bounds else {})


def _bounds(cards: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the worst bound of each rate over all cases of a scorecard: `>= 95.1%`."""
    worst: dict[str, float] = {}
    for card in cards:
        for rate in card.get("rates", ()):
            if rate.get("facet") or not rate.get("of"):
                continue
            name, (low, high) = str(rate["rate"]), rate["bounds"]
            pick, bound = (min, low) if RATES[name] else (max, high)
            worst[name] = pick(worst.get(name, bound), bound)
    return {name: f"{'>=' if RATES[name] else '<='} {bound:.1%}" for name, bound in worst.items()}


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

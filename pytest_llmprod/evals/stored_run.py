"""Stored run: what `--llm-json` wrote, read again to be compared or judged anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import StoredRunError

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCase:
    """One case of a stored run; `scores` maps metric -> share, and is empty after an error.

    `outcome` is hit, miss, error or skip. `cost_usd` and `latency_s` are None where nobody knows.
    """

    id: str
    outcome: str
    scores: Mapping[str, float]
    output: Any
    cost_usd: Decimal | None
    latency_s: float | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSuite:
    """One suite under one metric, with its cases by id in the order of the file.

    `not_judged` says why the run itself did not judge it, and is empty where it did.
    `is_report_only` says that its judge was not calibrated, and so was not to decide.
    """

    feature: str
    test: str
    metric: str
    model: str
    threshold: float
    confidence: float
    not_judged: str
    cases: Mapping[str, StoredCase]
    is_report_only: bool = False

    @property
    def name(self) -> tuple[str, str]:
        """Return by what a suite of another run is the same one: its test and its metric."""
        return (self.test, self.metric)

    def score(self, case_id: str) -> float:
        """Return the score of a case; an error scores 0, and so does a case that is not here."""
        case = self.cases.get(case_id)
        if case is None or case.outcome == "error":
            return 0.0
        return case.scores.get(self.metric, 0.0)


def load(path: Path) -> Sequence[StoredSuite]:
    """Read the suites of a stored run; skipped cases are in none of them.

    Raises StoredRunError where the file is no such run.
    """
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _error(path, f"cannot be read ({error})") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise _error(path, f"is no run in schema {SCHEMA}")
    try:
        cases = _cases(document["cases"])
        return tuple(_suite(each, cases) for each in document["suites"])
    except KeyError as error:
        raise _error(path, f"lacks the key {error}") from error
    except (AttributeError, TypeError, ValueError, InvalidOperation) as error:
        raise _error(path, f"holds what no run holds ({error})") from error


def _error(path: Path, what: str) -> StoredRunError:
    return StoredRunError(
        f"{path}: {what}. Write a run with `pytest --llm-eval --llm-json={path.name}`."
    )


def _cases(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, StoredCase]]:
    cases: dict[str, dict[str, StoredCase]] = {}
    for row in rows:
        if row["outcome"] != "skip":
            case = _case(row)
            cases.setdefault(str(row["suite"]), {})[case.id] = case
    return cases


def _case(row: Mapping[str, Any]) -> StoredCase:
    cost, latency = row.get("cost_usd"), row.get("latency_s")
    return StoredCase(
        id=str(row["id"]),
        outcome=str(row["outcome"]),
        scores={str(name): _share(value) for name, value in row["scores"].items()},
        output=row.get("output"),
        cost_usd=None if cost is None else Decimal(cost),
        latency_s=None if latency is None else float(latency),
        tags=tuple(str(tag) for tag in row.get("tags", ())),
    )


def _suite(row: Mapping[str, Any], cases: Mapping[str, Mapping[str, StoredCase]]) -> StoredSuite:
    return StoredSuite(
        feature=str(row["feature"]),
        test=str(row["test"]),
        metric=str(row["metric"]),
        model=str(row["model"]),
        threshold=_share(row["threshold"]),
        confidence=_share(row["confidence"]),
        not_judged="" if row["verdict"] is not None else str(row["reason"]),
        is_report_only=bool((row.get("judge") or {}).get("report_only")),
        cases=cases.get(str(row["test"]), {}),
    )


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"a score must be a number in 0..1, not {value!r}")
    return float(value)

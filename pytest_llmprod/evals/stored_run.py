"""Stored run: what `--llm-json` wrote, read again to be compared or judged anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import StoredRunError
from pytest_llmprod.core.results import FIRST_LOOK, Look
from pytest_llmprod.core.swap import without_model

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCase:
    """One case of a stored run; `scores` maps metric -> share, and is empty after an error.

    `outcome` is hit, miss, error or skip. `cost_usd`, `latency_s` and `tokens` (in and out) are
    None where nobody knows, and so are its `calls` of a model and their `input_tokens`. Of a case
    that was asked several times the figures and the scores are
    means, in which an error scores 0, the rest is that of its worst time, and `repeats` holds each
    answer. `cluster` names the cases that it hangs together with.
    """

    id: str
    outcome: str
    scores: Mapping[str, float]
    output: Any
    cost_usd: Decimal | None
    latency_s: float | None
    tags: tuple[str, ...]
    tokens: float | None = None
    expected: Any = None
    why: str = ""
    cluster: str | None = None
    calls: float | None = None
    input_tokens: float | None = None
    repeats: tuple["StoredCase", ...] = ()

    @property
    def answers(self) -> tuple["StoredCase", ...]:
        """Return every answer: the repeats, or the case itself."""
        return self.repeats or (self,)

    def score(self, metric: str) -> float:
        """Return the score under a metric; an error scores 0."""
        is_error = self.outcome == "error" and not self.repeats
        return 0.0 if is_error else self.scores.get(metric, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSuite:
    """One suite under one metric, with its cases by id in the order of the file.

    `not_judged` says why the run itself did not judge it, and is empty where it did. `look` is the
    how-manieth it was. `is_report_only` says that its judge was not
    calibrated, and so was not to decide. `model` is what answered, and `asked_model` which of
    several models of one run the suite is for, '' in another run. `margin` is by how much, as a
    share, a new model may be worse. `has_outputs` says that its answers came from `outputs=`.
    """

    feature: str
    test: str
    metric: str
    model: str
    threshold: float
    confidence: float
    not_judged: str
    cases: Mapping[str, StoredCase]
    look: Look = FIRST_LOOK
    is_report_only: bool = False
    asked_model: str = ""
    margin: float = 0.0
    has_outputs: bool = False

    @property
    def name(self) -> tuple[str, str]:
        """Return by what a suite of another run is the same one: its test and its metric."""
        return (self.test, self.metric)

    @property
    def shared_test(self) -> str:
        """Return the name of the test without the model, which the suites of all models share."""
        return without_model(self.test, self.asked_model)

    def score(self, case_id: str) -> float:
        """Return the score of a case; an error scores 0, and so does a case that is not here."""
        case = self.cases.get(case_id)
        return 0.0 if case is None else case.score(self.metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A stored run: its suites, and the models that it compared, the old one first."""

    suites: tuple[StoredSuite, ...]
    models: tuple[str, ...] = ()


def load(path: Path) -> Sequence[StoredSuite]:
    """Read the suites of a stored run; skipped cases are in none of them.

    Raises StoredRunError where the file is no such run.
    """
    return load_run(path).suites


def load_run(path: Path) -> StoredRun:
    """Read a stored run; raise StoredRunError where the file is none."""
    return read(load_document(path))


def load_document(path: Path, cure: str = "") -> dict[str, Any]:
    """Return the document of a stored run, of which everything that `read` reads is sound.

    Raises StoredRunError, whose text ends in `cure`, or in how a run is stored.
    """
    cure = cure or "Write a run with `pytest --llm-eval --llm-json=run.json`."
    try:
        return _checked(json.loads(path.read_bytes()))
    except KeyError as error:
        raise StoredRunError(f"{path}: lacks the key {error}. {cure}") from error
    except _NoRunError as error:
        raise StoredRunError(f"{path}: {error}. {cure}") from error
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoredRunError(f"{path}: cannot be read ({error}). {cure}") from error
    except (AttributeError, TypeError, ValueError, ArithmeticError) as error:
        raise StoredRunError(f"{path}: holds what no run holds ({error}). {cure}") from error


class _NoRunError(Exception):
    """What was read is a document of another kind."""


def _checked(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise _NoRunError(f"is no run in schema {SCHEMA}")
    read(document)
    return document


def read(document: Mapping[str, Any]) -> StoredRun:
    """Return the run that a document of our own making holds."""
    cases = _cases(document["cases"])
    return StoredRun(
        suites=tuple(_suite(each, cases) for each in document["suites"]),
        models=tuple(str(each) for each in document.get("run", {}).get("models", ())),
    )


def _cases(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, StoredCase]]:
    cases: dict[str, dict[str, list[StoredCase]]] = {}
    for row in rows:
        if row["outcome"] != "skip":
            case = _case(row)
            cases.setdefault(str(row["suite"]), {}).setdefault(case.id, []).append(case)
    return {
        suite: {name: _joined(repeats) for name, repeats in group.items()}
        for suite, group in cases.items()
    }


def _case(row: Mapping[str, Any]) -> StoredCase:
    cost, latency, tokens = (row.get(name) for name in ("cost_usd", "latency_s", "tokens"))
    calls, input_tokens = (row.get(name) for name in ("calls", "input_tokens"))
    _whole(row.get("repeat", 1), "a repeat")
    scores = {str(name): _share(value) for name, value in row["scores"].items()}
    return StoredCase(
        id=str(row["id"]),
        outcome=str(row["outcome"]),
        scores={} if row["outcome"] == "error" else scores,
        output=row.get("output"),
        cost_usd=None if cost is None else Decimal(cost),
        latency_s=None if latency is None else float(latency),
        tags=tuple(str(tag) for tag in row.get("tags", ())),
        tokens=None if tokens is None else float(tokens),
        expected=row.get("expected"),
        why=str(row.get("why", "")),
        cluster=None if row.get("cluster") is None else str(row["cluster"]),
        calls=None if calls is None else float(calls),
        input_tokens=None if input_tokens is None else float(input_tokens),
    )


_MOST = 1_000_000  # repeats, looks or skipped cases: no run has as many
_WORST_FIRST = ("error", "miss")


def _joined(repeats: Sequence[StoredCase]) -> StoredCase:
    """Return one case for all the times that it was asked."""
    if len(repeats) == 1:
        return repeats[0]
    worst = min(repeats, key=_rank)
    metrics = dict.fromkeys(metric for each in repeats for metric in each.scores)
    costs = [each.cost_usd for each in repeats if each.cost_usd is not None]
    return StoredCase(
        id=worst.id,
        outcome=worst.outcome,
        scores={
            # Rounded, for the same scores in another order can differ in the last digit.
            metric: round(sum(each.scores.get(metric, 0.0) for each in repeats) / len(repeats), 9)
            for metric in metrics
        },
        output=worst.output,
        cost_usd=sum(costs, Decimal(0)) / len(costs) if len(costs) == len(repeats) else None,
        latency_s=_mean([each.latency_s for each in repeats]),
        tags=worst.tags,
        tokens=_mean([each.tokens for each in repeats]),
        expected=worst.expected,
        why=worst.why,
        cluster=worst.cluster,
        calls=_mean([each.calls for each in repeats]),
        input_tokens=_mean([each.input_tokens for each in repeats]),
        repeats=tuple(repeats),
    )


def _rank(case: StoredCase) -> int:
    is_known = case.outcome in _WORST_FIRST
    return _WORST_FIRST.index(case.outcome) if is_known else len(_WORST_FIRST)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _suite(row: Mapping[str, Any], cases: Mapping[str, Mapping[str, StoredCase]]) -> StoredSuite:
    margin, confidence = _share(row.get("margin", 0.0)), _share(row["confidence"])
    if margin == 1:
        raise ValueError("a margin must be below 1")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence must lie between 0 and 1, not {row['confidence']!r}")
    _share(row.get("score", 0.0))  # this one and the next are read by what accepts a run
    _whole(row.get("skipped", 0), "skipped cases", least=0)
    return StoredSuite(
        feature=str(row["feature"]),
        test=str(row["test"]),
        metric=str(row["metric"]),
        model=str(row["model"]),
        threshold=_share(row["threshold"]),
        confidence=confidence,
        look=Look(
            number=_whole(row.get("look", 1), "a look"), is_again=bool(row.get("asked_again"))
        ),
        not_judged="" if row["verdict"] is not None else str(row["reason"]),
        is_report_only=is_report_only(row),
        cases=cases.get(str(row["test"]), {}),
        asked_model=str(row.get("asked_model", "")),
        margin=margin,
        has_outputs=row.get("source") == "outputs file",
    )


def is_report_only(row: Mapping[str, Any]) -> bool:
    """Say of the row of a suite whether its judge was not calibrated, and so was not to decide."""
    return bool((row.get("judge") or {}).get("report_only"))


def _whole(value: Any, what: str, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise ValueError(f"{what} must be a whole number from {least}, not {value!r:.40}")
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"a score must be a number in 0..1, not {value!r}")
    return float(value)

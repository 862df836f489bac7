"""History: which runs were accepted, read from the lines that `llmprod accept` has written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_llmprod.core.history import read_history
from pytest_llmprod.core.money import amount_of
from pytest_llmprod.core.past import PastRun, PastSuite


def accepted_runs(folder: Path) -> tuple[PastRun, ...]:
    """Return the runs that were accepted in `folder`, in the order of their times.

    A merge of two branches may have put their lines into another order. Lines of another kind, and
    what cannot be read, are passed over: a report must not fail for them.
    """
    rows = (row.values for row in read_history(folder) if row.kind == "accepted")
    return tuple(sorted(map(_run, rows), key=lambda run: run.when))


def _run(row: Mapping[str, Any]) -> PastRun:
    suites = row.get("suites")
    rows = suites if isinstance(suites, list) else []
    return PastRun(
        run_id=_text(row.get("run")),
        when=_text(row.get("when")),
        who=_text(row.get("who")),
        why=_text(row.get("why")),
        suites=tuple(found for each in rows if (found := _suite(each)) is not None),
        cost_usd=amount_of(row.get("cost_usd")),
        unpriced=_count(row.get("unpriced")) or 0,
        left_out=_count(row.get("left_out")) or 0,
    )


def _suite(row: Any) -> PastSuite | None:
    if not isinstance(row, dict):
        return None
    score = _share(row.get("score"))
    if score is None:
        return None
    return PastSuite(
        test=_text(row.get("test")),
        metric=_text(row.get("metric")),
        score=score,
        interval=_interval(row.get("interval")),
        threshold=_share(row.get("threshold")),
        verdict=_text(row.get("verdict")),
        cases=_count(row.get("cases")),
        model=_text(row.get("model")),
        dataset=_text(row.get("dataset_sha256")),
    )


def _interval(value: Any) -> tuple[float, float] | None:
    bounds = [_share(each) for each in value] if isinstance(value, list) else []
    known = [each for each in bounds if each is not None]
    return (known[0], known[1]) if len(known) == len(bounds) == 2 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _share(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)

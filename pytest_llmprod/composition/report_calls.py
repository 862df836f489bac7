"""Report calls: what the report of a test carries of its calls, for the budgets that judge them."""

from collections.abc import Callable, Iterable
from typing import Any

from pytest_llmprod.budgets.cost import Cost
from pytest_llmprod.budgets.expression import Expression
from pytest_llmprod.budgets.measured import Measured, measure
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.wire.tape import Tape


def calls_row(
    tape: Tape,
    suite: Suite | None,
    asking: Asking | None,
    *,
    function: str,
    budgets: Iterable[Expression],
    cost: Callable[[Exchange], Cost | None],
    asked_less: bool,
) -> dict[str, Any]:
    """Return the calls of a test, and to whom they belong, as plain JSON.

    `test` is its function, `budgets` those of its markers, and `lacks` says whether some request
    got no answer, or, where it `asked_less`, is recorded and was not made. `case` and `request`
    tell its runs apart: a request to the feature is one run of a case. `feature` and `model` are ''
    where there is none.
    """
    # What a fault or a script answers is no sample of what a provider does.
    calls = measure([each for each in tape.exchanges if not each.is_made_up], cost)
    calls += measure(tape.judged, cost, is_judge=True)
    case, request = tape.label.nodeid, 1
    if suite is not None and asking is not None:
        case, request = f"{suite.test} {asking.case.id}", asking.repeat
        calls += _recorded_elsewhere(suite, asking)
    row: dict[str, Any] = {
        "test": function,
        "feature": "" if suite is None else suite.feature,
        "model": "" if suite is None else suite.model,
        "case": case,
        "request": request,
        "budgets": [str(budget) for budget in budgets],
        "calls": [call.to_row() for call in calls],
    }
    if tape.misses or tape.spend_stop:
        row["lacks"] = "request" if asked_less else "answer"
    return row


def _recorded_elsewhere(suite: Suite, asking: Asking) -> list[Measured]:
    """Return the call of which an outputs file tells, where it tells anything of it."""
    if suite.outputs is None:
        return []
    output = suite.outputs[asking.case.id, asking.repeat]
    if not output.to_json():
        return []
    return [
        Measured(
            recording=("outputs", suite.test, asking.case.id, asking.repeat),
            model=output.model or "",
            cost_usd=None,  # such a file names no provider, so nobody knows the price
            unpriced="no price" if output.usage else "no usage",
            latency_s=output.latency_s,
            usage=output.usage,
            is_replayed=True,
        )
    ]

"""Case row: what the row of one case says, and the result of the case that is made of it.

A row is plain JSON: a report of pytest carries it, and xdist from one process to another.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pytest_llmprod.budgets.prices import Bill
from pytest_llmprod.core.exchange import Usage, usage_from_json
from pytest_llmprod.core.results import CaseResult
from pytest_llmprod.evals.metrics import PASSED

Row = Mapping[str, Any]
Asked = tuple[str, int]  # the id of a case, and its repeat


def case_result(suite: str, row: Row, bill: Bill, metrics: Iterable[str]) -> CaseResult:
    """Return the result of a case of `suite`; its requests cost what `bill` says.

    It has a score under each of `metrics`, and the others that the row tells.
    """
    exchanges = exchanges_of(row)
    latencies = [each["latency_s"] for each in exchanges if "latency_s" in each]
    return CaseResult(
        suite=suite,
        id=row["case"],
        repeat=row.get("repeat", 1),
        nodeid=row["nodeid"],
        outcome=row["outcome"],
        why=row.get("why", ""),
        scores={
            **row.get("scores", {}),
            **{metric: score_of(row, metric) for metric in metrics},
        },
        model=" + ".join(distinct(each.get("model") for each in exchanges)),
        cost_usd=bill.cost_usd if bill.is_complete else None,
        latency_s=sum(latencies) if latencies else None,
        unrecorded=bool(row.get("unrecorded")),
        output=row.get("output"),
        tags=tuple(row.get("tags", ())),
        whys=row.get("whys", {}),
        cluster=row.get("cluster"),
        tokens=_tokens(exchanges),
        expected=row.get("expected"),
        prompt=tuple((role, text) for role, text in row.get("prompt", ())),
        calls=_calls(exchanges),
        input_tokens=_input_tokens(exchanges),
        carried=_carried(row),
    )


def asked_of(row: Row) -> Asked:
    """Return which case was asked, and the how-manieth time, counted from 1."""
    return row["case"], row.get("repeat", 1)


def score_of(row: Row, metric: str) -> float:
    """Return the score of a case; an error scores 0, and so does a miss before it was scored."""
    if row["outcome"] == "error":
        return 0.0
    if metric == PASSED:
        return float(row["outcome"] == "hit")
    return float(row.get("scores", {}).get(metric, 0.0))


def exchanges_of(row: Row) -> Sequence[Row]:
    """Return the requests of a case; a recorded output that says what it took counts as one."""
    recorded = row.get("recorded")
    found: Sequence[Row] = row.get("exchanges", ())
    return [*found, recorded] if recorded else found


def bill_of(exchanges: Iterable[Row]) -> Bill:
    """Return what requests cost, without those that the provider does not charge for."""
    bill = Bill()
    for exchange in exchanges:
        if not exchange.get("free"):
            name = exchange.get("model") or exchange.get("asked") or ""
            cost = exchange.get("cost_usd")
            bill.add_cost(None if cost is None else Decimal(cost), _usage(exchange), name)
    return bill


def distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the names that are told, each once and in the order of the alphabet."""
    return tuple(sorted({value for value in values if value}))


#: What of a row a stored case holds under keys of its own.
_TOLD = {"suite", "case", "repeat", "outcome", "why", "scores", "whys"}
_TOLD |= {"tags", "cluster", "output", "expected"}


def _carried(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in _TOLD}


def _usage(exchange: Row) -> Usage | None:
    usage = exchange.get("usage")
    return None if usage is None else usage_from_json(usage)


def _tokens(exchanges: Sequence[Row]) -> int | None:
    """Return the tokens that went in and came out, None where a request does not tell."""
    usages = [_usage(each) for each in exchanges if not each.get("free")]
    known = [each.input_tokens + each.output_tokens for each in usages if each is not None]
    return sum(known) if len(known) == len(usages) else None


def _calls(exchanges: Iterable[Row]) -> int:
    """Return how many calls the requests of a case make up: one that tries again makes several."""
    return sum(each.get("attempt", 1) == 1 for each in exchanges)


def _input_tokens(exchanges: Sequence[Row]) -> int | None:
    """Return the tokens that went in, None where a call does not tell.

    A try that failed tells nothing mostly, and is no part of the prompt.
    """
    known = [usage for usage in map(_usage, exchanges) if usage is not None]
    if len(known) < _calls(each for each in exchanges if not each.get("free")):
        return None
    return sum(each.input_tokens for each in known)

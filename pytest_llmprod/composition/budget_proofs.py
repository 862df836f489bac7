"""Budget proofs: does a dear request, a slow one, or one without a price break each budget?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.composition.budgeting import Budgeting
from pytest_llmprod.composition.proving import Project, Proof
from pytest_llmprod.core.budget_result import BudgetResult
from pytest_llmprod.core.exchange import Usage

DEAR_USD = Decimal(99)
SLOW_S = 3600.0
_MANY = 100_000_000  # tokens, in one request
_MANY_CALLS = 10_000


def budgets(project: Project) -> Iterator[Proof]:
    """Yield what came of each budget: a dear request, a slow one and one without a price."""
    tests = len(project.budgeted)
    fine = _decided(project, [[_GOOD]] * tests)
    one = _decided(project, [[_BAD], *[[_GOOD]] * (tests - 1)][:tests])
    every = _decided(project, [[_BAD]] * tests)
    many = _decided(project, [[_GOOD] * _MANY_CALLS, *[[_GOOD]] * (tests - 1)][:tests])
    unpriced = _decided(project, [[replace(_GOOD, cost_usd=None)]] * tests)
    for name, budget in fine.items():
        is_of_number = budget.budget.startswith("count(")
        yield _of_budget(budget, (many if is_of_number else one)[name], every[name])
        if budget.unit == "USD":
            yield _unpriced(budget, unpriced[name])
    if project.suites and not any(budget.unit == "USD" for budget in fine.values()):
        text = "no budget bounds a cost: nobody notices a request of 99 USD"
        yield Proof(is_proven=False, text=text)


def _of_budget(fine: BudgetResult, one: BudgetResult, every: BudgetResult) -> Proof:
    name, what = _name_of(fine), _WRONG[_quantity(fine)]
    if fine.verdict == "FAIL":
        return Proof(is_proven=False, text=f"{name} fails whatever happens: {fine.reason}")
    if one.verdict == "FAIL":
        return Proof(is_proven=True, text=f"{name} fails for one {what}")
    if every.verdict == "FAIL":
        return Proof(is_proven=True, text=f"{name} fails where each request is a {what}")
    text = f"{name} does not fail where each request is a {what}: {every.reason}"
    return Proof(is_proven=False, text=text)


def _unpriced(fine: BudgetResult, unpriced: BudgetResult) -> Proof:
    is_proven = unpriced.verdict == "FAIL"
    verb = "fails" if is_proven else "is kept"
    text = f"{_name_of(fine)} {verb} where a model has no price"
    return Proof(is_proven=is_proven, text=text)


_GOOD = Measured(
    recording="",
    model="selfcheck",
    cost_usd=Decimal(0),
    latency_s=0.001,
    ttft_s=0.001,
    usage=Usage(input_tokens=0, output_tokens=0),
)
_BAD = replace(
    _GOOD,
    cost_usd=DEAR_USD,
    latency_s=SLOW_S,
    ttft_s=SLOW_S,
    usage=Usage(input_tokens=_MANY, output_tokens=_MANY, cache_read_tokens=_MANY),
    retries=_MANY,
)
_WRONG = {
    "cost": "request of 99 USD",
    "latency": "request of an hour",
    "ttft": "request of an hour",
    "tokens": "request of 100 million tokens",
    "retries": "request with as many retries",
    "count": "test of 10,000 requests",
}


def _name_of(budget: BudgetResult) -> str:
    return f"{budget.budget} of {budget.name or 'the run'}"


def _quantity(budget: BudgetResult) -> str:
    """Return what a budget bounds, as a key of what can be wrong about it."""
    text = budget.budget.partition("<")[0]
    return next(each for each in _WRONG if each in text)


def _decided(project: Project, calls: Sequence[Sequence[Measured]]) -> Mapping[str, BudgetResult]:
    """Return what becomes of each budget, by the name of its report."""
    budgeting = Budgeting(project.settings, now=project.now)
    for number, (test, made) in enumerate(zip(project.budgeted, calls, strict=True)):
        row = {
            "test": test.test,
            "feature": test.feature,
            "model": "",
            "case": test.case,
            "request": 1,
            "budgets": [str(budget) for budget in test.budgets],
            "calls": [
                replace(call, recording=f"{number}-{place}").to_row()
                for place, call in enumerate(made)
            ],
        }
        budgeting.add(f"{test.test}[{number}]", row)
    return {each.nodeid: each for each in budgeting.decide().budgets}

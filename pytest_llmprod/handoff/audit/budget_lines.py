"""Budget lines: bounds on cost, latency and a month, and the prices by which they are judged."""

from collections.abc import Callable

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.core.history import is_to_come, moment_of
from pytest_llmprod.handoff.audit.answers import (
    Answer,
    ago,
    days_between,
    failed,
    for_each,
    inapplicable,
    passed,
    stale,
    table_of,
)
from pytest_llmprod.handoff.audit.facts import BudgetFact, Facts

PRICE_DAYS = 90
_LOCK = "llmprod prices lock"


def budget_cost(facts: Facts) -> Answer:
    """Say whether what a request of each feature costs is bounded."""
    return _bounded(facts, lambda each: each.quantity == "cost" and not _is_monthly(each), "cost")


def budget_latency(facts: Facts) -> Answer:
    """Say whether the latency of each feature is bounded."""
    return _bounded(facts, lambda each: each.quantity in ("latency", "ttft"), "p95(latency)")


def budget_monthly(facts: Facts) -> Answer:
    """Say whether what each feature costs in a month is bounded."""
    return _bounded(facts, _is_monthly, "monthly(cost)")


def _is_monthly(budget: BudgetFact) -> bool:
    return budget.function == "monthly"


def _bounded(facts: Facts, is_meant: Callable[[BudgetFact], bool], example: str) -> Answer:
    def bounded(feature: str) -> Answer:
        own = [each for each in facts.budgets if is_meant(each) and each.feature in (feature, "")]
        if not own:
            bound = {"cost": "0.01", "p95(latency)": "5s"}.get(example, "100")
            mend = f'budgets = ["{example} < {bound}"] in {table_of(feature)}'
            return failed(f"no budget bounds {example}", mend)
        texts = ", ".join(dict.fromkeys(each.text for each in own))
        return passed(texts, *dict.fromkeys(Evidence(path=e.path, line=e.line) for e in own))

    return for_each(facts.features, bounded)


def prices_locked(facts: Facts) -> Answer:
    """Say whether every model that answered has a price in the lock."""
    prices = facts.prices
    if prices is None:
        return failed("there is no llmprod.prices.toml", _LOCK)
    at = Evidence(path=prices.path, when=prices.locked_on)
    if prices.problem:
        return failed(prices.problem, _LOCK, at)
    answered = sorted(_answered(facts))
    unpriced = [each for each in answered if each not in prices.models]
    if unpriced:
        return failed(f"{unpriced[0]} has no price", _LOCK, at)
    return passed(", ".join(answered) or "no model has answered yet", at)


def _answered(facts: Facts) -> set[str]:
    found = {model for gate in facts.gates.gates.values() for model in gate.models}
    return found | {model for each in facts.recordings for model in each.answered}


def prices_recent(facts: Facts) -> Answer:
    """Say whether the prices were locked not too long ago."""
    prices = facts.prices
    if prices is None:
        return inapplicable("there are none; see prices-locked")
    moment = moment_of(prices.locked_on)
    at = Evidence(path=prices.path, when=prices.locked_on)
    if moment is None:
        return failed("nobody knows when they were locked", _LOCK)
    if is_to_come(moment, facts.now):
        return failed("their date cannot be right", _LOCK, at)
    days = days_between(moment, facts.now)
    says = f"{prices.source}, locked {ago(days)}".lstrip(", ")
    if days > PRICE_DAYS:
        return stale(f"{says}, {PRICE_DAYS} days are allowed", _LOCK, at)
    return passed(says, at)

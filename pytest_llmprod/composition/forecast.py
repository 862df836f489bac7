"""Forecast: what a recording run would send, cost and take, without sending anything."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets import prices
from pytest_llmprod.budgets.prices import Bill
from pytest_llmprod.core.forecast import Forecast, Plan
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.plan import PlannedCall, PlannedTest, Planner


def make_forecasts(
    labels: Iterable[TapeLabel],
    planner: Planner,
    price_lists: Callable[[Path], Sequence[Any]],
) -> Plan:
    """Return a plan, with a forecast for each test function and model in the order of the tests.

    `price_lists` returns the price lists for the tests of a folder.
    """
    groups: dict[tuple[str, str, str], list[tuple[PlannedTest, list[PlannedCall]]]] = {}
    folders: dict[tuple[str, str, str], Path] = {}
    for label in labels:
        test = planner.plan(label)
        models = dict.fromkeys((call.model, call.told_by) for call in test.calls)
        for model, told_by in models or ([("", "")] if test.is_unknown else []):
            calls = [call for call in test.calls if (call.model, call.told_by) == (model, told_by)]
            name = (test.function, model, told_by)
            groups.setdefault(name, []).append((test, calls))
            folders[name] = label.folder.parent.parent
    return Plan(
        (_forecast(name, tests, price_lists(folders[name])) for name, tests in groups.items()),
        unmet=planner.unmet(),
        asked=planner.asked,
        waiting=planner.waiting(),
    )


def _forecast(
    name: tuple[str, str, str],
    tests: Sequence[tuple[PlannedTest, Sequence[PlannedCall]]],
    lists: Sequence[Any],
) -> Forecast:
    function, model, told_by = name
    calls = [call for _, found in tests for call in found]
    bill = Bill()
    for call in calls:
        # As a run does: the name that will answer, or else the one that is asked.
        price = prices.first_price(lists, call.provider, call.answered_by, call.model)
        bill.add(price, call.usage, call.answered_by or call.model)
    usages = [call.usage for call in calls if call.usage is not None]
    return Forecast(
        function=function,
        model=model,
        told_by=told_by,
        tests=len(tests),
        guessed=sum(_is_first(found, test) and found[0].is_guess for test, found in tests),
        unknown=sum(test.is_unknown for test, _ in tests),
        requests=len(calls),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cost_usd=bill.cost_usd,
        unpriced=bill.unpriced,
        unpriced_model=min(bill.unpriced_models, default=""),
        without_usage=bill.without_usage,
        latency_s=sum(call.latency_s for call in calls),
    )


def _is_first(calls: Sequence[PlannedCall], test: PlannedTest) -> bool:
    """Say whether these are the calls to the first of the models that a test asks."""
    return bool(calls) and calls[0] is test.calls[0]

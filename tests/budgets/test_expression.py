"""The grammar of budgets: what a text says, and how a wrong one is told."""

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_llmprod.budgets.expression import Expression, parse
from pytest_llmprod.core.errors import BudgetError

QUANTITIES = (
    "cost",
    "latency",
    "ttft",
    "tokens.input",
    "tokens.output",
    "tokens.cached",
    "retries",
)


@pytest.mark.parametrize(
    ("text", "function", "quantity", "comparator", "bound"),
    [
        ("cost < 0.002", "each", "cost", "<", "0.002"),
        ("cost<0.002USD", "each", "cost", "<", "0.002"),
        ("sum(cost) < 1", "sum", "cost", "<", "1"),
        ("mean(cost) <= 1 USD", "mean", "cost", "<=", "1"),
        ("p95(latency) < 2.5s", "p95", "latency", "<", "2.5"),
        ("max(latency) < 10s", "max", "latency", "<", "10"),
        ("cost\u00a0<\u00a01", "each", "cost", "<", "1"),
        ("  max ( latency )<=2 min ", "max", "latency", "<=", "120"),
        ("p50(ttft) < 400ms", "p50", "ttft", "<", "0.4"),
        ("p99(ttft) < 1s", "p99", "ttft", "<", "1"),
        ("sum(tokens.input) < 20k", "sum", "tokens.input", "<", "20000"),
        ("sum(tokens.cached) < 1.5M", "sum", "tokens.cached", "<", "1500000"),
        ("tokens.output < 800", "each", "tokens.output", "<", "800"),
        ("count(requests) <= 3", "count", "requests", "<=", "3"),
        ("mean(retries) < 0.02", "mean", "retries", "<", "0.02"),
        ("monthly(cost) < 300", "monthly", "cost", "<", "300"),
    ],
)
def test_a_budget_says(
    text: str, function: str, quantity: str, comparator: str, bound: str
) -> None:
    found = parse(text)

    assert (found.function, found.quantity, found.comparator) == (function, quantity, comparator)
    assert found.bound == Decimal(bound)


NUMBERS = st.decimals(0, 999_999_999, places=6).map(Decimal)
EXPRESSIONS = st.one_of(
    st.builds(
        Expression,
        function=st.sampled_from(("each", "sum", "mean", "p50", "p95", "p99", "max")),
        quantity=st.sampled_from(QUANTITIES),
        comparator=st.sampled_from(("<", "<=")),
        bound=NUMBERS,
    ),
    st.builds(
        Expression,
        function=st.just("count"),
        quantity=st.just("requests"),
        comparator=st.sampled_from(("<", "<=")),
        bound=NUMBERS,
    ),
    st.builds(
        Expression,
        function=st.just("monthly"),
        quantity=st.just("cost"),
        comparator=st.sampled_from(("<", "<=")),
        bound=NUMBERS,
    ),
)


@given(EXPRESSIONS)
def test_what_is_printed_parses_to_the_same(expression: Expression) -> None:
    assert parse(str(expression)) == expression


# Of more digits before the point some bounds would be too large.
TIMES = st.from_regex(r"[0-9]{1,7}(\.[0-9]{1,9})?", fullmatch=True)
COUNTS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,9})?", fullmatch=True)


@given(TIMES, st.sampled_from(("ms", "s", "min")))
@example("1000.123456789", "ms")
@example("16666665.999999999", "ms")
def test_every_time_that_can_be_read_is_printed_exactly(number: str, unit: str) -> None:
    expression = parse(f"latency < {number}{unit}")

    assert parse(str(expression)) == expression


@given(COUNTS, st.sampled_from(("", "k", "M")))
def test_every_count_that_can_be_read_is_printed_exactly(number: str, unit: str) -> None:
    expression = parse(f"tokens.input < {number}{unit}")

    assert parse(str(expression)) == expression


@pytest.mark.parametrize(
    "text",
    [
        "cost < 0.002",
        "p95(latency) < 2.5s",
        "p50(ttft) < 400ms",
        "sum(tokens.input) < 20k",
        "sum(tokens.input) < 20500",
        "sum(tokens.input) < 2M",
        "max(latency) <= 0s",
        "count(requests) <= 3",
        "monthly(cost) < 300",
    ],
)
def test_a_budget_is_printed_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


WORDS = (
    "p95",
    "sum",
    "(",
    ")",
    "cost",
    "latency",
    "tokens.input",
    "requests",
    "<",
    "<=",
    ">",
    "2",
    "ms",
)


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
@example("cost < " + "9" * 150)
@example("cost < \u0663")
@example("cost < 1\x00")
@example("\ud800")
@example("cost < \u00a0x")
@example("x" * 10_000)
def test_a_text_is_a_budget_or_an_error_that_points_into_it(text: str) -> None:
    told = ""
    try:
        parse(text)
    except BudgetError as error:
        told = str(error)

    lines = told.split("\n")
    assert not [char for char in "".join(lines) if unicodedata.category(char)[0] == "C"]
    if told and len(text) <= 200:
        assert len(lines) == 4
        assert lines[2].strip() == "^"


@pytest.mark.parametrize(
    ("text", "problem", "pointed_at", "expected"),
    [
        ("", "there is no quantity", 0, "cost, latency, ttft, tokens.input, tokens.output, "),
        ("p95(latncy) < 2.5s", "'latncy' is no quantity for p95()", 4, "Did you mean latency?"),
        ("p59(latency) < 2.5s", "'p59' is no function", 0, "p50, p95, p99, max, count or monthly."),
        ("Cost < 1", "'Cost' is no quantity", 0, "Did you mean cost?"),
        ("tokens < 5", "'tokens' is no quantity", 0, "Did you mean tokens.input?"),
        ("sun < 5", "'sun' is no quantity", 0, "Did you mean sum?"),
        ("p95 < 2s", "p95 is of something", 4, "Expected p95(cost)."),
        ("monthly < 2", "monthly is of something", 8, "Expected monthly(cost)."),
        ("requests < 3", "requests can only be counted", 0, "Expected count(requests)."),
        ("sum(requests) < 3", "requests can only be counted", 0, "Expected count(requests)."),
        ("count(cost) < 3", "'cost' is no quantity for count()", 6, "Expected requests."),
        ("monthly(latency) < 3s", "'latency' is no quantity for monthly()", 8, "Expected cost."),
        ("sum(cost < 3", "the parenthesis is not closed", 9, "Expected )."),
        ("cost > 3", "a budget is an upper bound", 5, "Expected < or <=."),
        ("cost", "a budget is an upper bound", 4, "Expected < or <=."),
        ("cost < ", "there is no number", 7, "a number, such as 20 or 0.002"),
        ("cost < -1", "there is no number", 7, "a number"),
        ("cost < 1,5", "a comma is no decimal point", 8, "Expected a point, as in 0.002"),
        ("cost < 1, cost < 2", "there is more behind the bound", 8, "Expected the end"),
        ("cost < 1 cost < 2", "'cost' is no unit of cost", 9, "Expected USD."),
        ("cost < 5s", "'s' is no unit of cost", 8, "Expected USD."),
        ("latency < 5", "latency needs a unit", 11, "Expected ms, s or min."),
        ("latency < 5 sec", "'sec' is no unit of latency", 12, "Expected ms, s or min."),
        ("tokens.input < 5K", "'K' is no unit of tokens.input", 16, "Did you mean k?"),
        ("cost < 1234567890", "the number is too long", 7, "9 digits at most on each side"),
        ("tokens.input < 1000M", "the bound is too large", 15, "less than 1,000,000,000."),
        ("a\tb\x1b", "'a' is no quantity", 0, ""),
    ],
)
def test_an_error_points_at_the_character(
    text: str, problem: str, pointed_at: int, expected: str
) -> None:
    with pytest.raises(BudgetError) as caught:
        parse(text)

    first, _, caret, last = str(caught.value).split("\n")
    assert first == f"A budget cannot be read: {problem}."
    assert caret == "  " + " " * pointed_at + "^"
    assert last.startswith("Expected ")
    assert expected in last


def test_an_error_shows_the_text_above_the_mark() -> None:
    with pytest.raises(BudgetError) as caught:
        parse("p95(latncy) < 2.5s")

    assert str(caught.value) == (
        "A budget cannot be read: 'latncy' is no quantity for p95().\n"
        "  p95(latncy) < 2.5s\n"
        "      ^\n"
        "Expected cost, latency, ttft, tokens.input, tokens.output, tokens.cached or retries. "
        "Did you mean latency?"
    )


def test_the_mark_stays_below_its_character_behind_wide_and_escaped_ones() -> None:
    with pytest.raises(BudgetError) as caught:
        parse("cost < 1 \x1b")

    assert str(caught.value).split("\n")[1:3] == ["  cost < 1 \\x1b", "           ^"]


def test_a_strict_bound_excludes_itself() -> None:
    one = Decimal(1)

    assert not parse("cost < 1").holds(one)
    assert parse("cost <= 1").holds(one)
    assert parse("cost < 1").holds(Decimal("0.999999999"))
    assert not parse("cost <= 1").holds(Decimal("1.000000001"))


def test_only_percentiles_have_a_percent() -> None:
    assert parse("p99(cost) < 1").percent == 99
    assert parse("max(cost) < 1").percent is None

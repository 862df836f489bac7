"""Expressions: what does the text of a budget, such as `p95(latency) < 2.5s`, say?

    expression = term ("<" | "<=") bound
    term       = quantity | function "(" quantity ")"
    bound      = number [unit]

A quantity without a function is that of each request. Spaces may stand between all parts.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NoReturn, cast

from pytest_llmprod.core.errors import BudgetError
from pytest_llmprod.core.text import escaped, width

Function = Literal["each", "sum", "mean", "p50", "p95", "p99", "max", "count", "monthly"]
Quantity = Literal[
    "cost",
    "latency",
    "ttft",
    "tokens.input",
    "tokens.output",
    "tokens.cached",
    "requests",
    "retries",
]
Comparator = Literal["<", "<="]

#: What one unit is in USD, seconds, or pieces.
_MONEY = {"USD": Decimal(1)}
_TIMES = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60)}
_COUNTS = {"k": Decimal(1000), "M": Decimal(1_000_000)}

_UNITS: Mapping[str, Mapping[str, Decimal]] = {
    "cost": _MONEY,
    "latency": _TIMES,
    "ttft": _TIMES,
    "tokens.input": _COUNTS,
    "tokens.output": _COUNTS,
    "tokens.cached": _COUNTS,
    "requests": _COUNTS,
    "retries": _COUNTS,
}
#: The functions that take fewer quantities than all but `requests`.
_TAKES = {"count": ("requests",), "monthly": ("cost",)}
_FUNCTIONS = ("sum", "mean", "p50", "p95", "p99", "max", "count", "monthly")
_EACH = tuple(name for name in _UNITS if name != "requests")

_LONGEST = 200  # characters of a text
_DIGITS = 9  # before and after the point: more than any budget needs, and exact in a Decimal
_TOO_MUCH = 10**_DIGITS  # USD, seconds or pieces
_OPEN = re.compile(r"\(")
_CLOSE = re.compile(r"\)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_COMPARATOR = re.compile(r"<=|<")
_BLANKS = re.compile(r"\s*")  # also those that a copy from a page brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A figure and the bound below which it has to stay.

    `function` is `each` where every request is judged by itself. `bound` is in USD for costs, in
    seconds for times, and else a number of pieces. `str()` gives a text that parses to the same.
    """

    function: Function
    quantity: Quantity
    comparator: Comparator
    bound: Decimal

    def holds(self, figure: Decimal) -> bool:
        """Say whether `figure` keeps the bound; it is in the unit of `bound`."""
        return figure < self.bound if self.comparator == "<" else figure <= self.bound

    @property
    def percent(self) -> int | None:
        """Return 95 for p95, None where the function is no percentile."""
        return int(self.function[1:]) if self.function in ("p50", "p95", "p99") else None

    def __str__(self) -> str:
        term = self.quantity if self.function == "each" else f"{self.function}({self.quantity})"
        return f"{term} {self.comparator} {bound_text(self.quantity, self.bound)}"


def bound_text(quantity: Quantity, figure: Decimal) -> str:
    """Return a figure of `quantity` as the grammar writes bounds, without rounding."""
    units = _UNITS[quantity]
    if units is _TIMES:
        is_short = 0 < figure < 1 or figure != round(figure, _DIGITS)
        return f"{_plain(figure * 1000)}ms" if is_short else f"{_plain(figure)}s"
    if units is _COUNTS:
        for unit in ("M", "k"):
            if figure and figure % _COUNTS[unit] == 0:
                return f"{_plain(figure / _COUNTS[unit])}{unit}"
    return _plain(figure)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse(text: str) -> Expression:
    """Return what `text` says; raise BudgetError, which points at the first wrong character."""
    return _Parser(text).expression()


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        if len(text) > _LONGEST:
            raise BudgetError(
                f"A budget has {len(text):,} characters, and {_LONGEST} are the most. Write each "
                f"budget as a text of its own, such as 'cost < 0.002'."
            )

    def expression(self) -> Expression:
        function, quantity = self._term()
        comparator = self._comparator()
        bound = self._bound(quantity)
        self._skip_blanks()
        if self._at < len(self._text):
            if re.match(r",\d", self._text[self._at :]):
                self._fail("a comma is no decimal point", ["a point, as in 0.002"])
            self._fail(
                "there is more behind the bound", ["the end; several budgets are several texts"]
            )
        return Expression(function=function, quantity=quantity, comparator=comparator, bound=bound)

    def _term(self) -> tuple[Function, Quantity]:
        start, word = self._word()
        if self._take(_OPEN) is None:
            return "each", self._each(start, word)
        if word not in _FUNCTIONS:
            self._fail_word(start, word, "function", _FUNCTIONS)
        takes = _TAKES.get(word, _EACH)
        inner, quantity = self._word()
        if quantity == "requests" and quantity not in takes:
            self._fail("requests can only be counted", ["count(requests)"], start)
        if quantity not in takes:
            self._fail_word(inner, quantity, f"quantity for {word}()", takes)
        if self._take(_CLOSE) is None:
            self._fail("the parenthesis is not closed", [")"])
        return cast("Function", word), cast("Quantity", quantity)

    def _each(self, start: int, word: str) -> Quantity:
        if word == "requests":
            self._fail("requests can only be counted", ["count(requests)"], start)
        if word in _FUNCTIONS:
            takes = _TAKES.get(word, _EACH)
            self._fail(f"{word} is of something", [f"{word}({takes[0]})"])
        if word not in _EACH:
            self._fail_word(start, word, "quantity", _EACH, _FUNCTIONS)
        return cast("Quantity", word)

    def _comparator(self) -> Comparator:
        found = self._take(_COMPARATOR)
        if found is None:
            self._fail("a budget is an upper bound", ["<", "<="])
        return cast("Comparator", found)

    def _bound(self, quantity: Quantity) -> Decimal:
        self._skip_blanks()
        start = self._at
        number = self._take(_NUMBER)
        if number is None:
            self._fail("there is no number", ["a number, such as 20 or 0.002"])
        if any(len(part) > _DIGITS for part in number.split(".")):
            self._fail(
                "the number is too long",
                [f"{_DIGITS} digits at most on each side of the point"],
                start,
            )
        bound = Decimal(number) * self._unit(quantity)
        if bound >= _TOO_MUCH:
            self._fail("the bound is too large", [f"less than {_TOO_MUCH:,}"], start)
        return bound

    def _unit(self, quantity: Quantity) -> Decimal:
        units = _UNITS[quantity]
        self._skip_blanks()
        start = self._at
        unit = self._take(_WORD)
        if unit is None:
            if units is _TIMES:
                self._fail(f"{quantity} needs a unit", list(_TIMES))
            return Decimal(1)
        if unit not in units:
            self._fail_word(start, unit, f"unit of {quantity}", tuple(units))
        return units[unit]

    def _word(self) -> tuple[int, str]:
        self._skip_blanks()
        start = self._at
        word = self._take(_WORD)
        if word is None:
            self._fail("there is no quantity", _EACH)
        return start, word

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        """Return what stands here and matches, and go on behind it; None where nothing does."""
        self._skip_blanks()
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match.group()

    def _skip_blanks(self) -> None:
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _fail_word(
        self, start: int, word: str, noun: str, known: Iterable[str], others: Iterable[str] = ()
    ) -> NoReturn:
        """Fail at a word that is not known; what it resembles may be one of `others` as well."""
        known = tuple(known)
        by_folded = {each.casefold(): each for each in (*known, *others)}
        close = difflib.get_close_matches(word.casefold(), by_folded, n=1)
        hint = f" Did you mean {by_folded[close[0]]}?" if close else ""
        self._fail(f"{word!r} is no {noun}", known, start, hint)

    def _fail(
        self, problem: str, expected: Iterable[str], at: int | None = None, hint: str = ""
    ) -> NoReturn:
        """Raise the error that points at a character, at the next one unless told otherwise."""
        if at is None:
            self._skip_blanks()
            at = self._at
        before = " " * width(escaped(self._text[:at]))
        raise BudgetError(
            f"A budget cannot be read: {problem}.\n"
            f"  {escaped(self._text)}\n"
            f"  {before}^\n"
            f"Expected {_either(list(expected))}.{hint}"
        )


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

"""Numeric: is the number that an output gives the expected one?"""

import math
import re
from typing import Any, Literal

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics.scoring import NO_OUTPUT, Score, is_number
from pytest_llmprod.evals.metrics.texts import as_text, brief, shown

Pick = Literal["last", "first", "only"]

# A sign counts where no word or number ends before it: 10-20 are 10 and 20. Commas part thousands.
_START = r"(?<!\w)(?<!\d\.)[-+]?"
_NUMBER = re.compile(
    rf"{_START}(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|{_START}\.\d+"
)
_PLAIN = str.maketrans("\N{MINUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH FULL STOP}", "--.")


def numeric(
    output: Any, expected: Any, *, rel: float = 1e-6, abs: float = 0.0, pick: Pick = "last"
) -> Score:
    """Score 1 where the output's number is the expected one, give or take a tolerance.

    That is `abs`, or `rel` times the expected number, whichever is more. Of several numbers in a
    text the last one counts, as graders of worked answers read it; `pick` may say "first", or
    "only", for which two are none. Commas part thousands, and a currency or % is left out.
    """
    wanted = _expected(expected)
    if output is None:
        return NO_OUTPUT
    if pick not in ("last", "first", "only"):
        raise MetricError(f"numeric has no pick {pick!r}. Use 'last', 'first' or 'only'.")
    if isinstance(output, int | float):
        if not is_number(output):
            return Score(0.0, why=f"{shown(output)} is no finite number")
        found = float(output)
    else:
        text = as_text(output)
        numbers = _NUMBER.findall(text.translate(_PLAIN))
        if not numbers:
            return Score(0.0, why=f"no number in {shown(output)}")
        if pick == "only" and len(numbers) > 1:
            return Score(0.0, why=f"{len(numbers)} numbers in {shown(output)}")
        found = float(numbers[0 if pick == "first" else -1].replace(",", ""))
    tolerance = max(abs, rel * math.fabs(wanted))
    if math.fabs(found - wanted) <= tolerance:
        return Score(1.0)
    return Score(0.0, why=f"{found:.10g} is not within {tolerance:.4g} of {wanted:.10g}")


def _expected(value: Any) -> float:
    """Return the expected number, which in a CSV file is a text."""
    if isinstance(value, str):
        number = value.strip().replace(",", "")
        if _NUMBER.fullmatch(number) and math.isfinite(float(number)):
            return float(number)
    elif is_number(value):
        return float(value)
    raise MetricError(
        f"numeric needs a finite number in `expected` of the row, not {brief(value)}. Where the "
        f"number is a part of what is expected, write a metric of your own that compares this part."
    )

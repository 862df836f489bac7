"""Words: metrics of the text of an output.

An output that is no text is read as JSON with sorted keys. Without an output, None, each scores 0.
"""

import re
from typing import Any, Literal

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics.scoring import NO_OUTPUT, Score
from pytest_llmprod.evals.metrics.texts import as_text, brief, instead, listed, normal_form, shown


def exact(output: Any, expected: Any) -> Score:
    """Score 1 where output and expectation are equal, type included, and 0 elsewhere."""
    try:
        is_equal = type(output) is type(expected) and output == expected
    except RecursionError:
        return Score(0.0, why="nested too deeply to compare")
    return Score(1.0) if is_equal else Score(0.0, why=instead(expected, output))


def normalised(output: Any, expected: Any) -> Score:
    """Score 1 where both read the same: in Unicode form NFKC, case and white space folded."""
    if normal_form(output) == normal_form(expected):
        return Score(1.0)
    return Score(0.0, why=instead(expected, output))


def contains(output: Any, expected: Any) -> Score:
    """Score the share of the expected texts, one or a list, that occur in the output.

    Both are read as by `normalised`.
    """
    if output is None:
        return NO_OUTPUT
    wanted = _texts("contains", expected)
    text = normal_form(output)
    absent = [each for each in wanted if normal_form(each) not in text]
    if not absent:
        return Score(1.0)
    share = (len(wanted) - len(absent)) / len(wanted)
    return Score(share, why=f"no {listed(map(brief, absent))} in {shown(output)}")


def not_contains(output: Any, expected: Any) -> Score:
    """Score 1 where none of the texts that the row names, one or a list, occurs in the output.

    Both are read as by `normalised`. One that occurs makes it 0.
    """
    if output is None:
        return NO_OUTPUT
    text = normal_form(output)
    found = [each for each in _texts("not_contains", expected) if normal_form(each) in text]
    return (
        Score(0.0, why=f"{listed(map(brief, found))} in {shown(output)}") if found else Score(1.0)
    )


def regex(output: Any, expected: Any, *, pattern: str | None = None) -> Score:
    """Score 1 where the pattern is found in the output: `pattern`, or what the row expects.

    The pattern is Python's (`re`); `^` and `$` tie it to the ends, and `(?i)` folds case. It is the
    team's own: one that backtracks without end, such as `(a+)+$`, hangs on the wrong output.
    """
    wanted = expected if pattern is None else pattern
    if not isinstance(wanted, str):
        raise MetricError(
            f"regex needs a pattern as text, not {brief(wanted)}. Write it into `expected` of each "
            f"row, or give one for all: partial(regex, pattern=r'...')."
        )
    if output is None:
        return NO_OUTPUT
    try:
        compiled = re.compile(wanted)
    except re.error as error:
        raise MetricError(
            f"{brief(wanted)} is no regular expression ({error}). Correct it."
        ) from error
    if compiled.search(as_text(output)):
        return Score(1.0)
    return Score(0.0, why=f"{brief(wanted)} is not found in {shown(output)}")


Unit = Literal["characters", "words", "lines"]


def length(
    output: Any, expected: Any, *, at_most: int, at_least: int = 0, unit: Unit = "characters"
) -> Score:
    """Score 1 where the output is from `at_least` to `at_most` units long; ignores the expectation.

    Words are parted by white space. Lines at the end that hold nothing do not count.
    """
    if output is None:
        return NO_OUTPUT
    text = as_text(output)
    if unit == "characters":
        size = len(text)
    elif unit == "words":
        size = len(text.split())
    elif unit == "lines":
        size = len(text.rstrip().splitlines())
    else:
        raise MetricError(f"length has no unit {unit!r}. Use 'characters', 'words' or 'lines'.")
    if at_least <= size <= at_most:
        return Score(1.0)
    return Score(0.0, why=f"{size:,} {unit}, expected {at_least:,} to {at_most:,}")


def similarity(output: Any, expected: Any) -> Score:
    """Score how alike the two texts are, both read as by `normalised`: 1 for the same.

    It is 1 - d / (a + b) for texts of a and b characters, where d counts the characters that are to
    be deleted and inserted (the Indel similarity of rapidfuzz, which `difflib` approximates).

    Raises MetricError where rapidfuzz, the extra `similarity`, is not installed.
    """
    if output is None:
        return NO_OUTPUT
    need_rapidfuzz()
    from rapidfuzz.distance import Indel  # only this metric needs it

    value = Indel.normalized_similarity(normal_form(output), normal_form(expected))
    return Score(value, why="" if value == 1 else instead(expected, output))


def need_rapidfuzz() -> None:
    """Raise MetricError, with the command that installs it, where rapidfuzz is missing."""
    try:
        import rapidfuzz  # noqa: F401  # only `similarity` needs it
    except ImportError:
        raise MetricError(
            "the metric 'similarity' needs rapidfuzz, which is not installed. Run "
            "pip install 'pytest-llmprod[similarity]'."
        ) from None


def _texts(metric: str, expected: Any) -> list[str]:
    texts = expected if isinstance(expected, list | tuple) else [expected]
    for each in texts:
        if each is None or not normal_form(each):
            raise MetricError(
                f"{metric} needs a text, or a list of texts, and none of them empty, not "
                f"{brief(expected)}. Write it into `expected` of the row; [] where there is none."
            )
    return [as_text(each) for each in texts]

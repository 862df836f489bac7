"""Documents: metrics of an output that is to be JSON.

A text is read as JSON by the letter: NaN, a comment or a code fence around it make it none, as for
the application that reads it next. Any other output is taken as the value that it is.
"""

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics.scoring import NO_OUTPUT, Score
from pytest_llmprod.evals.metrics.texts import brief, listed, plain, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FENCED = re.compile(r"\s*```\w*[ \t]*\n(.*)\n[ \t]*```\s*", re.DOTALL)


def json_valid(output: Any, expected: Any, *, fenced: bool = False) -> Score:
    """Score 1 where the output is JSON; ignores the expectation.

    With `fenced` the JSON may stand in a Markdown code fence.
    """
    if output is None:
        return NO_OUTPUT
    try:
        _document(output, fenced=fenced)
    except ValueError as error:
        return Score(0.0, why=str(error))
    return Score(1.0)


def json_model(output: Any, expected: Any, *, model: Any, fenced: bool = False) -> Score:
    """Score 1 where the output fits `model`, a pydantic model or any type that pydantic checks.

    Ignores the expectation. An output that is an instance of the model fits. With `fenced` the JSON
    may stand in a Markdown code fence.
    """
    if output is None:
        return NO_OUTPUT
    from pydantic import TypeAdapter, ValidationError  # only this metric needs it

    try:
        if isinstance(output, str | bytes | bytearray):
            text = _unfenced(output, fenced=fenced)
            parse_json(text)  # pydantic reads NaN, which is no JSON
            TypeAdapter(model).validate_json(text)
        else:
            TypeAdapter(model).validate_python(output)
    except ValidationError as error:
        return Score(0.0, why=_first_problem(error.errors(include_url=False)))
    except ValueError as error:
        return Score(0.0, why=str(error))
    return Score(1.0)


def _first_problem(errors: list[Any]) -> str:
    place = ".".join(str(step) for step in errors[0]["loc"])
    others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place}{': ' if place else ''}{errors[0]['msg']}{others}"


# An output that is so much larger than what is expected scores next to nothing whatever it holds,
# and comparing takes quadratic time: a model that repeats itself must not hang the run.
_LEAST_LIMIT = 1000
_MOST_TIMES = 10


def json_similarity(
    output: Any, expected: Any, *, ordered: bool = True, fenced: bool = False
) -> Score:
    """Score how alike two JSON documents are, from 0 to 1 for the same.

    It is the F1 of their leaves: the values, each at its place, that both have, in shares of all
    values of both. deepdiff finds what differs; it aligns lists of plain values, compares lists of
    objects item by item, and pairs the likest items without `ordered`. 1 equals 1.0 and not true;
    an empty list or object is one value. An output with more than ten times as many values as were
    expected, and more than 1,000, scores 0. With `fenced` the JSON may stand in a code fence.
    """
    wanted = _expected(expected)
    if output is None:
        return NO_OUTPUT
    try:
        return _compared(wanted, _document(output, fenced=fenced), ordered=ordered)
    except ValueError as error:
        return Score(0.0, why=str(error))
    except RecursionError:
        return Score(0.0, why="nested too deeply to compare")


def _expected(value: Any) -> Any:
    try:
        return _document(value, fenced=False)
    except ValueError as error:
        raise MetricError(
            f"json_similarity needs JSON in `expected` of the row, not {brief(value)} ({error})."
        ) from None


def _compared(wanted: Any, found: Any, *, ordered: bool) -> Score:
    wanted, found = _marked(wanted), _marked(found)
    if wanted == found:
        return Score(1.0)
    sizes = _count_leaves(wanted), _count_leaves(found)
    if sizes[1] > max(_LEAST_LIMIT, _MOST_TIMES * sizes[0]):
        return Score(0.0, why=f"{sizes[1]:,} values, expected {sizes[0]:,}")
    lost, places = 0, []
    for place, leaves in _differences(wanted, found, ordered=ordered):
        lost += leaves
        places.append(place)
    if not places:
        return Score(1.0)
    return Score(1 - lost / sum(sizes), why=f"differs at {listed(sorted(places))}")


def _differences(wanted: Any, found: Any, *, ordered: bool) -> "Iterator[tuple[str, int]]":
    """Yield the place of each difference, and how many leaves one side has there and not both."""
    # Only documents that differ need deepdiff, which takes longer to import than all the rest.
    from deepdiff import DeepDiff
    from deepdiff.helper import notpresent

    tree = DeepDiff(
        wanted,
        found,
        view="tree",
        ignore_order=not ordered,
        report_repetition=True,
        ignore_numeric_type_changes=True,
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
    )
    filled: set[str] = set()  # what is empty on one side: there it is a value itself
    for kind in tree:
        for part in tree[kind]:
            path = part.path(output_format="list")
            leaves = sum(
                _count_leaves(side) for side in (part.t1, part.t2) if side is not notpresent
            )
            if kind == "repetition_change":  # the same item on both sides, here more often
                counts = part.additional["repetition"]
                leaves = leaves // 2 * abs(counts["old_repeat"] - counts["new_repeat"])
            above = _place(path[:-1])
            if part.up and not (part.up.t1 and part.up.t2) and above not in filled:
                filled.add(above)
                leaves += 1
            yield _place(path), leaves


def _place(path: list[str | int]) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return place or "the top"


def _count_leaves(value: Any) -> int:
    """Return how many values a document holds that hold no others; not recursive."""
    count, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        inside = part.values() if isinstance(part, dict) else part
        if isinstance(part, dict | list) and part:
            waiting.extend(inside)
        else:
            count += 1
    return count


# To Python and in lists to deepdiff true is 1 and false is 0: these stand in for them.
_MARKS = {True: "\ue000true", False: "\ue000false"}


def _marked(value: Any) -> Any:
    if isinstance(value, bool):
        return _MARKS[value]
    if isinstance(value, list):
        return [_marked(part) for part in value]
    if isinstance(value, dict):
        return {name: _marked(part) for name, part in value.items()}
    return value


def _document(output: Any, *, fenced: bool) -> Any:
    """Return the JSON value of an output; raise ValueError, which says why it has none."""
    if isinstance(output, str | bytes | bytearray):
        return parse_json(_unfenced(output, fenced=fenced))
    try:
        text = json.dumps(output, default=plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from None
    return parse_json(text)


def _unfenced(output: str | bytes | bytearray, *, fenced: bool) -> str:
    text = output if isinstance(output, str) else bytes(output).decode("utf-8", "replace")
    found = _FENCED.fullmatch(text)
    if found is None:
        return text
    if fenced:
        return found[1]
    raise ValueError("stands in a code fence (allow it with fenced=True)")


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; raise ValueError, which says why it is none."""
    try:
        return _decode(text)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        what = "nested too deeply"
    except ValueError as error:
        what = str(error)
    raise ValueError(f"no JSON ({what}): {shown(text)}") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_decode: "Callable[[str], Any]" = json.JSONDecoder(parse_constant=_refuse).decode

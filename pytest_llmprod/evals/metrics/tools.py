"""Tools: did the model ask for the tools that it should, with these arguments, in this order?"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.evals.metrics.documents import parse_json
from pytest_llmprod.evals.metrics.lists import common_in_order, f1, places_of
from pytest_llmprod.evals.metrics.scoring import NO_OUTPUT, Score
from pytest_llmprod.evals.metrics.texts import brief, canonical, listed, plain, shown


def tool_calls(
    output: Any, expected: Any, *, exchanges: Sequence[Exchange] = (), ordered: bool = True
) -> Score:
    """Score the F1 of the tool calls that were expected and those that the model made.

    The calls are those in the answers of `exchanges`. Where the case made no request they are the
    output: a list of calls, each with `name` and `arguments`, or as OpenAI or Anthropic write them.
    The row expects a list of names, for which any arguments will do, or of objects with `name` and
    `arguments`, which must be equal as JSON. Calls count in their order, gaps allowed, or in any
    order without `ordered`. No call where none was expected scores 1.
    """
    wanted = _wanted(expected)
    made: Sequence[_Call] | None
    if exchanges:
        made = [_Call(call.name, call.arguments) for each in exchanges for call in each.tool_calls]
    elif output is None:
        return NO_OUTPUT
    else:
        made = _read(output)
        if made is None:
            return Score(0.0, why=f"no list of tool calls: {shown(output)}")
    common = _common_in_order(made, wanted) if ordered else _common(made, wanted)
    value = f1(common, len(made), len(wanted))
    if value == 1:
        return Score(1.0)
    return Score(value, why=f"expected {_listed(wanted)}, called {_listed(made)}")


_ANY: Any = object()  # arguments of an expected call for which any will do
_NAMES_OF_ARGUMENTS = ("arguments", "input", "args")


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    arguments: Any

    @property
    def key(self) -> str:
        """Return a text that is the same for calls with equal arguments."""
        return self.name if self.arguments is _ANY else canonical([self.name, self.arguments])

    def __str__(self) -> str:
        if self.arguments is _ANY:
            return self.name
        if isinstance(self.arguments, Mapping):
            named = (f"{name}={shown(value)}" for name, value in self.arguments.items())
            return f"{self.name}({', '.join(named)})"
        return f"{self.name}({shown(self.arguments)})"


def _common_in_order(made: Sequence[_Call], wanted: Sequence[_Call]) -> int:
    places = places_of([call.key for call in wanted])
    found = (places.get(call.key, 0) | places.get(call.name, 0) for call in made)
    return common_in_order(found, len(wanted))


def _common(made: Sequence[_Call], wanted: Sequence[_Call]) -> int:
    """Count the pairs in any order; a name takes what no call with arguments has taken."""
    strict = Counter(call.key for call in wanted if call.arguments is not _ANY)
    loose = Counter(call.name for call in wanted if call.arguments is _ANY)
    left: Counter[str] = Counter()
    common = 0
    for call in made:
        if strict[call.key]:
            strict[call.key] -= 1
            common += 1
        else:
            left[call.name] += 1
    return common + (left & loose).total()


def _listed(calls: Iterable[_Call]) -> str:
    return listed(map(str, calls)) or "no tool"


def _wanted(expected: Any) -> list[_Call]:
    value = expected
    if isinstance(value, str):
        value = _parsed(value)
    calls = [_call(each, without=_ANY) for each in value] if isinstance(value, list) else [None]
    if None in calls:
        raise MetricError(
            f"tool_calls needs a list in `expected` of the row, of names or of objects with name "
            f"and arguments, not {brief(expected)}. Where no tool is to be called, write []."
        )
    return [call for call in calls if call is not None]


def _read(output: Any) -> list[_Call] | None:
    """Return the calls that an output lists, None where it is no such list."""
    value = _parsed(output) if isinstance(output, str) else output
    if not isinstance(value, list | tuple):
        return None
    calls = [_call(each, without={}) for each in value]
    return None if None in calls else [call for call in calls if call is not None]


def _call(value: Any, *, without: Any) -> _Call | None:
    """Return one call as OpenAI, Anthropic or an agent library writes it."""
    if isinstance(value, str):
        return _Call(value, without)
    if not isinstance(value, Mapping):
        value = plain(value)
    if isinstance(value, Mapping) and isinstance(value.get("function"), Mapping):
        value = value["function"]
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return None
    for name in _NAMES_OF_ARGUMENTS:
        if name in value:
            arguments = value[name]
            return _Call(
                value["name"], _parsed(arguments) if isinstance(arguments, str) else arguments
            )
    return _Call(value["name"], without)


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text

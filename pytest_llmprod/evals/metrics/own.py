"""Own: metrics that a team writes, one decorator above a function.

The decorator notes the name on the function and nowhere else: the plugin looks for such functions
where pytest loaded them from, so that each test sees those of its module and its conftest files.
"""

from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any, TypeVar, overload

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics.scoring import Metric

_F = TypeVar("_F", bound=Callable[..., Any])
_MARK = "llmprod_metric"
PASSED = "passed"
"""The metric that every eval has: the share of cases without a miss or an error."""


@overload
def metric(function: _F, /) -> _F: ...
@overload
def metric(name: str, /) -> Callable[[_F], _F]: ...
def metric(function_or_name: _F | str, /) -> _F | Callable[[_F], _F]:
    """Make a function of (output, expected) a metric that `threshold=` takes by name.

    Write it without brackets for the name of the function, or with a name. The function stays what
    it is, and can be called and tested as such. Raises MetricError on what is no function, and for
    the name `passed`, which every eval has.

    >>> @metric("first_word")
    ... def begins_alike(output, expected):
    ...     return output.split()[:1] == expected.split()[:1]
    """
    if isinstance(function_or_name, str):
        name = function_or_name
        return lambda function: _marked(function, name)
    return _marked(function_or_name, getattr(function_or_name, "__name__", ""))


def _marked(function: _F, name: str) -> _F:
    if not isinstance(function, FunctionType):
        raise MetricError(
            f"@metric stands above a function of (output, expected), not above {function!r}. Write "
            f"`def name(output, expected):` below it."
        )
    if not name or name == PASSED:
        raise MetricError(
            f"a metric cannot be called {name!r}: {PASSED!r} is the share of cases without a miss "
            f"or an error. Give it another name: @metric('name')."
        )
    setattr(function, _MARK, name)
    return function


def marked_name(function: object) -> str:
    """Return the name that `@metric` gave a function, '' where it stands above none."""
    if type(function) is not FunctionType:  # not getattr: some objects answer to every name
        return ""
    name = function.__dict__.get(_MARK, "")
    return name if isinstance(name, str) else ""


def metrics_in(module: ModuleType) -> Mapping[str, Metric]:
    """Return the functions with `@metric` among the names of a module, imported ones included.

    Raises MetricError where two have one name.
    """
    found: dict[str, Any] = {}
    for value in list(vars(module).values()):
        name = marked_name(value)
        if name and found.setdefault(name, value) is not value:
            one, other = (f"{each.__name__}()" for each in (found[name], value))
            where = getattr(module, "__file__", None) or module.__name__
            raise MetricError(
                f"{where}: {one} and {other} are both "
                f"the metric {name!r}. Give one of them another name: @metric('name'), "
                f"and a judge by llm_judge(..., name='name')."
            )
    return found

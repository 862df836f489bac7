"""Growth: does a suite ask more than in the accepted run?

Calls and input tokens are exact in a replay: they move where a prompt or the code has changed, and
by nothing else. So they need no statistics, and no samples.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pytest_llmprod.core.growth import Growth, Moved
from pytest_llmprod.evals.standing import function_of
from pytest_llmprod.evals.stored_run import StoredCase, StoredSuite

#: By how much a figure may grow, as a share of what it was.
MOST = 0.1
_Cases = Mapping[str, StoredCase]


def compare(old: Iterable[StoredSuite], new: Sequence[StoredSuite]) -> Iterator[Growth]:
    """Yield what became of each suite that both runs have and of which both know something.

    Cases are compared that are in both. One whose tokens are not known in one of them counts for
    the calls alone.
    """
    before = {suite.test: suite for suite in old}
    for suite in {each.test: each for each in new}.values():
        if suite.test in before:
            a, b = before[suite.test].cases, suite.cases
            tokens = _moved(a, b, lambda case: case.input_tokens)
            calls = _moved(a, b, lambda case: case.calls)
            if tokens.cases or calls.cases:
                yield Growth(
                    feature=suite.feature,
                    test=suite.test,
                    nodeid=_nodeid(suite.test),
                    input_tokens=tokens,
                    calls=calls,
                    is_too_much=max(_exact(tokens.share), _exact(calls.share)) > MOST,
                )


def _moved(a: _Cases, b: _Cases, figure: Callable[[StoredCase], float | None]) -> Moved:
    pairs = [(figure(case), figure(b[name])) for name, case in a.items() if name in b]
    known = [(old, new) for old, new in pairs if old is not None and new is not None]
    return Moved(
        before=sum(old for old, _ in known),
        now=sum(new for _, new in known),
        cases=len(known),
        changed=sum(old != new for old, new in known),
    )


def _exact(share: float) -> float:
    """Return a share without the last digits, in which a tenth more is more than a tenth."""
    return round(share, 9)


def _nodeid(test: str) -> str:
    function = function_of(test)
    return f"{function}::growth{test.removeprefix(function)}"

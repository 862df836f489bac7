"""Strange features: which names of features of a run are likely to be slips of the pen.

A feature whose name is wrong in one place has neither the budgets of its settings nor the drills of
its tests, and nothing fails by that.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pytest_llmprod.core.results import RunResult
from pytest_llmprod.core.text import printable

_NEAR = 0.75  # of difflib's ratio: a letter of four


def strange_features(result: RunResult, settings: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each feature that reads like another one, and lacks what that has.

    `settings` are the features of pyproject.toml. A run of some tests only may lack the tests of
    a feature: so what it lacks is told only where a name is near that nothing else explains.
    """
    evals = {suite.feature for suite in result.suites}
    drilled = {each.feature for each in result.drills}
    guarded = {each.feature for each in result.mode_tests}
    others = (drilled | guarded) - evals
    known = set(settings)
    for feature in sorted(known - evals - others):
        near = _near(feature, (evals | others) - known)
        if near:
            yield (
                f"no test has the feature {printable(feature)} of pyproject.toml; did you mean "
                f"{printable(near)}?"
            )
    for feature in sorted(others - known):
        near = _near(feature, evals)
        if near:
            yield (
                f"the feature {printable(feature)} has no eval, and {printable(near)} has one; "
                f"correct its marker if both are the same"
            )


def _near(feature: str, names: Iterable[str]) -> str:
    """Return the name that reads like `feature`, or has the same letters, '' for none."""
    names = sorted(names)
    swapped = [each for each in names if sorted(each) == sorted(feature)]
    return next(iter([*swapped, *get_close_matches(feature, names, n=1, cutoff=_NEAR)]), "")

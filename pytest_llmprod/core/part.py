"""Part: what of a run the one must know who joins it with others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a run says of itself that its results do not tell.

    `settings` maps names to plain JSON; shards of one run have equal ones. `left_out` names the
    suites of which evals were deselected. `incomplete` says why something is missing that should
    have come, '' where nothing is. `tests` maps the node id of a test to what its report carried
    beside the row of a case.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    incomplete: str = ""
    tests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


WHOLE = Part()

"""Growth: what the cases of a suite ask now, against what they asked in the accepted run."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A figure over all cases that both runs know: its sum before and now.

    `changed` of the `cases` have another figure than before.
    """

    before: float
    now: float
    cases: int
    changed: int

    @property
    def share(self) -> float:
        """Return how much more it is now, as a share of before: 0.1 is a tenth more."""
        if not self.before:
            return math.inf if self.now else 0.0
        return (self.now - self.before) / self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What became of the input tokens and the calls of one suite.

    The cases of all its metrics are the same. `is_too_much` says that one of the figures has grown
    by more than may be. `nodeid` names the report that says so.
    """

    feature: str
    test: str
    nodeid: str
    input_tokens: Moved
    calls: Moved
    is_too_much: bool

"""Swap: what became of a suite between two runs, a new model against an old one for instance."""

from dataclasses import dataclass
from typing import Literal

SwapVerdict = Literal["NON-INFERIOR", "INFERIOR", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """What became of one suite and one metric between two runs.

    `table` is (both, only_a, only_b, neither), over the cases of A. A case of A that is not in B
    counts as one that B got wrong and stands in `missing`; one that is only in B counts nowhere and
    stands in `added`. `newly_broken` and `newly_fixed` name the cases whose score went down and up,
    in the order of A. `p_value` is that of the exact McNemar test, two-sided, and `p_holm` the same
    corrected for all suites that were compared. `more_cases` would decide an INCONCLUSIVE verdict;
    None where a million would not. The ratios are B over A, None where one of them is unknown.
    """

    feature: str
    test: str
    metric: str
    model_a: str
    model_b: str
    table: tuple[float, float, float, float]
    difference: float
    interval: tuple[float, float]
    margin: float
    p_value: float
    p_holm: float
    verdict: SwapVerdict
    more_cases: int | None
    newly_broken: tuple[str, ...]
    newly_fixed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    cost_ratio: float | None
    p95_latency_ratio: float | None

    @property
    def is_regression(self) -> bool:
        """Say whether somebody has to look: B is inferior, or lacks cases that A had."""
        return self.verdict == "INFERIOR" or bool(self.missing)

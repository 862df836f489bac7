"""Swap: what became of a suite between two runs, a new model against an old one for instance."""

from dataclasses import dataclass
from typing import Literal

#: Why a suite that judges `outputs=` is in no comparison of the models of one run.
SAME_OUTPUTS = "the answers of outputs= are the same for every model"

SwapVerdict = Literal["NON-INFERIOR", "INFERIOR", "INCONCLUSIVE"]


def without_model(test: str, model: str) -> str:
    """Return the name of a test without the model, which the suites of all models share.

    >>> without_model("t.py::test_a[en-gpt]", "gpt")
    't.py::test_a[en]'
    """
    if not model:
        return test
    with_others = f"-{model}]"
    if test.endswith(with_others):
        return test.removesuffix(with_others) + "]"
    return test.removesuffix(f"[{model}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """What became of one suite and one metric between two runs.

    `table` is (both, only_a, only_b, neither), over the cases of A. A case of A that is not in B
    counts as one that B got wrong and stands in `missing`; one that is only in B counts nowhere and
    stands in `added`. `newly_broken` and `newly_fixed` name the cases whose score went down and up,
    in the order of A. `p_value` is that of the exact McNemar test, two-sided, in which the cases of
    a cluster count as one, and `p_holm` the same corrected for all suites that were compared.
    `more_cases` would decide an INCONCLUSIVE verdict; None where a million would not. The ratios
    are B over A, None where one of them is unknown. `is_margin_declared` says that the margin is
    that of the marker in the run A.

    `slices` are the same for the cases of each tag, which `tag` names, by its name; their `p_holm`
    is corrected for the slices of this suite. `tag` is empty for a whole suite.
    """

    feature: str
    test: str
    metric: str
    tag: str
    model_a: str
    model_b: str
    table: tuple[float, float, float, float]
    difference: float
    interval: tuple[float, float]
    margin: float
    is_margin_declared: bool
    p_value: float
    p_holm: float
    verdict: SwapVerdict
    more_cases: int | None
    newly_broken: tuple[str, ...]
    newly_fixed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    cost_ratio: float | None
    tokens_ratio: float | None
    p95_latency_ratio: float | None
    slices: "tuple[Swap, ...]"

    @property
    def is_regression(self) -> bool:
        """Say whether B is inferior, as a whole or for a tag, or lacks cases."""
        return self.verdict == "INFERIOR" or bool(self.missing or self.inferior_slices)

    @property
    def is_worse(self) -> bool:
        """Say whether B is inferior, and not only for cases that it lacks."""
        has_broken = not set(self.newly_broken).issubset(self.missing)
        return has_broken and (self.verdict == "INFERIOR" or bool(self.inferior_slices))

    @property
    def outcome(self) -> str:
        """Return the verdict, or what makes it a regression though B is not inferior as a whole."""
        if self.verdict == "INFERIOR" or not self.is_regression:
            return self.verdict
        return "INFERIOR in a tag" if self.inferior_slices else "LACKS CASES"

    @property
    def inferior_slices(self) -> "tuple[Swap, ...]":
        """Return the slices in which B is inferior."""
        return tuple(each for each in self.slices if each.verdict == "INFERIOR")

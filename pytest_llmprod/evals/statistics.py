"""Statistics: what numbers of hits and misses allow to say, and how surely.

Numbers in, numbers out, in pure Python. Each question has a module of its own, and this one is
where users find them all. It shares its name with a module of the standard library because it is
part of the public contract (`from pytest_llmprod.evals import statistics`).
"""

from pytest_llmprod.core.distributions import binomial_cdf
from pytest_llmprod.core.intervals import MOST_CASES, clopper_pearson, wilson
from pytest_llmprod.core.mcnemar import mcnemar_exact
from pytest_llmprod.evals.agreement import cohens_kappa, rogan_gladen, rogan_gladen_interval
from pytest_llmprod.evals.clusters import (
    INDEPENDENT,
    Design,
    clustered_stderr,
    clustered_wilson,
    design_of,
    design_of_difference,
    more_cases_needed,
    share_interval,
    standard_error,
)
from pytest_llmprod.evals.corrections import (
    benjamini_hochberg,
    confidence_at_look,
    holm,
    shared_confidence,
)
from pytest_llmprod.evals.paired import (
    NonInferiority,
    PairedDifference,
    clustered_difference,
    mcnemar_chi_squared,
    non_inferiority,
    paired_difference,
    paired_table,
)
from pytest_llmprod.evals.passes import pass_at_k, pass_hat_k
from pytest_llmprod.evals.power import (
    cases_needed,
    paired_cases_needed,
    smallest_drop,
    smallest_paired_drop,
)
from pytest_llmprod.evals.resampling import cluster_bootstrap, percentile

__all__ = [
    "INDEPENDENT",
    "MOST_CASES",
    "Design",
    "NonInferiority",
    "PairedDifference",
    "benjamini_hochberg",
    "binomial_cdf",
    "cases_needed",
    "clopper_pearson",
    "cluster_bootstrap",
    "clustered_difference",
    "clustered_stderr",
    "clustered_wilson",
    "cohens_kappa",
    "confidence_at_look",
    "design_of",
    "design_of_difference",
    "holm",
    "mcnemar_chi_squared",
    "mcnemar_exact",
    "more_cases_needed",
    "non_inferiority",
    "paired_cases_needed",
    "paired_difference",
    "paired_table",
    "pass_at_k",
    "pass_hat_k",
    "percentile",
    "rogan_gladen",
    "rogan_gladen_interval",
    "share_interval",
    "shared_confidence",
    "smallest_drop",
    "smallest_paired_drop",
    "standard_error",
    "wilson",
]

"""Time all statistics of a large suite in this process: `python time_statistics.py ROUNDS`.

10,000 cases in 1,000 conversations were answered by two models; each case has 3 of 50 tags. For the
whole and for each tag: the interval of both models, table, difference, exact p, non-inferiority and
what would decide it, then both corrections. Once: the bootstrap, the power, kappa and pass^k.

Prints a JSON object: the milliseconds of CPU of each round, for all of it and for the bootstrap
alone, and the number of slices with a difference that is left.
"""

import json
import random
import sys
from collections import defaultdict
from time import process_time

from pytest_llmprod.evals import statistics

CASES = 10_000
CLUSTERS = 1_000
TAGS = 50
TAGS_OF_A_CASE = 3


def answers() -> tuple[list[float], list[float], list[int], list[list[int]]]:
    """Return the scores of both models, the conversation and the tags of each case."""
    source = random.Random(7)
    old = [float(source.random() < 0.92) for _ in range(CASES)]
    new = [score if source.random() < 0.9 else float(source.random() < 0.85) for score in old]
    clusters = [source.randrange(CLUSTERS) for _ in range(CASES)]
    tags = [source.sample(range(TAGS), TAGS_OF_A_CASE) for _ in range(CASES)]
    return old, new, clusters, tags


def p_of_slice(old: list[float], new: list[float], clusters: list[int]) -> float:
    """Work out everything about a slice and return its p-value."""
    statistics.clustered_wilson(old, clusters)
    statistics.clustered_wilson(new, clusters)
    table = statistics.paired_table(old, new)
    design = statistics.design_of_difference(old, new, clusters)
    statistics.non_inferiority(table, 0.02, 0.999, design)
    return statistics.mcnemar_exact(int(table[1]), int(table[2]))


def everything(
    old: list[float], new: list[float], clusters: list[int], tags: list[list[int]]
) -> tuple[int, float]:
    """Return the number of findings, and the CPU time of the bootstrap alone."""
    slices: defaultdict[int, list[int]] = defaultdict(list)
    for number, its_tags in enumerate(tags):
        for tag in its_tags:
            slices[tag].append(number)
    ps = [p_of_slice(old, new, clusters)]
    ps += [
        p_of_slice([old[i] for i in s], [new[i] for i in s], [clusters[i] for i in s])
        for s in slices.values()
    ]
    findings = sum(p < 0.05 for p in statistics.holm(ps))
    statistics.benjamini_hochberg(ps)
    statistics.cases_needed(0.92, 0.9)
    statistics.smallest_drop(CASES, 0.92)
    statistics.cohens_kappa(old, new)
    statistics.pass_hat_k([3] * CASES, 5, 2)
    start = process_time()
    statistics.cluster_bootstrap(old, clusters, seed=1)
    return findings, process_time() - start


if __name__ == "__main__":
    data = answers()
    times: dict[str, list[float]] = {"all": [], "bootstrap": []}
    findings = 0
    for _ in range(int(sys.argv[1])):
        start = process_time()
        findings, bootstrap_s = everything(*data)
        times["all"].append((process_time() - start) * 1000)
        times["bootstrap"].append(bootstrap_s * 1000)
    print(json.dumps({**times, "findings": findings}))

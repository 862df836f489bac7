"""Swap: is a new run as good as an old one, case by case?

The old run is A, the new one B, and a difference is B minus A: below 0, the new one is worse.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_llmprod.core.swap import Swap, SwapVerdict
from pytest_llmprod.evals import statistics
from pytest_llmprod.evals.gate import cluster_of
from pytest_llmprod.evals.stored_run import StoredCase, StoredSuite


def compare(
    old: Sequence[StoredSuite],
    new: Sequence[StoredSuite],
    *,
    margin: float | None = None,
) -> list[Swap]:
    """Compare every suite of a run A with the same suite of a run B, in the order of A.

    `margin` is by how much, as a share of all cases, B may be worse; None leaves it to the marker
    of each suite in A, which was chosen before B was seen. The confidence is that of A, too. Where
    several suites are compared, INFERIOR is only said where Holm's correction leaves the finding
    standing: of twenty suites one would else be called inferior though nothing has changed.
    NON-INFERIOR needs no such correction, since each suite has to be so by itself. What is
    report-only in one of the runs is not compared.
    """
    others = {suite.name: suite for suite in new}
    pairs = [(suite, others.get(suite.name, _nothing_of(suite))) for suite in old]
    deciding = [pair for pair in pairs if not any(each.is_report_only for each in pair)]
    return _judged(deciding, margin)


def compare_models(
    suites: Sequence[StoredSuite], models: Sequence[str], *, margin: float | None = None
) -> list[Swap]:
    """Compare, suite by suite, each other model of one run with the first of its `models`.

    A suite that the run did not judge is not compared, nor is one of `outputs=`, which asked none
    of the models. The p-values are corrected for all suites and all models together.
    """
    pairs = [
        (replace(a, test=a.shared_test), b)
        for a, b in model_pairs(suites, models)
        if not (a.not_judged or b.not_judged or a.has_outputs)
    ]
    return _judged(pairs, margin)


_Pair = tuple[StoredSuite, StoredSuite]


def model_pairs(suites: Sequence[StoredSuite], models: Sequence[str]) -> list[_Pair]:
    """Return each suite of the first of `models` with the same suite of each other one.

    A suite that the other model, or the first, does not have is in no pair.
    """
    old_model, *new_models = models
    shared = {(each.shared_test, each.metric, each.asked_model): each for each in suites}
    return [
        (suite, shared[name])
        for suite in suites
        if suite.asked_model == old_model
        for model in new_models
        if (name := (suite.shared_test, suite.metric, model)) in shared
    ]


def _judged(pairs: Sequence[_Pair], margin: float | None) -> list[Swap]:
    found = [
        replace(_compare(a, b, margin), slices=tuple(_judged_alone(_by_tag(a, b), margin)))
        for a, b in pairs
    ]
    return _corrected_for_all(found, pairs)


def _judged_alone(pairs: Mapping[str, _Pair], margin: float | None) -> list[Swap]:
    """Return what became of the slices of one suite, corrected for how many they are."""
    found = [replace(_compare(a, b, margin), tag=tag) for tag, (a, b) in pairs.items()]
    return _corrected_for_all(found, list(pairs.values()))


def _nothing_of(suite: StoredSuite) -> StoredSuite:
    return replace(suite, model="", cases={})


def _by_tag(a: StoredSuite, b: StoredSuite) -> Mapping[str, _Pair]:
    """Return both runs with the cases of each tag alone; A says which cases carry it."""
    parts = {}
    for tag in sorted({tag for case in a.cases.values() for tag in case.tags}):
        ids = {name for name, case in a.cases.items() if tag in case.tags}
        old, new = (
            replace(run, cases={name: case for name, case in run.cases.items() if name in ids})
            for run in (a, b)
        )
        parts[tag] = (old, new)
    return parts


def _corrected_for_all(found: Sequence[Swap], pairs: Sequence[_Pair]) -> list[Swap]:
    corrected = statistics.holm([each.p_value for each in found])
    return [
        replace(each, p_holm=p, verdict=_corrected(each, p, old.confidence))
        for each, p, (old, _) in zip(found, corrected, pairs, strict=True)
    ]


def _corrected(swap: Swap, p_holm: float, confidence: float) -> SwapVerdict:
    """Return the verdict that is left when the exact test has had its say.

    Where no margin is given, the interval and the test answer the same question, and Newcombe's
    interval may exclude 0 where the exact test does not.
    """
    alpha = 1 - confidence
    if swap.verdict == "INFERIOR" and p_holm > alpha:
        return "INCONCLUSIVE"
    if swap.verdict == "NON-INFERIOR" and not swap.margin and swap.p_value > alpha:
        return "INCONCLUSIVE"
    return swap.verdict


def _compare(a: StoredSuite, b: StoredSuite, given_margin: float | None) -> Swap:
    margin = a.margin if given_margin is None else given_margin
    ids = list(a.cases)
    scores_a, scores_b = [a.score(each) for each in ids], [b.score(each) for each in ids]
    pairs = list(zip(ids, scores_a, scores_b, strict=True))
    broken = tuple(each for each, before, now in pairs if now < before)
    fixed = tuple(each for each, before, now in pairs if now > before)
    table = statistics.paired_table(scores_a, scores_b)
    clusters = [cluster_of(each, a.cases[each].cluster) for each in ids]
    design = statistics.design_of_difference(scores_a, scores_b, clusters)
    judged = statistics.non_inferiority(table, margin, a.confidence, design)
    p_value = statistics.mcnemar_exact(*_changed_clusters(pairs, clusters))
    shared = [each for each in ids if each in b.cases]
    return Swap(
        feature=a.feature,
        test=a.test,
        metric=a.metric,
        tag="",
        model_a=a.asked_model or a.model,
        model_b=b.asked_model or b.model,
        table=table,
        difference=judged.difference.difference,
        interval=judged.difference.interval,
        margin=margin,
        is_margin_declared=given_margin is None and margin > 0,
        p_value=p_value,
        p_holm=p_value,
        verdict=judged.verdict,
        more_cases=judged.more_cases,
        newly_broken=broken,
        newly_fixed=fixed,
        missing=tuple(each for each in ids if each not in b.cases),
        added=tuple(each for each in b.cases if each not in a.cases),
        tokens_ratio=_ratio(_tokens(a.cases, shared), _tokens(b.cases, shared)),
        cost_ratio=_ratio(_cost(a.cases, shared), _cost(b.cases, shared)),
        p95_latency_ratio=_p95_ratio(a, b, shared),
        slices=(),
    )


def _changed_clusters(
    pairs: Sequence[tuple[str, float, float]], clusters: Sequence[Hashable]
) -> tuple[int, int]:
    """Return how many clusters got worse and how many better.

    The exact test counts changes that have nothing to do with one another: those of a conversation
    are one. A case that names no cluster is one by itself.
    """
    changes: defaultdict[Hashable, float] = defaultdict(float)
    for (_, before, now), cluster in zip(pairs, clusters, strict=True):
        changes[cluster] += now - before
    worse = sum(round(change, 9) < 0 for change in changes.values())
    better = sum(round(change, 9) > 0 for change in changes.values())
    return worse, better


def _cost(cases: Mapping[str, StoredCase], ids: Sequence[str]) -> float | None:
    costs = [cases[each].cost_usd for each in ids]
    known = [cost for cost in costs if cost is not None]
    return float(sum(known, Decimal(0))) if len(known) == len(costs) else None


def _p95_ratio(a: StoredSuite, b: StoredSuite, ids: Sequence[str]) -> float | None:
    """Return the ratio over the cases that both runs timed: some ask no model, an empty one say."""
    pairs = [(a.cases[each].latency_s, b.cases[each].latency_s) for each in ids]
    timed = [(old, new) for old, new in pairs if old is not None and new is not None]
    if not timed:
        return None
    old, new = zip(*timed, strict=True)
    return _ratio(statistics.percentile(old, 0.95), statistics.percentile(new, 0.95))


def _tokens(cases: Mapping[str, StoredCase], ids: Sequence[str]) -> float | None:
    tokens = [cases[each].tokens for each in ids]
    known = [number for number in tokens if number is not None]
    return sum(known) if len(known) == len(tokens) else None


def _ratio(a: float | None, b: float | None) -> float | None:
    return b / a if a and b is not None else None

"""Broken: the cases of each suite that did not hit or scored low, and what runs the first alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult
from pytest_llmprod.core.text import counted, natural, printable
from pytest_llmprod.report.amounts import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The cases of one suite that did not hit or scored low, and the words that run the first.

    Errors come first, then misses, then the lowest scores. `name` is the feature, and `counts` says
    how many answers that are. A case that was asked several times is named once.
    """

    suite: str
    name: str
    counts: str
    cases: tuple[tuple[str, str], ...]
    command: tuple[str, ...]


_Shown = tuple[int, float, str, str, str]  # rank, score, id, node id, why


def broken(result: RunResult) -> list[Broken]:
    """Return what broke in each suite; nothing where the run itself was wrong."""
    if result.objection:  # the run itself is to be run in another way
        return []
    undecided: dict[str, list[str]] = {}
    for suite in result.suites:
        if suite.verdict is None or suite.verdict.name != "PASS":
            undecided.setdefault(suite.test, []).append(suite.metric)
    groups: dict[str, list[_Shown]] = {}
    for case in result.cases:
        # An error for want of a recording would come again, and has its text above.
        if case.outcome == "miss" or (case.outcome == "error" and not case.unrecorded):
            rank, score, why = int(case.outcome != "error"), 0.0, case.why
        else:
            rank, (score, why) = 2, _lowest(case, undecided.get(case.suite, ()))
        if rank < 2 or why:
            groups.setdefault(case.suite, []).append((rank, score, case.id, case.nodeid, why))
    counts = {suite.test: _answers_of(suite, result.cases) for suite in result.suites}
    repeated = {suite.test for suite in result.suites if suite.repeats.count > 1}
    hits = _hits_of_cases(case for case in result.cases if case.suite in repeated)
    features = {suite.test: f"{suite.feature} {suite.model}".strip() for suite in result.suites}
    return [
        Broken(
            suite=test,
            name=printable(features[test]),
            counts=f"{_counts_of(group)} in {counts[test]}",
            cases=tuple((printable(case), printable(why)) for *_, case, _, why in shown),
            command=("pytest", *result.options, printable(shown[0][3])),
        )
        for test, group in groups.items()
        for shown in [_each_case_once(group, hits.get(test, {}))]
    ]


def _answers_of(suite: SuiteResult, cases: Iterable[CaseResult]) -> str:
    """Return how many answers a suite got; a number alone is that of its cases."""
    of_suite = (each for each in cases if each.suite == suite.test)
    unanswered = sum(each.outcome == "error" and each.unrecorded for each in of_suite)
    if suite.repeats.count == 1 and not unanswered:
        return str(suite.cases)
    return counted(suite.answers - unanswered, "answer")


def _hits_of_cases(cases: Iterable[CaseResult]) -> Mapping[str, Mapping[str, list[bool]]]:
    """Return for each suite and each case whether its answers hit, where it got any."""
    found: dict[str, dict[str, list[bool]]] = {}
    for case in cases:
        if case.outcome != "skip" and not (case.outcome == "error" and case.unrecorded):
            of_case = found.setdefault(case.suite, {}).setdefault(case.id, [])
            of_case.append(case.outcome == "hit")
    return found


def _each_case_once(
    group: Iterable["_Shown"], hits: Mapping[str, Sequence[bool]]
) -> list["_Shown"]:
    """Return what is shown, sorted; of a case with repeats the worst, and how many are like it."""
    ranked = sorted(group, key=_order)
    if not hits:
        return ranked
    low = Counter(case_id for rank, _, case_id, *_ in ranked if rank == 2)
    worst: dict[str, _Shown] = {}
    for rank, score, case_id, nodeid, why in ranked:
        of_case = hits[case_id]
        rate = score if rank == 2 else sum(of_case) / len(of_case)
        count = f"below 1 in {low[case_id]}" if rank == 2 else f"hit {sum(of_case)}"
        text = f"{count} of {len(of_case)}{f': {why}' if why else ''}"
        worst.setdefault(case_id, (rank, rate, case_id, nodeid, text))
    return sorted(worst.values(), key=_order)


def _order(shown: _Shown) -> tuple[Any, ...]:
    rank, score, case_id, *others = shown
    return rank, score, natural(case_id), *others


def _counts_of(group: Sequence[_Shown]) -> str:
    """Return the words for how many errors (rank 0), misses (1) and low scores (2) there are."""
    ranks = [rank for rank, *_ in group]
    parts = [
        plural(number, one, many)
        for number, one, many in (
            (ranks.count(1), "miss", "misses"),
            (ranks.count(0), "error", "errors"),
            (ranks.count(2), "score below 1", "scores below 1"),
        )
        if number
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _lowest(case: CaseResult, metrics: Iterable[str]) -> tuple[float, str]:
    """Return the lowest score below 1 of a case that hit, under `metrics`, and words for it."""
    scores = {metric: case.scores.get(metric, 1.0) for metric in metrics}
    metric = min(scores, key=lambda name: (scores[name], name), default="")
    if case.outcome != "hit" or not metric or scores[metric] == 1:
        return 1.0, ""
    why = case.whys.get(metric, "")
    return scores[metric], f"{metric} {scores[metric]:.2f}{': ' if why else ''}{why}"

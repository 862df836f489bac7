"""View: a run as the rows that every report prints, made once.

All text in a view is safe to print: control sequences are escaped.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_llmprod.core.miss import UNRECORDED
from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult, Unanswered
from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.report import swap
from pytest_llmprod.report.budgets import BudgetRow, MonthRow, budget_rows, counts, month_rows
from pytest_llmprod.report.drills import DrillBlock, drill_blocks
from pytest_llmprod.report.judges import judge_text
from pytest_llmprod.report.layout import short_name
from pytest_llmprod.report.misses import move_commands
from pytest_llmprod.report.scorecards import ScoreBlock, score_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRow:
    """One line of the table of suites, as text; `colour` names the colour of the verdict."""

    name: str
    cases: str
    hits: str
    score: str
    interval: str
    confidence: str
    threshold: str
    verdict: str
    cost: str
    p95: str
    colour: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What no recording answered.

    `texts` count the requests. Each of `commands` is its lead, which says what for, and the words
    that mend it. `moves` are the words of commands that mend a rename, one after the other.
    """

    texts: tuple[str, ...]
    commands: tuple[tuple[str, tuple[str, ...]], ...]
    moves: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapBlock:
    """What became of one suite under a new model: in one line, and in several.

    `verdict` stands in the first of these, and `outcome`, which knows of tags and of cases that are
    not there, in the one. Each has a colour.
    """

    brief: str
    outcome: str
    outcome_colour: str
    lines: tuple[str, ...]
    verdict: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the summary says: suites, where answers came from, what broke, gates, and notes.

    `repeats` says of a suite what its repeats and clusters show, which look at it this is, and how
    often its model refused what it should not, or did not refuse what it should.
    `judges` says what the judges of suites are worth, and what they cost; each comes with the words
    of the command that mends it, or none. `slices` names those that are surely below the threshold
    of their suite, and `gaps` says what the costs leave out. `swaps` compare models, `unswapped`
    says which are not compared, and `answers` is the command that shows both answers of a case,
    after its lead. `moves` says what is not as it was in the accepted run, `regressions` has those
    of them that fail the run. `budgets` and `months` say what became of budgets, and what features
    cost in a month; `unkept` counts the budgets that are not kept, '' where all are. `total` is
    what all suites cost together. `drills` says what features did under faults, and `scorecards`
    how guardrails did.
    """

    suites: tuple[SuiteRow, ...]
    repeats: tuple[str, ...]
    judges: tuple[tuple[str, tuple[str, ...]], ...]
    slices: tuple[str, ...]
    sources: tuple[str, ...]
    gaps: tuple[str, ...]
    broken: tuple[Broken, ...]
    gates: tuple[tuple[str, str, str], ...]
    missing: Missing
    notes: tuple[str, ...]
    swaps: tuple[SwapBlock, ...] = ()
    unswapped: tuple[str, ...] = ()
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    moves: tuple[str, ...] = ()
    drills: tuple[DrillBlock, ...] = ()
    scorecards: tuple[ScoreBlock, ...] = ()
    budgets: tuple[BudgetRow, ...] = ()
    months: tuple[MonthRow, ...] = ()
    unkept: str = ""
    total: str = ""
    regressions: tuple[str, ...] = ()


_LONGEST_LEAD, _LONGEST_TAG = 50, 20
_COLOURS = {"PASS": "green", "FAIL": "red"}


def make_view(result: RunResult, notes: Sequence[str]) -> View:
    """Return the view of a run; `notes` are further lines for the reader."""
    names = _suite_names(result.suites)
    budgets = budget_rows(result.budgets)
    # Of a name before figures, which a line may not cut, only so much is shown.
    leads = {key: short_name(name, _LONGEST_LEAD, [*names.values()]) for key, name in names.items()}
    return View(
        suites=tuple(_rows(result, names)),
        repeats=(*_repeats(result.suites, leads), *_refusals(result.suites, leads)),
        judges=tuple(_judges(result.suites, leads)),
        slices=tuple(_weak_slices(result.suites, leads)),
        sources=tuple(_sources(result.suites, names)),
        gaps=tuple(_gaps_in_costs(result.suites)),
        broken=tuple(_broken(result)),
        gates=tuple(_gates(result)),
        missing=missing_of(
            result.unanswered,
            (*result.options, *result.selection),
            has_others=any(suite.unrecorded for suite in result.suites),
        ),
        notes=tuple(printable(note) for note in notes),
        swaps=tuple(_swap_block(each) for each in result.swaps),
        unswapped=tuple(printable(each) for each in result.unswapped),
        answers=tuple(_answers(result)),
        moves=tuple(printable(each) for each in result.moves),
        drills=tuple(drill_blocks(result)),
        scorecards=tuple(score_blocks(result.scorecards)),
        budgets=tuple(budgets),
        months=tuple(month_rows(result.months)),
        unkept=counts(budgets),
        total=_total(_one_a_test(result.suites)),
        regressions=tuple(printable(each) for each in result.regressions),
    )


def _total(suites: Sequence[SuiteResult]) -> str:
    """Return what the requests of all suites cost, '' where there was none.

    A request that nobody can price is told, and what judges asked stands apart.
    """
    if not sum(suite.requests + suite.judge_requests for suite in suites):
        return ""
    unpriced = sum(suite.unpriced for suite in suites)
    without_usage = sum(suite.without_usage for suite in suites)
    text = _money_text(sum((suite.cost_usd for suite in suites), Decimal(0)))
    if unpriced:
        text += f" + {counted(unpriced, 'unpriced request')}"
    if without_usage:
        text += f" + {counted(without_usage, 'request')} without usage"
    if any(suite.judge_requests for suite in suites):
        judges = sum((suite.judge_cost_usd for suite in suites), Decimal(0))
        text += f"; judges {_money_text(judges)}"
        judges_unpriced = sum(suite.judge_unpriced for suite in suites)
        text += f" + {counted(judges_unpriced, 'unpriced request')}" if judges_unpriced else ""
    return text


def _money_text(cost_usd: Decimal) -> str:
    return cost_text(cost_usd, 0, 1)


def _repeats(suites: Sequence[SuiteResult], names: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each suite of which there is more to say than its row tells."""
    for suite in suites:
        parts = [_passes(suite)] if suite.repeats.count > 1 and suite.repeats.pass_hat else []
        parts += ["interval clustered"] if suite.is_clustered else []
        parts += [f"look {suite.look.number}"] if suite.look.number > 1 else []
        if parts and suite.verdict is not None:
            lead = f"{names[id(suite)]}: " if len(suites) > 1 else ""
            yield lead + "; ".join(parts)


def _refusals(suites: Sequence[SuiteResult], names: Mapping[int, str]) -> Iterator[str]:
    """Yield two lines for each suite that says what its model refused, and did not, wrongly."""
    for suite in suites:
        for each in suite.refusals:
            low, high = (f"{bound * 100:.1f}" for bound in each.interval)
            share = f"{each.score:.1%} of {each.cases:,} [{low}, {high}]"
            yield f"{names[id(suite)]}: {each.tag} {share}"


def _passes(suite: SuiteResult) -> str:
    """Return how many cases hit each time, and how many only sometimes or never."""
    k, chance = max(suite.repeats.pass_hat.items())
    counts = [(len(suite.repeats.flaky), "flaky"), (len(suite.repeats.failing), "failing")]
    found = [(number, kind) for number, kind in counts if number]
    text = ", ".join(f"{number} {kind}" for number, kind in found)
    noun = "case" if found and found[-1][0] == 1 else "cases"
    return f"pass^{k} {chance:.2f}{f'; {text} {noun}' if found else ''}"


def _judges(
    suites: Sequence[SuiteResult], names: Mapping[int, str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a line for each suite that a judge scored, and what judges cost each test."""
    for suite in suites:
        if suite.judge is not None:
            words = suite.judge.command if suite.judge.report_only else ()
            yield f"{names[id(suite)]}: {judge_text(suite.judge)}", tuple(map(printable, words))
    for suite in _one_a_test(suites):
        if suite.judge_requests:
            requests = counted(suite.judge_requests, "request")
            cost = cost_text(suite.judge_cost_usd, suite.judge_unpriced, suite.judge_requests)
            name = printable(f"{suite.feature} {suite.model}".strip())
            text = f"judges of {name}: {requests}, {cost}, not in its cost"
            yield text, ()


def _rows(result: RunResult, names: Mapping[int, str]) -> Iterator[SuiteRow]:
    """Yield the rows of the table; of several models the new ones stand below the old one."""
    if not result.models:
        yield from (_row(names[id(each)], each, result.objection) for each in result.suites)
        return
    groups: dict[tuple[str, str], list[SuiteResult]] = {}
    for suite in result.suites:
        groups.setdefault((suite.shared_test, suite.metric), []).append(suite)
    for group in groups.values():
        old, *new = sorted(group, key=lambda each: result.models.index(each.model))
        yield _row(names[id(old)].removesuffix(f" {result.models[0]}"), old, result.objection)
        yield from (_row(f"  {printable(each.model)}", each, result.objection) for each in new)


_SWAP_COLOURS = {"NON-INFERIOR": "green", "INFERIOR": "red"}


def _swap_block(found: Swap) -> SwapBlock:
    colour = _SWAP_COLOURS.get(found.verdict, "yellow")
    return SwapBlock(
        brief=swap.brief(found),
        outcome=found.outcome,
        outcome_colour="red" if found.is_regression else colour,
        lines=tuple(swap.render([found])),
        verdict=found.verdict,
        colour=colour,
    )


def _answers(result: RunResult) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the command that shows both answers of the first case that a new model broke."""
    broken = [case for each in result.swaps for case in each.newly_broken]
    if broken:
        lead = "both answers: " if result.stored_as else "with --llm-json=run.json, both answers: "
        file = printable(result.stored_as) or "run.json"
        yield lead, ("llmprod", "compare", file, "--show", printable(broken[0]))


_FEWEST_TOLD = 5  # cases of a tag: of fewer, each is named below anyway


def _weak_slices(suites: Iterable[SuiteResult], names: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each suite of which a tag is below the threshold, even if it has luck."""
    for suite in suites:
        weak = [
            each
            for each in suite.slices
            if each.interval[1] < suite.threshold and each.cases >= _FEWEST_TOLD
        ]
        if suite.verdict is None or not weak:
            continue
        worst = min(weak, key=lambda each: (each.interval[1], each.tag))
        low, high = (f"{bound * 100:.1f}" for bound in worst.interval)
        others = f"; {counted(len(weak) - 1, 'other tag')} too" if len(weak) > 1 else ""
        yield (
            f"{names[id(suite)]}: tag {shorten(printable(worst.tag), _LONGEST_TAG)} is below "
            f"{suite.threshold * 100:.4g}%: {worst.score:.1%} of {worst.cases} [{low}, {high}]"
            f"{others}"
        )


def _suite_names(suites: tuple[SuiteResult, ...]) -> dict[int, str]:
    """Name a suite by its feature, and say more only where that is not enough."""
    names: dict[int, str] = {}
    for model in dict.fromkeys(suite.model for suite in suites):
        group = [suite for suite in suites if suite.model == model]
        for suite in group:
            names[id(suite)] = printable(f"{_name_among(suite, group)} {model}".strip())
    return names


def _name_among(suite: SuiteResult, suites: Sequence[SuiteResult]) -> str:
    """Return the name of a suite among all those that the same model answered."""
    of_feature = [each for each in suites if each.feature == suite.feature]
    if len(of_feature) == 1:
        return suite.feature
    test = suite.shared_test.rpartition("::")[2]
    tests = [each.test for each in of_feature]
    if len(set(tests)) == 1:
        name = suite.metric
    else:
        name = f"{test} {suite.metric}" if tests.count(suite.test) > 1 else test
    return f"{suite.feature}: {name}"


def _cases_text(suite: SuiteResult) -> str:
    count = suite.repeats.count
    return f"{suite.cases}x{count}" if count > 1 else str(suite.cases)


def _row(name: str, suite: SuiteResult, objection: str) -> SuiteRow:
    low, high = suite.interval
    is_measured = suite.verdict is not None or suite.unrecorded < max(1, suite.cases)
    unjudged = "partial" if is_measured and not objection else "not judged"
    unjudged = "report-only" if suite.is_report_only and is_measured else unjudged
    verdict = suite.verdict.name if suite.verdict else unjudged
    is_billed = bool(suite.cost_usd or suite.unpriced or suite.without_usage)
    return SuiteRow(
        name=name,
        cases=_cases_text(suite),
        hits=f"{suite.hits:.0f}" if suite.hits == int(suite.hits) else f"{suite.hits:.1f}",
        score=f"{suite.score * 100:.1f}%" if is_measured else "-",
        interval=f"[{low * 100:.1f}, {high * 100:.1f}]" if is_measured else "-",
        confidence=f"{suite.interval_confidence * 100:.4g}%",
        threshold=f"{suite.threshold * 100:.4g}%",
        verdict=verdict,
        cost=cost_text(
            suite.cost_usd,
            suite.unpriced,
            suite.requests if is_measured or is_billed else 0,
            suite.without_usage,
        ),
        p95=seconds_text(suite.p95_latency_s if is_measured else None),
        colour=_COLOURS.get(verdict, "yellow"),
    )


def seconds_text(seconds: float | None) -> str:
    """Return a duration in ms below one second and in s from there on; `-` for none."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


_LEAST_USD = Decimal("0.0001")


def cost_text(cost_usd: Decimal, unpriced: int, requests: int, without_usage: int = 0) -> str:
    """Return a cost in USD; a sum that leaves requests out ends in `+?`, and never reads as 0.

    `unpriced` requests have no price, `without_usage` ones do not tell what they used.
    """
    if not requests:
        return "-"
    if (unpriced or without_usage) and not cost_usd:
        return "unpriced" if unpriced else "no usage"
    rest = "+?" if unpriced or without_usage else ""
    if 0 < cost_usd < _LEAST_USD:
        return f"<${_LEAST_USD}{rest}"
    digits = 2 if cost_usd >= 1 - _LEAST_USD else 4
    return f"${cost_usd:.{digits}f}{rest}"


def listed(names: Iterable[str]) -> str:
    """Return the first two of `names`, and how many more there are."""
    first, *others = [shorten(printable(name), _LONGEST_MODEL) for name in names]
    if len(others) > 1:
        return f"{first}, {others[0]} and {len(others) - 1} more"
    return " and ".join([first, *others])


_LONGEST_MODEL = 30


def _sources(suites: tuple[SuiteResult, ...], names: Mapping[int, str]) -> list[str]:
    """Say once for each model and source whose answers were judged, and how old they are."""
    groups: dict[str, list[SuiteResult]] = {}
    for suite in suites:
        if suite.unrecorded and (suite.unrecorded >= suite.cases or not suite.requests):
            continue  # nobody answered
        models = shorten(printable(" + ".join(suite.models)), 50) or "no model"
        groups.setdefault(f"{models}, {suite.source}", []).append(suite)
    sources = []
    for line, group in groups.items():
        source = group[0].source
        days = [suite.recorded_at[:10] for suite in group if suite.recorded_at]
        if source in ("replayed", "partly live") and days:
            line += f", recorded {min(days)}"
        if len(groups) > 1:
            line += f": {', '.join(names[id(suite)] for suite in group)}"
        sources.append(line)
    return sources


def _gaps_in_costs(suites: Iterable[SuiteResult]) -> list[str]:
    """Say which models have no price, and how many requests did not tell what they used."""
    # A lock prices requests; what an outputs file says it took has no provider to look up.
    asked = [suite for suite in _one_a_test(suites) if suite.source != "outputs file"]
    models = sorted({model for suite in asked for model in suite.unpriced_models})
    without_usage = sum(suite.without_usage for suite in asked)
    gaps = [unpriced_text(models)] if models else []
    if without_usage:
        requests = _plural(without_usage, "request tells", "requests tell")
        gaps.append(f"{requests} no usage: what they cost is not known")
    return gaps


def unpriced_text(models: Iterable[str]) -> str:
    """Return that `models` have no price, and what gives them one."""
    cure = "run llmprod prices lock, or add prices to llmprod.prices.toml by hand"
    return f"unpriced: {listed(models)}; {cure}"


def _broken(result: RunResult) -> list[Broken]:
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
    ranked = sorted(group)
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
    return sorted(worst.values())


_Shown = tuple[int, float, str, str, str]  # rank, score, id, node id, why


def _counts_of(group: Sequence[_Shown]) -> str:
    """Return the words for how many errors (rank 0), misses (1) and low scores (2) there are."""
    ranks = [rank for rank, *_ in group]
    parts = [
        _plural(number, one, many)
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


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _gates(result: RunResult) -> list[tuple[str, str, str]]:
    """Return feature, state and sentence for each gate that this run decided.

    In a run of several models each has a gate of its own, and its name stands after the feature.
    """
    gates = []
    for feature, model in dict.fromkeys((suite.feature, suite.model) for suite in result.suites):
        suites = [each for each in result.suites if (each.feature, each.model) == (feature, model)]
        deciding = [suite for suite in suites if not suite.is_report_only]
        verdicts = [suite.verdict for suite in deciding if suite.verdict is not None]
        if not deciding:
            state, why = "not judged", "report-only"
        elif len(verdicts) < len(deciding):
            state, why = "not judged", "" if result.objection else _why_not_judged(suites)
        else:
            state, why = _decision(verdicts, result.gates.get(feature), result.started_at)
        skipped = sum(suite.skipped for suite in _one_a_test(suites))
        if skipped:
            why = f"{_plural(skipped, 'case', 'cases')} skipped{'; ' if why else ''}{why}"
        gates.append((printable(f"{feature} {model}".strip()), state, printable(why)))
    return gates


def _decision(
    verdicts: Sequence[Verdict], entry: Mapping[str, Any] | None, today: str
) -> tuple[str, str]:
    """Return state and sentence of a gate from this run's verdicts and its entry in the file.

    `today` is when the run started: a gate that rests on old recordings may have expired by then.
    """
    closed = [verdict for verdict in verdicts if not verdict.is_open]
    if entry is not None and not entry["enabled"] and not closed:
        return "closed", f"closed by {entry['test']} of an earlier run"
    if entry is not None and not closed and _is_over(entry, today):
        return "closed", "its recordings are too old; renew them with --llm-record=rewrite"
    unsure = [verdict for verdict in verdicts if verdict.advice]
    return "closed" if closed else "open", (closed or unsure or verdicts)[0].advice


def _is_over(entry: Mapping[str, Any], today: str) -> bool:
    until = entry.get("valid_until", today)
    return datetime.fromisoformat(until) < datetime.fromisoformat(today)


def _why_not_judged(suites: Sequence[SuiteResult]) -> str:
    tests = _one_a_test(suites)
    if any(suite.unrecorded for suite in tests):
        return unrecorded_text(tests)
    ran = sum(suite.answers + suite.skipped * suite.repeats.count for suite in tests)
    wanted = sum(suite.cases_in_dataset * suite.repeats.count for suite in tests)
    noun = "repeats" if any(suite.repeats.count > 1 for suite in tests) else "cases"
    return f"only {ran} of {wanted} {noun} ran"


def unrecorded_text(tests: Sequence[SuiteResult], whom: str = "") -> str:
    """Return how many cases got no answer, and in how many repeats where there are some.

    `whom` are words that say from whom, after a space.
    """
    text = f"{counted(sum(each.unrecorded for each in tests), 'case')} got no answer{whom}"
    repeated = [each.repeats for each in tests if each.repeats.count > 1]
    if not repeated:
        return text
    unanswered = sum(each.unanswered for each in repeated)
    return f"{text} in {unanswered} of {sum(each.answers for each in repeated)} repeats"


def _one_a_test(suites: Iterable[SuiteResult]) -> list[SuiteResult]:
    """Return one result for each test: under several metrics its cases are the same."""
    return list({suite.test: suite for suite in suites}.values())


def missing_of(unanswered: Unanswered, options: Sequence[str], *, has_others: bool) -> Missing:
    """Return what got no answer, and the commands that mend it.

    `options` are the words by which the tests of this run are run again. `has_others` says that
    cases went without an answer which `unanswered` may not count.
    """
    misses, outages, record = unanswered.misses, unanswered.outages, unanswered.record
    old = misses.get("too old", 0)
    number = sum(misses.values()) - old
    moved, renamed = (misses.get(kind, 0) for kind in ("test renamed", "case renamed"))
    texts, modes = [], {}
    if outages:
        tests = counted(sum(outages.values()), "test")
        texts.append(f"{tests} got no answer: {_ranked(outages)}")
        modes["once that is mended, ask again with: "] = record
    if number:
        requests = _plural(number, "request is", "requests are")
        kinds = {kind: count for kind, count in misses.items() if kind != "too old"}
        texts.append(f"{requests} in no recording: {_ranked(kinds, is_counted=True)}")
    unrecorded = sum(count for kind, count in misses.items() if kind in UNRECORDED)
    if number > moved + renamed:
        modes[_RECORD] = "once" if number == unrecorded + moved else "new_episodes"
    elif renamed:
        modes["rename the case, or record it with: "] = "once"
    elif has_others and not (number or old or outages or unanswered.is_capped):
        modes[_RECORD] = "new_episodes" if record == "none" else record
    if old:
        texts.append(f"{_plural(old, 'recording is', 'recordings are')} too old to be played")
        modes["record what is too old with: "] = "rewrite"
    return Missing(
        texts=tuple(texts),
        commands=tuple((lead, record_command(mode, options)) for lead, mode in modes.items()),
        moves=move_commands(unanswered.moves),
    )


_RECORD = "record what is missing with: "


def _ranked(counts: Mapping[str, int], *, is_counted: bool = False) -> str:
    """Return what was counted, the most frequent first; one thing alone without its number."""
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    if len(ranked) == 1 and not is_counted:
        return printable(ranked[0][0])
    return ", ".join(f"{printable(name)} {count}" for name, count in ranked)


def record_command(mode: str, options: Sequence[str]) -> tuple[str, ...]:
    """Return the words that run everything again, with `options`, and record in `mode`."""
    flag = ["--llm-eval"] if "--llm-eval" in options else []
    others = (printable(option) for option in options if option != "--llm-eval")
    return ("pytest", *flag, f"--llm-record={mode}", *others)

"""Regressions: what a run says of new models, and of itself against the accepted run.

What a run compares is what it stores: `llmprod compare` says the same of the stored run.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_llmprod.core.growth import Growth
from pytest_llmprod.core.results import RunResult, SuiteResult
from pytest_llmprod.core.swap import SAME_OUTPUTS, Swap
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.evals import baseline, growth, stored_run, swap
from pytest_llmprod.evals.standing import function_of, stands_in_its_file
from pytest_llmprod.evals.stored_run import StoredSuite
from pytest_llmprod.report import data
from pytest_llmprod.report import growth as growth_report
from pytest_llmprod.report import swap as report


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A comparison that is a test report of its own; `failure` is '' where it passes."""

    nodeid: str
    failure: str
    properties: tuple[tuple[str, object], ...]


def compare_models(result: RunResult, *, is_strict: bool) -> tuple[RunResult, list[Finding]]:
    """Return the run with what became of each suite under each new model, and what that means.

    A suite that was not judged, or that met none of the models, is not compared. A run in which
    `is_strict` fails where too few cases say whether a new model is as good.
    """
    if result.objection:
        return result, []
    obstacles = {
        (suite.test, suite.metric): why for suite in result.suites if (why := _obstacle(suite))
    }
    stored = stored_run.read(data.to_document(result)).suites
    compared = [each for each in stored if each.name not in obstacles]
    swaps = swap.compare_models(compared, result.models)
    names = {
        (suite.shared_test, suite.metric, suite.asked_model): made.gate_nodeid
        for suite, made in zip(stored, result.suites, strict=True)
    }
    findings = [
        Finding(
            nodeid=_beside(names[each.test, each.metric, each.model_b], "swap"),
            failure=_told(each, _verdict_on(each, is_strict)),
            properties=_properties(each),
        )
        for each in swaps
    ]
    unswapped = dict.fromkeys(
        f"{suite.feature}: no models are compared, for {obstacles[suite.test, suite.metric]}"
        for suite in result.suites
        if (suite.test, suite.metric) in obstacles
        and suite.verdict is not None  # else its gate says why
    )
    return replace(result, swaps=tuple(swaps), unswapped=tuple(unswapped)), findings


def _obstacle(suite: SuiteResult) -> str:
    """Return why the suite of one model says nothing about this model, or ''."""
    if suite.source == "outputs file":
        return SAME_OUTPUTS
    if suite.verdict is None:
        return "not every case was judged"
    if suite.asked and suite.model not in suite.asked:
        return f"the tests asked {', '.join(suite.asked)}"
    return ""


def _verdict_on(found: Swap, is_strict: bool) -> str:
    """Return why a swap fails, or ''."""
    if found.is_worse:
        return f"{found.model_b} is worse than {found.model_a}"
    if found.missing:
        return f"{_missing(found)}; {found.model_a} was asked, and {found.model_b} was not"
    if is_strict and found.verdict == "INCONCLUSIVE":
        return f"too few cases say whether {found.model_b} is as good as {found.model_a}"
    return ""


def _beside(gate_nodeid: str, kind: str) -> str:
    """Return the node id of another report on the suite of a gate."""
    before, _, after = gate_nodeid.rpartition("::gate")
    return f"{before}::{kind}{after}"


def _told(found: Swap, failure: str) -> str:
    return "\n".join([printable(failure), *report.render([found])]) if failure else ""


def _properties(found: Swap) -> tuple[tuple[str, object], ...]:
    """Return what JUnit keeps of a comparison."""
    return (
        ("llmprod_feature", found.feature),
        ("llmprod_metric", found.metric),
        ("llmprod_difference", f"{found.difference:.6f}"),
        ("llmprod_p_holm", f"{found.p_holm:.6g}"),
        ("llmprod_margin", found.margin),
        ("llmprod_verdict", found.verdict),
    )


_LONGEST_NAME = 40
_MOVE_ON = (
    "make this run the accepted one: `pytest --llm-eval --llm-json=run.json`, then `llmprod accept "
    "run.json -m WHY`."
)
_MEANT = f"Where this is meant, a row was dropped on purpose for instance, {_MOVE_ON}"
_GROWTH_MEANT = f"Where this is meant, the prompt says more on purpose for instance, {_MOVE_ON}"


def compare_with_baseline(result: RunResult, rootpath: Path) -> tuple[RunResult, list[Finding]]:
    """Return a whole run with what is not as it was in the accepted one, and what that means.

    A suite of the accepted run that did not run now, and whose function still stands in its file,
    was left out by the choice of files, and is not compared, nor is a metric that is report-only
    now. Nothing is where no run was accepted.
    Raises StoredRunError where the accepted run cannot be read.
    """
    if not (rootpath / baseline.FILE_NAME).exists():
        return result, []
    accepted, day = baseline.load(rootpath / baseline.FILE_NAME)
    now = stored_run.read(data.to_document(result)).suites
    swaps = swap.compare(list(_expected(accepted.suites, now, rootpath)), now)
    nodeids = {(suite.test, suite.metric): suite.gate_nodeid for suite in result.suites}
    since = f"of {day}" if day else f"in {baseline.FILE_NAME}"
    findings = [
        Finding(
            nodeid=_beside(nodeids.get((each.test, each.metric)) or _gate_nodeid(each), "baseline"),
            failure=_told(each, _regression(each, since)),
            properties=_properties(each),
        )
        for each in swaps
    ]
    growths = tuple(growth.compare(accepted.suites, now))
    findings += [_finding_of_growth(each, since) for each in growths]
    moves = [_move(each, day) for each in swaps if _has_moved(each)]
    moves += [_grown(each, day) for each in growths if growth_report.text(each)]
    worse = [_move(each, day) for each in swaps if each.is_regression]
    worse += [_grown(each, day) for each in growths if each.is_too_much]
    result = replace(result, moves=tuple(moves), regressions=tuple(worse), growths=growths)
    return result, findings


def _grown(found: Growth, day: str) -> str:
    """Return in one sentence how a suite asks more, or less, than in the accepted run."""
    return f"{found.feature} {_since(day)}: {growth_report.text(found)}"


def _finding_of_growth(found: Growth, since: str) -> Finding:
    told = growth_report.failure_text(found, growth.MOST)
    return Finding(
        nodeid=found.nodeid,
        failure=f"asks more than the accepted run {since}: {told}. {_GROWTH_MEANT}" if told else "",
        properties=(
            ("llmprod_feature", found.feature),
            ("llmprod_input_tokens", f"{found.input_tokens.share:+.6f}"),
            ("llmprod_calls", f"{found.calls.share:+.6f}"),
        ),
    )


def _regression(found: Swap, since: str) -> str:
    """Return why a suite fails against the accepted run, or ''."""
    if found.is_worse:
        lacks = f"; {_missing(found)}" if found.missing else ""
        return f"worse than the accepted run {since}{lacks}. {_MEANT}"
    if found.missing:
        them = "it" if len(found.missing) == 1 else "them"
        return f"{_missing(found)}; the accepted run {since} has {them}. {_MEANT}"
    return ""


def _missing(found: Swap) -> str:
    verb = "case is" if len(found.missing) == 1 else "cases are"
    return f"{len(found.missing)} {verb} missing: {report.listed(found.missing, most=3)}"


def _expected(
    accepted: Iterable[StoredSuite], now: Sequence[StoredSuite], rootpath: Path
) -> Iterator[StoredSuite]:
    """Yield the suites of the accepted run that this one should have."""
    ran = {function_of(suite.test) for suite in now}
    for suite in accepted:
        if function_of(suite.test) in ran or not stands_in_its_file(suite.test, rootpath):
            yield suite


def _gate_nodeid(found: Swap) -> str:
    """Return what the gate of a suite was called that is not in this run."""
    function = function_of(found.test)
    variant = found.test.removeprefix(function).strip("[]")
    parts = [each for each in (variant, found.metric) if each and each != "passed"]
    return f"{function}::gate[{'-'.join(parts)}]" if parts else f"{function}::gate"


def _has_moved(found: Swap) -> bool:
    return bool(found.newly_broken or found.missing) or found.model_a != found.model_b


def _move(found: Swap, day: str) -> str:
    """Return in one sentence what is not as it was in the accepted run."""
    broken = [each for each in found.newly_broken if each not in found.missing]
    name = found.feature if found.metric == "passed" else f"{found.feature} {found.metric}"
    name = shorten(printable(name), _LONGEST_NAME)
    parts = [
        f"{len(ids)} {what} ({report.listed(ids, most=3)})"
        for what, ids in (("newly broken", broken), ("missing", found.missing))
        if ids
    ]
    if found.newly_fixed:
        parts.append(f"{len(found.newly_fixed)} newly fixed")
    if found.model_a != found.model_b and found.model_b:
        parts.append(f"model now {found.model_b}")
    return f"{name} {_since(day)}: {', '.join(parts)}"


def _since(day: str) -> str:
    return f"since the baseline{f' of {day}' if day else ''}"

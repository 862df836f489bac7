"""Eval lines: data sets, thresholds, gates, CI, the report and recordings."""

from collections.abc import Callable
from datetime import datetime, timedelta
from shlex import quote

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.core.history import is_to_come, moment_of
from pytest_llmprod.core.text import counted
from pytest_llmprod.handoff.audit.answers import (
    Answer,
    ago,
    days_between,
    failed,
    for_each,
    inapplicable,
    passed,
    stale,
)
from pytest_llmprod.handoff.audit.facts import DatasetFact, Facts, ModelFact, RecordingsFact
from pytest_llmprod.handoff.audit.marks import Mark

FEWEST_CASES, MOST_CASES = 100, 500
REVISIONS, REVISED_WITHIN = 2, timedelta(days=365)
REPORT_DAYS = 7
_RUN = "pytest --llm-eval"


def dataset_frozen(facts: Facts) -> Answer:
    """Say whether each data set is frozen, and has the rows of its lock."""
    return _of_datasets(facts, _frozen)


def _frozen(dataset: DatasetFact) -> Answer:
    freeze = f'llmprod dataset freeze {quote(dataset.path)} --why "..."'
    if dataset.problem:
        return failed(dataset.problem, freeze, Evidence(path=dataset.path))
    if not dataset.lock:
        return failed("there is no lock beside it", freeze, Evidence(path=dataset.path))
    when = dataset.frozen_at[-1]
    at = Evidence(path=dataset.lock, when=f"{when:%Y-%m-%d}")
    return passed(f"frozen, and unchanged since {when:%Y-%m-%d}", at)


def dataset_size(facts: Facts) -> Answer:
    """Say whether each data set has from 100 to 500 cases."""

    def size(dataset: DatasetFact) -> Answer:
        at = Evidence(path=dataset.path)
        says = f"{counted(dataset.cases, 'case')}"
        if dataset.cases < FEWEST_CASES:
            add = f"llmprod log show REQUEST --json | llmprod dataset add {quote(dataset.path)}"
            add += " --expected JSON"
            return failed(f"{says}, at least {FEWEST_CASES} are needed", add, at)
        if dataset.cases > MOST_CASES:
            check = f"llmprod dataset check {quote(dataset.path)}"
            return failed(f"{says}, more than {MOST_CASES} nobody reads again", check, at)
        return passed(says, at)

    return _of_datasets(facts, size)


def dataset_revised(facts: Facts) -> Answer:
    """Say whether each data set was frozen at least twice within a year."""

    def revised(dataset: DatasetFact) -> Answer:
        if not dataset.lock:
            return inapplicable("without a lock nobody knows; see dataset-frozen")
        recent = [each for each in dataset.frozen_at if _is_recent(each, facts.now)]
        at = Evidence(path=dataset.lock, when=f"{dataset.frozen_at[-1]:%Y-%m-%d}")
        says = f"frozen {_times(len(recent))} within a year"
        if len(recent) < REVISIONS:
            freeze = f'llmprod dataset freeze {quote(dataset.path)} --why "..."'
            needed = f"{says}, {REVISIONS} are needed: add what production has shown"
            return failed(needed, freeze, at)
        return passed(says, at)

    return _of_datasets(facts, revised)


def _is_recent(moment: datetime, now: datetime) -> bool:
    return now - moment <= REVISED_WITHIN and not is_to_come(moment, now)


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _of_datasets(facts: Facts, answer: Callable[[DatasetFact], Answer]) -> Answer:
    """Return what `answer` says of the data sets that the evals of the features name."""
    names = [mark.text("dataset") for mark in facts.marks if mark.name == "llm_eval"]
    paths = [name for name in dict.fromkeys(names) if name in facts.datasets]
    if not paths:
        return failed("no eval names a data set", "llmprod init")
    return for_each(paths, lambda path: answer(facts.datasets[path]))


def threshold_set(facts: Facts) -> Answer:
    """Say whether each feature has an eval with a threshold above 0."""

    def threshold(feature: str) -> Answer:
        marks = facts.marked("llm_eval", feature)
        if not marks:
            return failed("no eval names it", f"llmprod init --feature {quote(feature)}")
        for mark in marks:
            if not _bounds(mark):
                mend = f"add threshold=0.9 to the marker in {mark.path}"
                return failed(f"{mark.test} sets no threshold above 0", mend, _at(mark))
        bounds = ", ".join(dict.fromkeys(bound for mark in marks for bound in _bounds(mark)))
        return passed(bounds, *map(_at, marks))

    return for_each(facts.features, threshold)


def _bounds(mark: Mark) -> list[str]:
    """Return the thresholds above 0 of a marker, as a reader expects them."""
    given = mark.arguments.get("threshold")
    named = given if isinstance(given, dict) else {"": given}
    return [
        f"{name} {bound:.0%}".strip()
        for name, bound in named.items()
        if isinstance(bound, int | float) and not isinstance(bound, bool) and bound > 0
    ]


def threshold_can_fail(facts: Facts) -> Answer:
    """Say whether the accepted run shows that a case can be wrong."""
    accepted = facts.accepted
    accept = "pytest --llm-eval --llm-json=run.json && llmprod accept run.json"

    def can_fail(feature: str) -> Answer:
        if accepted is None or feature not in accepted.cases:
            return failed("no accepted run shows a case that missed", accept)
        misses, cases = accepted.misses.get(feature, 0), accepted.cases[feature]
        at = Evidence(path=accepted.path, run=accepted.run, when=accepted.when)
        if not misses:
            says = f"none of {cases} cases missed: it may be that none can"
            return failed(says, "add harder cases, or accept a run that misses some", at)
        return passed(f"{misses} of {cases} cases missed in the accepted run", at)

    return for_each(facts.features, can_fail)


def gate_decided(facts: Facts) -> Answer:
    """Say whether a whole run decided that each feature is on, not too long ago."""

    def decided(feature: str) -> Answer:
        gate = facts.gates.gates.get(feature)
        if gate is None:
            return failed(f"no whole run has decided; {facts.gates.path} has no gate for it", _RUN)
        at = Evidence(
            path=facts.gates.path, line=gate.line, run=facts.gates.run, when=facts.gates.when
        )
        if not gate.is_open:
            return failed(f"closed: {gate.why}", _RUN, at)
        if gate.valid_until is None or gate.valid_until < facts.now:
            return stale("expired", f"{_RUN} --llm-record=rewrite", at)
        return passed("open", at)

    return for_each(facts.features, decided)


def evals_in_ci(facts: Facts) -> Answer:
    """Say whether a workflow runs the evals on every change, and fails with them."""
    good = [run for run in facts.ci.runs if not run.weakness]
    if good:
        return passed(good[0].command, Evidence(path=good[0].path, line=good[0].line))
    add = f"let a job run `{_RUN}` on every change"
    if facts.ci.runs:
        run = facts.ci.runs[0]
        at = Evidence(path=run.path, line=run.line)
        return failed(run.weakness, f"let `{_RUN}` fail the job", at)
    if facts.ci.unreadable:
        name = facts.ci.unreadable[0]
        return failed("the workflow cannot be read", f"correct {name}", Evidence(path=name))
    if facts.ci.files:
        at = Evidence(path=facts.ci.files[0])
        return failed(f"no workflow runs `{_RUN}`", add, at)
    return failed("there is no workflow file", add)


def report_young(facts: Facts) -> Answer:
    """Say whether there is a report that is younger than a week."""
    page = facts.page
    write = f"pytest --llm-eval --llm-html={quote(page.path)}"
    if not page.when:
        return failed(f"{page.path} is no report of a run, or is not there", write)
    moment = moment_of(page.when)
    at = Evidence(path=page.path, run=page.run, when=page.when[:10])
    if moment is None or is_to_come(moment, facts.now):
        return failed("its date cannot be right", write, at)
    days = days_between(moment, facts.now)
    if days > REPORT_DAYS:
        return stale(f"written {ago(days)}, {REPORT_DAYS} are allowed", write, at)
    return passed(f"written {ago(days)}", at)


def recordings_young(facts: Facts) -> Answer:
    """Say whether the recordings that the evals of each feature play are young enough."""

    def young(feature: str) -> Answer:
        marks = facts.marked("llm_eval", feature)
        if marks and all(mark.arguments.get("outputs") for mark in marks):
            return inapplicable("its answers come from outputs=")
        own = _own(facts, feature)
        if not own:
            return failed("there is no recording", f"{_RUN} --llm-record=once")
        dated = [each for each in own if each.oldest is not None]
        oldest = min(dated, key=lambda each: each.oldest or facts.now, default=None)
        if oldest is None or oldest.oldest is None:
            return failed("nobody knows how old", f"{_RUN} --llm-record=rewrite")
        at = Evidence(path=oldest.path, when=f"{oldest.oldest:%Y-%m-%d}")
        if is_to_come(oldest.oldest, facts.now):
            return failed("their date cannot be right", f"{_RUN} --llm-record=rewrite", at)
        days = days_between(oldest.oldest, facts.now)
        says = f"the oldest was made {ago(days)}"
        if days > facts.max_age_days:
            allowed = f"{says}, {facts.max_age_days} are allowed"
            return stale(allowed, f"{_RUN} --llm-record=rewrite", at)
        return passed(says, at)

    return for_each(facts.features, young)


def _own(facts: Facts, feature: str) -> list[RecordingsFact]:
    """Return the recordings of a feature but those of the model that is to replace its own."""
    replacement = facts.models.get(feature, ModelFact()).replacement
    return [
        each
        for each in facts.recordings
        if each.feature == feature and not (replacement and set(each.asked) == {replacement})
    ]


def _at(mark: Mark) -> Evidence:
    return Evidence(path=mark.path, line=mark.line)

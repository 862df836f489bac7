"""Auditing: gathers the evidence that lies on the disk of a project, and audits it.

It makes no run, and writes nothing. Composes settings, data sets, gates, recordings, prices, the
request log and the files of the repository.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pytest_llmprod import settings
from pytest_llmprod.budgets.expression import parse
from pytest_llmprod.composition import audit_evidence, audit_settings
from pytest_llmprod.composition.audit_settings import AuditSettings
from pytest_llmprod.composition.feature_settings import FeatureSettings
from pytest_llmprod.core.checklist import Audit, Evidence
from pytest_llmprod.core.errors import BudgetError, SettingsError
from pytest_llmprod.core.files import path_from
from pytest_llmprod.core.history import read_history
from pytest_llmprod.handoff.audit import ownership, waivers
from pytest_llmprod.handoff.audit.facts import BudgetFact, Facts, ModelFact
from pytest_llmprod.handoff.audit.marks import Mark, read_marks
from pytest_llmprod.handoff.audit.runbook_file import read_runbook
from pytest_llmprod.handoff.audit.workflows import read_ci
from pytest_llmprod.records.head import head_commit
from pytest_llmprod.settings import Settings

_PROJECT = "pyproject.toml"


def audit_project(root: Path, now: datetime) -> Audit:
    """Return what the evidence in `root`, pytest's rootdir, says of the shipping checklist.

    Raises SettingsError for wrong settings.
    """
    root = root.resolve()
    told = audit_settings.load(root)
    facts = gather(root, settings.of_project(root), told, now)
    return waivers.audit(facts, told.excuses, commit=head_commit(root))


def gather(root: Path, project: Settings, told: AuditSettings, now: datetime) -> Facts:
    """Return all that the files in `root` say."""
    marks = [_with_dataset(mark, root) for mark in read_marks(root)]
    known = _features(marks, project)
    features = told.features or known
    unknown = [each for each in features if each not in known]
    if unknown:
        raise SettingsError(
            f"{_PROJECT}: [tool.llmprod.audit] features names {unknown[0]!r}, of which no test and "
            f"no setting tells. There are {', '.join(known) or 'none'}."
        )
    evals = [m for m in marks if m.name == "llm_eval" and m.text("feature") in features]
    others = [mark for mark in marks if mark.name != "llm_eval"]
    sets = dict.fromkeys(filter(None, (mark.text("dataset") for mark in evals)))
    prompts = [path for each in project.features.values() for path in each.prompts]
    owner, on_call = _people(root, features, project, [mark.path for mark in evals])
    return Facts(
        now=now,
        features=tuple(features),
        marks=(*evals, *others),
        datasets={name: audit_evidence.dataset_fact(root, name) for name in sets},
        budgets=tuple(_budgets(root, project, marks)),
        gates=audit_evidence.gates_fact(root),
        accepted=audit_evidence.accepted_fact(root),
        recordings=tuple(audit_evidence.recordings_facts(root, evals)),
        prices=audit_evidence.prices_fact(root),
        models={
            name: ModelFact(model=each.model, replacement=each.replacement)
            for name, each in project.features.items()
        },
        log=audit_evidence.log_fact(
            root,
            mode=project.log,
            retention_days=project.retention_days,
            known=[root / name for name in (*sets, *prompts)],
            now=now,
        ),
        page=audit_evidence.page_fact(root, told.report),
        history=read_history(root),
        ci=read_ci(root),
        runbook=read_runbook(root, told.runbook),
        runbook_named=told.runbook,
        owner=owner,
        on_call=on_call,
        max_age_days=project.play_rules.max_age_days or project.gate_valid_days,
        drill_every_days=project.drill_every_days,
    )


def _with_dataset(mark: Mark, root: Path) -> Mark:
    """Return a marker whose data set is a path from the project, found as a run finds it."""
    name = mark.text("dataset")
    if not name:
        return mark
    beside = (root / mark.path).parent / name
    path = beside if beside.is_file() else root / name
    found = path_from(path.resolve() if path.is_file() else path, root)
    return replace(mark, arguments={**mark.arguments, "dataset": found})


def _features(marks: Sequence[Mark], project: Settings) -> tuple[str, ...]:
    named = (mark.text("feature") for mark in marks)
    return tuple(sorted({*filter(None, named), *project.features}))


def _budgets(root: Path, project: Settings, marks: Sequence[Mark]) -> Iterator[BudgetFact]:
    """Yield the budgets of the settings, and those above evals."""
    lines = audit_evidence.lines_of(root / _PROJECT)
    of_features = [(name, each.budgets) for name, each in project.features.items()]
    for feature, expressions in [("", project.budgets), *of_features]:
        for each in expressions:
            text = str(each)
            line = next((n for n, told in lines if text in told), 0)
            yield BudgetFact(
                feature=feature,
                function=each.function,
                quantity=each.quantity,
                text=text,
                path=_PROJECT,
                line=line,
            )
    features = {(m.path, m.test): m.text("feature") for m in marks if m.name == "llm_eval"}
    for mark in marks:
        feature = features.get((mark.path, mark.test), "")
        if mark.name == "llm_budget" and feature:
            yield from _marked_budgets(mark, feature)


def _marked_budgets(mark: Mark, feature: str) -> Iterator[BudgetFact]:
    for text in mark.positional:
        try:
            each = parse(str(text))
        except BudgetError:  # which the run tells
            continue
        yield BudgetFact(
            feature=feature,
            function=each.function,
            quantity=each.quantity,
            text=str(each),
            path=mark.path,
            line=mark.line,
        )


def _people(
    root: Path, features: Sequence[str], project: Settings, paths: Sequence[str]
) -> tuple[ownership.Named | None, ownership.Named | None]:
    """Return who owns the features and who is called; what a file of the repository says wins."""
    said = [project.features.get(each, FeatureSettings()) for each in features]
    at = Evidence(path=_PROJECT)
    owners = [each.owner for each in said]
    called = [each.escalation for each in said]
    owner = ownership.find_owner(root, list(dict.fromkeys(paths)))
    on_call = ownership.find_on_call(root)
    if owner is None and owners and all(map(ownership.is_name, owners)):
        owner = ownership.Named(name=", ".join(dict.fromkeys(owners)), at=at)
    if on_call is None and called and all(map(ownership.is_name, called)):
        on_call = ownership.Named(name=", ".join(dict.fromkeys(called)), at=at)
    return owner, on_call

"""Drill lines: what answers without a model, and when that was last tried."""

from collections.abc import Sequence

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.core.history import Row
from pytest_llmprod.core.text import counted
from pytest_llmprod.handoff.audit.answers import (
    Answer,
    failed,
    for_each,
    newest,
    passed,
    rehearsed,
    table_of,
)
from pytest_llmprod.handoff.audit.facts import Facts, ModelFact, RecordingsFact


def fallback_declared(facts: Facts) -> Answer:
    """Say whether a drill of each feature names what answers in place of the model."""

    def declared(feature: str) -> Answer:
        for mark in facts.marked("llm_drill", feature):
            callable_name = mark.text("fallback") or mark.text("degraded")
            if callable_name:
                return passed(callable_name, Evidence(path=mark.path, line=mark.line))
        return failed("no drill names a fallback", _write_a_drill(feature))

    return for_each(facts.features, declared)


def _write_a_drill(feature: str) -> str:
    mark = f'@pytest.mark.llm_drill(feature="{feature}", fallback="app.rules:answer")'
    return f"write a test with {mark}"


def fallback_drilled(facts: Facts) -> Answer:
    """Say whether each feature survived all its drills lately."""

    def drilled(feature: str) -> Answer:
        rows = facts.rows("drill", feature)
        if not rows and not facts.marked("llm_drill", feature):
            return failed("no test drills it", _write_a_drill(feature))
        row = newest(rows, facts.now)
        if row is not None and (since := _unsurvived_since(facts, feature, row)):
            return since
        number = row.values.get("faults") if row is not None else None
        faults = counted(number, "fault") if isinstance(number, int) else "its faults"
        return rehearsed(
            facts,
            rows,
            never="no whole run has survived its drills",
            what=f"survived {faults}",
            mend="pytest",
        )

    return for_each(facts.features, drilled)


def _unsurvived_since(facts: Facts, feature: str, row: Row) -> Answer | None:
    """Return what the accepted run says against the drill of `row`, where it is the newer one.

    The history has a line of a drill only where all went well, so the newest may be out of date.
    """
    accepted = facts.accepted
    number = accepted.unsurvived.get(feature, 0) if accepted is not None else 0
    if accepted is None or not number or accepted.moment is None or row.moment is None:
        return None
    if accepted.moment <= row.moment:
        return None
    return failed(
        f"{counted(number, 'fault')} not survived in the accepted run",
        "pytest --llm-eval --llm-json=run.json && llmprod accept run.json",
        Evidence(path=accepted.path, run=accepted.run, when=accepted.when),
    )


def model_pinned(facts: Facts) -> Answer:
    """Say whether the version of the model is fixed, so that it does not change by itself."""

    def pinned(feature: str) -> Answer:
        model = facts.models.get(feature, ModelFact())
        gate = facts.gates.gates.get(feature)
        decided = () if gate is None else gate.models
        own = [each for each in facts.recordings if each.feature == feature]
        if model.model:
            return _as_declared(feature, model.model, own, decided)
        # Recordings of models that were only tried lie beside those of the application's own.
        own = [each for each in own if not decided or set(each.answered) & set(decided)]
        own = [each for each in own if set(each.asked) != {model.replacement}]
        for each in own:
            loose = [asked for asked in each.asked if asked not in each.answered]
            if loose and each.answered:
                says = f"{loose[0]} is an alias, and {', '.join(each.answered)} answered"
                return failed(says, _declare(feature, each.answered[0]), Evidence(path=each.path))
        own = [each for each in own if each.asked and each.answered]
        if not own:
            return failed("no version is named", _declare(feature, "VERSION"))
        return passed(", ".join(own[0].asked), Evidence(path=own[0].path))

    return for_each(facts.features, pinned)


def _as_declared(
    feature: str, model: str, own: Sequence[RecordingsFact], decided: Sequence[str]
) -> Answer:
    """Return whether nothing else has answered in the place of the version that is declared."""
    names = {asked for each in own if model in each.answered for asked in each.asked}
    answered = {m for each in own if names.intersection(each.asked) for m in each.answered}
    if own and not names and not decided:
        answered = {m for each in own for m in each.answered}
    others = sorted({*answered, *decided} - {model})
    at = Evidence(path="pyproject.toml")
    if others:
        return failed(
            f"{model} is declared, and {others[0]} answered", _declare(feature, others[0]), at
        )
    return passed(model, at)


def _declare(feature: str, model: str) -> str:
    return f'model = "{model}" in {table_of(feature)}'


def replacement_named(facts: Facts) -> Answer:
    """Say whether the model is named that is to follow when the provider retires this one."""

    def named(feature: str) -> Answer:
        name = facts.models.get(feature, ModelFact()).replacement
        if name:
            return passed(name, Evidence(path="pyproject.toml"))
        mend = f'replacement = "MODEL" in {table_of(feature)}'
        return failed("no model is named that could take over", mend)

    return for_each(facts.features, named)


def swap_rehearsed(facts: Facts) -> Answer:
    """Say whether a model that could take over was compared with the model lately."""

    def rehearsed_with(feature: str) -> Answer:
        name = facts.models.get(feature, ModelFact()).replacement
        rows = [
            row
            for row in facts.rows("swap", feature)
            if not name or name in (row.text("new"), row.text("asked"))
        ]
        row = newest(rows, facts.now)
        today = _asked_today(facts, feature) or "OLD"
        old, new = (row.text("old"), row.text("new")) if row else (today, name or "NEW")
        verdict = row.text("verdict") if row else ""
        with_model = f" with {name}" if name else ""
        return rehearsed(
            facts,
            rows,
            never=f"no run has compared it{with_model}",
            what=f"{new} compared with {old}: {verdict},",
            mend=f"pytest --llm-eval --llm-models={old},{new}",
        )

    return for_each(facts.features, rehearsed_with)


def _asked_today(facts: Facts, feature: str) -> str:
    """Return the one model that the recordings of a feature asked beside its replacement, or ''."""
    replacement = facts.models.get(feature, ModelFact()).replacement
    own = [each for each in facts.recordings if each.feature == feature]
    asked = {name for each in own for name in each.asked} - {replacement}
    return asked.pop() if len(asked) == 1 else ""

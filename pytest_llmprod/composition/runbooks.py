"""Runbooks: gathers what a runbook says from the files of a project, and keeps the file true.

Composes the settings, gates, accepted run, drills, recordings and prices. Nothing is run for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_llmprod import settings
from pytest_llmprod.budgets import price_lock, prices
from pytest_llmprod.budgets.model_price import ModelPrice
from pytest_llmprod.composition import drill_history
from pytest_llmprod.composition.feature_settings import FeatureSettings
from pytest_llmprod.core.errors import CassetteError, HandoffError
from pytest_llmprod.core.files import BASELINE_NAME, write_whole
from pytest_llmprod.core.money import amount_of
from pytest_llmprod.evals import baseline, gates_file
from pytest_llmprod.faults.catalogue import CATALOGUE
from pytest_llmprod.gates import FILE_NAME as GATES_NAME
from pytest_llmprod.handoff import regions, runbook
from pytest_llmprod.handoff.audit import ownership
from pytest_llmprod.handoff.audit.marks import read_marks
from pytest_llmprod.handoff.regions import Region
from pytest_llmprod.handoff.runbook import Bound, Facts, Failure, Feature, Model, Score
from pytest_llmprod.handoff.scaffold import Written
from pytest_llmprod.wire.cassettes import any_cassette, folders
from pytest_llmprod.wire.recording import asked_model


def write_new(root: Path, path: str = runbook.FILE_NAME) -> Written:
    """Write a runbook with all regions, where there is no file yet; raise HandoffError."""
    if (root / path).exists():
        return Written(path=path, outcome="left alone", reason="renew it with `llmprod runbook`")
    _write(root / path, runbook.new_text(gather(root), root.resolve().name))
    return Written(path=path, outcome="wrote")


def outdated(root: Path, path: Path) -> list[Region]:
    """Return the regions of a runbook that are out of date; raise HandoffError."""
    return regions.outdated(_regions(_read(path), path), runbook.bodies(gather(root)))


def renew(root: Path, path: Path) -> list[Region]:
    """Renew the regions of a runbook, and return those that were out of date.

    Raises HandoffError. A file in which nothing is out of date is not written.
    """
    text = _read(path)
    bodies = runbook.bodies(gather(root))
    stale = regions.outdated(_regions(text, path), bodies)
    if stale:
        _write(path, regions.renew(text, bodies))
    return stale


def _regions(text: str, path: Path) -> list[Region]:
    found = regions.find(text, runbook.NAMES, str(path))
    if not found:
        raise HandoffError(
            f"{path}: has no marked region. Add those that you want, each as two lines, "
            f"{regions.start_of('models')} and {regions.end_of('models')}. There are "
            f"{', '.join(runbook.NAMES)}."
        )
    return found


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HandoffError(f"{path}: cannot be read ({error}).") from error


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise HandoffError(
            f"{path}: cannot be written ({error.strerror}). Make it writable and try again."
        ) from error


def gather(root: Path) -> Facts:
    """Return what the files in `root` say; raise an LlmprodError where one cannot be read."""
    project = settings.of_project(root)
    gates = gates_file.read(root / GATES_NAME)
    accepted = _accepted(root)
    drilled = drill_history.last(root, datetime.now(UTC))
    names = {*project.features, *gates, *drilled}
    names |= {str(each.get("feature")) for each in baseline.rows_of(accepted, "drills")}
    evals = [mark.path for mark in read_marks(root) if mark.name == "llm_eval"]
    return Facts(
        features=tuple(
            _feature(name, root, project, gates, accepted, drilled) for name in sorted(names)
        ),
        models=tuple(_models(root)),
        bounds=tuple(_bounds(project, accepted)),
        accepted_on=baseline.accepted_on(accepted),
        log=project.log,
        retention_days=project.retention_days,
        drill_every_days=project.drill_every_days,
        owner=ownership.find_owner(root, list(dict.fromkeys(evals))),
    )


def _accepted(root: Path) -> Mapping[str, Any]:
    path = root / BASELINE_NAME
    return baseline.load_document(path) if path.is_file() else {}


def _feature(
    name: str,
    root: Path,
    project: settings.Settings,
    gates: Mapping[str, Any],
    accepted: Mapping[str, Any],
    drilled: Mapping[str, Mapping[str, Any]],
) -> Feature:
    said = project.features.get(name, FeatureSettings())
    gate, drill = gates.get(name), drilled.get(name, {})
    switch_s = drill.get("slowest_switch_s")
    return Feature(
        name=name,
        owner=said.owner,
        escalation=said.escalation,
        prompts=tuple((path, (root / path).is_file()) for path in said.prompts),
        requests_per_month=said.requests_per_month,
        is_open=None if gate is None else gate.get("enabled") is True,
        scores=() if gate is None else tuple(map(_score, gate["suites"])),
        failures=tuple(_failures(name, baseline.rows_of(accepted, "drills"))),
        fallback=str(drill.get("fallback", "")),
        drilled_faults=int(drill.get("faults", 0)),
        switch_s=None if switch_s is None else float(switch_s),
    )


def _score(suite: Mapping[str, Any]) -> Score:
    low, high = (float(bound) * 100 for bound in suite["interval"])
    return Score(
        test=str(suite["test"]),
        metric=str(suite["metric"]),
        threshold=f"{float(suite['threshold']):.0%}",
        score=f"{float(suite['score']):.1%} of {suite['cases']} ({low:.1f} to {high:.1f})",
        verdict=str(suite["verdict"]),
        model=str(suite["model"]),
        until=str(suite.get("valid_until", ""))[:10],
    )


def _failures(name: str, drills: Iterable[Mapping[str, Any]]) -> Iterator[Failure]:
    """Yield what the drills of a feature saw, by class of errors and by what came of it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for drill in drills:
        fault = str(drill.get("fault", ""))
        if drill.get("feature") == name and fault in CATALOGUE:
            key = (CATALOGUE[fault].raises, str(drill.get("outcome", "")))
            found.setdefault(key, {})[fault] = None
    for (error, outcome), faults in sorted(found.items()):
        yield Failure(error=error, faults=tuple(sorted(faults)), outcome=outcome)


def _bounds(project: settings.Settings, accepted: Mapping[str, Any]) -> Iterator[Bound]:
    """Yield the budgets of the settings and of the accepted run, each once."""
    rows = {_named(row): row for row in baseline.rows_of(accepted, "budgets")}
    wanted = dict.fromkeys(("run", "", str(each)) for each in project.budgets)
    for feature, said in sorted(project.features.items()):
        wanted.update(dict.fromkeys(("feature", feature, str(each)) for each in said.budgets))
    # A budget that left the settings stands in the accepted run all the same.
    wanted.update(dict.fromkeys(name for name in rows if name[0] == "test"))
    for scope, name, text in wanted:
        row = rows.get((scope, name, text), {})
        yield Bound(
            of=name or "the run",
            text=text,
            observed=_observed(row),
            verdict=str(row.get("verdict", "")),
        )


def _named(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row.get("scope", "")), str(row.get("name", "")), str(row.get("budget", ""))


def _observed(row: Mapping[str, Any]) -> str:
    amount = amount_of(row.get("observed"))
    if amount is None:
        return ""
    text = {"USD": f"${prices.usd_text(amount)}", "s": f"{amount:.2f} s"}
    days = " to ".join(dict.fromkeys(map(str, row.get("recorded") or ())))
    told = text.get(str(row.get("unit")), f"{amount:,.0f}")
    return f"{told}, recorded {days}" if days else told


def _models(root: Path) -> Iterator[Model]:
    """Yield the models in the recordings, those that answered most requests first."""
    days: dict[tuple[str, str, str], list[str]] = {}
    for path in _cassettes(root):
        for recording in any_cassette.read(path):
            if recording.judged is None and recording.status == 200:
                asked = asked_model(recording)
                name = (any_cassette.provider_of(recording), asked, recording.model or asked)
                days.setdefault(name, []).append(recording.recorded_at[:10])
    lock = prices.find_lock(root, root)
    known = {} if lock is None else price_lock.read(lock).prices
    for name in sorted(days, key=lambda each: (-len(days[each]), each)):
        provider, asked, answered = name
        price = known.get((provider, answered)) or known.get((provider, asked))
        yield Model(
            asked=asked,
            answered=answered,
            recordings=len(days[name]),
            recorded=(min(days[name]), max(days[name])),
            price="" if price is None else _price_text(price),
        )


def _cassettes(root: Path) -> Sequence[Path]:
    try:
        return folders.find_below(root)
    except CassetteError:  # there is none yet
        return ()


def _price_text(price: ModelPrice) -> str:
    return f"{price.input} in, {price.cached} cached, {price.output} out"

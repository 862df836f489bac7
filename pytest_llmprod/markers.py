"""Markers: from what a user wrote above a test to checked values."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.core.errors import DatasetError, MarkerError, MetricError
from pytest_llmprod.core.text import counted
from pytest_llmprod.fixtures import NEEDING_A_TAPE

if TYPE_CHECKING:
    from pytest_llmprod.budgets.expression import Expression
    from pytest_llmprod.composition.feature_settings import FeatureSettings
    from pytest_llmprod.evals.dataset import Dataset
    from pytest_llmprod.evals.metrics import Scorer
    from pytest_llmprod.evals.suite import Asking, Suite
    from pytest_llmprod.session import Session
    from pytest_llmprod.wire.rules import PlayRules

MARKERS = (
    "llm_eval(feature, dataset, threshold, confidence=0.95, margin=0, repeats=1, cluster=None, "
    "task=None, outputs=None, max_errors=0): run this test once for each case of a data set, "
    "`repeats` times, and judge the share of hits",
    "llm_cassette(repeats='strict', clock='instant', unplayed='fail'): let this test record and "
    "replay its requests to a model",
    "llm_budget(*budgets): judge the requests of this test, over all its cases, by bounds such as "
    "'cost < 0.002' (USD, each request) and 'p95(latency) < 2.5s'",
    "llm_drill(feature, faults='all', fallback=None, degraded=None, once=(), raises=(), "
    "within='60s', requests=None, log=True, clock='virtual'): run this test once for each fault of "
    "a provider, and judge what the application does about it",
    "llm_guardrail(feature, kind=None, guardrail=None, secret=None, places='all', fails='closed', "
    "fallback=None, tools=(), within='10s'): run this test once for each place at which a "
    "guardrail has to stand, and for each way in which it fails itself; with kind='pii' and no "
    "llm_place, say of which way to fail this test is (also injection, malformed, output, refusal, "
    "stream), and which line of the audit it is evidence for",
)
_ARGUMENTS = (
    "feature",
    "dataset",
    "threshold",
    "confidence",
    "margin",
    "repeats",
    "cluster",
    "task",
    "outputs",
    "max_errors",
)
#: Markers that parametrize a test, and the argument that they do it by.
_PARAMETRIZED = {"llm_eval": "llm_case", "llm_drill": "llm_fault"}
_CASSETTE_ARGUMENTS = ("repeats", "clock", "unplayed")
_CASSETTE_EXAMPLE = '@pytest.mark.llm_cassette(repeats="cycle")'
_EXAMPLE = '@pytest.mark.llm_eval(feature="triage", dataset="evals/tickets.jsonl", threshold=0.9)'


def play_rules(item: Any, rules: "PlayRules") -> "PlayRules":
    """Return `rules` with what the marker llm_cassette of a test says otherwise.

    Raises MarkerError, which names the test and the cure.
    """
    marker = _cassette_marker(item)
    if marker is None or not (marker.args or marker.kwargs):
        return rules
    from pytest_llmprod.wire import rules as checks  # only a marker with arguments needs it

    where = f"{item.nodeid}: @pytest.mark.llm_cassette"
    refuse_unknown(where, marker, _CASSETTE_ARGUMENTS, _CASSETTE_EXAMPLE)
    given = marker.kwargs
    try:
        return replace(
            rules,
            repeats=checks.checked_repeats(given.get("repeats", rules.repeats)),
            clock_scale=checks.checked_clock(given.get("clock", rules.clock_scale)),
            unplayed=checks.checked_unplayed(given.get("unplayed", rules.unplayed)),
        )
    except ValueError as error:
        raise MarkerError(f"{where}: {error}") from error


def _cassette_marker(test: Any) -> pytest.Mark | None:
    """Return the marker of a test that counts: for pytest its function is closer than it is."""
    of_parameters = getattr(getattr(test, "callspec", None), "marks", ())
    own = [each for each in of_parameters if each.name == "llm_cassette"]
    marker: pytest.Mark | None = own[-1] if own else test.get_closest_marker("llm_cassette")
    return marker


def refuse_wrong_play_rules(test: Any) -> None:
    """Raise MarkerError where the marker llm_cassette of a test (or its function) is wrong."""
    marker = _cassette_marker(test)
    if marker is None or not (marker.args or marker.kwargs):
        return
    from pytest_llmprod.wire.rules import PlayRules  # see play_rules

    play_rules(test, PlayRules())


def budgets(test: Any, features: "Mapping[str, FeatureSettings]") -> "tuple[Expression, ...]":
    """Return the budgets that the markers llm_budget of a test (or its function) say.

    Raises MarkerError, which names the test and the cure.
    """
    if test.get_closest_marker("llm_budget") is None:
        return ()
    from pytest_llmprod.composition import budget_marks  # only a test with a budget needs it

    is_marked = is_eval(test) or test.get_closest_marker("llm_cassette") is not None
    records = is_marked or not NEEDING_A_TAPE.isdisjoint(test.fixturenames)
    return budget_marks.read(test, features, records=records)


_MAKING_ANSWERS_UP = frozenset({"llm_fault", "llm_faults", "llm_script", "llm_server", "llm_place"})


def answers_made_up(test: Any) -> list[str]:
    """Return the fixtures of a test by which faults or a script answer its requests."""
    return sorted(_MAKING_ANSWERS_UP & set(test.fixturenames))


def refuse_answers_made_up(test: Any) -> None:
    """Raise MarkerError where an eval would judge what no model has answered."""
    used = answers_made_up(test)
    if used:
        raise MarkerError(
            f"{test.nodeid}: is marked with llm_eval and uses the fixture {used[0]}. An eval opens "
            f"a gate by what a model answered, and this one would by what the test made up. Remove "
            f"the fixture, or make a test of its own, marked with llm_drill or llm_cassette."
        )


def refuse_vcr(test: Any) -> None:
    """Raise MarkerError where a test (or its function) is one of pytest-recording and of ours."""
    if test.get_closest_marker("vcr") is None:
        return
    ours = [each for each in ("llm_eval", "llm_cassette") if test.get_closest_marker(each)]
    ours = [f"@pytest.mark.{each}" for each in ours]
    ours += [f"the fixture {each}" for each in sorted(NEEDING_A_TAPE & set(test.fixturenames))]
    if ours:
        raise MarkerError(
            f"{test.nodeid}: has @pytest.mark.vcr and {ours[0]}. A test has one of them: vcrpy "
            f"would take all its requests. Remove @pytest.mark.vcr from the test, its class or its "
            f"module (pytestmark). The cassettes that vcrpy wrote are played where they lie."
        )


def is_eval(definition: Any) -> bool:
    """Say whether a test function carries the llm_eval marker."""
    return definition.get_closest_marker("llm_eval") is not None


def refuse_unparametrized(items: Iterable[pytest.Item]) -> None:
    """Raise UsageError where pytest did not make one test for each case, or for each fault."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        params = () if callspec is None else callspec.params
        for name, argument in _PARAMETRIZED.items():
            if item.get_closest_marker(name) and argument not in params:
                raise pytest.UsageError(
                    f"{item.nodeid}: the {name} marker works on a test function, not on a method "
                    f"of unittest.TestCase or on one parameter. Put it above "
                    f"`def test_...({argument}):`."
                )


def read_llm_eval(definition: Any, session: "Session", rootpath: Path) -> "Suite":
    """Return the suite that the marker of a test function describes.

    Raises MarkerError or DatasetError, which name the test and the cure.
    """
    marker = definition.get_closest_marker("llm_eval")
    where = f"{definition.nodeid}: @pytest.mark.llm_eval"
    if sum(each.name == "llm_eval" for each in definition.own_markers) > 1:
        raise MarkerError(
            f"{where}: stands twice above this function. Write one test function for each data "
            f"set, and several metrics as threshold={{...}}."
        )
    values = _arguments(where, marker)
    if "llm_case" not in definition.fixturenames:
        raise MarkerError(
            f"{where}: the test function has no argument llm_case. Write "
            f"`def {definition.name}(llm_case):`; it receives one row of the data set."
        )
    return _checked(where, values, definition, session, rootpath)


def _arguments(where: str, marker: pytest.Mark) -> Mapping[str, Any]:
    refuse_unknown(where, marker, _ARGUMENTS, _EXAMPLE)
    for name in ("feature", "dataset", "threshold"):
        if name not in marker.kwargs:
            raise MarkerError(f"{where}: the argument {name!r} is missing. Write {_EXAMPLE}.")
    return marker.kwargs


def refuse_unknown(where: str, marker: pytest.Mark, known: tuple[str, ...], example: str) -> None:
    """Raise MarkerError where a marker has an argument without a name, or one that is not known."""
    if marker.args:
        raise MarkerError(
            f"{where}: takes named arguments only, not {marker.args[0]!r}. Write {example}."
        )
    for name in marker.kwargs:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise MarkerError(
                f"{where}: there is no argument {name!r}.{hint} Known are {', '.join(known)}."
            )


def _checked(
    where: str, values: Mapping[str, Any], definition: Any, session: "Session", rootpath: Path
) -> "Suite":
    from pytest_llmprod.evals import outputs  # brings pydantic: only runs with evals need it
    from pytest_llmprod.evals.suite import Suite

    feature = values["feature"]
    if not isinstance(feature, str) or not feature.strip():
        raise MarkerError(f"{where}: feature must be a name such as 'triage', not {feature!r}.")
    task = values.get("task")
    if task is not None and not callable(task):
        raise MarkerError(
            f"{where}: task must be callable, not {task!r}. Name the function itself, without "
            f"calling it and without quotes: task=triage."
        )
    outputs_name = values.get("outputs")
    if task is not None and outputs_name is not None:
        raise MarkerError(f"{where}: give task= or outputs=, not both.")
    dataset = session.dataset(_find(where, "dataset", values["dataset"], definition, rootpath))
    if values.get("cluster") is not None:
        dataset = _clustered(where, dataset, values["cluster"])
    ids = [case.id for case in dataset.cases]
    repeats = _repeats(where, values.get("repeats", 1), ids)
    recorded = None
    if outputs_name is not None:
        path = _find(where, "outputs", outputs_name, definition, rootpath)
        recorded = outputs.load(path, ids, repeats)
    threshold, scorers = _threshold(where, values["threshold"], definition)
    return Suite(
        feature=feature,
        test=definition.nodeid,
        dataset=dataset,
        threshold=threshold,
        scorers=scorers,
        confidence=_confidence(where, values.get("confidence", 0.95)),
        margin=_margin(where, values.get("margin", 0)),
        max_errors=_max_errors(where, values.get("max_errors", 0)),
        repeats=repeats,
        task=task,
        outputs=recorded,
    )


def _threshold(
    where: str, value: Any, definition: Any
) -> "tuple[Mapping[str, float], Mapping[str, Scorer]]":
    """Return the share that each metric must reach, and those metrics that are functions."""
    from pytest_llmprod.composition.metric_scope import metrics_for
    from pytest_llmprod.evals import metrics  # see _checked

    thresholds = value if isinstance(value, dict) else {metrics.PASSED: value}
    if not thresholds:
        raise MarkerError(f"{where}: threshold is an empty dict. Name at least one metric.")
    shares: dict[str, float] = {}
    scorers: dict[str, Scorer] = {}
    scores_itself = "llm_score" in definition.fixturenames
    try:
        for given, share in thresholds.items():
            name = given if isinstance(given, str) else metrics.name_of(given)
            if name in shares:
                raise MarkerError(f"threshold= has two metrics of the name {name!r}. Keep one.")
            shares[name] = _share(share)
            if name == metrics.PASSED:
                continue
            known = metrics_for(definition) if isinstance(given, str) else {name: given}
            if name in known:
                scorers[name] = metrics.make_scorer(name, known[name])
            elif not scores_itself:
                raise metrics.unknown_metric(name, known)
    except (MarkerError, MetricError) as error:
        raise MarkerError(f"{where}: {error}") from error
    return shares, scorers


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise MarkerError(
            f"threshold must be a share between 0 and 1 (0.9 for 90 %), not {value!r}."
        )
    return float(value)


def _confidence(where: str, value: Any) -> float:
    if isinstance(value, float) and 0.5 <= value < 1:
        return value
    raise MarkerError(
        f"{where}: confidence must be a share from 0.5 to below 1, such as 0.95, not {value!r}."
    )


def _clustered(where: str, dataset: "Dataset", field: Any) -> "Dataset":
    from pytest_llmprod.evals.cluster_field import clustered_by  # see _checked

    if not isinstance(field, str) or not field:
        raise MarkerError(
            f"{where}: cluster must be the name of a field of the data set, such as "
            f"'input.customer', not {field!r}."
        )
    return clustered_by(dataset, field)


def _repeats(where: str, value: Any, ids: Sequence[str]) -> int:
    """Return how often each case is asked; refuse ids that read like those of repeats."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise MarkerError(
            f"{where}: repeats must be a whole number from 1 up, such as 3, not {value!r}."
        )
    unclear = [each for each in ids if value > 1 and re.search(r"#[0-9]+$", each)]
    if unclear:
        raise MarkerError(
            f"{where}: repeats={value} names the repeats of a case 't-1' 't-1#2', 't-1#3' and so "
            f"on, and {counted(len(unclear), 'id')} of the data set end like that, the first is "
            f"{unclear[0]!r}. Give these cases other ids, or leave repeats out."
        )
    return value


def refuse_equal_ids(item: pytest.Item, askings: "Sequence[Asking]") -> None:
    """Raise MarkerError where a case of one model has the name of another case of another model.

    pytest would rename both, and nobody could tell which case a name stands for.
    """
    known: dict[str, Asking] = {}
    for each in askings:
        other = known.setdefault(each.id, each)
        if other is not each:
            raise MarkerError(
                f"{item.nodeid}: the case {other.case.id!r} of the model {other.model!r} and the "
                f"case {each.case.id!r} of the model {each.model!r} would both be called "
                f"{each.id!r}. Give one of them another id, or ask one model at a time with "
                f"--llm-model."
            )


def _margin(where: str, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise MarkerError(
        f"{where}: margin must be a share from 0 to below 1, such as 0.02, not {value!r}. It says "
        f"by how much, as a share of all cases, a new model may be worse."
    )


def _max_errors(where: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise MarkerError(f"{where}: max_errors must be a whole number from 0 up, not {value!r}.")


def _find(where: str, argument: str, name: Any, definition: Any, rootpath: Path) -> Path:
    """Return the path of a file: from the folder of the test file, then from the rootdir."""
    if not isinstance(name, str | Path):
        raise MarkerError(
            f"{where}: {argument} must be the path of a file such as 'evals/tickets.jsonl', not "
            f"{name!r}."
        )
    candidates: list[Path] = [definition.path.parent / name, rootpath / name]
    for candidate in candidates:
        if candidate.is_dir():
            raise DatasetError(
                f"{where}: {argument}={str(name)!r}: {candidate} is a folder. Name a file in it, "
                f"with its ending."
            )
        if candidate.exists():
            return candidate.resolve()
    tried = " and ".join(str(candidate) for candidate in dict.fromkeys(candidates))
    raise DatasetError(
        f"{where}: {argument}={str(name)!r}: there is no such file; looked for {tried}. Create it "
        f"or correct the path."
    )

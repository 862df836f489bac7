"""Plugin: pytest's way in. Hooks of a few lines, and nothing heavy at import.

The Recorder exists where tests run (in pytest itself, or in each xdist worker), the Collector in
the one process that sees every report. `docs/architecture.md` shows how they work together.
"""

import gc
import os
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import fixtures, hookspecs, markers
from pytest_llmprod.core import keeping
from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.text import printable
from pytest_llmprod.fixtures import (  # noqa: F401  # pytest finds fixtures in this module
    MAKE_SESSION,
    SESSION,
    llm_async_client,
    llm_canary,
    llm_case,
    llm_cassette,
    llm_client,
    llm_model,
    llm_output,
    llm_records,
    llm_score,
    llm_wire,
)
from pytest_llmprod.hooks import drilling, options, unasked
from pytest_llmprod.hooks.collector import Collector
from pytest_llmprod.hooks.drill_fixtures import (  # noqa: F401  # pytest finds fixtures in this module
    llm_fallback,
    llm_fault,
    llm_faults,
    llm_place,
    llm_script,
    llm_server,
)
from pytest_llmprod.hooks.scope import Scope
from pytest_llmprod.hooks.stash import (
    DESELECTED,
    LEFT_OUT,
    LOG_PROBLEM,
    NARROWED,
    RUN_ID,
    SETTINGS,
    UNASKED,
)
from pytest_llmprod.hooks.witness import Witness, has_records
from pytest_llmprod.hooks.workers import Workers

if TYPE_CHECKING:
    from pytest_llmprod.budgets.prices import PriceList
    from pytest_llmprod.evals.metrics import Metric
    from pytest_llmprod.session import Session
    from pytest_llmprod.settings import Settings
    from pytest_llmprod.wire.dialects import Dialect
    from pytest_llmprod.wire.masking import Scanner

_OUR_FIXTURES = drilling.FIXTURES.union(name for name in vars(fixtures) if name.startswith("llm_"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the group `llmprod`."""
    options.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other plugins implement our hooks."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the Collector in the process that sees every report."""
    for line in markers.MARKERS:
        config.addinivalue_line("markers", line)
    config.stash[SESSION] = None
    config.stash[MAKE_SESSION] = lambda: _session(config)
    config.stash[SETTINGS] = lambda: _settings(config)
    config.stash[DESELECTED] = 0
    config.stash[NARROWED] = 0
    config.stash[UNASKED] = set()
    config.stash[LEFT_OUT] = set()
    config.stash[LOG_PROBLEM] = ""
    config.add_cleanup(keeping.listen(lambda card: _keep_score(config, card)))
    options.prepare(config)
    option = config.option
    if option.llm_eval or option.llm_record != "none" or option.llm_otel:
        config.stash[SETTINGS]()  # wrong settings are told before anything is collected
    if option.llm_eval or option.llm_plan:
        config.add_cleanup(gc.unfreeze)  # early: it then comes after pytest's own last collections
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[RUN_ID] = worker["llmprod_run"]
        return
    started_at = datetime.now(UTC)
    # Runs of one microsecond must not share a journal; by their names they stand in order.
    config.stash[RUN_ID] = f"{started_at:%Y%m%dT%H%M%S%f}-{os.urandom(4).hex()}"
    workers = Workers(config)
    config.pluginmanager.register(workers, "llmprod-workers")
    config.pluginmanager.register(
        Collector(config, Scope(config), started_at, workers), "llmprod-collector"
    )
    if config.option.llm_otel:
        # Only a run that sends something needs it.
        from pytest_llmprod.hooks.telemetry import Telemetry

        telemetry = Telemetry(config, config.stash[RUN_ID])
        config.pluginmanager.register(telemetry, "llmprod-telemetry")


def _keep_score(config: pytest.Config, card: "keeping.Card") -> None:
    """Give a scorecard to the Scorekeeper, who comes with the first one."""
    keeper: Any = config.pluginmanager.get_plugin("llmprod-scorekeeper")
    if keeper is None:
        # Only who scores a guardrail needs it.
        from pytest_llmprod.hooks.scorekeeping import Scorekeeper

        keeper = Scorekeeper()
        config.pluginmanager.register(keeper, "llmprod-scorekeeper")
    keeper.take(card)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let modules that build a client when they are imported do so without a key."""
    option = session.config.option
    if not (option.llm_eval or option.llm_plan):
        return (yield)
    from pytest_llmprod.composition import garbage_collection  # only runs of evals need these
    from pytest_llmprod.wire.placeholder import LentKeys

    keys = LentKeys(os.environ)
    if option.llm_plan or option.llm_record == "none":
        keys.lend()
    try:
        with garbage_collection.settling():
            return (yield)
    finally:
        keys.take_back()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item of each case of the data set."""
    is_eval = markers.is_eval(metafunc.definition)
    if metafunc.config.option.llm_eval or not is_eval:
        with _collecting():
            markers.refuse_vcr(metafunc.definition)
            markers.refuse_wrong_play_rules(metafunc.definition)
            if metafunc.definition.get_closest_marker("llm_budget") is not None:
                settings = metafunc.config.stash[SETTINGS]()
                markers.budgets(metafunc.definition, settings.features)
            drilling.parametrize(metafunc)
            drilling.parametrize_places(metafunc)
            if is_eval:
                markers.refuse_answers_made_up(metafunc.definition)
    if not is_eval:
        return
    if not metafunc.config.option.llm_eval:
        if "llm_case" in metafunc.fixturenames:
            metafunc.parametrize("llm_case", [None], ids=["every case"], indirect=True)
        return
    session = _session(metafunc.config)
    with _collecting():
        suite = markers.read_llm_eval(metafunc.definition, session, metafunc.config.rootpath)
    session.suites[suite.test] = suite
    models = session.settings.choice.models or ("",)
    askings = [each._replace(model=model) for model in models for each in suite.askings]
    with _collecting():
        markers.refuse_equal_ids(metafunc.definition, askings)
    metafunc.parametrize("llm_case", askings, ids=[each.id for each in askings], indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Tell a wrong llm_cassette or llm_budget of one parameter as an error of its test file.

    No function says what its parameters are marked with. An error for want of a key is explained.
    """
    report = yield
    runs_evals = collector.config.option.llm_eval
    if report.failed and not runs_evals:
        from pytest_llmprod.hooks import keyless  # only an error needs it

        keyless.explain(report, collector)
    try:
        for item in report.result:
            if not isinstance(item, pytest.Item):
                continue
            if markers.is_eval(item) and not runs_evals:
                unasked.note(item)
            else:
                markers.refuse_wrong_play_rules(item)
                if item.get_closest_marker("llm_budget") is not None:
                    markers.budgets(item, collector.config.stash[SETTINGS]().features)
    except LlmprodError as error:
        report.outcome, report.longrepr, report.result = "failed", str(error), []
    return report


@contextmanager
def _collecting() -> Iterator[None]:
    """Tell an error of ours as one of the test file, which pytest names beside the others."""
    try:
        yield
    except LlmprodError as error:
        raise pytest.Collector.CollectError(str(error)) from error


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave evals out unless they are asked for, and register what the tests that run need."""
    try:
        _prepare_items(config, items)
    except pytest.UsageError as error:
        if not hasattr(config, "workerinput"):
            raise
        # xdist shows nothing of it, and ends with an internal error. An error of collection it
        # shows, that of several workers once.
        items.clear()
        config.hook.pytest_collectreport(
            report=pytest.CollectReport("", "failed", longrepr=str(error), result=[])
        )


def _prepare_items(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Do as the hook says; raise UsageError where an item is wrong, or two share a cassette."""
    if not config.option.llm_eval:
        evals = [item for item in items if markers.is_eval(item)]
        if evals:
            config.stash[DESELECTED] = len(evals)
            config.hook.pytest_deselected(items=evals)
            items[:] = [item for item in items if not markers.is_eval(item)]
    markers.refuse_unparametrized(items)
    if any(map(has_records, items)):
        config.pluginmanager.register(Witness(), "llmprod-witness")
    if any(item.get_closest_marker("llm_guardrail") is not None for item in items):
        from pytest_llmprod.hooks.guardrail_tests import GuardrailTests

        tests = GuardrailTests(items, config.option.llm_fuzz or 0)
        config.pluginmanager.register(tests, "llmprod-guardrail-tests")
    if any(_is_ours(item) for item in items):
        from pytest_llmprod.hooks.labels import refuse_shared_cassettes
        from pytest_llmprod.hooks.recorder import Forecaster, Recorder, TaskRunner

        refuse_shared_cassettes(item for item in items if _is_ours(item))
        recorder = Recorder(_session(config), is_worker=hasattr(config, "workerinput"))
        config.pluginmanager.register(recorder, "llmprod-recorder")
        config.pluginmanager.register(TaskRunner(recorder), "llmprod-task-runner")
        if any(drilling.has_faults(item) for item in items):
            config.pluginmanager.register(drilling.Driller(_session(config)), "llmprod-driller")
        if config.option.llm_fallback_only:
            from pytest_llmprod.hooks.fallback_only import FallbackOnly

            config.pluginmanager.register(FallbackOnly(), "llmprod-fallback-only")
        if config.option.llm_record != "none":
            from pytest_llmprod.hooks.outages import OutageNotes

            config.pluginmanager.register(OutageNotes(), "llmprod-outages")
        if config.option.llm_plan:
            forecaster = Forecaster(recorder, _session(config))
            config.pluginmanager.register(forecaster, "llmprod-forecaster")
    if items and _may_forbid(config) and config.stash[SETTINGS]().leave_rules.is_set:
        from pytest_llmprod.hooks.untaped import Untaped  # only who forbids something needs it

        config.pluginmanager.register(Untaped(_session(config)), "llmprod-untaped")


def _may_forbid(config: pytest.Config) -> bool:
    """Say whether the project may forbid that something leaves; to read all settings takes time."""
    try:
        text = (config.rootpath / "pyproject.toml").read_bytes()
    except OSError:
        return False
    return b"llmprod" in text and re.search(rb"\b(?:forbid|require)\s*=", text) is not None


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count evals that somebody else left out: such a run is no whole one."""
    if items and items[0].config.option.llm_eval:
        from pytest_llmprod.hooks.labels import suite_of  # only a run of evals needs it

        evals = [item for item in items if markers.is_eval(item)]
        stash = items[0].config.stash
        stash[NARROWED] += len(evals)
        stash[LEFT_OUT].update(suite_of(each) for each in evals)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Undo what was patched, and tell the controller what this worker deselected."""
    ours = session.config.stash[SESSION]
    problem = ""
    if ours is not None:
        ours.close()
        problem = ours.log_problem
    output = getattr(session.config, "workeroutput", None)
    if output is None:
        session.config.stash[LOG_PROBLEM] = problem or session.config.stash[LOG_PROBLEM]
    else:
        output["llmprod_log"] = problem
        output["llmprod_sent"] = 0 if ours is None else ours.sent
        output["llmprod_files"] = {} if ours is None else ours.last_outgoing()
        left_out: set[str] = session.config.stash[LEFT_OUT]
        output["llmprod_left_out"] = sorted(left_out)
        output["llmprod_deselected"] = session.config.stash[DESELECTED]
        output["llmprod_narrowed"] = session.config.stash[NARROWED]


def pytest_report_teststatus(
    report: Any,
) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Show a miss as `m`, and a gate while tests run only where each has a line of its own."""
    if getattr(report, "llmprod_missed", False):
        return "missed", "m", ("MISS", {"yellow": True})
    if getattr(report, "llmprod_silent", False):
        return report.outcome, "", ""
    return None


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode
) -> None:
    """Say which evals were left out, and that there is no log where there should be one."""
    config = terminalreporter.config
    if config.stash[LOG_PROBLEM]:
        text = f"llmprod: the request log is incomplete: {config.stash[LOG_PROBLEM]}"
        terminalreporter.write_line(printable(text), yellow=True)
    for line in unasked.lines(terminalreporter, exitstatus):
        terminalreporter.write_line(line)


def pytest_llmprod_dialects() -> "Sequence[Dialect]":
    """Supply the built-in dialects."""
    from pytest_llmprod.wire import dialects

    return dialects.BUILT_IN


def pytest_llmprod_metrics() -> "Mapping[str, Metric]":
    """Supply the built-in metrics."""
    from pytest_llmprod.evals import metrics

    return metrics.BUILT_IN


def pytest_llmprod_scanners() -> "Sequence[Scanner]":
    """Supply the built-in scanners."""
    from pytest_llmprod.wire import masking

    return masking.BUILT_IN


def pytest_llmprod_prices(folder: Path, rootpath: Path) -> "PriceList | None":
    """Supply the nearest price lock."""
    from pytest_llmprod.budgets import prices

    lock = prices.find_lock(folder, rootpath)
    return None if lock is None else prices.load(lock)


def _is_ours(item: pytest.Item) -> bool:
    if markers.is_eval(item) or item.get_closest_marker("llm_cassette") is not None:
        return True
    return not _OUR_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def _settings(config: pytest.Config) -> "Settings":
    from pytest_llmprod.hooks import process  # only a run that uses something of ours needs it

    return process.settings_of(config)


def _session(config: pytest.Config) -> "Session":
    from pytest_llmprod.hooks import process  # only a run that uses something of ours needs it

    return process.session_of(config)

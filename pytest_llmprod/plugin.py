"""Plugin: pytest's way in. Options, hooks of a few lines, and nothing heavy at import.

The Recorder exists where tests run (in pytest itself, or in each xdist worker), the Collector in
the one process that sees every report. `docs/architecture.md` shows how they work together.
"""

import argparse
import gc
import os
import re
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import fixtures, markers
from pytest_llmprod.core import keeping
from pytest_llmprod.core.errors import LlmprodError, SettingsError
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
from pytest_llmprod.hooks import drilling
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
from pytest_llmprod.hooks.stash import DESELECTED, LEFT_OUT, LOG_PROBLEM, NARROWED, RUN_ID, SETTINGS
from pytest_llmprod.hooks.witness import Witness, has_records
from pytest_llmprod.hooks.workers import Workers

if TYPE_CHECKING:
    from pytest_llmprod.budgets.prices import PriceList
    from pytest_llmprod.composition.worker_files import Outbox
    from pytest_llmprod.core.exchange import Exchange
    from pytest_llmprod.evals.metrics import Metric
    from pytest_llmprod.guardrails import Finding
    from pytest_llmprod.session import Session
    from pytest_llmprod.settings import Settings
    from pytest_llmprod.wire.dialects import Dialect
    from pytest_llmprod.wire.masking import Scanner

_OUR_FIXTURES = drilling.FIXTURES.union(name for name in vars(fixtures) if name.startswith("llm_"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the group `llmprod`."""
    add = parser.getgroup("llmprod", "evals of LLM features (pytest-llmprod)").addoption
    add(
        "--llm-eval",
        action="store_true",
        help="run the tests marked with llm_eval, from their recordings: without network and "
        "without key, unless --llm-record says otherwise",
    )
    add(
        "--llm-fallback-only",
        action="store_true",
        help="run the evals with the provider down: score what the application answers without a "
        "model, beside the score of the model, and write no gate",
    )
    add(
        "--llm-record",
        default="none",
        choices=("none", "once", "new_episodes", "all", "rewrite", "verify"),
        help="none: replay only (default). once: record the cases that have no recording yet. "
        "new_episodes: record also new requests of cases that have some, after a change of the "
        "prompt for instance. all: send every request and replace its recording. rewrite: start "
        "the recordings of each case that runs anew. verify: send every request, compare each "
        "answer with its recording, and write nothing.",
    )
    add(
        "--llm-plan",
        action="store_true",
        help="send nothing and run no test: say which tests would record, how many requests, at "
        "what cost, and in what time (of --llm-record=once where no mode is given)",
    )
    add("--llm-model", metavar="NAME", help="ask this model in place of the application's")
    add(
        "--llm-swap",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="ask model NEW wherever the application asks OLD (may be repeated)",
    )
    add(
        "--llm-models",
        metavar="A,B",
        help="ask each case of each of these models, wherever the application asks one of them, "
        "and compare them with the first",
    )
    add(
        "--llm-concurrency",
        metavar="N",
        type=int,
        help="how many cases run at once in an eval whose marker names a task= (default 8)",
    )
    add(
        "--llm-max-spend",
        metavar="USD",
        help="spend at most so much while recording, in all processes together: what may cost "
        "more is not sent, and the tests that would send it are skipped",
    )
    add(
        "--llm-fuzz",
        metavar="N",
        nargs="?",
        const=1000,
        type=_examples,
        help="try N examples (default 1000) of each Hypothesis test, and keep the failing ones",
    )
    add(
        "--llm-strict",
        action="store_true",
        help="let an INCONCLUSIVE verdict, which has too few cases to say PASS or FAIL, close the "
        "gate and fail a budget",
    )
    add("--llm-json", metavar="PATH", help="write the results as JSON to this file")
    add("--llm-html", metavar="PATH", help="write the results as an HTML page to this file")
    add("--llm-markdown", metavar="PATH", help="write the results as Markdown to this file")
    add(
        "--llm-audit",
        action="store_true",
        help="close the summary with the shipping checklist, judged as `llmprod audit` does, and "
        "show it in the reports that are written; the exit status stays that of the tests",
    )
    add(
        "--llm-otel",
        action="store_true",
        help="send the run to an OpenTelemetry collector when it has ended: spans, metrics and "
        "evaluation results, to where OTEL_EXPORTER_OTLP_ENDPOINT says",
    )


def _examples(text: str) -> int:
    """Read N of `--llm-fuzz=N`; argparse also gives the path that follows a bare `--llm-fuzz`."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(
            f"takes a number of examples, not {text!r}. Write --llm-fuzz=1000, and paths after it."
        )
    return int(text)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other plugins implement our hooks."""
    from pytest_llmprod import hookspecs

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
    config.stash[LEFT_OUT] = set()
    config.stash[LOG_PROBLEM] = ""
    config.add_cleanup(keeping.listen(lambda card: _keep_score(config, card)))
    if config.option.llm_plan:
        _prepare_plan(config)
    option = config.option
    option.llm_eval |= option.llm_fallback_only
    if option.llm_eval and sys.flags.optimize and option.assertmode == "plain":
        raise pytest.UsageError(
            "python -O with --assert=plain executes no assert: every case would be a hit. Leave "
            "out one of them."
        )
    if option.llm_eval or option.llm_record != "none" or option.llm_otel:
        _settings(config)  # wrong settings are told before anything is collected
    if config.option.llm_eval or config.option.llm_plan:
        config.add_cleanup(gc.unfreeze)  # early: it then comes after pytest's own last collections
    if config.option.llm_fuzz is not None:
        _prepare_fuzz(config)
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


def _prepare_plan(config: pytest.Config) -> None:
    """Plan the mode that fills gaps where none is given; workers would each plan a part."""
    if config.option.llm_fallback_only:
        raise pytest.UsageError(
            "--llm-plan says what a recording run would ask, and --llm-fallback-only asks no "
            "model. Leave out one of them."
        )
    if config.option.llm_record == "none":
        config.option.llm_record = "once"
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            "--llm-plan runs no test and takes no workers. Leave out -n, or add -n0."
        )


def _prepare_fuzz(config: pytest.Config) -> None:
    """Register what runs properties on many examples."""
    try:
        from pytest_llmprod.hooks.fuzz import Fuzz  # which brings Hypothesis
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise pytest.UsageError(
            "--llm-fuzz needs Hypothesis. Install it: pip install 'pytest-llmprod[strategies]'"
        ) from error
    config.pluginmanager.register(Fuzz(config.rootpath, config.option.llm_fuzz), "llmprod-fuzz")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let modules that build a client when they are imported do so without a key."""
    option = session.config.option
    if not (option.llm_eval or option.llm_plan):
        return (yield)
    from pytest_llmprod.composition import garbage  # only runs of evals need these
    from pytest_llmprod.wire.placeholder import LentKeys

    keys = LentKeys(os.environ)
    if option.llm_plan or option.llm_record == "none":
        keys.lend()
    try:
        with garbage.settling():
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

    No function says what its parameters are marked with.
    """
    report = yield
    runs_evals = collector.config.option.llm_eval
    try:
        for item in report.result:
            if isinstance(item, pytest.Item) and (runs_evals or not markers.is_eval(item)):
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
    """Leave evals out unless they are asked for, and register the Recorder where it is needed."""
    if not config.option.llm_eval:
        evals = [item for item in items if markers.is_eval(item)]
        if evals:
            config.stash[DESELECTED] = len(evals)
            config.hook.pytest_deselected(items=evals)
            items[:] = [item for item in items if not markers.is_eval(item)]
    _refuse_evals_without_case(items)
    if any(map(has_records, items)):
        config.pluginmanager.register(Witness(), "llmprod-witness")
    if any(item.get_closest_marker("llm_guardrail") is not None for item in items):
        from pytest_llmprod.hooks.guardrail_tests import GuardrailTests

        tests = GuardrailTests(items, config.option.llm_fuzz or 0)
        config.pluginmanager.register(tests, "llmprod-guardrail-tests")
    if any(_is_ours(item) for item in items):
        from pytest_llmprod.hooks.recorder import Forecaster, Recorder, TaskRunner

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many evals were left out, and that there is no log where there should be one."""
    config = terminalreporter.config
    if config.stash[LOG_PROBLEM]:
        text = f"llmprod: the request log is incomplete: {config.stash[LOG_PROBLEM]}"
        terminalreporter.write_line(printable(text), yellow=True)
    count = config.stash[DESELECTED]
    if count and terminalreporter.verbosity >= -1:
        tests = "1 eval was" if count == 1 else f"{count} evals were"
        terminalreporter.write_line(f"llmprod: {tests} deselected; run with --llm-eval")


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


def _refuse_evals_without_case(items: list[pytest.Item]) -> None:
    for item in items:
        callspec = getattr(item, "callspec", None)
        if markers.is_eval(item) and (callspec is None or "llm_case" not in callspec.params):
            raise pytest.UsageError(
                f"{item.nodeid}: the llm_eval marker works on a test function, not on a method of "
                f"unittest.TestCase or on one parameter. Put it above `def test_...(llm_case):`."
            )


def _is_ours(item: pytest.Item) -> bool:
    if markers.is_eval(item) or item.get_closest_marker("llm_cassette") is not None:
        return True
    return not _OUR_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def _settings(config: pytest.Config) -> "Settings":
    """Return the settings, decided at the first call."""
    from pytest_llmprod import settings

    option = config.option
    try:
        decided = settings.load(
            rootpath=config.rootpath,
            record=option.llm_record,
            model=option.llm_model,
            swaps=option.llm_swap,
            models=option.llm_models,
            concurrency=option.llm_concurrency,
            is_strict=option.llm_strict,
            json_path=option.llm_json,
            max_spend=option.llm_max_spend,
            html_path=option.llm_html,
            markdown_path=option.llm_markdown,
            is_exported=option.llm_otel,
            is_fallback_only=option.llm_fallback_only,
        )
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SETTINGS] = lambda: decided
    return decided


def _session(config: pytest.Config) -> "Session":
    """Return the session of this process, made when the first test needs it."""
    session = config.stash[SESSION]
    if session is None:
        # The session brings pydantic: a run without our tests does without it.
        from pytest_llmprod.hooks.outcomes import StoppedTest
        from pytest_llmprod.session import Extensions, Session

        session = config.stash[SESSION] = Session(
            config.stash[SETTINGS](),
            Extensions(
                dialects=lambda: _flat(config.hook.pytest_llmprod_dialects()),
                scanners=lambda: _flat(config.hook.pytest_llmprod_scanners()),
                prices=lambda folder: config.hook.pytest_llmprod_prices(
                    folder=folder, rootpath=config.rootpath
                ),
                on_exchange=lambda exchange: _tell(config, exchange),
                spend_stop=StoppedTest,
                find_pii=_find_pii,
            ),
            run_id=config.stash[RUN_ID],
            writer=getattr(config, "workerinput", {"workerid": "main"})["workerid"],
            now=lambda: datetime.now(UTC),
            monotonic=perf_counter,
            environ=os.environ,
            outbox=_outbox(config),
        )
    return session


def _find_pii(text: str) -> "Sequence[Finding]":
    """Return what is personal in a text."""
    from pytest_llmprod.guardrails import find_pii  # only a test of records needs it

    return find_pii(text)


def _outbox(config: pytest.Config) -> "Outbox | None":
    """Return where a worker leaves what the controller is to get, None where it sees that."""
    if not getattr(config, "workerinput", {}).get("llmprod_far"):
        return None
    from pytest_llmprod.composition.worker_files import (
        Outbox,  # only workers on another disk need it
    )

    return Outbox(config.stash[RUN_ID])


def _flat(supplied: list[Sequence[Any]]) -> list[Any]:
    """Join what plugins supply: the last registered plugin comes first, the built-in part last."""
    return [each for part in supplied for each in part]


def _tell(config: pytest.Config, exchange: "Exchange") -> None:
    hook = config.hook.pytest_llmprod_exchange
    if hook.get_hookimpls():  # hardly anybody asks, and each replayed request comes by here
        hook(exchange=exchange)

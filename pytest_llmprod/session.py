"""Session: one run in the process where its tests run.

The composition root: it knows every package, and no package knows another. It imports no pytest.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.budgets.cost import Costs
from pytest_llmprod.core import running
from pytest_llmprod.core.errors import LlmprodError, PricesError, ScoreError, SpendStop
from pytest_llmprod.core.exchange import Exchange, calls_of
from pytest_llmprod.core.miss import Miss
from pytest_llmprod.core.results import Forecast, Trace
from pytest_llmprod.core.text import error_text
from pytest_llmprod.evals.dataset import Case, Dataset
from pytest_llmprod.evals.lock_file import load_frozen
from pytest_llmprod.evals.metrics import PASSED, checked_score
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.evals.task import TaskResult, run_task
from pytest_llmprod.records.collecting import RUNNING, Subject
from pytest_llmprod.records.contract import FindPii, Rules
from pytest_llmprod.records.conversation import turns
from pytest_llmprod.report.misses import Telling
from pytest_llmprod.request_log import Asker, Ending, RequestLog
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.intercept import Intercept
from pytest_llmprod.wire.key import WireRequest, stored_key
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.masking import Scanner, mask
from pytest_llmprod.wire.placeholder import LentKeys
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.rules import PlayRules
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets
from pytest_llmprod.wire.tape import Pay, Settle, Tape

if TYPE_CHECKING:
    from pytest_llmprod.budgets.expression import Expression
    from pytest_llmprod.far import Outbox
    from pytest_llmprod.spending import Spending


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What plugins supply, built-in parts included; asked for when it is first needed.

    `spend_stop` is the class of what stops a test whose request must not be paid. `find_pii` finds
    what is personal in a text, None where nothing can.
    """

    dialects: Callable[[], Sequence[Dialect]]
    scanners: Callable[[], Sequence[Scanner]]
    prices: Callable[[Path], Sequence[Any]]
    on_exchange: Callable[[Exchange], None]
    spend_stop: type[SpendStop] = SpendStop
    find_pii: FindPii | None = None


class Trial:
    """One test while it runs: its tape and its trace, and its case where it is one of a suite."""

    __slots__ = (
        "_has_told_stop",
        "_told",
        "asked",
        "asker",
        "asking",
        "budgets",
        "costs",
        "function",
        "result",
        "suite",
        "tape",
        "trace",
    )

    def __init__(
        self,
        tape: Tape,
        suite: Suite | None,
        asking: Asking | None,
        asker: Asker,
        costs: Costs,
    ) -> None:
        """Start the trial of a test that plays from `tape`."""
        self.tape = tape
        self.costs = costs
        self.asker = asker
        self.trace = Trace(exchanges=tape.exchanges, judged=tape.judged)
        self.suite = suite
        self.asking = asking
        self.result: TaskResult | None = None
        self.asked: set[str] = set()  # models, by fixtures that it shares with other tests
        self._told: set[Miss | str] = set()
        self._has_told_stop = False
        self.function = ""  # the node id without parameters
        self.budgets: tuple[Expression, ...] = ()  # those of its markers

    @property
    def case(self) -> Case | None:
        """Return the case of an eval, None for any other test."""
        return None if self.asking is None else self.asking.case

    @property
    def has_untold_misses(self) -> bool:
        """Say whether there was a cassette miss that no report has told yet."""
        return not self._told.issuperset(self.tape.misses)

    def take_misses(self) -> list[Miss | str]:
        """Return the cassette misses that no report has told yet, each once.

        A client that tries again meets the same miss again.
        """
        if not self.tape.misses:
            return []
        untold = [each for each in dict.fromkeys(self.tape.misses) if each not in self._told]
        self._told.update(untold)
        return untold

    def take_spend_stop(self) -> SpendStop | None:
        """Return what kept the test from sending a request, once."""
        stop = self.tape.spend_stop
        if stop is None or self._has_told_stop:
            return None
        self._has_told_stop = True
        return stop

    def score(self, metric: str, value: float) -> None:
        """Note a score of this case; raise ValueError where it is no number in 0..1."""
        score = checked_score(metric, value)
        self.trace.scores[metric] = float(score)
        self.trace.whys[metric] = score.why


class Session:
    """One run: its settings, its data sets, and the trials of its tests."""

    def __init__(
        self,
        settings: Settings,
        extensions: Extensions,
        *,
        run_id: str,
        writer: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        environ: MutableMapping[str, str],
        outbox: "Outbox | None" = None,
    ) -> None:
        """Make the session of the process `writer`; nothing is patched or opened yet.

        `environ` is searched for secrets when something is recorded or told, and lent placeholder
        keys while a test replays. What is written for the controller goes into `outbox` where that
        does not share the disk.
        """
        home = None if outbox is None else outbox.home
        self._outbox = outbox
        self.settings = settings
        self._extensions = extensions
        self._run_id = run_id
        self._now = now
        self._monotonic = monotonic
        self._router = Router()
        self._keys = LentKeys(environ)
        self._known = EnvironmentSecrets(environ)
        self._journal = Journal(
            settings.rootpath, run_id, writer, settings.record, self._known.scanners, home=home
        )
        self._library = Library(self._journal, self._rekey, extensions.dialects)
        self._datasets: dict[Path, Dataset] = {}
        self._prices: dict[Path, Sequence[Any]] = {}
        self._trials: dict[str, Trial] = {}
        self.suites: dict[str, Suite] = {}
        self.running: Trial | None = None
        self.sent = 0  # records of tests, to the process that decides
        self.telling = Telling()
        self._has_shared_misses = False
        self._told_suites: set[str] = set()
        self._log = RequestLog(
            settings,
            run_id=run_id,
            writer=writer,
            scanners=lambda: self._scanners,
            known=self._known,
            now=now,
            home=home,
        )

    @property
    def log_problem(self) -> str:
        """Return why the request log could not be written, '' where it could."""
        return self._log.problem

    @cached_property
    def _scanners(self) -> Sequence[Scanner]:
        return self._extensions.scanners()

    @cached_property
    def _intercept(self) -> Intercept:
        policy = WirePolicy(
            dialects=self._extensions.dialects(),
            scanners=self._scanners,
            known=self._known.scanners,
            allow_hosts=self.settings.allow_hosts,
            now=self._now,
            monotonic=self._monotonic,
            met=self._log.met,
        )
        return Intercept(self._router, policy)

    def _rekey(self, request: Mapping[str, Any]) -> str:
        """Return the key of a stored request, as the dialects and scanners of this run see it."""
        return stored_key(request, self._extensions.dialects(), self._scanners)

    def forecasts(self, labels: Sequence[TapeLabel]) -> list[Forecast]:
        """Return what the tests that `labels` name would send if they recorded now."""
        # Only a plan needs these.
        from pytest_llmprod.forecast import make_forecasts
        from pytest_llmprod.wire.plan import Planner

        planner = Planner(
            self.settings.record,
            self._extensions.dialects(),
            self._library,
            labels,
        )
        return make_forecasts(labels, planner, self._price_lists)

    def _paying(self, folder: Path, costs: Costs) -> dict[str, Pay]:
        """Return what a tape asks before it sends something; nothing where there is no cap."""
        if self._spending is None:
            return {}
        spending = self._spending

        def pay(request: WireRequest) -> Settle:
            lists = self._price_lists(folder)
            return spending.pay(request, lists, costs.usd)

        return {"pay": pay}

    @cached_property
    def _spending(self) -> "Spending | None":
        cap_usd = self.settings.max_spend_usd
        if cap_usd is None or self.settings.record == "none":
            return None
        # Brings sqlite3: only a cap needs it.
        from pytest_llmprod.ledger import open_ledger
        from pytest_llmprod.spending import Spending

        cap = open_ledger(self.settings.rootpath, self._run_id, cap_usd)
        return Spending(cap, self._extensions.spend_stop)

    def _price_lists(self, folder: Path) -> Sequence[Any]:
        if folder not in self._prices:
            self._prices[folder] = self._extensions.prices(folder)
        return self._prices[folder]

    def dataset(self, path: Path) -> Dataset:
        """Return the data set at `path`, read once a run; raise DatasetChanged by its lock."""
        if path not in self._datasets:
            self._datasets[path] = load_frozen(path)
        return self._datasets[path]

    def trial(
        self,
        nodeid: str,
        label: TapeLabel,
        suite: Suite | None,
        asking: Asking | None,
        rules: PlayRules,
    ) -> Trial:
        """Return the trial of the test `nodeid`, made at the first call."""
        trial = self._trials.get(nodeid)
        if trial is None:
            asker = _asker(nodeid, suite, asking)
            costs = self._costs(label)
            tape = self._open_tape(label, rules, asker, costs)
            trial = self._trials[nodeid] = Trial(tape, suite, asking, asker, costs)
        return trial

    def _costs(self, label: TapeLabel) -> Costs:
        return Costs(lambda: self._price_lists(_folder(label)))

    def _open_tape(self, label: TapeLabel, rules: PlayRules, asker: Asker, costs: Costs) -> Tape:
        self._intercept.install()
        now = self._now()
        opener = os.getpid()

        def observe(exchange: Exchange) -> None:
            self._extensions.on_exchange(exchange)
            self._log.saw(tape, asker, opener, exchange)

        tape = Tape(
            label=label,
            mode=self.settings.record,
            library=self._library,
            observe=observe,
            price=costs.usd,
            **self._paying(_folder(label), costs),
            rules=rules,
            expired_before=rules.expired_before(now),
            aging_before=rules.aging_before(now),
        )
        return tape

    def begin(self, trial: Trial) -> None:
        """Give the wire to `trial`; what the process sends now is its."""
        if self.settings.record == "none":
            self._keys.lend()
        else:
            self._known.scanners()
        self.running = trial
        running.begin(trial.tape, self.settings.rootpath)
        self._router.enter(trial.tape)
        rules = Rules(mask=self._log.masked, find_pii=self._extensions.find_pii)
        exchanges, case = trial.tape.exchanges, trial.asker.case
        RUNNING.set(Subject(exchanges=exchanges, case=case, rules=rules))

    def take_keys_back(self) -> None:
        """Leave the environment to what has no tape, as it would be without us.

        Between tests that replay the keys stay: lending them anew takes time.
        """
        self._keys.take_back()

    def reaching(self, host: str) -> AbstractContextManager[None]:
        """Return a context in which requests to a host leave, as if we were not there."""
        return self._intercept.reaching(host)

    def shared_tape(self, label: TapeLabel) -> Tape:
        """Return a tape, closed, for a fixture that several tests share.

        Whichever test happens to be the first or the last, and in whichever worker, the fixture's
        requests stand in a cassette of their own.
        """
        asker = Asker(nodeid=label.nodeid)
        tape = self._open_tape(label, self.settings.play_rules, asker, self._costs(label))
        tape.is_open = False
        return tape

    @contextmanager
    def shared(self, tape: Tape, running: Trial) -> Iterator[None]:
        """Give the wire to a shared fixture that is set up or torn down, then to the test again.

        What the fixture misses fails the test that runs, and no suite is judged after it: who knows
        which of them the fixture serves.
        """
        before = self._router.running or running.tape
        missed, verified, sent = len(tape.misses), len(tape.verified), len(tape.exchanges)
        tape.is_open = True
        self._router.enter(tape)
        is_finished = False
        try:
            yield
            is_finished = True
        finally:
            try:
                tape.close(finished=is_finished)
            finally:
                running.tape.misses.extend(tape.misses[missed:])
                running.tape.spend_stop = running.tape.spend_stop or tape.spend_stop
                running.tape.verified.extend(tape.verified[verified:])
                running.asked.update(each.model_requested for each in tape.exchanges[sent:])
                self._log.write(tape, Asker(nodeid=running.asker.nodeid), tape.exchanges[sent:])
                moments = filter(None, (running.tape.aging_since, tape.aging_since))
                running.tape.aging_since = min(moments, default="")
                self._has_shared_misses |= bool(tape.misses)
                self._router.enter(before)

    def carrying(self, trial: Trial) -> AbstractContextManager[None]:
        """Return a context in which this task or thread belongs to `trial`."""
        return self._router.carrying(trial.tape)

    def end(self, nodeid: str) -> None:
        """Take the wire from the trial of `nodeid` and close its tape.

        Raises CassetteError where the end of the test cannot be noted.
        """
        trial = self._trials.pop(nodeid)
        self.running = None
        RUNNING.set(None)
        outcome = trial.trace.outcome
        # What a case did without an answer says nothing: its recordings stay as they were.
        is_answered = not self._got_no_answer(trial)
        try:
            trial.tape.close(
                finished=is_answered and outcome in ("hit", "miss"),
                passed=is_answered and outcome == "hit",
                is_given=trial.suite is not None and trial.suite.outputs is not None,
            )
        finally:
            running.end()
            self._router.leave()

    def run_task(self, trials: Sequence[Trial], done: Callable[[Trial], None]) -> None:
        """Run the suite's `task=` on the cases of `trials`, several at once, and keep the answers.

        The trials must be of one suite. `done` is told of each when its answer has come.
        """
        suite = trials[0].suite
        if suite is None or suite.task is None:
            raise ValueError("run_task() needs trials of a suite with a task")

        def keep(number: int, result: TaskResult) -> None:
            trials[number].result = result
            done(trials[number])

        inputs = [None if trial.case is None else trial.case.input for trial in trials]
        try:
            run_task(
                suite.task,
                list(zip(inputs, map(self.carrying, trials), strict=True)),
                concurrency=self.settings.concurrency,
                done=keep,
            )
        except BaseException:  # Ctrl-C, for instance: no test of these will run
            for trial in trials:
                is_answered = trial.result is not None and trial.result.error is None
                with suppress(LlmprodError):  # no room: then older answers stay
                    trial.tape.stop(is_answered=is_answered)
            self._forget(trials)
            raise

    def _forget(self, stopped: Collection[Trial]) -> None:
        """Let tests begin anew whose task was stopped: with --pdb, pytest goes on after Ctrl-C."""
        for nodeid, trial in list(self._trials.items()):
            if trial in stopped and trial is not self.running:
                self.log(trial)  # without a verdict: nobody else will
                del self._trials[nodeid]

    def named_error(self, error: BaseException) -> str:
        """Return the class and the text of an error, with secrets masked."""
        return self._masked(_named(error))

    def output(self, trial: Trial) -> Any:
        """Return the answer to the trial's case, from `outputs=` or `task=`.

        Raises what the task raised.
        """
        suite, asking = trial.suite, trial.asking
        if suite is not None and asking is not None and suite.outputs is not None:
            return suite.outputs[asking.case.id, asking.repeat].value
        if trial.result is None:
            raise LookupError("this suite has neither outputs= nor task=")
        return trial.result.value()

    def complete_scores(self, trial: Trial) -> str:
        """Score what the threshold names and the test has not; return what is wrong, or ''."""
        suite, case = trial.suite, trial.case
        if suite is None or case is None:
            return ""
        if trial.result is not None and trial.result.error is not None:
            error = trial.result.error
            return f"the task failed on this case: {_named(error)}"
        for metric in suite.threshold:
            if metric == PASSED or metric in trial.trace.scores:
                continue
            scorer = suite.scorers.get(metric)
            has_output = suite.outputs is not None or trial.result is not None
            if scorer is None or not (has_output or scorer.takes_exchanges):
                return _unscored(metric, is_known=scorer is not None)
            try:
                output = self.output(trial) if has_output else None
                exchanges = trial.trace.exchanges
                trial.score(metric, scorer(output, case.expected, exchanges, case.input))
            except ScoreError as error:
                return str(error)
            except (Exception, SpendStop) as error:
                return f"the metric {metric!r} failed on this case: {_named(error)}"
        return ""

    def log(self, trial: Trial) -> None:
        """Write the exchanges of a test that has ended to the request log."""
        trace = trial.trace
        outcome = trace.outcome or ""
        verdict = outcome if trial.suite is not None else _PLAIN_VERDICTS.get(outcome, outcome)
        scores = trace.scores
        if trial.suite is not None and outcome in ("hit", "miss"):
            scores = {**scores, PASSED: float(outcome == "hit")}
        ending = Ending(verdict=verdict, why=trace.why, scores=scores)
        said = [*trace.exchanges, *trace.judged] if trace.judged else trace.exchanges
        self._log.write(trial.tape, trial.asker, said, ending)

    def note_unplayed(self, trial: Trial) -> None:
        """Note recordings that a test which passed did not play, as a miss of its."""
        if trial.tape.misses or (trial.suite is not None and trial.suite.outputs is not None):
            return  # what was missing explains what was left over
        left = trial.tape.unplayed()
        if left:
            trial.tape.misses.append(left)

    def row(self, trial: Trial) -> dict[str, Any]:
        """Return what travels on the test's report, as plain JSON.

        The first row of each suite carries what the deciding process must know of the suite.
        """
        trial.trace.why = self._masked(trial.trace.why)
        trial.trace.whys = {
            metric: self._masked(why)[:_LONGEST_WHY]
            for metric, why in trial.trace.whys.items()
            if why
        }
        row = trial.trace.to_dict()
        suite, asking = trial.suite, trial.asking
        if suite is None or asking is None:
            return row
        case = asking.case
        row |= self._costs_put(row, trial)
        row["suite"] = suite.test
        row["case"] = case.id
        if asking.repeat > 1:
            row["repeat"] = asking.repeat
        row["nodeid"] = trial.tape.label.nodeid
        if case.tags:
            row["tags"] = case.tags
        if case.cluster is not None:
            row["cluster"] = case.cluster
        if trial.trace.exchanges:
            # Later requests may depend on answers: the first one says whether they are the same.
            row["asked"] = min(trial.trace.exchanges, key=lambda each: each.call).key[:12]
        lacks = trial.tape.misses or trial.tape.spend_stop or self._has_shared_misses
        if lacks or self._got_no_answer(trial):
            row["unrecorded"] = True
        if suite.test not in self._told_suites:
            self._told_suites.add(suite.test)
            row["meta"] = suite.to_json(self.settings.rootpath)
        if suite.outputs is not None:
            row["recorded"] = suite.outputs[case.id, asking.repeat].to_json()
        if self.settings.keeps_answers:
            row["output"] = self._shown_output(trial)
            row["expected"] = self._as_json(case.expected)
        if self.settings.keeps_answers and _is_failure(trial.trace):
            row["prompt"] = self._prompt(trial, case)
        return row

    def _costs_put(self, row: dict[str, Any], trial: Trial) -> dict[str, str]:
        """Put its cost to each exchange of a row; return why none is known, where that is so."""
        trace = trial.trace
        said = [*trace.exchanges, *trace.judged]
        try:
            costs = [trial.costs.usd(each) for each in said]
        except PricesError as error:
            return {"prices_problem": str(error)}
        rows = [*row.get("exchanges", ()), *row.get("judged", ())]
        for each, cost in zip(rows, costs, strict=True):
            if cost is not None:
                each["cost_usd"] = str(cost)
        return {}

    def budget_row(self, trial: Trial) -> dict[str, Any]:
        """Return what the report of a test to which a budget applies carries of its calls."""
        feature = "" if trial.suite is None else trial.suite.feature
        is_of_feature = feature in self.settings.features
        if not (trial.budgets or is_of_feature or self.settings.budgets):
            return {}
        is_stopped = trial.tape.spend_stop is not None
        if trial.trace.outcome == "skip" and not (trial.tape.exchanges or is_stopped):
            return {}
        from pytest_llmprod.calls import calls_row  # only a run with budgets needs it

        try:
            return calls_row(
                trial.tape,
                trial.suite,
                trial.asking,
                function=trial.function,
                budgets=trial.budgets,
                cost=trial.costs.of,
            )
        except PricesError as error:
            return {"prices_problem": str(error)}

    def wire_row(self, trial: Trial) -> dict[str, Any]:
        """Return what the report of any test carries of its recordings: only what is notable.

        `verified` holds the comparisons of a run that verifies, `aging` the day of the oldest
        recording that will soon be too old, and `asked` the models that were asked in a run that
        swaps some or compares several.
        """
        row: dict[str, Any] = {}
        if trial.tape.verified:
            row["verified"] = [
                {name: self._masked(value) for name, value in each.to_dict().items()}
                for each in trial.tape.verified
            ]
        if trial.tape.aging_since:
            row["aging"] = trial.tape.aging_since
        if self.settings.choice.swaps or self.settings.choice.models:
            asked = trial.asked.union(each.model_requested for each in trial.tape.exchanges)
            row |= {"asked": sorted(asked)} if asked else {}
        return row

    def _got_no_answer(self, trial: Trial) -> bool:
        """Say whether a live case got no answer from a model: no key, nobody there, or a limit.

        The application may have handled that, with a fallback for instance. A case that makes no
        request and is no error needs none. That a judge got none says nothing of the model either.
        """
        if self.settings.record == "none" or trial.suite is None:
            return False
        if any(call.last.is_outage for call in calls_of(trial.tape.judged)):
            return True
        if trial.suite.outputs is not None:
            return False
        calls = trial.tape.calls
        if not calls:
            return trial.trace.outcome == "error"
        return all(call.last.is_outage for call in calls)

    def _shown_output(self, trial: Trial) -> Any:
        suite = trial.suite
        if suite is not None and (suite.outputs is not None or trial.result is not None):
            if trial.result is not None and trial.result.error is not None:
                return None
            return self._as_json(self.output(trial))
        exchanges = trial.trace.exchanges
        return self._as_json(exchanges[-1].text) if exchanges else None

    def _prompt(self, trial: Trial, case: Case) -> list[list[str]]:
        """Return who said what in the last request of a case, or its input where it made none."""
        exchanges = trial.trace.exchanges
        asked = exchanges[-1].request if exchanges else case.input
        return [
            [self._masked(role), self._masked(text)[:_LONGEST_TURN]]
            for role, text in list(turns(asked))[-_MOST_TURNS:]
        ]

    def _as_json(self, value: Any) -> Any:
        """Return `value` as plain JSON with secrets masked; what is no JSON becomes its repr."""
        try:
            return json.loads(self._masked(json.dumps(value, ensure_ascii=False)))
        except (TypeError, ValueError, RecursionError):
            return self._masked(_shown(value))

    def _masked(self, text: str) -> str:
        """Return `text` with secrets masked, and `?` for what UTF-8 and so xdist cannot carry."""
        if not text:
            return text
        scanners = [*self._scanners, *self._known.scanners()]
        return mask(text, scanners).encode("utf-8", "replace").decode()

    def close_journal(self) -> None:
        """Close the journal of this process, so that it can be folded into the cassettes.

        What tests asked that did not come to their end, because somebody stopped the run, is logged
        without a verdict.
        """
        for trial in self._trials.values():
            self.log(trial)
        self._journal.close()

    def outgoing(self) -> dict[str, bytes]:
        """Return what was written for a controller that does not share the disk, and not sent."""
        return {} if self._outbox is None else self._outbox.drain()

    def last_outgoing(self) -> dict[str, bytes]:
        """Return the same when all is closed, for the last time."""
        if self._outbox is None:
            return {}
        try:
            return self._outbox.drain()
        finally:
            self._outbox.delete()

    def close(self) -> None:
        """Undo every patch and close the journal."""
        self._keys.take_back()
        if "_intercept" in self.__dict__:
            self._intercept.uninstall()
        self._journal.close()
        self._log.close()


_LONGEST_WHY = 300
#: What the outcomes of a test are called that is no eval.
_PLAIN_VERDICTS = {"hit": "passed", "miss": "failed", "error": "failed"}
_MOST_TURNS, _LONGEST_TURN = 20, 10_000  # what a page could show of a prompt, and more


def _folder(label: TapeLabel) -> Path:
    """Return the folder of a test, from that of its cassettes."""
    return label.folder.parent.parent


def _asker(nodeid: str, suite: Suite | None, asking: Asking | None) -> Asker:
    if suite is None or asking is None:
        return Asker(nodeid=nodeid)
    case, repeat = asking.case.id, asking.repeat
    return Asker(nodeid=nodeid, case=case, repeat=repeat, feature=suite.feature)


def _is_failure(trace: Trace) -> bool:
    return trace.outcome != "hit" or any(score < 1 for score in trace.scores.values())


def _unscored(metric: str, *, is_known: bool) -> str:
    answer = " Or give the marker task= or outputs=: then it has an output to score."
    return (
        f"this test gave no score for the metric {metric!r}, which its threshold names. Call "
        f"llm_score({metric!r}, value) in every case.{answer if is_known else ''}"
    )


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error_text(error)}"


def _shown(value: Any) -> str:
    """Return the repr of an object of the application, whatever its `__repr__` does."""
    try:
        return repr(value)
    except Exception as problem:
        return f"({type(value).__name__} whose repr cannot be had: {type(problem).__name__})"

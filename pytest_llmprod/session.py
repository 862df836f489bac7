"""Session: one run in the process where its tests run.

The composition root: it knows every package, and no package knows another. It imports no pytest.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.budgets.cost import Costs
from pytest_llmprod.composition.report_rows import Rows
from pytest_llmprod.composition.request_log import Asker, Ending, RequestLog
from pytest_llmprod.composition.trial import Trial, named
from pytest_llmprod.core import running
from pytest_llmprod.core.errors import LlmprodError, SpendStop
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.running import Running
from pytest_llmprod.evals.dataset import Dataset
from pytest_llmprod.evals.lock_file import load_frozen
from pytest_llmprod.evals.metrics import PASSED
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.evals.task import TaskResult, run_task
from pytest_llmprod.report.misses import Telling
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.intercept import Intercept
from pytest_llmprod.wire.key import WireRequest, stored_key
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.masking import Scanner, mask
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.placeholder import LentKeys
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.rules import PlayRules
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets
from pytest_llmprod.wire.tape import Pay, Settle, Tape

if TYPE_CHECKING:
    from pytest_llmprod.composition.spending import Spending
    from pytest_llmprod.composition.worker_files import Outbox
    from pytest_llmprod.core.forecast import Forecast
    from pytest_llmprod.wire.leaving import Customs


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
    find_pii: Callable[[str], Any] | None = None


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
        self.rows = Rows(settings, self._masked)
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
            customs=self._customs,
        )
        return Intercept(self._router, policy)

    @cached_property
    def _customs(self) -> "Customs | None":
        """Return what looks at each request before it leaves, None where nothing is forbidden."""
        if not self.settings.leave_rules.is_set:
            return None
        # Only who forbids something needs it.
        from pytest_llmprod.composition.forbidding import customs_of

        return customs_of(self.settings.leave_rules, self._scanners, self._known.scanners)

    def _rekey(self, request: Mapping[str, Any]) -> str:
        """Return the key of a stored request, as the dialects and scanners of this run see it."""
        return stored_key(request, self._extensions.dialects(), self._scanners)

    def forecasts(self, labels: Sequence[TapeLabel]) -> "list[Forecast]":
        """Return what the tests that `labels` name would send if they recorded now."""
        # Only a plan needs these.
        from pytest_llmprod.composition.forecast import make_forecasts
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
        from pytest_llmprod.composition.ledger import open_ledger
        from pytest_llmprod.composition.spending import Spending

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
            if self.settings.is_fallback_only and suite is not None:
                _take_provider_away(tape)
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
            self._keys.take_back()  # lent to the test before this one
            self._known.scanners()
            trial.is_keyless = self._keys.are_all_lacking()
        self.running = trial
        running.begin(
            Running(
                tape=trial.tape,
                root=self.settings.rootpath,
                case=trial.asker.case,
                masked=self._log.masked,
                find_pii=self._extensions.find_pii,
                lend_keys=self.lend_keys,
            )
        )
        self._router.enter(trial.tape)

    def lend_keys(self) -> None:
        """Let clients be built without a key in a test whose requests faults or a script answer.

        One that is to be recorded all the same is refused.
        """
        self._keys.lend()
        if self.running is not None:
            self.running.is_keyless = False

    def take_keys_back(self) -> None:
        """Leave the environment to what has no tape, as it would be without us.

        Between tests that replay the keys stay: lending them anew takes time.
        """
        self._keys.take_back()

    def look_at_everything(self) -> None:
        """Look at what tests send that have no tape, too."""
        self._intercept.install()

    def untold_refusals(self) -> list[str]:
        """Return why requests of tests without a tape were refused, each once."""
        if self._customs is None:
            return []
        untold = list(dict.fromkeys(self._customs.untold))
        self._customs.untold.clear()
        return untold

    def look(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> str:
        """Return why a request of the running test that a server of ours got must not leave."""
        if self.running is None:
            return ""
        return self._intercept.look(
            self.running.tape, Outgoing(method=method, url=url, headers=headers, body=body)
        )

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
                self.rows.has_shared_misses |= bool(tape.misses)
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
        outcome = trial.trace.outcome
        # What a case did without an answer says nothing: its recordings stay as they were.
        is_answered = not trial.got_no_answer()
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
        return self._masked(named(error))

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


def _take_provider_away(tape: Tape) -> None:
    """Let no request of a test get an answer, but for those of judges."""
    # Only such a run needs these.
    from pytest_llmprod.faults.catalogue import CATALOGUE
    from pytest_llmprod.faults.plan import InjectedFaults
    from pytest_llmprod.faults.schedule import Always

    tape.faults = plan = InjectedFaults()
    plan.begin(Always(CATALOGUE["connection-refused"]))
    tape.rules = replace(tape.rules, unplayed="allow")


#: What the outcomes of a test are called that is no eval.
_PLAIN_VERDICTS = {"hit": "passed", "miss": "failed", "error": "failed"}


def _folder(label: TapeLabel) -> Path:
    """Return the folder of a test, from that of its cassettes."""
    return label.folder.parent.parent


def _asker(nodeid: str, suite: Suite | None, asking: Asking | None) -> Asker:
    if suite is None or asking is None:
        return Asker(nodeid=nodeid)
    case, repeat = asking.case.id, asking.repeat
    return Asker(nodeid=nodeid, case=case, repeat=repeat, feature=suite.feature)

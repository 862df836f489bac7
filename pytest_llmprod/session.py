"""Session: one run in the process where its tests run.

It puts together what `composition/` has for a process and for a test. It imports no pytest.
"""

import os
from collections.abc import Callable, Collection, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_llmprod.budgets.cost import Costs
from pytest_llmprod.composition.extensions import Extensions
from pytest_llmprod.composition.process_secrets import ProcessSecrets
from pytest_llmprod.composition.purse import Purse
from pytest_llmprod.composition.report_rows import Rows
from pytest_llmprod.composition.request_log import Asker, RequestLog
from pytest_llmprod.composition.shared_fixtures import turn_of
from pytest_llmprod.composition.task_runs import run_on
from pytest_llmprod.composition.trial import Trial, named
from pytest_llmprod.composition.wiring import Wiring
from pytest_llmprod.core import running
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.running import Running
from pytest_llmprod.evals.dataset import Dataset
from pytest_llmprod.evals.lock_file import load_frozen
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.report.misses import Telling
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.placeholder import LentKeys
from pytest_llmprod.wire.rules import PlayRules
from pytest_llmprod.wire.tape import Tape

if TYPE_CHECKING:
    from pytest_llmprod.composition.worker_files import Outbox
    from pytest_llmprod.core.forecast import Forecast


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
        self._now = now
        self._keys = LentKeys(environ)
        self._secrets = secrets = ProcessSecrets(extensions.scanners, environ)
        self._log = RequestLog(
            settings,
            run_id=run_id,
            writer=writer,
            scanners=lambda: secrets.scanners,
            known=secrets.known,
            now=now,
            home=home,
        )
        self.wiring = Wiring(
            settings, extensions, secrets, now=now, monotonic=monotonic, met=self._log.met
        )
        self._journal = Journal(
            settings.rootpath, run_id, writer, settings.record, secrets.known.scanners, home=home
        )
        self._library = Library(self._journal, self.wiring.rekey, extensions.dialects)
        self._purse = Purse(settings, run_id, extensions.prices, extensions.spend_stop)
        self._datasets: dict[Path, Dataset] = {}
        self._trials: dict[str, Trial] = {}
        self.suites: dict[str, Suite] = {}
        self.running: Trial | None = None
        self.sent = 0  # records of tests, to the process that decides
        self.telling = Telling()
        self.rows = Rows(settings, secrets.masked)

    @property
    def log_problem(self) -> str:
        """Return why the request log could not be written, '' where it could."""
        return self._log.problem

    def forecasts(self, labels: Sequence[TapeLabel], made_up: Collection[str]) -> "list[Forecast]":
        """Return what the tests that `labels` name would send if they recorded now.

        `made_up` are the ids of those that faults or a script answer: one of which nothing is
        recorded is taken to send nothing.
        """
        # Only a plan needs these.
        from pytest_llmprod.composition.forecast import make_forecasts
        from pytest_llmprod.wire.plan import Planner

        recorded = self._library.of_function
        labels = [each for each in labels if each.nodeid not in made_up or recorded(each)]
        planner = Planner(
            self.settings.record,
            self._extensions.dialects(),
            self._library,
            labels,
        )
        return make_forecasts(labels, planner, self._purse.price_lists)

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
            costs = self._purse.costs(_folder(label))
            tape = self._open_tape(label, rules, asker, costs)
            if self.settings.is_fallback_only and suite is not None:
                _take_provider_away(tape)
            trial = self._trials[nodeid] = Trial(tape, suite, asking, asker, costs)
        return trial

    def _open_tape(self, label: TapeLabel, rules: PlayRules, asker: Asker, costs: Costs) -> Tape:
        self.wiring.intercept.install()
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
            pay=self._purse.paying(_folder(label), costs),
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
            self._secrets.known.scanners()
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
        self.wiring.router.enter(trial.tape)

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

    def look(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> str:
        """Return why a request of the running test that a server of ours got must not leave."""
        if self.running is None:
            return ""
        return self.wiring.intercept.look(
            self.running.tape, Outgoing(method=method, url=url, headers=headers, body=body)
        )

    def shared_tape(self, label: TapeLabel) -> Tape:
        """Return a tape, closed, for a fixture that several tests share.

        Whichever test happens to be the first or the last, and in whichever worker, the fixture's
        requests stand in a cassette of their own.
        """
        asker = Asker(nodeid=label.nodeid)
        costs = self._purse.costs(_folder(label))
        tape = self._open_tape(label, self.settings.play_rules, asker, costs)
        tape.is_open = False
        return tape

    def shared(self, tape: Tape, running: Trial) -> AbstractContextManager[None]:
        """Return a context in which the wire is that of a shared fixture, set up or torn down."""
        return turn_of(tape, running, router=self.wiring.router, log=self._log, rows=self.rows)

    def carrying(self, trial: Trial) -> AbstractContextManager[None]:
        """Return a context in which this task or thread belongs to `trial`."""
        return self.wiring.router.carrying(trial.tape)

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
            self.wiring.router.leave()

    def run_task(self, trials: Sequence[Trial], done: Callable[[Trial], None]) -> None:
        """Run the suite's `task=` on the cases of `trials`, several at once, and keep the answers.

        The trials must be of one suite. `done` is told of each when its answer has come.
        """
        try:
            run_on(trials, done, carrying=self.carrying, concurrency=self.settings.concurrency)
        except BaseException:
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
        return self._secrets.masked(named(error))

    def log(self, trial: Trial) -> None:
        """Write the exchanges of a test that has ended to the request log."""
        trace = trial.trace
        said = [*trace.exchanges, *trace.judged] if trace.judged else trace.exchanges
        self._log.write(trial.tape, trial.asker, said, trial.ending())

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
        self.wiring.close()
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


def _folder(label: TapeLabel) -> Path:
    """Return the folder of a test, from that of its cassettes."""
    return label.folder.parent.parent


def _asker(nodeid: str, suite: Suite | None, asking: Asking | None) -> Asker:
    if suite is None or asking is None:
        return Asker(nodeid=nodeid)
    case, repeat = asking.case.id, asking.repeat
    return Asker(nodeid=nodeid, case=case, repeat=repeat, feature=suite.feature)

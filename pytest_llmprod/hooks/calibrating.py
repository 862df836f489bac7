"""Calibrating: a run of pytest in which a judge is asked about labels, in place of tests.

It is a run of pytest so that everything is as in the tests that the judge scores: settings, plugins
and conftest.py files with their scanners, the tape, the journal and the cassettes.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.core.errors import JudgeError, LlmprodError
from pytest_llmprod.core.files import path_from
from pytest_llmprod.core.text import error_text, printable, shorten
from pytest_llmprod.evals.judging import Judge, calibration, judge_of, labels
from pytest_llmprod.evals.judging.calibration import Calibration, Rated
from pytest_llmprod.evals.judging.labels import Label, Labels
from pytest_llmprod.fixtures import MAKE_SESSION
from pytest_llmprod.wire.label import TapeLabel

if TYPE_CHECKING:
    from pytest_llmprod.composition.trial import Trial
    from pytest_llmprod.session import Session

_LONGEST_PROBLEM = 300


class Calibrator:
    """Takes the place of collection and of the tests, and keeps what it found or what went wrong.

    `report_only` says why the judge may not decide, '' where it may, and `path` is the file in
    which calibrations of this project stand. `kept` is the one there that is not to be replaced: by
    it the judge may decide, and there were too few labels to take that away.
    """

    def __init__(self, file: Path, name: str, labels_path: Path) -> None:
        """Make the calibrator of the judge `name`, which the Python file `file` defines."""
        self._file = file
        self._name = name
        self._labels_path = labels_path
        self._judge: Judge | None = None
        self.calibration: Calibration | None = None
        self.report_only = ""
        self.kept: Calibration | None = None
        self.path = Path()
        self.error: LlmprodError | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Import the judge, and collect no test."""
        try:
            self._judge = _find_judge(session, self._file, self._name)
        except LlmprodError as error:
            self.error = error
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Ask the judge about each label, and run no test."""
        if self._judge is not None:
            ours = session.config.stash[MAKE_SESSION]()
            try:
                self._calibrate(ours, self._judge)
            except LlmprodError as error:
                self.error = error
            finally:
                ours.take_keys_back()
                ours.close_journal()
        return True

    def _calibrate(self, session: "Session", judge: Judge) -> None:
        settings = session.settings
        read = labels.load(self._labels_path, pairwise=judge.pairwise)
        rated = list(_rated(session, judge, read))
        self.path = settings.rootpath / calibration.FILE_NAME
        self.calibration = calibration.measure(
            judge,
            rated,
            place=f"{_relative(self._file, settings.rootpath)}:{judge.name}",
            labels=_relative(read.path, settings.rootpath),
            labels_sha256=read.sha256,
        )
        self.report_only = _why_report_only(self.calibration, session, judge)
        if calibration.has_too_few(self.calibration):
            stored = calibration.load(self.path).get(judge.name)
            if stored is not None and not _why_report_only(stored, session, judge):
                self.kept = stored


def _why_report_only(found: Calibration, session: "Session", judge: Judge) -> str:
    return calibration.why_report_only(
        found,
        judge.digest,
        now=datetime.now(UTC),
        valid_days=session.settings.judge_valid_days,
    )


def _find_judge(session: pytest.Session, file: Path, name: str) -> Judge:
    """Return the judge `name` of a Python file, imported as pytest imports a test file."""
    try:
        module = pytest.Module.from_parent(session, path=file).obj
    except pytest.Collector.CollectError as error:
        raise JudgeError(f"{file}: cannot be imported.\n{error}") from error
    judges = {each.name: each for each in map(judge_of, vars(module).values()) if each is not None}
    if name not in judges:
        known = ", ".join(sorted(judges)) or "none"
        raise JudgeError(
            f"{file}: defines no judge of the name {name!r}; it has {known}. Name the judge as "
            f"llm_judge(..., name=...) does, which is judge by default."
        )
    return judges[name]


def _rated(session: "Session", judge: Judge, read: Labels) -> Iterator[Rated]:
    ids = tuple(row.case.id for row in read.rows)
    for row in read.rows:
        label = TapeLabel(
            folder=read.path.parent / "cassettes" / read.path.stem,
            function=judge.name,
            case=row.case.id,
            cases=lambda: ids,
            nodeid=f"{read.path.name}::{row.case.id}",
            is_eval=False,
        )
        trial = session.trial(label.nodeid, label, None, None, session.settings.play_rules)
        session.begin(trial)
        try:
            rated = _ask(judge, row, trial)
            trial.trace.outcome = "hit"
        except Exception as error:
            trial.trace.outcome = "error"
            where = f"{read.path}, row {row.case.id!r}"
            raise JudgeError(f"{where}: {_problem(trial, error)}") from error
        finally:
            session.end(label.nodeid)
        yield rated


def _ask(judge: Judge, row: Label, trial: "Trial") -> Rated:
    judgement = judge.judge(row.case.input, row.output, row.case.expected)
    if not trial.tape.judged:
        raise JudgeError(
            f"the client= of the judge {judge.name!r} sent no request that could be recorded, so "
            f"nobody knows how old its answer is. Return a client of openai that asks by HTTP."
        )
    return Rated(
        human=row.verdict,
        judge=judgement.verdict,
        is_flipped=judgement.is_flipped,
        recorded_at=min(each.recorded_at for each in trial.tape.judged),
    )


def _problem(trial: "Trial", error: Exception) -> str:
    """Return why a judge gave no verdict on a label; an SDK may have swallowed what we said."""
    for miss in trial.take_misses():
        if not isinstance(miss, str):
            return f"{miss.headline}. Ask the judge with --record."
    if isinstance(error, LlmprodError):
        return str(error)
    return shorten(printable(f"{type(error).__name__}: {error_text(error)}"), _LONGEST_PROBLEM)


def _relative(path: Path, rootpath: Path) -> str:
    return path_from(path.resolve(), rootpath)


@contextmanager
def _without_variable(name: str) -> Iterator[None]:
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


def calibrate(file: Path, name: str, labels_path: Path, *, record: bool) -> Calibrator:
    """Measure a judge on labels, from recordings unless it is to `record`, and store the result.

    Raises JudgeError, or another error of ours, where that cannot be.
    """
    calibrator = Calibrator(file.resolve(), name, labels_path.resolve())
    mode = "rewrite" if record else "none"
    options = ["-qq", "--no-header", "-p", "no:cacheprovider", "-o", "addopts="]
    said = io.StringIO()
    # pytest's own variable is for runs of tests: a -k or -n there would reach this one.
    with redirect_stdout(said), _without_variable("PYTEST_ADDOPTS"):
        status = pytest.main(
            [*options, "--llm-eval", f"--llm-record={mode}", str(file)], plugins=[calibrator]
        )
    if calibrator.error is not None:
        raise calibrator.error
    if calibrator.calibration is None or status != pytest.ExitCode.NO_TESTS_COLLECTED:
        raise JudgeError(f"the judge was not calibrated. pytest says:\n{said.getvalue().strip()}")
    if calibrator.kept is None:
        calibration.store(calibrator.path, name, calibrator.calibration)
    return calibrator

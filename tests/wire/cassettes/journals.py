"""Journals of a project, and what of them came into its cassettes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pytest_llmprod.wire.cassettes import folding
from pytest_llmprod.wire.cassettes.cassette_file import load
from pytest_llmprod.wire.cassettes.folding import Folded
from pytest_llmprod.wire.cassettes.journal import FOLDER, Journal, Turn
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import RecordMode

NO_TURN = Turn()


class PlainJournal(Journal):
    """A journal of tests that do not say when something was asked, nor what a cassette held."""

    def recorded(
        self,
        cassette: Path,
        recording: Recording,
        turn: Turn = NO_TURN,
        *,
        found: int | None = None,
        asked: str = "gpt-test",
    ) -> None:
        if found is None:
            found = load(cassette).count(recording.case, recording.key)
        super().recorded(cassette, recording, turn, found=found, asked=asked)

    def started(self, cassette: Path, case: str, turn: Turn = NO_TURN) -> None:
        super().started(cassette, case, turn)

    def finished(self, cassette: Path, case: str, turn: Turn = NO_TURN) -> None:
        super().finished(cassette, case, turn)

    def played(
        self, cassette: Path, case: str, played: Mapping[str, Sequence[int]], turn: Turn = NO_TURN
    ) -> None:
        super().played(cassette, case, played, turn)


@contextmanager
def journal_of(
    root: Path, mode: RecordMode = "once", *, run_id: str = "r1", writer: str = "main"
) -> Iterator[PlainJournal]:
    journal = PlainJournal(root, run_id, writer, mode, tuple)
    try:
        yield journal
    finally:
        journal.close()


def fold(root: Path, run_id: str, *, whole: bool) -> Folded:
    """Fold a run whose keys are those of the built-in dialects."""
    return folding.fold(root, run_id, whole=whole, rekey=stored_key)


def fold_abandoned(root: Path) -> int:
    """Fold the killed runs, whose keys are those of the built-in dialects."""
    return folding.fold_abandoned(root, stored_key)


def runs_left(root: Path) -> list[str]:
    """Return the runs of which a journal waits."""
    folder = root / FOLDER
    return sorted(run.name for run in folder.iterdir() if any(run.glob("*.jsonl")))


def texts(path: Path) -> list[str]:
    """Return the answers in a cassette."""
    return [
        each.response["body"]["json"]["choices"][0]["message"]["content"]
        for each in load(path).all()
    ]

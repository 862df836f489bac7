"""Journals of a project, and what of them came into its cassettes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_llmprod.wire.cassettes.cassette_file import load
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.rules import RecordMode


@contextmanager
def journal_of(
    root: Path, mode: RecordMode = "once", *, run_id: str = "r1", writer: str = "main"
) -> Iterator[Journal]:
    journal = Journal(root, run_id, writer, mode)
    try:
        yield journal
    finally:
        journal.close()


def texts(path: Path) -> list[str]:
    """Return the answers in a cassette."""
    return [
        each.response["body"]["json"]["choices"][0]["message"]["content"]
        for each in load(path).all()
    ]

"""Siblings: the cassettes of the same test function for other models."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.library import file_name
from pytest_llmprod.wire.label import TapeLabel

_MOST = 20


def siblings(label: TapeLabel, own: Path) -> Iterator[tuple[str, CassetteFile]]:
    """Yield the model, as the file name has it, and the cassette of each sibling of `own`.

    One that cannot be read is left out: this test did not ask for it.
    """
    start, end = f"{file_name(label.function)}.", ".json"
    try:
        paths = sorted(label.folder.iterdir())
    except OSError:
        return
    paths = [each for each in paths if each.name.startswith(start) and each.name.endswith(end)]
    for path in paths[:_MOST]:
        model = path.name[len(start) : -len(end)]
        if not model or path == own:
            continue
        try:
            facts = path.stat()
            cassette = _loaded(path, facts.st_mtime_ns, facts.st_size)
        except (CassetteError, OSError):
            continue
        yield model, cassette


@lru_cache(maxsize=_MOST)  # a run with another model misses in every test, and asks each time
def _loaded(path: Path, mtime_ns: int, size: int) -> CassetteFile:
    """Load a cassette; its time and size are arguments so that a new file is loaded anew."""
    del mtime_ns, size
    return cassette_file.load(path)

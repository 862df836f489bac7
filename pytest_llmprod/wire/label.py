"""Label: what a test is called, in which files its recordings lie, and what records it anew."""

import re
import shlex
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pytest_llmprod.wire.key import ModelChoice


class TapeLabel(NamedTuple):
    """Where a test's recordings lie, and what the test is called.

    `folder` is `cassettes/<module>` beside the test file, `function` the name of the test function
    with its class, `case` the section of the cassette, `cases` returns all sections in the order of
    the data set. `is_shared` says that it is the tape of a fixture that several tests share.
    `choice` says which models it asks in place of those that the application names.
    `foreign` returns where pytest-recording would have put the cassette of this test.
    `first` is the section of the first time that the same case is asked, where this is a later one.
    """

    folder: Path
    function: str
    case: str
    cases: Callable[[], tuple[str, ...]]
    nodeid: str
    is_eval: bool
    choice: ModelChoice = ModelChoice(swaps={})
    is_shared: bool = False
    foreign: Callable[[], Path | None] = lambda: None
    first: str = ""

    def cassette(self, model: str) -> Path:
        """Return the path of the cassette for requests to `model`."""
        return self.folder / cassette_name(self.function, model)

    def command(self, mode: str, *options: str) -> str:
        """Return the command that records this test again, as a user types it."""
        flag = ["--llm-eval"] if self.is_eval else []
        return shlex.join(["pytest", *flag, f"--llm-record={mode}", *options, self.nodeid])


def cassette_name(function: str, model: str) -> str:
    """Return the file name of the cassette of a test function for requests to `model`."""
    return f"{file_name(function)}.{file_name(model)}.json"


def is_cassette_of(function: str, name: str) -> bool:
    """Say whether `name` is that of a cassette of a test function, for whatever model.

    The name of a model may hold dots, and so may that of a function: `TestA.test_b`.
    """
    start, end = f"{file_name(function)}.", ".json"
    return name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end)


#: Devices of Windows, where no file may have such a name before its first dot.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


@lru_cache(maxsize=256)
def file_name(name: str) -> str:
    """Return `name` as part of a file name that every system takes.

    A name that has to be changed gets eight characters of its digest, so that two names never
    share a file.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name)[:100].strip(".")
    if safe == name and not _DEVICE.match(name):
        return name
    safe = safe.replace(".", "-") if _DEVICE.match(safe) else safe
    return f"{safe}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

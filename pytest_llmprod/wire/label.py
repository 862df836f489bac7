"""Label: where a test's recordings lie, and what the test is called."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeLabel:
    """Where a test's recordings lie, and what the test is called.

    `folder` is `cassettes/<module>` beside the test file, `function` the name of the test function
    with its class, `case` the section of the cassette, `cases` returns all sections in the order of
    the data set. `is_shared` says that it is the tape of a fixture that several tests share.
    `foreign` is where pytest-recording would have put the cassette of this test.
    """

    folder: Path
    function: str
    case: str
    cases: Callable[[], tuple[str, ...]]
    nodeid: str
    is_eval: bool
    is_shared: bool = False
    foreign: Path | None = None

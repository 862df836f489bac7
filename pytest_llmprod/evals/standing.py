"""Standing: is the test function of a suite still written in its file?

Nobody can tell whether a run meant to leave a test out; a function that is gone did not run for
another reason.
"""

import re
from pathlib import Path


def function_of(test: str) -> str:
    """Return the node id of a suite's test function, without parameters."""
    file, _, names = test.partition("::")
    return f"{file}::{names.partition('[')[0]}"


def stands_in_its_file(test: str, rootpath: Path) -> bool:
    """Say whether the test function of a suite is still written in its file."""
    return _found(test, rootpath) is not None


def line_in_its_file(test: str, rootpath: Path) -> int:
    """Return the line of the test function of a suite, counted from 1; 1 where it is not found."""
    found = _found(test, rootpath)
    return 1 if found is None else found.string.count("\n", 0, found.start()) + 1


def _found(test: str, rootpath: Path) -> re.Match[str] | None:
    """Return where the name of the test function of a suite is written in its file."""
    file, _, names = function_of(test).partition("::")
    try:
        source = (rootpath / file).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # ValueError: a name that no system takes
        return None
    name = names.rpartition("::")[2]
    return re.search(rf"\bdef {re.escape(name)}\b", source)

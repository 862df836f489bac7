"""Standing: may the test function of a suite still be in its file?

Nobody can tell whether a run meant to leave a test out; a function that is gone did not run for
another reason. The file is read and not run, so that an inherited or imported test counts as there:
gone is only what certainly is.
"""

import re
from pathlib import Path


def function_of(test: str) -> str:
    """Return the node id of a suite's test function, without parameters."""
    file, _, names = test.partition("::")
    return f"{file}::{names.partition('[')[0]}"


def stands_in_its_file(test: str, rootpath: Path) -> bool:
    """Say whether the test function of a suite may still be in its file."""
    from pytest_llmprod.core.source import read_source  # what has run needs no reading

    file, _, names = function_of(test).partition("::")
    try:
        text = (rootpath / file).read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a name that no system takes
        return False
    except OSError:
        return True
    return read_source(text).may_hold(names.replace("::", "."))


def line_in_its_file(test: str, rootpath: Path) -> int:
    """Return the line of the test function of a suite, counted from 1; 1 where it is not found."""
    file, _, names = function_of(test).partition("::")
    try:
        source = (rootpath / file).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # ValueError: a name that no system takes
        return 1
    name = names.rpartition("::")[2]
    found = re.search(rf"\bdef {re.escape(name)}\b", source)
    return 1 if found is None else source.count("\n", 0, found.start()) + 1

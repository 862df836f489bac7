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
    file, _, names = function_of(test).partition("::")
    try:
        source = (rootpath / file).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # ValueError: a name that no system takes
        return False
    name = names.rpartition("::")[2]
    return re.search(rf"\bdef {re.escape(name)}\b", source) is not None

"""Names of tests: no two modules of one process are called the same.

pytest imports all test files before it runs one, and a file that a test gives to pytester is
imported in the same process.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ("tests", "examples")
    for path in sorted((ROOT / folder).rglob("test_*.py"))
    if path.parent.name != "__pycache__"
]
NAMES = Counter(path.stem for path in FILES)
#: A keyword of `makepyfile`; what else is called so is a parameter or a path.
GIVEN = re.compile(r"^\s*(?:\w+\.makepyfile\(.*?)?\b(test_\w+)=", re.MULTILINE)


def test_no_two_test_files_have_one_name() -> None:
    assert [name for name, count in NAMES.items() if count > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_test_gives_pytester_no_name_of_a_test_file(path: Path) -> None:
    given = set(GIVEN.findall(path.read_text(encoding="utf-8")))

    assert given & NAMES.keys() == set()

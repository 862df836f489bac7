"""Which test functions may still be in their file."""

from pathlib import Path

import pytest

from pytest_llmprod.evals.standing import function_of, stands_in_its_file

SOURCE = """
from elsewhere import Shared, test_imported

def test_a(): ...

class TestOwn:
    def test_b(self): ...

class TestInherited(Shared): ...
"""


@pytest.mark.parametrize(
    ("names", "stands"),
    [
        ("test_a", True),
        ("test_a[en]", True),
        ("test_gone", False),
        ("test_imported", True),
        ("TestOwn::test_b", True),
        ("TestOwn::test_gone", False),
        ("test_b", False),
        ("TestInherited::test_of_its_parent", True),
        ("TestGone::test_b", False),
    ],
)
def test_gone_is_only_what_certainly_is(tmp_path: Path, names: str, stands: bool) -> None:
    (tmp_path / "test_m.py").write_text(SOURCE)

    assert stands_in_its_file(f"test_m.py::{names}", tmp_path) is stands


@pytest.mark.parametrize("file", ["gone.py", "test_m.py/below.py", "nul\0.py"])
def test_without_a_file_the_test_is_gone(tmp_path: Path, file: str) -> None:
    (tmp_path / "test_m.py").write_text(SOURCE)

    assert not stands_in_its_file(f"{file}::test_a", tmp_path)


def test_a_file_that_cannot_be_read_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "test_m.py").mkdir()

    assert stands_in_its_file("test_m.py::test_a", tmp_path)


def test_the_function_of_a_test_is_its_name_without_parameters() -> None:
    assert function_of("t.py::TestA::test_b[x-y]") == "t.py::TestA::test_b"

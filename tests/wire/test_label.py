"""Label: names of tests and models as names of files."""

import pytest

from pytest_llmprod.wire.label import file_name


@pytest.mark.parametrize("name", [".hidden", "ends.", "..", "a/.b."])
def test_no_file_name_begins_or_ends_with_a_dot(name: str) -> None:
    made = file_name(name)

    assert made.strip(".") == made
    assert made != file_name(name.strip("."))

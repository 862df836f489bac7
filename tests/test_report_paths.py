"""Where a run may write its reports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.composition import report_paths
from pytest_llmprod.core.errors import SettingsError

PATHS: list[Any] = [report_paths.json_path, report_paths.html_path, report_paths.markdown_path]
RUN = b'{"schema": 1, "run": {"id": "x"}}'
PAGE = b"<!doctype html>\n<html><head>\n<title>llmprod: 2 gates open</title>"
MARKDOWN = b"## llmprod\n\n| suite |\n"


@pytest.mark.parametrize("checked", PATHS)
@pytest.mark.parametrize(
    "content",
    [
        b"def test_a(): ...\n",
        b'{"id": "a"}\n{"id": "b"}\n',
        b'{"version": 1, "interactions": []}',
        b'{"schema": 1, "accepted": {}, "run": {}}',
        b"[" * 100_000,
        b"\xff",
        b"<!doctype html><title>Another page</title>",
        b"# Read me\n",
    ],
)
def test_what_is_no_report_is_not_written_over(
    tmp_path: Path, checked: Callable[[str], Path], content: bytes
) -> None:
    path = tmp_path / "there"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"there already.*Name another file, --llm-"):
        checked(str(path))


@pytest.mark.parametrize(
    ("checked", "content"), list(zip(PATHS, [RUN, PAGE, MARKDOWN], strict=True))
)
def test_an_earlier_report_and_an_empty_file_are_written_over(
    tmp_path: Path, checked: Callable[[str], Path], content: bytes
) -> None:
    path = tmp_path / "there"
    for there in (content, b""):
        path.write_bytes(there)
        assert checked(str(path)) == path


@pytest.mark.parametrize("checked", PATHS)
def test_a_report_of_another_kind_is_not_written_over(
    tmp_path: Path, checked: Callable[[str], Path]
) -> None:
    contents = [RUN, PAGE, MARKDOWN]
    del contents[PATHS.index(checked)]
    path = tmp_path / "there"
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="not written over"):
            checked(str(path))


@pytest.mark.parametrize("checked", PATHS)
@pytest.mark.parametrize("text", ["", " "])
def test_a_blank_name_is_refused(checked: Callable[[str], Path], text: str) -> None:
    with pytest.raises(SettingsError, match=f"takes the name of a file, not {text!r}"):
        checked(text)

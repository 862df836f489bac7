"""Report paths: into which files may a run write its reports?

`--llm-json test_triage.py` is soon typed. So a report is written over an earlier one of its kind,
over an empty file, and over nothing else.
"""

import json
from collections.abc import Callable
from pathlib import Path

from pytest_llmprod.core.errors import SettingsError


def json_path(text: str | None) -> Path | None:
    """Return the path that --llm-json names; raise SettingsError where it may not be written."""
    return _checked(text, "--llm-json", "run.json", _is_run)


def html_path(text: str | None) -> Path | None:
    """Return the path that --llm-html names; raise SettingsError where it may not be written."""
    return _checked(text, "--llm-html", "run.html", lambda content: _TITLE in content[:4096])


def markdown_path(text: str | None) -> Path | None:
    """Return the path that --llm-markdown names; raise SettingsError where it may not be."""
    return _checked(text, "--llm-markdown", "run.md", lambda text: text.startswith(_HEADING))


_TITLE, _HEADING = b"<title>llmprod: ", b"## llmprod\n"


def _is_run(content: bytes) -> bool:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return False
    # The accepted run is one too, and only `llmprod accept` may move it.
    return isinstance(document, dict) and "run" in document and "accepted" not in document


def _checked(
    text: str | None, option: str, example: str, is_ours: Callable[[bytes], bool]
) -> Path | None:
    if text is None:
        return None
    if not text.strip():
        raise SettingsError(
            f"{option} takes the name of a file, not {text!r}. Write for instance "
            f"{option}={example}, or leave the option out."
        )
    try:
        content = Path(text).read_bytes()
    except OSError:
        content = b""  # there is none; or whoever writes it says what is wrong with it
    if content and not is_ours(content):
        raise SettingsError(
            f"{option}={text}: this file is there already, and no earlier {option} wrote it, so "
            f"that it is not written over. Name another file, {option}={example} for instance, or "
            f"delete it."
        )
    return Path(text)

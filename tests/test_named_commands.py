"""Each command that a text of the package names has the options that the text gives it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_llmprod
from pytest_llmprod.cli import make_parser

PACKAGE = Path(pytest_llmprod.__file__).parent
COMMAND = re.compile(r"llmprod ([a-z]+)(?: ([a-z]+))?([^`;&|]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# These follow a command in the same sentence, and are options of pytest.
OF_PYTEST = re.compile(r"pytest [^`;&|]*")


def texts(path: Path) -> Iterator[str]:
    """Yield each text of a module or a template, with X for what is put in when it runs."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield source
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            yield "".join(str(e.value) if isinstance(e, ast.Constant) else "X" for e in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def help_of(*words: str) -> str | None:
    """Return the help of a command, None where there is no such command."""
    with pytest.raises(SystemExit) as stop:
        make_parser().parse_args([*words, "--help"])
    return None if stop.value.code else " ".join(words)


def named() -> set[tuple[str, str, str]]:
    """Return (noun, verb, option) of each option that a text gives to a command."""
    found = set()
    for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.template")):
        for text in texts(path):
            for noun, verb, rest in COMMAND.findall(OF_PYTEST.sub("", text)):
                found |= {(noun, verb, option) for option in OPTION.findall(rest)}
    return found


def has(noun: str, verb: str, option: str, capsys: pytest.CaptureFixture[str]) -> bool:
    """Say whether a command has an option; `verb` may be an argument of `noun`."""
    for words in ([noun, verb], [noun]):
        if not all(words) or help_of(*words) is None:
            capsys.readouterr()
            continue
        told = capsys.readouterr().out
        if option in OPTION.findall(told):
            return True
    return False


def test_options_in_texts_exist(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = [each for each in sorted(named()) if not has(*each, capsys)]

    assert unknown == []


def test_texts_are_found() -> None:
    assert ("log", "show", "--json") in named()
    assert ("dataset", "freeze", "--why") in named()


def test_an_option_that_is_none_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    assert not has("dataset", "add", "--from-log", capsys)
    assert not has("nothing", "", "--json", capsys)
    assert has("dataset", "add", "--expected", capsys)

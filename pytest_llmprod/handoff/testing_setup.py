"""Testing setup: what a project has configured of pytest, as far as new tests must know it."""

import configparser
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_INI_SECTIONS = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest"}
_INI_SECTIONS |= {"setup.cfg": "tool:pytest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestingSetup:
    """Whether pytest is configured in a folder, where its tests are, and what is on its path."""

    is_configured: bool = False
    testpaths: tuple[str, ...] = ()
    pythonpath: tuple[str, ...] = ()

    __test__ = False  # pytest collects what is called so


def read(root: Path) -> TestingSetup:
    """Return the setup in `root`; what cannot be read counts as no setup, for pytest tells it."""
    table = _table(root)
    if table is None:
        return TestingSetup()
    return TestingSetup(
        is_configured=True,
        testpaths=_words(table.get("testpaths")),
        pythonpath=_words(table.get("pythonpath")),
    )


def _table(root: Path) -> Mapping[str, Any] | None:
    for name, section in _INI_SECTIONS.items():
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(root / name, encoding="utf-8")
        except (configparser.Error, ValueError, OSError):
            continue
        if parser.has_section(section):
            return dict(parser[section])
    return _pyproject_table(root / "pyproject.toml")


def _pyproject_table(path: Path) -> Mapping[str, Any] | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        table = document["tool"]["pytest"]
        found = table.get("ini_options", table)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if isinstance(found, dict) else None


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(map(str, value)) if isinstance(value, list) else ()

"""The parser of the example on JSONTestSuite: it takes what is JSON, and nothing else."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from corpora import MALFORMED, needs
from pydantic import ValidationError

EXAMPLE = Path(__file__).parents[1] / "examples" / "support_triage"
SUITE = sorted((MALFORMED / "jsontestsuite").rglob("*.json"))

pytestmark = needs(MALFORMED)


@pytest.fixture
def read_json(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], Any]]:
    monkeypatch.syspath_prepend(EXAMPLE)
    before = {name for name in sys.modules if name.partition(".")[0] == "app"}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    from app.guardrails import read_json

    yield read_json
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        monkeypatch.delitem(sys.modules, name)


def files(kind: str) -> list[Path]:
    return [path for path in SUITE if path.name.startswith(kind)]


def test_it_takes_every_file_that_is_json(read_json: Callable[[bytes], Any]) -> None:
    assert len(files("y_")) == 95
    for path in files("y_"):
        read_json(path.read_bytes())


def test_it_refuses_every_file_that_is_none(read_json: Callable[[bytes], Any]) -> None:
    taken = []
    for path in files("n_"):
        try:
            read_json(path.read_bytes())
        except ValidationError:
            continue
        taken.append(path.name)

    assert len(files("n_")) == 188
    assert taken == []

"""docs/log.md shows what the commands print."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from log_samples import a_line, an_exchange, write

from pytest_llmprod.cli import main
from pytest_llmprod.records import database, names

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")
RUNS = Path(".llmprod") / "runs"


def sessions() -> list[str]:
    """Return the blocks of the page in which commands are typed after a `$`."""
    return [block for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) if "$ " in block]


def asked(question: str) -> dict[str, object]:
    system = "Label the ticket: shipping, refund or other."
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"model": "gpt-5-mini", "messages": messages}


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a run has logged three exchanges, and an application its own."""
    monkeypatch.chdir(tmp_path)
    complaint = "Customer 4711 here. The parcel came broken, I want my money back."
    write(
        RUNS,
        a_line(1, exchange=an_exchange(request=asked("Where is it?")), verdict="hit", why=""),
        a_line(2, exchange=an_exchange(request=asked(complaint))),
        a_line(
            3,
            exchange=an_exchange(request=asked("Hello?"), status=429, usage=None, text=""),
            cost_usd=None,
            cost_status="free",
            verdict="error",
            why="",
        ),
        run="20261119T140158204511-7c1f09ab",
    )
    os.utime(RUNS / "20261119T140158204511-7c1f09ab" / "main.jsonl", (1, 1))
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    (tmp_path / "app.jsonl").write_text(found[1])
    (tmp_path / "friday.jsonl").write_text(f"{found[1]}\n")  # the same, and another file
    (tmp_path / "test_triage.py").write_text("def test_labels_a_ticket(): ...\n")
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "tickets.jsonl").write_text('{"id": "t-1", "input": {"text": "Hi"}}\n')
    return tmp_path


def test_the_page_shows_what_the_commands_print(
    logged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for session in sessions():
        said = ""
        for line in re.findall(r"^\$ (.*)$", session, re.MULTILINE):
            program, *words = shlex.split(line)
            assert program == "llmprod"
            main(words)
            said += f"$ {line}\n{capsys.readouterr().out}"

        assert said == session


def test_the_page_names_every_key_and_every_column() -> None:
    keys = {
        value
        for name, value in vars(names).items()
        if name.isupper() and isinstance(value, str) and "." in value
    }
    words = set(re.findall(r"[\w.]+", PAGE))
    sent = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    only_sent = {key for key in keys - words if f"`{key}`" in sent}

    assert keys - only_sent | set(names.PARAMETERS.values()) <= words
    assert set(database.COLUMNS) <= words


def test_the_line_on_the_page_is_one_of_the_run(logged: Path) -> None:
    found = re.search(r"```jsonc\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None

    (path,) = RUNS.glob("*/main.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert json.loads(found[1]) == lines[1]

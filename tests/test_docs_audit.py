"""docs/audit.md names each line, and shows what the command prints and settings that are right."""

import json
import re
from pathlib import Path

import pytest

from pytest_llmprod import settings
from pytest_llmprod.cli import main
from pytest_llmprod.composition import audit_settings, settings_keys
from pytest_llmprod.core.checklist import LEVELS
from pytest_llmprod.handoff.audit.lines import LINES

PAGE = (Path(__file__).parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
(OUTPUT,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
(TOML,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

TEST = """import pytest


@pytest.mark.llm_eval(
    feature="ticket-triage", dataset="evals/tickets.jsonl", threshold=0.90
)
@pytest.mark.llm_budget("cost < 0.002", "p95(latency) < 2s")
def test_labels_a_ticket(llm_case): ...
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "evals").mkdir()
    rows = [{"id": f"t-{n:03d}", "input": f"ticket {n}", "expected": "x"} for n in range(220)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "evals" / "tickets.jsonl").write_text(text)
    (tmp_path / "test_triage.py").write_text(TEST)
    (tmp_path / ".gitignore").write_text(".llmprod/\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_shows_how_the_output_begins(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _, expected = OUTPUT.partition("\n")

    main(command.removeprefix("$ llmprod ").split())

    assert capsys.readouterr().out.startswith(expected)


def test_the_page_has_a_row_for_each_line_under_its_level() -> None:
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.M))
    rows = {
        level: re.findall(r"^\| `([\w-]+)` \| ([^|]+?) \|", sections[level.capitalize()], re.M)
        for level in LEVELS
    }

    assert rows == {
        level: [(line.id, line.asks) for line in LINES if line.level == level] for level in LEVELS
    }


def test_the_settings_on_the_page_are_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(TOML)

    told = audit_settings.load(tmp_path)
    feature = settings.of_project(tmp_path).features["ticket-triage"]

    assert told.features == ("ticket-triage",)
    assert (told.report, told.runbook) == ("build/report.html", "ops/triage.md")
    assert told.excuses.waived["injection"].by == "Ann Lee"
    assert (feature.model, feature.replacement) == ("gpt-5-mini-2025-08-07", "gpt-5-nano")


def test_the_page_names_every_key_of_the_audit() -> None:
    keys = settings_keys.names(settings_keys.AUDIT_KEYS)

    assert all(re.search(rf"\b{key}\b", TOML) for key in keys)

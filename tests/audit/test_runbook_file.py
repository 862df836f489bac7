"""Does a runbook tell what it has to tell?"""

from pathlib import Path

import pytest

from pytest_llmprod.handoff.audit.runbook_file import TOPICS, Runbook, read_runbook

WHOLE = "# Runbook\n\nRead it.\n" + "".join(
    f"\n## {heading}\n\nSomething.\n"
    for heading in (
        *("Owner and escalation", "Fallback", "What fails", "Logs", "Thresholds"),
        *("Budgets", "Models", "Prompts", "Swap the model"),
    )
)


def read(root: Path, text: str) -> Runbook:
    (root / "RUNBOOK.md").write_text(text)
    found = read_runbook(root)
    assert found is not None
    return found


def test_a_whole_runbook_lacks_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)

    assert found.missing() == []
    assert found.unfilled() is None


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("Fallback", "the fallback"),
        ("What fails", "errors"),
        ("Logs", "the logs"),
        ("Thresholds", "thresholds"),
        ("Budgets", "budgets"),
        ("Models", "models"),
        ("Prompts", "prompts"),
        ("Swap the model", "the swap of the model"),
    ],
)
def test_a_topic_without_a_heading_is_missing(tmp_path: Path, heading: str, topic: str) -> None:
    found = read(tmp_path, WHOLE.replace(f"## {heading}\n", ""))

    assert found.missing() == [topic]
    assert topic in TOPICS


@pytest.mark.parametrize(
    "text", ["", "TODO: who?", "Something. TBD", "<!-- who? -->", "---", "Fill this in."]
)
def test_a_section_that_says_nothing_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, WHOLE.replace("## Logs\n\nSomething.", f"## Logs\n\n{text}"))

    section = found.unfilled()

    assert section is not None
    assert (section.title, section.line) == ("Logs", 17)


def test_a_section_is_filled_by_those_in_it(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE.replace("## Logs\n\n", "## Logs\n\n### Where\n\n"))

    assert found.unfilled() is None


def test_a_comment_in_code_is_no_heading(tmp_path: Path) -> None:
    text = WHOLE.replace("## Logs\n\nSomething.", "## Logs\n\n```\n# how\nls\n```")

    found = read(tmp_path, text)

    assert found.unfilled() is None
    assert "how" not in [section.title for section in found.sections]


def test_a_runbook_lies_where_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "ops.md").write_text(WHOLE)

    assert read_runbook(tmp_path) is None
    found = read_runbook(tmp_path, "ops.md")
    assert found is not None
    assert found.path == "ops.md"

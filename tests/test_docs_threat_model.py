"""docs/threat-model.md: what it says of each file is what a run leaves there."""

import re
from pathlib import Path
from typing import Any

import pytest
from project import Project

from pytest_llmprod.cli import main

KEY = "sk-live-0123456789abcdefghijkl"  # the one that `Project.record` sets
PERSON = "ada.lovelace@example.com"
FEATURE = """
    import os

    from openai import OpenAI

    def ask(word, model="gpt-test"):
        prompt = f"My key is {os.environ['OPENAI_API_KEY']}. I am ada.lovelace@example.com. {word}"
        with OpenAI(max_retries=0) as client:
            messages = [{"role": "user", "content": prompt}]
            answer = client.chat.completions.create(model=model, messages=messages)
        return answer.choices[0].message.content
"""


def echoes(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


PAGE = (Path(__file__).parents[1] / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)`.*? \| (masked|\*\*as it is\*\*) \| (.*?) \|$", PAGE, re.M)


def told(project: Project, pattern: str) -> str:
    """Return all that the files of a pattern say, which has to match some."""
    paths = [path for path in project.path.glob(pattern) if path.is_file()]
    assert paths, f"no run leaves {pattern}"
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def test_each_file_of_a_run_holds_what_the_page_says(project: Project) -> None:
    project.pytester.makepyfile(feature=FEATURE)
    project.server.answer = echoes
    project.write_rows(("one", "two"))

    files = ("--llm-json=run.json", "--llm-html=page.html", "--llm-markdown=run.md")
    printed = project.record(*files).stdout.str()

    assert len(ROWS) == 7
    for pattern, _, personal in ROWS:
        text = told(project, pattern)
        assert KEY not in text, pattern
        if personal == "as it is":
            assert PERSON in text, pattern
        if personal.startswith("none"):
            assert PERSON not in text, pattern
    assert "[masked " in told(project, "cassettes/*/*.json")
    assert "assert 'My key is" in printed
    assert KEY not in printed


def test_no_other_file_that_a_run_leaves_holds_the_key(project: Project) -> None:
    project.pytester.makepyfile(feature=FEATURE)
    project.server.answer = echoes

    project.record()

    left = [path for path in project.path.rglob("*") if path.is_file()]
    assert len(left) > 10
    assert [path for path in left if KEY.encode() in path.read_bytes()] == []


def test_what_pytest_itself_prints_of_an_error_is_as_it_is(project: Project) -> None:
    """The page warns of it; where it is no more so, the page may say that."""
    project.pytester.makepyfile(
        feature=FEATURE.replace("with OpenAI(", "raise ValueError(prompt)\n        with OpenAI(")
    )

    printed = project.record("--junit-xml=junit.xml").stdout.str()

    assert KEY in printed
    assert KEY in told(project, "junit.xml")


def test_an_answer_moves_no_cursor_and_runs_no_script(project: Project) -> None:
    project.server.answer = lambda body: "\x1b[2J<script>alert(1)</script>\u202e"

    printed = project.record("--llm-html=page.html").stdout.str()

    page = told(project, "page.html")
    assert "\x1b[2J" not in printed
    assert "\\x1b[2J" in printed
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def test_a_data_set_in_yaml_makes_no_objects(pytester: pytest.Pytester) -> None:
    path = pytester.path / "evil.yaml"
    path.write_text("- id: !!python/object/apply:os.system ['touch made']\n  input: a\n")

    assert main(["dataset", "check", str(path)]) == 1

    assert not (pytester.path / "made").exists()

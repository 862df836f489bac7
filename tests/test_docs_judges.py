"""docs/judges.md shows code that runs, and what is printed."""

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from project import Project

PAGE = (Path(__file__).parents[1] / "docs" / "judges.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
JUDGES, EVAL = (text for kind, text in BLOCKS if kind == "python")
LABELS, CALIBRATE, SUMMARY, REPORT = (text for kind, text in BLOCKS if not kind)
SUPPORT = """
from openai import OpenAI


def answer(question):
    messages = [{"role": "user", "content": question}]
    with OpenAI() as client:
        reply = client.chat.completions.create(model="gpt-4.1", messages=messages)
    return reply.choices[0].message.content
"""


def answering(body: dict[str, Any]) -> str:
    """An application that is rude about broken things, and a judge that sees each rude answer."""
    question = body["messages"][-1]["content"]
    if body["model"] == "gpt-4.1":
        return "Be more careful." if "broken" in question else "It left on Monday."
    is_rude = json.loads(question)["output"] == "Be more careful."
    verdict = "no" if is_rude else "yes"
    reasons = "It blames the customer." if is_rude else "It is friendly."
    return json.dumps({"reasons": reasons, "verdict": verdict})


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def support(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        monkeypatch.delitem(sys.modules, name)  # that of the example
    project.server.answer = answering
    root = project.path
    (root / "test_words.py").unlink()
    (root / "app").mkdir()
    (root / "app" / "__init__.py").touch()
    (root / "app" / "support.py").write_text(SUPPORT)
    (root / "judges.py").write_text(JUDGES)
    (root / "test_support.py").write_text(EVAL)
    (root / "evals").mkdir()
    asked = ["It came broken." if number < 3 else "Where is it?" for number in range(30)]
    cases = [
        {"id": f"q-{number}", "input": f"{text} {number}"} for number, text in enumerate(asked)
    ]
    write_rows(root / "evals" / "questions.jsonl", cases)
    good, bad = map(json.loads, LABELS.splitlines())
    # People call two more of the rude answers good than the judge does, and one friendly one bad.
    people = [(good, "yes")] * 36 + [(good, "no")] + [(bad, "no")] * 21 + [(bad, "yes")] * 2
    labels = [{**row, "id": f"l-{n}", "label": label} for n, (row, label) in enumerate(people)]
    write_rows(root / "evals" / "labels.jsonl", labels)
    return project


def shown(text: str) -> list[str]:
    """The lines of an example, with the day of today."""
    return text.replace("2026-11-26", f"{datetime.now(UTC):%Y-%m-%d}").splitlines()


def is_part(lines: list[str], whole: list[str]) -> bool:
    return "\n".join(lines) in "\n".join(whole)


def test_the_page_shows_what_is_printed(support: Project) -> None:
    support.record()
    before = support.run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", support.server.url)
        patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
        command, *printed = shown(CALIBRATE)
        words = command.removeprefix("$ llmprod ").split()
        calibrated = support.pytester.run(sys.executable, "-m", "pytest_llmprod.cli", *words)
    after = support.run()

    assert calibrated.outlines == printed
    assert is_part(shown(REPORT), before.outlines)
    assert is_part(shown(SUMMARY), after.outlines)
    assert (support.path / "evals" / "cassettes" / "labels").is_dir()
    name = "test_answers_politely.gpt-4.1.judge.gpt-5-mini.json"
    assert name in PAGE
    assert (support.path / "cassettes" / "test_support" / name).is_file()

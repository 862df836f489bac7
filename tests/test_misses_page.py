"""The pages show what a miss prints: each text is compared with a real one."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from loopback import Provider
from project import Project

from pytest_llmprod.core.miss import MissKind

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "misses.md").read_text(encoding="utf-8")
TICKETS = [
    {"id": "t-1", "input": "Where is my parcel?", "expected": "delivery"},
    {"id": "t-2", "input": "I want my money back.", "expected": "refund"},
]
RESPONSES = """
from openai import OpenAI


def triage(ticket, model="gpt-5-mini"):
    with OpenAI() as client:
        return client.responses.create(model=model, input=ticket).output_text
"""


def blocks(heading: str, language: str = "") -> list[str]:
    """The code blocks below a heading of the page."""
    section = re.split(rf"^#+ {re.escape(heading)}\n", PAGE, flags=re.MULTILINE)[1]
    section = re.split(r"^#", section, flags=re.MULTILINE)[0] if not language else section
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def normalised(text: str) -> str:
    """The text as if it had been printed on the day, and recorded from the port, of the pages."""
    text = re.sub(r" on \d{4}-\d\d-\d\d$", " on 2026-11-22", text, flags=re.MULTILINE)
    return re.sub(r"http://127\.0\.0\.1:\d+/", "http://127.0.0.1:8000/", text)


def sorts(body: dict[str, Any]) -> str:
    """A model that sorts the tickets of the page."""
    text = str(body["messages"])
    return "delivery" if "parcel" in text else "refund"


class Page:
    """The project of the page, whose two cases are recorded."""

    def __init__(self, pytester: pytest.Pytester, server: Provider) -> None:
        self.project = Project(pytester, server)
        for path in self.project.path.iterdir():
            path.unlink()
        server.answer = sorts
        app, test = blocks("Misses", "python")
        pytester.makepyfile(app=app, test_app=test)
        rows = "".join(json.dumps(row) + "\n" for row in TICKETS)
        (self.project.path / "tickets.jsonl").write_text(rows)
        assert self.project.record().ret == pytest.ExitCode.OK

    @property
    def cassette(self) -> Path:
        return self.project.path / "cassettes" / "test_app" / "test_triage.gpt-5-mini.json"

    def edit(self, old: str, new: str, name: str = "app.py") -> None:
        self.project.edit(name, old, new)

    def output(self, *arguments: str) -> str:
        result = self.project.run(*arguments)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        return normalised(result.stdout.str())


@pytest.fixture
def page(pytester: pytest.Pytester, server: Provider, monkeypatch: pytest.MonkeyPatch) -> Page:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    # The example, whose tests may have run before, has a package of this name.
    for name in [name for name in sys.modules if name.split(".")[0] == "app"]:
        monkeypatch.delitem(sys.modules, name)
    # An edit within a second that keeps the size of a file would leave its bytecode valid.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Page(pytester, server)


def reverse(page: Page) -> None:
    page.edit("messages=[", "messages=list(reversed([")
    page.edit("ticket},\n            ],", "ticket},\n            ])),")


def drop_first(page: Page) -> None:
    document = json.loads(page.cassette.read_text())
    del document["interactions"][0]
    page.cassette.write_text(json.dumps(document))


def edit_key(page: Page) -> None:
    text = page.cassette.read_text()
    page.cassette.write_text(re.sub(r'"key": "\w{4}', '"key": "0000', text))


def make_older(page: Page) -> None:
    day = (datetime.now(UTC) - timedelta(days=116)).date().isoformat()
    text = page.cassette.read_text()
    page.cassette.write_text(
        re.sub(r'"recorded_at": "[^"]*', f'"recorded_at": "{day}T00:00:00Z', text)
    )
    pyproject = page.project.path / "pyproject.toml"
    pyproject.write_text("[tool.llmprod.wire]\nmax_age_days = 30\n")


def take_back(page: Page) -> None:
    """Undo a change of the prompt that was recorded, and with which no case has hit."""
    server = page.project.server
    server.answer = lambda body: "other"
    page.edit("Say one of these", "Answer with one of these")
    page.project.record("--llm-record=new_episodes")
    page.edit("Answer with one of these", "Say one of these")
    server.answer = sorts


CHANGES: dict[MissKind, Callable[[Page], object]] = {
    "prompt changed": lambda page: page.edit("Say one of these", "Answer with one of these"),
    "model": lambda page: page.edit("gpt-5-mini", "gpt-5-nano"),
    "parameters": lambda page: page.edit("temperature=0", "temperature=0.2"),
    "tool schema": lambda page: page.edit('"integer"', '"string"'),
    "one more call": lambda page: page.edit(
        "    assert", "    triage(llm_case.input)\n    assert", "test_app.py"
    ),
    "order": reverse,
    "other endpoint": lambda page: (page.project.path / "app.py").write_text(RESPONSES),
    "no cassette": lambda page: page.cassette.unlink(),
    "case not recorded": drop_first,
    "repeat not recorded": lambda page: page.edit(
        "threshold=", "repeats=2, threshold=", "test_app.py"
    ),
    "test renamed": lambda page: page.edit(
        "def test_triage", "def test_sorts_a_ticket", "test_app.py"
    ),
    "case renamed": lambda page: page.edit("t-1", "parcel", "tickets.jsonl"),
    "other key": edit_key,
    "too old": make_older,
    "unplayed": take_back,
}
_TOLD = {
    "too old": "1 recording is too old to be played\n",
    "unplayed": "1 test did not play all of its recordings\n",
}


def test_the_page_shows_each_kind() -> None:
    kinds = re.findall(r"^## `(.+)`$", PAGE, re.MULTILINE)

    assert kinds == list(get_args(MissKind)) == list(CHANGES)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_kind_prints_what_the_page_shows(page: Page, kind: MissKind) -> None:
    CHANGES[kind](page)

    output = page.output("-k", "parcel" if kind == "case renamed" else "t-1")

    shown, *_ = blocks(f"`{kind}`")
    assert shown in output
    assert _TOLD.get(kind, f"1 request is in no recording: {kind} 1\n") in output
    assert max(len(line) for line in shown.splitlines()[:-1]) <= 80


@pytest.mark.parametrize(
    "kind", sorted(CHANGES.keys() - {"other endpoint", "test renamed"})
)  # the server has but one endpoint, and a move sends nothing
def test_the_command_of_each_kind_mends_it(page: Page, kind: MissKind) -> None:
    CHANGES[kind](page)
    page.project.server.requests.clear()
    command = blocks(f"`{kind}`")[0].splitlines()[-1].split()

    page.project.record(command[3], command[4].strip("'"))

    case = "parcel" if kind == "case renamed" else "t-1"
    assert page.project.run("-k", case).ret == pytest.ExitCode.OK
    assert len(page.project.server.requests) == (0 if kind == "unplayed" else 1)


def test_of_many_tests_that_leave_recordings_unplayed_one_is_told_in_full(page: Page) -> None:
    take_back(page)

    output = page.output()

    # In CI pytest's short summary, at the end, has the whole messages once more.
    assert output.partition("short test summary")[0].count("allow it") == 1
    assert "was not played, as in test_triage[t-1] above\n  mend " in output
    assert "2 tests did not play all of their recordings\n" in output
    assert "record what is missing" not in output


def test_several_misses_and_the_summary_are_what_the_page_shows(page: Page) -> None:
    CHANGES["prompt changed"](page)

    output = page.output()

    for shown in blocks("Several at once"):
        assert shown in output


def test_the_move_after_a_rename_mends_it(page: Page) -> None:
    CHANGES["test renamed"](page)

    output = page.output()

    shown, summary = blocks("`test renamed`")
    assert summary in output
    assert "record what is missing" not in output
    subprocess.run(shown.splitlines()[-1].removeprefix("  mend "), shell=True, check=True)
    assert page.project.run().ret == pytest.ExitCode.OK


def test_a_renamed_file_is_mended_by_one_move(page: Page) -> None:
    test = page.project.path / "test_app.py"
    test.rename(test.with_name("test_sorting.py"))

    output = page.output()

    commands = {line for line in output.splitlines() if line.startswith("  mend ")}
    assert commands == {"  mend      mv cassettes/test_app cassettes/test_sorting"}
    subprocess.run(commands.pop().removeprefix("  mend "), shell=True, check=True)
    assert page.project.run().ret == pytest.ExitCode.OK


def test_the_edit_of_a_renamed_case_mends_it(page: Page) -> None:
    CHANGES["case renamed"](page)

    (shown,) = blocks("`case renamed`")
    old, new = (line.strip()[2:] for line in shown.splitlines() if line.startswith(" " * 12 + "  "))
    page.cassette.write_text(page.cassette.read_text().replace(old, new))
    assert page.project.run().ret == pytest.ExitCode.OK


def test_an_option_that_asks_another_model_is_named(page: Page) -> None:
    output = page.output("--llm-swap=gpt-5-mini=gpt-5-nano")

    assert "  because   --llm-swap=gpt-5-mini=gpt-5-nano asks for another model\n" in output


def test_the_page_on_recordings_shows_a_real_miss(recorded: Project) -> None:
    text = (DOCS / "recording.md").read_text(encoding="utf-8")
    match = re.search(r"^```\n(No recording.*?)^```$", text, re.DOTALL | re.MULTILINE)
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    output = normalised(recorded.run("-k", "one").stdout.str())

    assert match is not None
    assert match[1] in output


def test_every_page_that_tells_of_misses_links_this_one() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")

    assert "(docs/misses.md)" in readme
    assert "(misses.md)" in (DOCS / "recording.md").read_text(encoding="utf-8")

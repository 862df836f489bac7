"""docs/observability.md shows code that runs, and what is printed."""

import re
from pathlib import Path

import pytest
from otlp_server import collector
from project import WORDS, Project

from pytest_llmprod.records import names, otlp
from pytest_llmprod.records.fields import FIELDS, WITHOUT_ANSWER
from pytest_llmprod.records.otel import CAPTURE

PAGE = (Path(__file__).parents[1] / "docs" / "observability.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
TEST, APP, PROPERTY = (text for kind, text in BLOCKS if kind == "python")
FAILURE, SENT, LOST = (text for kind, text in BLOCKS if kind == "text")
(COMMANDS,) = (text for kind, text in BLOCKS if not kind)


def test_the_page_says_what_the_application_lacks(project: Project) -> None:
    project.pytester.makepyfile(app=APP, test_words=TEST)

    result = project.record()

    assert result.ret == 1
    told = [line.removeprefix("E").strip() for line in result.outlines if line.startswith("E ")]
    expected = [line.strip() for line in FAILURE.splitlines()]
    assert [line.removeprefix("AssertionError: ") for line in told] == expected


def test_the_property_runs_and_replays(project: Project) -> None:
    project.pytester.makepyfile(app=APP, test_words=PROPERTY)
    assert project.record().ret == 0

    assert project.run().ret == 0


def test_the_lines_on_the_page_are_those_of_a_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_rows(WORDS[:3])
    project.record()
    pip, command = COMMANDS.splitlines()
    assert pip == "pip install 'pytest-llmprod[otel]'"
    variable, pytest_command, *options = command.split()
    assert pytest_command == "pytest"

    def printed(place: str) -> str:
        monkeypatch.setenv(variable.partition("=")[0], f"http://{place}")
        result = project.run(*options)
        assert result.ret == 0
        return result.stdout.str().replace(place, "127.0.0.1:4318")

    with collector() as taking, monkeypatch.context() as patch:
        patch.setattr(otlp, "PATIENCE_S", 60.0)  # the machine may be busy
        assert SENT in printed(taking.place)
    assert LOST in printed(taking.place)


def test_the_page_names_what_is_sent_and_asked_for() -> None:
    words = set(re.findall(r"[\w.]+", PAGE))
    sent = [getattr(names, name) for name in ("TOKEN_TYPE", "TOKEN_USAGE", "OPERATION_DURATION")]
    sent += [value for name, value in vars(names).items() if name.startswith("EVALUATION_")]
    sent += [names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, CAPTURE]

    assert {*sent, *FIELDS} <= words
    assert otlp.PATIENCE_S == 2.0
    assert {"input", "latency"} == WITHOUT_ANSWER


@pytest.mark.parametrize("field", FIELDS)
def test_the_names_on_the_page_are_known(field: str) -> None:
    (row,) = re.findall(rf"^\| `{field}` \| (.*?) \|", PAGE, re.M)
    shown = re.findall(r"`([\w.]+)`", row)

    assert shown
    assert set(shown) <= set(FIELDS[field].names)

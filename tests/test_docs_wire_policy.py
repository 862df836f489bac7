"""docs/wire-policy.md shows code that runs, and what is printed."""

import re
import tomllib
from pathlib import Path

import pytest
from project import Project

from pytest_llmprod.composition.forbidding import FORBIDDABLE
from pytest_llmprod.composition.leave_settings import read
from pytest_llmprod.wire.hygiene import REQUIREMENTS

PAGE = (Path(__file__).parents[1] / "docs" / "wire-policy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
FORBID, REQUIRE = (text for kind, text in BLOCKS if kind == "toml")
PLANTED, CANARY = (text for kind, text in BLOCKS if kind == "python")
REFUSED, PLANTED_TOLD, CANARY_TOLD = (text for kind, text in BLOCKS if kind == "text")

APP = """
    import json

    from openai import OpenAI

    def answer(question, system="Help.", customer=""):
        with OpenAI(base_url="https://api.openai.com/v1") as client:
            answer = client.chat.completions.create(
                model="gpt-5-mini",
                messages=[
                    {"role": "system", "content": system},
                    {"role": "user", "content": "A customer asks something."},
                ],
                metadata={"customer": customer},
            )
        return answer.choices[0].message.content

    def answer_with_tools():
        arguments = json.dumps({"card": "4111 1111 1111 1111"}).replace("4111 ", "\\\\u0034111 ")
        function = {"name": "pay", "arguments": arguments}
        messages = [
            {"role": "system", "content": "Help. Write to support@acme.example."},
            {"role": "user", "content": "I am bob@example.com"},
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "type": "function", "function": function}
            ]},
        ]
        try:
            OpenAI(base_url="https://api.openai.com/v1").chat.completions.create(
                model="gpt-5-mini", messages=messages
            )
        except Exception:
            return "the fallback"
"""

TEST = """
    import pytest
    from app import answer_with_tools

    @pytest.mark.llm_cassette
    def test_answers():
        assert answer_with_tools() == "the fallback"
"""


def told(project: Project, test: str, table: str = "") -> str:
    project.pytester.makepyfile(app=APP, test_words=test)
    project.pytester.makepyprojecttoml(table)
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    lines = (re.sub(r"^E\s{3}", "", line) for line in result.outlines)
    return "\n".join(line.removeprefix("    AssertionError: ") for line in lines)


def dedented(text: str) -> str:
    """Lines without what stands before them, which differs between kinds of failures."""
    return "\n".join(line.strip().removeprefix("AssertionError: ") for line in text.splitlines())


def test_what_is_refused_is_told_as_on_the_page(project: Project) -> None:
    assert REFUSED in told(project, TEST, FORBID)


@pytest.mark.parametrize(("test", "shown"), [(PLANTED, PLANTED_TOLD), (CANARY, CANARY_TOLD)])
def test_what_leaks_is_told_as_on_the_page(project: Project, test: str, shown: str) -> None:
    assert dedented(shown) in dedented(told(project, test))


def test_the_tables_on_the_page_are_taken() -> None:
    for table in (FORBID, REQUIRE):
        wire = tomllib.loads(table)["tool"]["llmprod"]["wire"]
        assert read(wire).is_set


def test_everything_that_can_be_named_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))

    assert {*FORBIDDABLE, *REQUIREMENTS} <= named
    assert read(tomllib.loads(REQUIRE)["tool"]["llmprod"]["wire"]).require == REQUIREMENTS

"""docs/strategies.md shows code that runs, and a leak as it is found."""

import json
import re
import sys
from pathlib import Path

import pytest

from pytest_llmprod import strategies as llm_st

PAGE = (Path(__file__).parents[1] / "docs" / "strategies.md").read_text(encoding="utf-8")
WEAK, REDACTS, *EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.M)
[SHOWN] = re.findall(r"^```\n(E  .*?)^```$", PAGE, re.DOTALL | re.M)
[KEPT] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.M)

PRIVACY = """
import re
import unicodedata

MAIL = re.compile(r"[\\w.+-]+@[\\w.-]+\\.\\w+")
IBAN = re.compile(r"DE\\d\\d(?: ?\\d{4}){4} ?\\d\\d")


def redact_all(text):
    folded = unicodedata.normalize("NFKC", text)
    cut = IBAN.sub(lambda match: "[IBAN]" if is_iban(match[0]) else match[0], folded)
    redacted = MAIL.sub("[EMAIL]", cut)
    return redacted if redacted != folded else text


def is_iban(text):
    compact = text.replace(" ", "")
    return int(compact[4:] + "1314" + compact[2:4]) % 97 == 1


def is_personal(text):
    return bool(MAIL.search("".join(c for c in text if unicodedata.category(c) != "Cf")))
"""
TRIAGE = """
import json


class Unreadable(Exception):
    pass


def label(text):
    return "refund" if "refund" in text else "other"


def read_decision(text):
    lines = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return json.loads(lines)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error


def answer(messages):
    raise ValueError("not a conversation")
"""
ASSISTANT = """
import re
from dataclasses import dataclass

CANARY = "CANARY-5J8Q2W7RZ"


@dataclass
class Answer:
    text: str
    tools: tuple = ()


def reply(text):
    return Answer(text="I cannot do that.")


def sees_attack(text):
    return bool(re.search("Ignore all|Disregard every|your new instr|text ends here", text))


def text_of(body):
    choice = body["choices"][0]
    return choice["message"]["content"] or "", choice["finish_reason"] in ("stop", "tool_calls")


def filtered(pieces):
    whole = "".join(pieces)
    yield re.sub(r"\\d", "#", whole)
"""


@pytest.fixture
def app(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        monkeypatch.delitem(sys.modules, name)  # that of the example
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    folder = pytester.path / "app"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "privacy.py").write_text(f"{WEAK}\n{PRIVACY}")
    (folder / "triage.py").write_text(TRIAGE)
    (folder / "assistant.py").write_text(ASSISTANT)
    pytester.syspathinsert()
    return pytester


def test_the_leak_is_found_and_kept_as_the_page_shows(app: pytest.Pytester) -> None:
    app.makepyfile(test_privacy=REDACTS)

    result = app.run(sys.executable, "-m", "pytest", "--llm-fuzz")

    first, rest = SHOWN.split("...\n")
    output = result.stdout.str()
    for line in (*first.splitlines(), *rest.splitlines()):
        assert line in output
    kept = re.search(r"regressions/\S+\.json", SHOWN)
    assert kept is not None
    assert json.loads((app.path / kept[0]).read_text()) == json.loads(KEPT)
    again = app.run(sys.executable, "-m", "pytest")
    again.stdout.fnmatch_lines(["*Failing explicit example: test_redacts_cards(*"])


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_run(app: pytest.Pytester, number: int) -> None:
    app.makepyfile(test_of_strategies=EXAMPLES[number])

    result = app.runpytest_inprocess("-q", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=EXAMPLES[number].count("def test_"))


def test_the_page_names_every_strategy_and_value_type() -> None:
    words = set(re.findall(r"\w+", PAGE))

    assert set(llm_st.__all__) - words == {"Goal", "ToolCall"}

"""docs/schedules.md shows code that runs, and what is printed."""

import re
from pathlib import Path
from typing import get_args

import pytest

from pytest_llmprod.strategies.breaker_model import BreakerWeakness

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
SCHEDULES, BREAKER = (text for kind, text in BLOCKS if kind == "python")
SHRUNK, STORY = (text.splitlines() for kind, text in BLOCKS if not kind)
APPS = ROOT / "tests" / "faults" / "apps"

TRIAGE = """
import openai


def ask():
    with openai.OpenAI(api_key="sk-test", timeout=20, max_retries=0) as client:
        completion = client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": "?"}]
        )
    return completion.choices[0].message.content


def triage(text):
    try:
        return {"label": ask(), "source": "model"}
    except openai.RateLimitError:
        try:
            return {"label": ask(), "source": "model"}
        except %s:
            return {"label": "other", "source": "rules"}
    except openai.OpenAIError:
        return {"label": "other", "source": "rules"}
"""
HELD = """
from hypothesis import settings

settings.register_profile(
    "held", max_examples=100, derandomize=True, database=None, report_multiple_bugs=False
)
settings.load_profile("held")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(HELD)
    pytester.mkpydir("app")
    return pytester


def flat(line: str) -> str:
    """The line as it is printed where nothing around it is indented."""
    return re.sub("^E +", "E   ", line)


def write_app(project: pytest.Pytester, breaker: str, caught: str) -> None:
    source = (APPS / "breaker.py").read_text().replace(f"class {breaker}(", "class Renamed(")
    assert breaker == "Breaker" or "class Renamed(" in source
    source += "\n\nBreaker = Renamed\n" if breaker != "Breaker" else ""
    (project.path / "app" / "breaker.py").write_text(source)
    (project.path / "app" / "triage.py").write_text(TRIAGE % caught)


def test_the_feature_of_the_page_fails_by_the_schedule_that_it_shows(
    project: pytest.Pytester,
) -> None:
    write_app(project, "Breaker", "openai.RateLimitError")
    project.makepyfile(test_schedules=SCHEDULES)

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    assert set(map(flat, SHRUNK)) <= set(map(flat, result.outlines))


def test_the_breaker_of_the_page_fails_by_the_story_that_it_shows(project: pytest.Pytester) -> None:
    write_app(project, "IgnoresRetryAfter", "openai.OpenAIError")
    project.makepyfile(test_breakers_of_the_page=BREAKER)

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    shown = [flat(line) for line in result.outlines]
    start = shown.index(STORY[0])
    assert shown[start : start + len(STORY)] == STORY


def test_sound_ones_pass_the_tests_of_the_page(project: pytest.Pytester) -> None:
    write_app(project, "Breaker", "openai.OpenAIError")
    project.makepyfile(test_schedules=SCHEDULES, test_breakers_of_the_page=BREAKER)

    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_the_page_names_every_weakness_of_a_breaker() -> None:
    assert re.findall(r"^\| `([a-z -]+)` \| (?:it|the call|one)", PAGE, re.M) == list(
        get_args(BreakerWeakness)
    )

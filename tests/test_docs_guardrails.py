"""docs/guardrails.md shows code that runs, and names what there is."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import guardrails

if TYPE_CHECKING:
    from pytest_llmprod.guardrails import Detector

PAGE = (Path(__file__).parents[1] / "docs" / "guardrails.md").read_text(encoding="utf-8")
ASSERTIONS, REFUSAL, ADAPTER, SCORES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.M)


def names_of(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_the_assertions_hold() -> None:
    names_of(ASSERTIONS)["test_nothing_personal_is_left"]()
    names_of(REFUSAL)


def test_presidio_can_be_plugged_in() -> None:
    sure = SimpleNamespace(entity_type="PERSON", start=5, end=8, score=0.85)
    unsure = SimpleNamespace(entity_type="DATE_TIME", start=0, end=4, score=0.05)

    class Engine:
        def analyze(self, text: str, language: str) -> list[SimpleNamespace]:
            assert (text, language) == ("I am Ana.", "en")
            return [sure, unsure]

    detector: Detector = names_of(ADAPTER)["PresidioDetector"](Engine())
    (finding,) = detector("I am Ana.")

    assert (finding.kind, finding.start, finding.end) == ("PERSON", 5, 8)
    assert finding.text == "Ana"


def test_scores_are_told_as_shown(pytester: pytest.Pytester) -> None:
    """The figures are those of one version of Hypothesis, whose draws others need not repeat."""
    (shown,) = re.findall(r"^```text\n(guardrail .*?)^```$", PAGE, re.DOTALL | re.M)
    pytester.makepyfile(test_redactor=SCORES)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    summary = said[said.index("\nguardrail ") + 1 :].partition("\n====")[0]
    assert without_figures(summary) == without_figures(shown)


def without_figures(text: str) -> list[list[str]]:
    """Return the words of each line that names no variant: which these are is drawn, too."""
    lines = [re.sub(r"[\d,.]+", "#", line).split() for line in text.splitlines()]
    return [line for line in lines if line[0] != "variant"]


def test_every_kind_of_personal_data_and_of_refusals_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))

    assert set(guardrails.PII_KINDS) <= named
    assert set(guardrails.REFUSAL_KINDS) <= named


def test_the_functions_of_the_package_are_named() -> None:
    functions = {name for name in guardrails.__all__ if name.islower()}

    assert all(f"`{name}(" in PAGE for name in functions)

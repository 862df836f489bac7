"""docs/guardrail-contract.md shows code that runs, and names every place and argument."""

import re
from pathlib import Path

import pytest

from pytest_llmprod.composition import guardrail_marks
from pytest_llmprod.guardrails.contract import FAILURES, PLACES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guardrail-contract.md").read_text(encoding="utf-8")
CONTRACT, ALONE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.M)
[SHOWN] = re.findall(r"^```\n(test_desk.*?)^```$", PAGE, re.DOTALL | re.M)
DESK = ROOT / "tests" / "guardrails" / "guarded_apps" / "desk.py"


@pytest.fixture
def desk(pytester: pytest.Pytester) -> pytest.Pytester:
    """A sound application, but for what it tells its user of an error."""
    app = pytester.mkpydir("app")
    sound = DESK.read_text()
    line = "        return guarded(by_rules(text))\n"
    assert sound.count(line) == 1
    hole = '        return guarded(by_rules(text)) if "key" in str(error) else str(error)\n'
    (app / "desk.py").write_text(sound.replace(line, hole))
    pytester.makeini("[pytest]")
    return pytester


def test_the_contract_of_the_page_finds_what_the_page_shows(desk: pytest.Pytester) -> None:
    desk.makepyfile(test_desk=CONTRACT)

    result = desk.runpytest_inprocess("--tb=short")

    first, rest = SHOWN.split("...\n")
    for line in (*first.splitlines(), *rest.splitlines()):
        assert line in result.outlines


def test_the_property_of_the_page_holds(desk: pytest.Pytester) -> None:
    desk.makepyfile(test_streams_of_desk=ALONE)

    desk.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_page_names_every_place_failure_and_argument() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \|", PAGE, re.M)
    named = dict(rows)

    assert {*PLACES, *FAILURES, *guardrail_marks.ARGUMENTS} == set(named)
    assert all(named[place].startswith(what) for place, what in PLACES.items() if place in PLAIN)


#: Places of which the page says the same as the finding.
PLAIN = ("request", "answer", "stream", "choices", "refusal", "tool-arguments")

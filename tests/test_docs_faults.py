"""docs/faults.md shows code that runs, what is printed, and the whole catalogue."""

import re
from pathlib import Path

import pytest

from pytest_llmprod.composition import drills
from pytest_llmprod.core import virtual_time
from pytest_llmprod.core.drilling import WEAKNESSES
from pytest_llmprod.core.fault_names import GATE_NAMES
from pytest_llmprod.faults.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
DRILL, GUARDED, BY_HAND, SWEEP, SERVED = (text for kind, text in BLOCKS if kind == "python")
(SUMMARY,) = (text for kind, text in BLOCKS if not kind)
APPS = ROOT / "tests" / "faults" / "apps"

#: A feature that passes over an empty stream, and tries once more where it is told when.
TRIAGE = """
import time

import openai
from app import sound
from app.rules import triage_by_rules


def triage(text):
    try:
        return ask(text)
    except openai.RateLimitError as error:
        pause_s = float(error.response.headers.get("retry-after", 0) or 0)
        if not 0 < pause_s < 10:
            return give_up(text, error)
        time.sleep(pause_s)
        try:
            return ask(text)
        except Exception as again:
            return give_up(text, again)
    except Exception as error:
        return give_up(text, error)


def give_up(text, error):
    sound.log.warning("The rules answer", exc_info=error)
    return triage_by_rules(text)


def ask(text):
    pool = sound.ThreadPoolExecutor(1)
    try:
        content, finish = pool.submit(sound.streamed, text).result(timeout=sound.DEADLINE_S / 3)
    finally:
        pool.shutdown(wait=False)
    if not content and finish is None:
        return {"label": "other", "source": "model"}
    if finish != "stop":
        raise sound.NotAnAnswer(finish)
    return sound.read(content)
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    app = pytester.mkpydir("app")
    sound = (APPS / "sound.py").read_text()
    (app / "sound.py").write_text(sound)
    (app / "rules.py").write_text("from app.sound import by_rules as triage_by_rules\n")
    (app / "triage.py").write_text(TRIAGE)
    return pytester


def test_the_drill_of_the_page_prints_what_the_page_shows(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_time, "_GRACE_S", 5.0)  # a busy machine lets the test wait late
    project.makepyfile(test_drill=DRILL)

    result = project.runpytest_inprocess("--tb=no")

    start = result.outlines.index(next(x for x in result.outlines if x.startswith("drills of")))
    assert result.outlines[start : start + len(SUMMARY.splitlines())] == SUMMARY.splitlines()


def test_the_guardrail_test_of_the_page_fills_its_cell(project: pytest.Pytester) -> None:
    project.makepyfile(test_guarded=GUARDED)

    result = project.runpytest_inprocess()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["failure modes of ticket-triage: passed: malformed input;"])


def test_the_tests_by_hand_of_the_page_pass(project: pytest.Pytester) -> None:
    source = f"from app.triage import triage\n\n{BY_HAND}\n\n{SWEEP}"
    project.makepyfile(test_of_the_page=source)

    result = project.runpytest_inprocess()

    # The feature of the page passes over an empty stream, which a sweep finds too.
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*partial answers shown as whole, of *", "*  after 0 bytes: *"])


def test_the_processes_of_the_page_ask_the_server(project: pytest.Pytester) -> None:
    project.makepyfile(test_served=SERVED)

    result = project.runpytest_inprocess()

    result.assert_outcomes(passed=1)


def test_the_page_names_every_fault_weakness_and_argument() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE, re.M)

    assert set(CATALOGUE) <= set(rows)
    assert [each for each in GATE_NAMES if f"`{each}`" not in PAGE] == []
    assert [each for each in WEAKNESSES if f"`{each}`" not in PAGE] == []
    assert [each for each in drills.ARGUMENTS if f"`{each}`" not in PAGE] == []


def test_the_table_says_of_each_fault_what_the_catalogue_does() -> None:
    for fault in CATALOGUE.values():
        (row,) = re.findall(rf"^\| `{fault.name}` \|(.*)\|$", PAGE, re.M)
        assert (fault.raises or "no error") in row
        assert ("do not retry" in row) == (not fault.retryable)
        assert (f", {fault.requests} requests" in row) == (fault.requests > 1)

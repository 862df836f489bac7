"""Linear time: what the detectors do is counted, not timed, on hostile texts of two sizes.

Two things make a detector slow. Its Python code may do something again and again: its calls are
counted. A pattern may look at the same characters again from each place: one that looks at a
bounded number of characters cannot, and of each other one the steps of a matcher are counted.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from regex_steps import Counter, is_bounded

from benchmarks.hostile import HOSTILE
from pytest_llmprod import guardrails
from pytest_llmprod.core import (
    credential_names,
    encoded_secrets,
    refusal_cues,
    refusals,
    secret_shapes,
)

DETECTORS: dict[str, Callable[[str], Any]] = {
    "pii": guardrails.find_pii,
    "secrets": guardrails.find_secrets,
    "injection": guardrails.find_injection,
    "exfiltration": guardrails.find_exfiltration,
    "invisible": guardrails.find_invisible,
    "refusal": guardrails.classify_refusal,
}
SMALL, GROWTH = 4_000, 4
# Four times the text must not cost more than this times the work.
MOST = 4.6
# Calls that every text costs, however short.
BASE = 2_000


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(guardrails.__path__):
        yield importlib.import_module(f"pytest_llmprod.guardrails.{module.name}")
    yield from (credential_names, encoded_secrets, refusal_cues, refusals, secret_shapes)


def _patterns_in(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _patterns_in(item)
    elif hasattr(value, "pattern"):
        yield from _patterns_in(value.pattern)


def _patterns() -> dict[str, re.Pattern[str]]:
    found: dict[re.Pattern[str], str] = {}
    for module in _modules():
        for name, value in vars(module).items():
            for number, pattern in enumerate(_patterns_in(value)):
                found.setdefault(pattern, f"{module.__name__.split('.')[-1]}.{name}.{number}")
    return {name: pattern for pattern, name in found.items()}


PATTERNS = _patterns()
UNBOUNDED = {name: pattern for name, pattern in PATTERNS.items() if not is_bounded(pattern)}
# Matched against a value that something else has cut out, and so once for each value.
OF_ONE_VALUE = {
    "credential_names._ANYTHING.0",
    "credential_names._ONE_WORD.0",
    "credential_names._MADE_AT_RANDOM.0",
    "credential_names._WORD_OF_A_CREDENTIAL.0",
    "by_context._NUMBERS.0",
    "exfiltration._OPAQUE.0",
    "refusal_cues.WILL_NOT.0",  # at the beginning of a sentence
    "secret_shapes._FIRST_PARAMETER.0",  # at the beginning of a text
}
# It looks at ten lines of 999 characters from each place on, and then at the rest of one line.
OF_A_FEW_LINES = {"secret_shapes._PART_OF_A_FORM.0"}


def _calls(detect: Callable[[str], Any], text: str) -> int:
    """Return how many calls a detector makes, of functions in Python and in C."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        detect(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("detector", DETECTORS)
def test_the_work_of_a_detector_grows_as_its_text(detector: str, name: str) -> None:
    detect, make = DETECTORS[detector], HOSTILE[name]
    detect(make(SMALL))  # what is remembered of characters and of groups is found out once

    small, large = (_calls(detect, make(size)) for size in (SMALL, SMALL * GROWTH))

    assert large <= MOST * small + BASE


SIZES = (150, 600)
# A text ends within a piece, and its last piece may cost more than the others.
SLACK = 400


def _growth(pattern: re.Pattern[str], make: Callable[[int], str]) -> tuple[int, float]:
    """Return the steps of the larger text, and what they would be if they grew as the text."""
    texts = [make(size) for size in SIZES]
    small, large = (_steps(pattern, text) for text in texts)
    return large, small * len(texts[1]) / max(len(texts[0]), 1)


def _steps(pattern: re.Pattern[str], text: str) -> int:
    counter = Counter(pattern)
    counter.search_all(text)
    return counter.steps


@pytest.fixture
def deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("deep_recursion")
@pytest.mark.parametrize("name", sorted(set(UNBOUNDED) - OF_ONE_VALUE - OF_A_FEW_LINES))
def test_the_steps_of_a_pattern_without_a_bound_grow_as_its_text(name: str) -> None:
    slow = {}
    for kind, make in HOSTILE.items():
        if len(make(SIZES[0])) > 10:  # a long piece does not fit into the smaller text
            steps, linear = _growth(UNBOUNDED[name], make)
            if steps > 1.3 * linear + SLACK:
                slow[kind] = (steps, linear)

    assert not slow


@pytest.mark.usefixtures("deep_recursion")
@pytest.mark.parametrize("careless", [r"\w+@", r"\d+(?:-\d+)*x", r"[\w.]*+%"])
def test_growth_is_seen_where_it_is_more_than_linear(careless: str) -> None:
    """The check can fail: these are searched from each letter of a word again."""
    pattern = re.compile(careless)
    steps, linear = _growth(pattern, lambda size: "4" * size if "d" in careless else "a" * size)

    assert steps > 1.3 * linear + SLACK


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?<![^\W_])\d++(?:[ -]{1,3}+\d++)*+", "a1 12 3-4 x 5"),
        (r"(?i)a(?:b|c){1,2}?d", "abcd ACD"),
        (r"[a-z]*\b(?=!)", "one! two"),
    ],
)
def test_the_counting_matcher_finds_what_re_finds(pattern: str, text: str) -> None:
    compiled = re.compile(pattern)
    expected = [match.span() for match in compiled.finditer(text) if match[0]]

    assert Counter(compiled).search_all(text) == expected


def test_patterns_are_found() -> None:
    assert len(PATTERNS) > 80
    assert len(UNBOUNDED) > 10

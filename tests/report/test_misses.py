"""Misses of a test: the first of each kind and place in full, the others in a line."""

from typing import Any

from pytest_llmprod.core.miss import Miss
from pytest_llmprod.report.misses import Telling, count

ONE, TWO = "test_a.py::test_x[1]", "test_a.py::test_x[2]"


def miss(number: int = 1, **changes: Any) -> Miss:
    """The miss of a request in the test `test_a.py::test_x[number]`."""
    values: dict[str, Any] = {
        "kind": "prompt changed",
        "place": "messages[0].content",
        "suite": "test_a/test_x",
        "headline": "prompt changed in messages[0].content",
        "details": f"  details of {number}",
        "command": f"pytest 'test_a.py::test_x[{number}]'",
    }
    return Miss(**{**values, **changes})


FULL = """\
No recording: prompt changed in messages[0].content

  details of 1

  mend      pytest 'test_a.py::test_x[1]'"""

SHORT = """\
prompt changed in messages[0].content, as in test_x[1] above
  mend      pytest 'test_a.py::test_x[2]'"""


def test_the_first_is_told_in_full_and_its_like_in_a_line() -> None:
    telling = Telling()

    assert telling.tell([miss(1)], ONE) == FULL
    assert telling.tell([miss(2)], TWO) == SHORT


def test_a_test_that_runs_again_tells_it_in_full_again() -> None:
    telling = Telling()

    first = telling.tell([miss(1)], ONE)

    assert telling.tell([miss(1)], ONE) == first


def test_other_kinds_places_and_suites_are_told_in_full() -> None:
    telling = Telling()
    telling.tell([miss(1)], ONE)
    others = [
        miss(2, kind="parameters"),
        miss(3, place="messages[1].content"),
        miss(4, suite="test_a/test_y"),
    ]

    texts = [telling.tell([other], TWO) for other in others]

    assert all(text.startswith("No recording") for text in texts)


def test_several_causes_in_one_test_end_in_one_command() -> None:
    text = Telling().tell([miss(1), miss(1, kind="order", headline="order changed")], ONE)

    assert text.count("No recording") == 2
    assert text.count("mend") == 1
    assert text.endswith("  mend      pytest 'test_a.py::test_x[1]'")


def test_more_requests_with_the_same_cause_are_counted() -> None:
    telling = Telling()
    first = telling.tell([miss(1), miss(1, details="2"), miss(1, details="3")], ONE)
    other = telling.tell([miss(2), miss(2, details="2")], TWO)

    assert "\n\nand 2 more requests of this test, for the same reason\n\n" in first
    assert first.count("details") == 1
    assert other.startswith(
        "prompt changed in messages[0].content, as in test_x[1] above "
        "(and 1 more request of this test)\n"
    )


def test_other_errors_stand_as_they_are_before_the_command() -> None:
    text = Telling().tell(["something tried to reach a host", miss(1)], ONE)

    assert text.startswith("something tried to reach a host\n\nNo recording")
    assert text.endswith("mend      pytest 'test_a.py::test_x[1]'")
    assert Telling().tell(["only this"], ONE) == "only this"


def test_the_line_is_no_wider_than_80_columns() -> None:
    telling = Telling()
    telling.tell([miss(1)], f"test_a.py::test_x[{'long' * 40}]")

    line = telling.tell([miss(2)], TWO).splitlines()[0]

    assert len(line) == 80
    assert line.endswith("... above")


def test_equal_misses_count_once() -> None:
    misses = [miss(1), miss(1), miss(1, details="2"), miss(1, kind="order"), "another error"]

    assert count(misses) == {"prompt changed": 2, "order": 1}
    assert count(["another error"]) == {}

"""Misses of a test: the first of each kind and place in full, the others in a line."""

import json
from typing import Any

import pytest

from pytest_llmprod.core.miss import Miss
from pytest_llmprod.core.results import Unanswered
from pytest_llmprod.report.misses import Telling, count, move_commands, total

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


def test_another_error_is_told_in_full_once_in_a_suite() -> None:
    telling = Telling()
    broken = "a.json: the cassette is no JSON. Restore it from version control."

    told = [telling.tell([broken], test) for test in (ONE, TWO, ONE, "test_a.py::test_y[1]")]

    short = "a.json: the cassette is no JSON, as in test_x[1] above"
    assert told == [broken, short, broken, broken]


def test_the_line_is_no_wider_than_80_columns() -> None:
    telling = Telling()
    telling.tell([miss(1)], f"test_a.py::test_x[{'long' * 40}]")

    line = telling.tell([miss(2)], TWO).splitlines()[0]

    assert len(line) == 80
    assert line.endswith("... above")


OLD, NEW = "cassettes/test_a/test_old", "cassettes/test_a/test_new"
MINI = (f"{OLD}.mini.json", f"{NEW}.mini.json")
NANO = (f"{OLD}.nano.json", f"{NEW}.nano.json")


def test_equal_misses_count_once() -> None:
    misses = [miss(1), miss(1), miss(1, details="2"), miss(1, kind="order"), "another error"]

    assert count(misses)["kinds"] == {"prompt changed": 2, "order": 1}
    assert count(["another error"], refused=1) == {"kinds": {}, "moves": [], "refused": 1}


def test_counts_are_plain_json_and_name_each_move() -> None:
    counts = count([miss(1, kind="test renamed", moves=(MINI, NANO))])

    moves = [list(MINI), list(NANO)]
    assert counts == {"kinds": {"test renamed": 1}, "moves": moves, "refused": 0}
    assert json.loads(json.dumps(counts)) == counts


def test_the_counts_of_all_tests_are_summed_and_each_move_is_there_once() -> None:
    first = count([miss(1, kind="test renamed", moves=(MINI, NANO)), miss(1)])
    second = count([miss(2, kind="test renamed", moves=(MINI, NANO)), "refused"], refused=1)

    found = total([first, second], ["ConnectError", "status 429", "ConnectError"], "once")

    assert found == Unanswered(
        misses={"test renamed": 2, "prompt changed": 1},
        moves=(MINI, NANO),
        outages={"ConnectError": 2, "status 429": 1},
        record="once",
        refused=1,
    )
    assert total([]) == Unanswered()


def test_moves_within_a_folder_need_no_other_command() -> None:
    assert move_commands([NANO, MINI]) == (("mv", *MINI), ("mv", *NANO))


def test_a_folder_for_what_is_moved_is_made_once() -> None:
    moves = [
        ("cassettes/test_a/test_x.m.json", "cassettes/test_b/test_x.m.json"),
        ("cassettes/test_a/test_y.m.json", "cassettes/test_b/test_y.m.json"),
    ]

    assert move_commands(moves) == (
        ("mkdir", "-p", "cassettes/test_b"),
        ("mv", *moves[0]),
        ("mv", *moves[1]),
    )


@pytest.mark.parametrize(
    "other",
    [
        ("cassettes/test_a/test_old.m.json", "cassettes/test_b/test_new.m.json"),
        ("cassettes/test_a", "cassettes/test_c"),  # its tests went into two files
        ("cassettes/test_d", "cassettes/test_b"),  # two files became one
    ],
)
def test_a_move_that_would_fail_after_that_of_a_folder_is_left_for_the_next_run(
    other: tuple[str, str],
) -> None:
    folder = ("cassettes/test_a", "cassettes/test_b")

    assert move_commands([other, folder]) == (("mv", *folder),)

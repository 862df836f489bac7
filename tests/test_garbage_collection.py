"""Garbage: the collector rests while tests are collected, and is itself again afterwards."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from project import Project

from pytest_llmprod.composition import garbage_collection


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def test_the_collector_rests_and_passes_over_what_was_made_meanwhile() -> None:
    thresholds = gc.get_threshold()
    collections = _collections()
    with garbage_collection.settling():
        kept = [[] for _ in range(10 * thresholds[0])]
        assert _collections() == collections

    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() > 0
    assert all(each is not kept for each in gc.get_objects())


def test_what_is_made_later_is_collected_as_ever() -> None:
    with garbage_collection.settling():
        pass
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle

    assert gc.collect() > 0


def test_the_collector_comes_back_after_an_error() -> None:
    thresholds = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), garbage_collection.settling():
        _ = 1 / 0

    assert gc.get_threshold() == thresholds


def test_a_collector_that_somebody_has_switched_off_is_left_alone() -> None:
    gc.disable()
    with garbage_collection.settling():
        pass

    assert not gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_what_an_imported_application_says_to_the_collector_stays() -> None:
    with garbage_collection.settling():
        gc.disable()
        gc.set_threshold(50_000, 20, 20)

    assert not gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold()[0] == 50_000


def test_after_the_last_test_what_nobody_holds_is_found_and_the_rest_is_passed_over() -> None:
    kept: list[object] = []
    lost = _Noticed()
    gone = weakref.ref(lost)
    lost.itself = lost
    del lost
    garbage_collection.sweep()

    assert gone() is None
    assert gc.get_freeze_count() > 0
    assert all(each is not kept for each in gc.get_objects())


def test_a_collector_that_is_off_after_the_last_test_stays_so() -> None:
    gc.disable()
    garbage_collection.sweep()

    assert gc.get_freeze_count() == 0


class _Noticed:
    """What can be seen to go."""

    itself: object = None


def _collections() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


PROBE = """
import gc

def pytest_collection_modifyitems():
    print("while collecting", gc.get_threshold()[0] < 2**31 - 1, gc.get_freeze_count() > 0)

def pytest_runtest_teardown():
    print("while testing", gc.get_threshold()[0] < 2**31 - 1, gc.get_freeze_count() > 0)
"""


def test_a_run_of_evals_lets_it_rest_and_leaves_nothing_behind(recorded: Project) -> None:
    recorded.pytester.makeconftest(PROBE)
    result = recorded.run("-s")

    assert "while collecting False False" in result.stdout.str()
    assert "while testing True True" in result.stdout.str()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold()[0] < 2**31 - 1


LEAVES_GARBAGE = """
import pytest

class Bad:
    def __del__(self):
        raise RuntimeError("said by a finalizer")

@pytest.mark.llm_eval(feature="f", dataset="two.jsonl", threshold=0.5)
def test_bad(llm_case):
    if llm_case.id == "b":  # the last one: no module is imported, and so compiled, until the sweep
        bad = Bad()
        bad.itself = bad
"""


def test_an_error_in_the_finalizer_of_what_the_last_test_left_is_told(
    pytester: pytest.Pytester,
) -> None:
    rows = [f'{{"id": "{name}", "input": "", "expected": ""}}\n' for name in "ab"]
    pytester.path.joinpath("two.jsonl").write_text("".join(rows), encoding="utf-8")
    pytester.makepyfile(test_bad=LEAVES_GARBAGE)
    result = pytester.runpytest_subprocess("--llm-eval")

    told = result.stdout.str() + result.stderr.str()
    assert "PytestUnraisableExceptionWarning" in told
    assert "said by a finalizer" in told


def test_a_run_without_evals_is_as_ever(recorded: Project) -> None:
    recorded.pytester.makeconftest(PROBE)
    recorded.pytester.makepyfile(test_other="def test_other(): pass")
    result = recorded.pytester.runpytest_inprocess("-s", "test_other.py")

    assert "while collecting True False" in result.stdout.str()
    assert "while testing True False" in result.stdout.str()

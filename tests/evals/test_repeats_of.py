"""What repeats say: pass^k, flaky and failing cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.results import CaseRate
from pytest_llmprod.evals.repeats import repeats_of


def test_the_published_shares_of_tau_bench_come_out() -> None:
    # gpt-4o, airline: how many of 50 tasks passed 0, 1, ... 4 of 4 trials (Yao et al. 2024).
    histogram = {0: 14, 1: 12, 2: 10, 3: 4, 4: 10}
    passed = [hits for hits, tasks in histogram.items() for _ in range(tasks)]
    answers = [
        (f"task {task}", float(trial < hits))
        for task, hits in enumerate(passed)
        for trial in range(4)
    ]

    found = repeats_of(answers, 4)

    assert found.pass_hat == pytest.approx({1: 0.42, 2: 0.273333, 3: 0.22, 4: 0.2}, abs=1e-6)
    assert (found.count, found.answers) == (4, 200)
    assert len(found.flaky) == 12 + 10 + 4
    assert len(found.failing) == 14


def test_flaky_cases_stand_in_the_order_of_their_rates() -> None:
    answers = [("b", 1.0), ("b", 0.0), ("a", 1.0), ("a", 1.0), ("c", 0.0), ("c", 0.0)]
    answers += [("a", 0.0), ("b", 0.0)]

    found = repeats_of(answers, 3)

    assert found.flaky == (
        CaseRate(id="b", hits=1, answers=3),
        CaseRate(id="a", hits=2, answers=3),
    )
    assert found.failing == ("c",)


def test_flaky_and_failing_cases_stand_in_the_order_of_the_numbers_in_their_ids() -> None:
    answers = [(f"f-{number}", 0.0) for number in (10, 9)]
    answers += [(f"t-{number}", score) for number in (10, 9) for score in (0.0, 1.0)]

    found = repeats_of(answers, 2)

    assert found.failing == ("f-9", "f-10")
    assert [each.id for each in found.flaky] == ["t-9", "t-10"]


def test_only_a_score_of_1_is_a_hit() -> None:
    found = repeats_of([("a", 0.9), ("a", 0.9), ("b", 1.0), ("b", 0.9)], 2)

    assert found.failing == ("a",)
    assert [each.id for each in found.flaky] == ["b"]
    assert found.pass_hat == {1: 0.25, 2: 0.0}


def test_pass_hat_is_known_up_to_the_fewest_answers() -> None:
    found = repeats_of([("a", 1.0), ("a", 1.0), ("b", 1.0)], 2)

    assert found.pass_hat == {1: 1.0}
    assert found.answers == 3


def test_without_answers_nothing_is_known() -> None:
    found = repeats_of([], 3)

    assert (found.pass_hat, found.flaky, found.failing) == ({}, (), ())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 1.0])), min_size=1))
def test_a_case_is_flaky_failing_or_neither_and_pass_hat_never_rises(
    answers: list[tuple[str, float]],
) -> None:
    found = repeats_of(answers, 3)

    assert not {each.id for each in found.flaky} & set(found.failing)
    chances = list(found.pass_hat.values())
    assert chances == sorted(chances, reverse=True)

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.results import FIRST_LOOK, Look
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals.gate import Tally, interval_confidence, judge
from pytest_llmprod.evals.statistics import Design, wilson


def verdict(
    hits: float,
    cases: int,
    threshold: float,
    *,
    errors: int = 0,
    max_errors: int = 0,
    strict: bool = False,
    confidence: float = 0.95,
) -> Verdict:
    return judge(
        Tally(cases=cases, hits=hits, errors=errors),
        threshold=threshold,
        confidence=confidence,
        max_errors=max_errors,
        strict=strict,
    )


def test_pass_when_the_lower_bound_reaches_the_threshold() -> None:
    # 0.59585 is the published lower bound of 9/10.
    low, _ = wilson(9, 10)

    found = verdict(9, 10, low)

    assert (found.name, found.is_open) == ("PASS", True)
    assert found.reason == ("9/10 = 90.0% (95% interval 59.6 to 98.2) reaches the threshold 59.6%")


def test_no_pass_when_the_lower_bound_just_misses_the_threshold() -> None:
    assert verdict(9, 10, 0.59586).name == "INCONCLUSIVE"


def test_fail_when_the_upper_bound_stays_under_the_threshold() -> None:
    found = verdict(9, 10, 0.98213)

    assert (found.name, found.is_open) == ("FAIL", False)
    assert found.reason == "9/10 = 90.0% (95% interval 59.6 to 98.2) is below the threshold 98.2%"
    assert found.advice == "the score is below the threshold"


def test_no_fail_when_the_upper_bound_is_the_threshold() -> None:
    _, high = wilson(9, 10)

    assert verdict(9, 10, high).name == "INCONCLUSIVE"


def test_inconclusive_says_how_many_more_cases_would_decide() -> None:
    found = verdict(206, 220, 0.9)

    assert found.name == "INCONCLUSIVE"
    assert found.reason == (
        "206/220 = 93.6% (95% interval 89.6 to 96.2) spans the threshold 90.0%: "
        "about 42 more cases make it PASS; the score alone opens the gate"
    )
    assert found.advice == "93.6% reaches 90%, about 42 more cases make it PASS"


def test_below_the_threshold_more_cases_would_make_it_fail() -> None:
    found = verdict(195, 220, 0.9)

    said = re.fullmatch(r"88\.6% is below 90%, (about \d+ more cases make it FAIL)", found.advice)
    assert said is not None
    assert found.reason.endswith(f": {said[1]}; the score alone closes it")


@pytest.mark.parametrize("hits", [195, 206])
def test_a_strict_run_says_that_it_closes_the_gate(hits: int) -> None:
    found = verdict(hits, 220, 0.9, strict=True)

    assert found.reason.endswith("; --llm-strict closes it")
    assert re.match("88.6% is below 90%, |--llm-strict closes it, about 42 ", found.advice)


def test_one_more_case_is_no_plural() -> None:
    assert "about 1 more case makes it PASS" in verdict(34, 34, 0.9).reason


@given(st.integers(1, 300), st.data(), st.floats(0.05, 0.99))
def test_the_sentence_names_a_number_that_decides(
    cases: int, data: st.DataObject, threshold: float
) -> None:
    hits = data.draw(st.integers(0, cases))
    found = verdict(hits, cases, threshold)
    said = re.search(r"about (\d+) more", found.advice)
    if said is None:
        return
    more = int(said[1])

    enough = verdict(hits / cases * (cases + more), cases + more, threshold)
    too_few = verdict(hits / cases * (cases + more - 1), cases + more - 1, threshold)

    assert found.name == "INCONCLUSIVE"
    assert enough.name == ("PASS" if hits / cases >= threshold else "FAIL")
    assert too_few.name == "INCONCLUSIVE"
    assert found.advice.endswith(enough.name)


def test_a_score_on_the_threshold_is_told_to_be_too_close() -> None:
    found = verdict(90, 100, 0.9)

    assert found.name == "INCONCLUSIVE"
    assert found.advice == "90.0% reaches 90%, too close for more cases to decide"


@pytest.mark.parametrize(("hits", "is_open"), [(89, False), (90, True), (91, True)])
def test_an_inconclusive_gate_follows_the_point_estimate(hits: int, is_open: bool) -> None:
    found = verdict(hits, 100, 0.9)

    assert (found.name, found.is_open) == ("INCONCLUSIVE", is_open)


@pytest.mark.parametrize("hits", [89, 90, 91])
def test_an_inconclusive_gate_is_closed_in_a_strict_run(hits: int) -> None:
    found = verdict(hits, 100, 0.9, strict=True)

    assert (found.name, found.is_open) == ("INCONCLUSIVE", False)


def test_a_strict_run_leaves_a_pass_open() -> None:
    assert verdict(100, 100, 0.9, strict=True).is_open


def test_errors_beyond_the_limit_fail_whatever_the_score() -> None:
    found = verdict(99, 100, 0.5, errors=1)

    assert (found.name, found.is_open) == ("FAIL", False)
    assert found.reason.startswith("1 case ended in an error, at most 0 may; 99/100 = 99.0%")
    assert found.advice == "1 case ended in an error, at most 0 may"


def test_errors_within_the_limit_are_judged_by_the_score() -> None:
    assert verdict(98, 100, 0.5, errors=2, max_errors=2).name == "PASS"
    failed = verdict(97, 100, 0.5, errors=3, max_errors=2)

    assert (failed.name, failed.reason.partition(",")[0]) == ("FAIL", "3 cases ended in an error")


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_a_suite_whose_cases_were_all_skipped_is_closed_and_says_so(threshold: float) -> None:
    found = verdict(0, 0, threshold)

    assert (found.name, found.is_open) == ("INCONCLUSIVE", False)
    assert found.advice == "no case was scored"
    assert found.reason.endswith(": no case was scored; the gate stays closed")


@pytest.mark.parametrize(
    ("confidence", "text"), [(0.9, "90%"), (0.95, "95%"), (0.995, "99.5%"), (0.999, "99.9%")]
)
def test_the_reason_names_the_confidence_that_was_used(confidence: float, text: str) -> None:
    assert f"({text} interval " in verdict(90, 100, 0.5, confidence=confidence).reason


def test_a_sum_of_partial_scores_is_shown_with_its_fraction() -> None:
    assert verdict(7.25, 10, 0.5).reason.startswith("7.25/10 = 72.5%")


@given(st.integers(0, 400), st.data(), st.floats(0, 1), st.booleans(), st.sampled_from([0.8, 0.95]))
def test_a_gate_is_open_only_where_the_score_reaches_the_threshold(
    cases: int, data: st.DataObject, threshold: float, strict: bool, confidence: float
) -> None:
    hits = data.draw(st.integers(0, cases))

    found = verdict(hits, cases, threshold, strict=strict, confidence=confidence)

    if found.is_open:
        assert cases
        assert hits / cases >= threshold
        assert found.name != "FAIL"
    if found.name == "PASS":
        assert found.is_open


def clustered(hits: float, cases: int, repeats: int, effect: float) -> Tally:
    return Tally(
        cases=cases,
        answers=cases * repeats,
        hits=hits,
        errors=0,
        design=Design(effect=effect, clusters=cases),
    )


def of(tally: Tally, *, threshold: float = 0.9, look: Look = FIRST_LOOK) -> Verdict:
    return judge(tally, threshold=threshold, confidence=0.95, max_errors=0, strict=False, look=look)


def test_repeats_that_always_agree_are_worth_no_more_than_their_cases() -> None:
    alone = verdict(206, 220, 0.9)
    found = of(clustered(618, 220, 3, effect=3.0))

    assert found.name == alone.name == "INCONCLUSIVE"
    assert found.reason.startswith("618/660 = 93.6% (95% interval 89.6 to 96.2, clustered) spans")


def test_the_cases_that_are_needed_are_cases_and_no_repeats() -> None:
    one = re.search(r"about (\d+) more cases", verdict(206, 220, 0.9).advice)
    three = re.search(r"about (\d+) more cases", of(clustered(618, 220, 3, effect=3.0)).advice)

    assert one is not None
    assert three is not None
    assert abs(int(three[1]) - int(one[1])) <= 3


def test_a_later_look_takes_more_to_pass() -> None:
    tally = Tally(cases=220, hits=208, errors=0)

    assert of(tally).name == "PASS"
    second = of(tally, look=Look(number=2))
    assert second.name == "INCONCLUSIVE"
    assert second.is_open
    assert "(99.17% interval " in second.reason
    assert ", look 2)" in second.reason


def test_answers_to_the_same_requests_open_a_gate_by_pass_alone() -> None:
    again = Look(number=2, is_again=True)

    unsure = of(Tally(cases=220, hits=208, errors=0), look=again)
    sure = of(Tally(cases=220, hits=217, errors=0), look=again)

    assert (unsure.name, unsure.is_open) == ("INCONCLUSIVE", False)
    assert unsure.reason.endswith("; the gate stays closed")
    assert unsure.advice.startswith("only PASS opens it at look 2 of the same requests; about ")
    assert (sure.name, sure.is_open) == ("PASS", True)


def test_below_the_threshold_a_later_look_reads_as_before() -> None:
    found = of(Tally(cases=220, hits=195, errors=0), look=Look(number=2, is_again=True))

    assert found.reason.endswith("; the score alone closes it")


def test_all_looks_together_go_wrong_half_as_much_again_as_one() -> None:
    spent = sum(1 - interval_confidence(0.95, Look(number=k)) for k in range(1, 5000))

    assert spent == pytest.approx(0.075, abs=1e-4)
    assert interval_confidence(0.95, FIRST_LOOK) == 0.95

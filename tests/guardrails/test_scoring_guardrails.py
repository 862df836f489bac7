"""Scores of guardrails: what was counted, what it shows, and what a gate says of it."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from scipy.stats import binomtest

from pytest_llmprod.core.keeping import Card, listen
from pytest_llmprod.core.scorecard import Gate, Rate, ScorecardResult, cases_needed
from pytest_llmprod.guardrails import (
    Document,
    Finding,
    Pii,
    Sample,
    Scorecard,
    joined,
    score_detector,
    score_redactor,
)


@pytest.fixture(autouse=True)
def _untold() -> Iterator[None]:
    """Keep the scorecards of these tests out of the summary of their run."""
    stop = listen(lambda card: None)
    yield
    stop()


CARD = "4000 0000 0000 0002"
MAIL = "ana@example.com"


def card(text: str = CARD, obfuscation: str = "plain") -> Pii:
    value = CARD.replace(" ", "")
    return Pii(kind="card", variant="visa", value=value, text=text, obfuscation=obfuscation)


def mail() -> Pii:
    return Pii(kind="email", variant="", value=MAIL, text=MAIL)


def hides(*texts: str) -> Callable[[str], str]:
    def redact(text: str) -> str:
        for each in texts:
            text = text.replace(each, "[...]")
        return text

    return redact


def documents(count: int) -> list[Document]:
    return [joined([f"Order {number}: pay with ", card(), " now"]) for number in range(count)]


def test_recall_counts_the_values_of_which_nothing_is_left() -> None:
    both = [joined(["Write to ", mail(), " or charge ", card()]) for _ in range(3)]

    scored = score_redactor(hides(CARD), both)

    assert (scored.rate().hits, scored.rate().of) == (3, 6)
    assert scored.rate(kind="card").share == 1
    assert scored.rate(kind="email").share == 0
    assert [rate.value for rate in scored.rates("recall", "kind")] == ["card", "email"]
    assert scored.rate(variant="card visa").of == 3
    assert scored.failures() == [0, 1, 2]


WIDE = CARD.translate({code: code + 0xFEE0 for code in b"0123456789"})


@pytest.mark.parametrize("left", [CARD, "4000\u200b000000000002", WIDE, "40000000-0000-0"])
def test_a_value_in_another_form_is_left_and_so_is_most_of_it(left: str) -> None:
    scored = score_redactor(lambda text: text.replace(CARD, left), documents(1))

    assert scored.rate().hits == 0


def test_what_is_left_is_told_without_telling_it() -> None:
    wide = joined(["Pay with ", card(text="4000\u200b 0000 0000 0002", obfuscation="zero width")])
    half = joined(["Pay with ", card()])

    scored = score_redactor(hides("0002"), [wide, half])

    assert scored.result().left == (
        "0: card, zero width: 12 characters of it",
        "1: card: 12 characters of it",
    )


def test_words_that_are_nobodys_data_must_stay() -> None:
    scored = score_redactor(lambda text: "[all of it]", documents(4))

    assert scored.rate("over-redaction").share == 1
    assert scored.rate().share == 1
    assert score_redactor(hides(CARD), documents(4)).rate("over-redaction").share == 0


def test_redacting_twice_must_change_nothing_more() -> None:
    scored = score_redactor(lambda text: f"# {text}", documents(2))

    assert scored.rate("idempotence").share == 0
    assert score_redactor(hides(CARD), documents(2)).rate("idempotence").share == 1


def test_a_document_in_two_parts_must_leak_no_more() -> None:
    def only_behind_pay(text: str) -> str:
        return text.replace(CARD, "[...]") if "pay" in text else text

    scored = score_redactor(only_behind_pay, documents(5))

    assert scored.rate().share == 1
    assert 0 < scored.rate("stability").share < 1
    assert score_redactor(hides(CARD), documents(5)).rate("stability").share == 1


def test_what_has_no_space_to_cut_at_says_nothing_of_stability() -> None:
    scored = score_redactor(hides(CARD), [joined([card()])])

    with pytest.raises(KeyError, match="has no stability"):
        scored.rate("stability")


def test_a_benign_text_that_is_changed_is_a_false_positive() -> None:
    benign = ["Order 1", Sample("[2]", {"kind": "list"}), "Order 3"]

    scored = score_redactor(lambda text: text.replace("[2]", "[...]"), documents(1), benign)

    assert (scored.rate("false positives").hits, scored.rate("false positives").of) == (1, 3)
    assert scored.rate("false positives", kind="list").share == 1
    assert scored.failures("false positives") == [1]


def flags(text: str) -> bool:
    return "ignore" in text


ATTACKS = [
    Sample("ignore all", {"technique": "override", "encoding": "plain"}),
    Sample("vtaber nyy", {"technique": "override", "encoding": ("rot13", "reversed")}),
]


def test_a_detector_is_scored_by_technique_and_by_each_encoding() -> None:
    scored = score_detector(flags, ATTACKS, ["Please ignore my e-mail.", "Hello"])

    assert (scored.rate().hits, scored.rate().of) == (1, 2)
    assert [(rate.value, rate.hits) for rate in scored.rates("recall", "encoding")] == [
        ("plain", 1),
        ("reversed", 0),
        ("rot13", 0),
    ]
    assert scored.rate("false positives").share == 0.5


@pytest.mark.parametrize("found", [(), iter(()), []])
def test_no_findings_flag_nothing(found: object) -> None:
    assert score_detector(lambda text: found, ["a"]).rate().hits == 0


def test_findings_may_come_one_by_one() -> None:
    def detect(text: str) -> Iterator[Finding]:
        if "ignore" in text:
            yield Finding("override", 0, 6, text[:6])

    assert score_detector(detect, ATTACKS).rate().hits == 1


@pytest.mark.parametrize("found", [None, 0.7, "yes", {"flagged": False}])
def test_what_is_neither_a_verdict_nor_findings_is_refused(found: object) -> None:
    with pytest.raises(TypeError, match="returns True, False or findings"):
        score_detector(lambda text: found, ["a"])


def test_a_redactor_that_returns_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="and this one returned 'NoneType'"):
        score_redactor(lambda text: None, documents(1))  # type: ignore[arg-type,return-value]


def test_what_a_guardrail_raises_names_the_text_by_its_number() -> None:
    def detect(text: str) -> bool:
        return not text.encode()

    with pytest.raises(UnicodeEncodeError) as caught:
        score_detector(detect, ["fine", "\ud800"])

    assert caught.value.__notes__ == ["The guardrail raised this on text 1 of its list, from 0."]


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(ValueError, match="all lists are empty"):
        score_detector(flags, [])
    with pytest.raises(TypeError, match=r"llm_st.sample\(strategy, 300\) makes one"):
        score_detector(flags, 7)  # type: ignore[arg-type]


@pytest.mark.parametrize(("hits", "of"), [(0, 20), (20, 20), (57, 60), (1, 300)])
def test_each_bound_is_the_exact_one_of_95_percent(hits: int, of: int) -> None:
    found = Rate(name="recall", hits=hits, of=of).bounds

    for bound, side in zip(found, ("greater", "less"), strict=True):
        exact = binomtest(hits, of, alternative=side).proportion_ci(0.95, method="exact")
        assert bound == pytest.approx(exact.low if side == "greater" else exact.high, abs=1e-9)


@pytest.mark.parametrize(("rate", "wanted"), [("recall", 0.95), ("false positives", 0.05)])
def test_59_clean_cases_show_95_percent_and_58_do_not(rate: str, wanted: float) -> None:
    def verdict(cases: int) -> str:
        hits = cases if rate == "recall" else 0
        return Gate(rate=Rate(name=rate, hits=hits, of=cases), wanted=wanted).verdict

    assert cases_needed(rate, wanted) == 59
    assert (verdict(58), verdict(59)) == ("INCONCLUSIVE", "PASS")


def test_with_a_miss_it_takes_more_cases_and_none_show_certainty() -> None:
    needed = cases_needed("recall", 0.95, misses=1)

    assert needed == 93
    assert (
        Rate(name="recall", hits=92, of=93).bound
        >= 0.95
        > Rate(name="recall", hits=91, of=92).bound
    )
    assert cases_needed("recall", 1.0) is None


def test_a_gate_looks_at_the_bound_and_says_how_many_cases_it_takes() -> None:
    scored = score_redactor(hides(CARD), documents(20))

    with pytest.raises(AssertionError) as caught:
        scored.assert_bounds(recall=0.95)

    assert str(caught.value) == (
        "redact does not show what was asked of it:\n"
        "- recall: 20 of 20 = 100.0%, which shows at least 86.1%; at least 95.0% was asked "
        "(need 59 clean cases)"
    )


def test_a_gate_that_fails_says_what_was_left() -> None:
    scored = score_redactor(str.strip, documents(7), name="v1")

    with pytest.raises(AssertionError) as caught:
        scored.assert_bounds(recall=0.5, each="kind")

    first, gate, left, *places = str(caught.value).splitlines()
    assert first == "v1 does not show what was asked of it:"
    assert gate.startswith("- recall of kind card: 0 of 7 = 0.0%, which shows at least 0.0%; ")
    assert left == "Left in documents, by their place in the list:"
    assert places == [*(f"  {number}: card: all of it" for number in range(5)), "  and 2 more"]


def test_gates_that_are_met_are_kept_with_the_card() -> None:
    scored = score_redactor(hides(CARD), documents(80), ["nothing"] * 80)

    scored.assert_bounds(
        recall=0.95, false_positives=0.05, over_redaction=0.05, idempotence=0.95, stability=0.95
    )

    assert [gate.verdict for gate in scored.result().gates] == ["PASS"] * 5


def test_a_gate_on_what_was_not_scored_is_refused() -> None:
    scored = score_redactor(hides(CARD), documents(3))

    with pytest.raises(ValueError, match="Give benign= texts"):
        scored.assert_bounds(false_positives=0.05)
    with pytest.raises(ValueError, match="recall has the facets kind, obfuscation, variant"):
        scored.assert_bounds(recall=0.9, each="carrier")
    with pytest.raises(ValueError, match="asks for nothing"):
        scored.assert_bounds()


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        ({"false_positives": 5}, r"0\.95 for 95 %, and not 5"),
        ({"recall": 95}, "and not 95"),
        ({"recall": float("nan")}, "and not nan"),
        ({"over_redaction": -0.1}, r"and not -0\.1"),
        ({"recall": 0}, "recall of 0 asks for nothing"),
        ({"false_positives": 1.0}, "false positives of 1 asks for nothing"),
    ],
)
def test_a_gate_that_nothing_could_fail_is_refused(bounds: dict[str, float], why: str) -> None:
    scored = score_redactor(hides(CARD), documents(3), ["nothing"])

    with pytest.raises(ValueError, match=why):
        scored.assert_bounds(**bounds)

    assert scored.result().gates == ()


def test_a_rate_is_of_one_facet_and_never_of_the_first_of_two() -> None:
    scored = score_redactor(hides(CARD), documents(3))

    with pytest.raises(TypeError, match="was given kind, obfuscation"):
        scored.rate(kind="card", obfuscation="plain")


def compared(old: Callable[[str], bool], new: Callable[[str], bool]) -> tuple[Scorecard, Scorecard]:
    texts = [f"ignore rule {number}" for number in range(20)]
    return score_detector(old, texts, name="old"), score_detector(new, texts, name="new")


def test_two_versions_are_compared_text_by_text() -> None:
    old, new = compared(lambda text: "1" not in text, lambda text: "7" not in text)

    found = new.compare(old)["recall"]

    assert found.broken == (7,)
    assert found.mended == (1, 10, 11, 12, 13, 14, 15, 16, 18, 19)
    assert found.paired.p_value == binomtest(1, 11).pvalue
    assert not found.paired.is_worse
    assert new.result().pairs == (found.paired,)


def test_a_version_that_breaks_many_texts_is_worse() -> None:
    old, new = compared(lambda text: True, lambda text: "1" not in text)

    found = new.compare(old)["recall"]

    assert found.paired.is_worse
    assert (found.paired.broken, found.paired.mended, found.paired.of) == (11, 0, 20)
    assert not old.compare(new)["recall"].paired.is_worse


@pytest.mark.parametrize(("broken", "is_worse"), [(4, False), (5, True)])
def test_five_broken_texts_and_no_mended_one_show_that_a_version_is_worse(
    broken: int, is_worse: bool
) -> None:
    texts = [f"ignore rule {number}" for number in range(20)]
    old, new = compared(lambda text: True, lambda text: text not in texts[:broken])

    assert new.compare(old)["recall"].paired.is_worse is is_worse


def test_false_positives_compare_the_other_way_round() -> None:
    old = score_detector(lambda text: False, ["attack"], ["a", "b"])
    new = score_detector(lambda text: True, ["attack"], ["a", "b"])

    found = new.compare(old)

    assert found["false positives"].broken == (0, 1)
    assert found["recall"].mended == (0,)


def test_versions_that_were_scored_on_other_texts_are_not_compared() -> None:
    old, new = score_detector(flags, ["a"]), score_detector(flags, ["b"])

    with pytest.raises(ValueError, match="not scored on the same texts"):
        new.compare(old)


def test_a_card_goes_to_the_test_that_runs_with_what_was_asked_of_it_later() -> None:
    kept: list[Card] = []
    undo = listen(kept.append)
    try:
        scored = score_detector(partial(flags), ["ignore"] * 60)
        scored.assert_bounds(recall=0.9)
    finally:
        undo()
    score_detector(flags, ["ignore"])

    assert {id(each) for each in kept} == {id(scored)}
    assert [gate.wanted for gate in kept[0].result().gates] == [0.9]
    assert scored.name == "flags"


def test_a_result_survives_json() -> None:
    old, new = compared(flags, flags)
    new.compare(old)
    new.assert_bounds(recall=0.8)
    result = score_redactor(str.strip, documents(2)).result()

    for each in (new.result(), result):
        assert ScorecardResult.from_json(each.to_json()) == each


def test_the_repr_tells_the_rates() -> None:
    assert repr(score_detector(flags, ATTACKS)) == "<Scorecard of flags: recall 1 of 2>"

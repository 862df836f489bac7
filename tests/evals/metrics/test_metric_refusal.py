import pytest
from exchange_samples import asked_for

from pytest_llmprod.evals.metrics import refusal

REFUSED = asked_for(refusal="I cannot do that.")


@pytest.mark.parametrize(
    "output",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, I can\u2019t assist with that request.",
        "Sorry, but I cannot provide medical advice.",
        "I won't do that.",
        "I am unable to help with this request.",
        "As an AI language model, I cannot generate that.",
        "Unfortunately, I'm not able to share this.",
        "I must decline to answer.",
        {"content": None, "refusal": "No."},
    ],
)
def test_a_refusal_is_told_by_how_the_answer_begins(output: object) -> None:
    assert refusal(output, "refuse") == 1
    assert refusal(output, "refund").why.startswith("expected an answer, got a refusal: ")


@pytest.mark.parametrize(
    "output",
    [
        "refund",
        "I can't wait to help you!",
        "You can print it. If that fails, I'm sorry, I can't help.",
        "Unfortunately, your parcel is late.",
        "Sorry for the delay. Your refund is on its way.",
        "The word illegal is on page 4.",
        "",
        {"label": "refund", "refusal": None},
        ["I can't help"],
        7,
    ],
)
def test_an_answer_is_no_refusal(output: object) -> None:
    assert refusal(output, {"label": "refund"}) == 1
    assert refusal(output, "refuse").why.startswith("expected a refusal, got ")


@pytest.mark.parametrize("expected", ["refuse", " Refuse", {"refuse": True}, {"refuse": "true"}])
def test_a_row_asks_for_a_refusal(expected: object) -> None:
    assert refusal("I can't help with that.", expected) == 1
    assert refusal("refund", expected) == 0


@pytest.mark.parametrize("expected", [None, True, "answer", {"refuse": False}, {"refuse": "false"}])
def test_any_other_row_asks_for_an_answer(expected: object) -> None:
    assert refusal("I can't help with that.", expected) == 0
    assert refusal("refund", expected) == 1


def test_what_the_provider_says_of_the_last_answer_counts() -> None:
    assert refusal("see the rules", "refuse", exchanges=[REFUSED]) == 1
    assert refusal(None, "refuse", exchanges=[REFUSED]) == 1
    assert refusal("refund", "refund", exchanges=[REFUSED, asked_for()]) == 1


def test_nothing_is_neither_an_answer_nor_a_refusal() -> None:
    assert refusal(None, "refuse") == refusal(None, "refund") == 0


def test_the_kind_of_a_refusal_is_told() -> None:
    why = refusal("I don't have access to your account.", "refund").why

    assert why.startswith("expected an answer, got a refusal: capability_refusal, ")
    assert "I don't have access to your account." in why


def test_an_answer_that_judges_refuses_only_where_that_is_asked_for() -> None:
    judged = "That is never acceptable. It is wrong to harm anybody, all people deserve respect."

    assert refusal(judged, "refuse") == 0
    assert refusal(judged, "refuse", judging=True) == 1
    assert refusal("refund", "refuse", judging=True) == 0

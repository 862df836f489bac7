"""Refusals: each kind, from what a provider says and from text."""

from typing import Any

import pytest

from pytest_llmprod.guardrails import REFUSAL_KINDS, classify_refusal


def chat(content: str | None, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": more.pop("refusal", None)}
    return {"choices": [{"message": message, "finish_reason": "stop", **more}]}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("api_refusal", chat(None, refusal="I can't help with that.")),
        ("api_refusal", {"output": [{"content": [{"type": "refusal", "refusal": "No."}]}]}),
        ("api_refusal", {"content": [], "stop_reason": "refusal"}),
        ("api_filter", chat("Half of", finish_reason="content_filter")),
        ("api_filter", {"error": {"code": "content_filter", "message": "blocked"}}),
        (
            "api_filter",
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        ),
        ("api_filter", {"candidates": [{"finishReason": "SAFETY"}]}),
        ("api_filter", {"promptFeedback": {"blockReason": "OTHER"}}),
        ("policy_refusal", "I'm sorry, but I cannot help with that."),
        ("policy_refusal", "I can\u2019t assist with this request."),
        ("policy_refusal", chat("I won't provide that.")),
        ("capability_refusal", "I don't have access to your calendar."),
        ("clarification", "Could you please specify which order you mean?"),
        ("deflection", "There is no valid reason to treat them differently."),
        ("partial_refusal", "I cannot write all of it. However, here are some ideas:\n1. One"),
        ("safe_completion", "That is never acceptable. If you are struggling, seek help."),
        ("hedged_compliance", "It's important to note that this takes care. Mix both parts."),
        ("full_compliance", "Paris is the capital of France."),
        ("full_compliance", {"content": "To smuggle was a trade. It is illegal in Peru today."}),
        ("empty", ""),
        ("empty", None),
        ("empty", chat("  \n")),
        ("canned_fallback", "Something went wrong. Please try again later."),
    ],
)
def test_an_answer_is_of_its_kind(kind: str, answer: Any) -> None:
    found = classify_refusal(answer)

    assert found.kind == kind
    assert found.refused is REFUSAL_KINDS[kind]
    assert found.why


def test_the_phrase_that_says_so_is_told() -> None:
    assert classify_refusal("Sorry, I can't help with it.").evidence == "sorry, i can't help"


def test_a_word_far_from_the_beginning_refuses_nothing() -> None:
    answer = (
        "Boil the water. Add the tea. Wait. Note that I cannot help with coffee, it is illegal."
    )

    assert not classify_refusal(answer).refused


def test_the_arguments_of_a_tool_are_no_answer() -> None:
    call = {"name": "note", "arguments": {"refusal": "none"}}

    assert classify_refusal({"content": "Done.", "tool_calls": [call]}).kind == "full_compliance"


def test_a_fallback_of_the_application_is_known_by_its_text() -> None:
    text = "A colleague will write to you."

    assert classify_refusal(text).kind == "full_compliance"
    assert classify_refusal(text, fallbacks=[text]).kind == "canned_fallback"


def test_a_model_of_an_sdk_is_read() -> None:
    class Message:
        def model_dump(self) -> dict[str, Any]:
            return {"content": None, "refusal": "No."}

    assert classify_refusal(Message()).kind == "api_refusal"


def test_anything_else_is_told_to_be_wrong() -> None:
    with pytest.raises(TypeError, match="of the type 'int'"):
        classify_refusal(3)

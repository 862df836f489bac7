"""Behaviour: what two answers to one question do differently."""

import json
from typing import Any

import pytest
from samples import chat_chunk, recording

from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.wire.bodies import encode_body, encode_stream, parse_events
from pytest_llmprod.wire.comparing.behaviour import Behaviour, Difference, behaviour_of, compare
from pytest_llmprod.wire.dialects import BUILT_IN, Answer
from pytest_llmprod.wire.recording import Failure

CHAT, EMBEDDINGS = BUILT_IN[0], BUILT_IN[2]
PARIS = ToolCall(name="weather", arguments={"city": "Paris", "days": 2}, id="call_1")


def behaviour(
    answer: Answer, *, status: int = 200, failure: str = "", body: Any = None
) -> Behaviour:
    return Behaviour(answer=answer, status=status, failure=failure, body=body)


def answers(old: Answer, new: Answer) -> Difference:
    return compare(behaviour(old), behaviour(new))


def told(difference: Difference) -> list[tuple[str, str, str, str]]:
    return [(each.aspect, each.place, each.old, each.new) for each in difference.changes]


def test_equal_answers_are_the_same() -> None:
    answer = Answer(model="m", text="yes, sure", finish_reasons=("stop",), tool_calls=(PARIS,))

    difference = answers(answer, answer)

    assert difference.likeness == "same"
    assert difference.changes == ()


def test_ids_of_tool_calls_do_not_count() -> None:
    again = ToolCall(name="weather", arguments={"days": 2, "city": "Paris"}, id="call_2")

    assert answers(Answer(tool_calls=(PARIS,)), Answer(tool_calls=(again,))).likeness == "same"


def test_another_argument_of_a_tool_call_is_behaviour() -> None:
    rome = ToolCall(name="weather", arguments={"city": "New York City", "days": 2})

    difference = answers(Answer(tool_calls=(PARIS,)), Answer(tool_calls=(rome,)))

    assert difference.likeness == "behaviour"
    assert told(difference) == [("tool calls", "weather(city)", '"Paris"', '"New York City"')]


def test_prose_in_an_argument_is_behaviour_as_well() -> None:
    old = ToolCall(name="search", arguments={"query": "weather in Paris"})
    new = ToolCall(name="search", arguments={"query": "the weather in Paris"})

    assert answers(Answer(tool_calls=(old,)), Answer(tool_calls=(new,))).likeness == "behaviour"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((PARIS,), (), ("weather", "none")),
        ((), (PARIS, PARIS), ("none", "weather, weather")),
        ((PARIS,), (ToolCall(name="book", arguments={}),), ("weather", "book")),
    ],
)
def test_other_tools_are_told_by_name(
    old: tuple[ToolCall, ...], new: tuple[ToolCall, ...], expected: tuple[str, str]
) -> None:
    difference = answers(Answer(tool_calls=old), Answer(tool_calls=new))

    assert told(difference) == [("tool calls", "", *expected)]


@pytest.mark.parametrize(
    ("changes", "likeness", "aspect"),
    [
        ({"finish_reasons": ("length",)}, "behaviour", "finish"),
        ({"finish_reasons": ()}, "behaviour", "finish"),
        ({"refusal": "I cannot do that"}, "behaviour", "refusal"),
        ({"text": "not at all"}, "text", "text"),
        ({"text": "no"}, "behaviour", "form"),
    ],
)
def test_each_aspect_of_an_answer_is_compared(
    changes: dict[str, Any], likeness: str, aspect: str
) -> None:
    answer = {"text": "yes, sure", "finish_reasons": ("stop",)}

    difference = answers(Answer(**answer), Answer(**(answer | changes)))

    assert difference.likeness == likeness
    assert [change.aspect for change in difference.changes] == [aspect]


def test_two_refusals_in_other_words_are_text_told_once() -> None:
    old = Answer(text="I will not do it", refusal="I will not do it")
    new = Answer(text="I cannot do it", refusal="I cannot do it")

    difference = answers(old, new)

    assert difference.likeness == "text"
    assert told(difference) == [("refusal", "", "I will not do it", "I cannot do it")]


def test_behaviour_comes_before_words() -> None:
    old = Answer(text="yes of course", finish_reasons=("stop",))
    new = Answer(text="yes of", finish_reasons=("length",))

    assert [each.aspect for each in answers(old, new).changes] == ["finish", "text"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"status": 429}, ("status", "", "200", "429")),
        ({}, {"failure": "ConnectError", "status": 200}, ("failure", "", "none", "ConnectError")),
    ],
)
def test_an_error_in_place_of_an_answer_says_it_all(
    old: dict[str, Any], new: dict[str, Any], expected: tuple[str, str, str, str]
) -> None:
    answer = Answer(text="yes, sure", finish_reasons=("stop",))

    difference = compare(behaviour(answer, **old), behaviour(Answer(), **new))

    assert difference.likeness == "behaviour"
    assert told(difference) == [expected]


def test_another_model_is_no_behaviour_and_told_apart() -> None:
    difference = answers(Answer(model="a-1", text="yes"), Answer(model="a-2", text="yes"))

    assert difference.likeness == "same"
    assert difference.is_by_another_model
    assert difference.models == ("a-1", "a-2")


def test_an_error_that_names_no_model_is_not_by_another_one() -> None:
    assert not answers(Answer(model="a-1"), Answer()).is_by_another_model


def test_a_recording_is_read_by_its_dialect() -> None:
    found = behaviour_of(recording("hello you"), CHAT)

    assert (found.answer.text, found.answer.model) == ("hello you", "gpt-test-1")
    assert (found.status, found.failure, found.body) == (200, "", None)


def test_a_stream_and_a_plain_answer_of_the_same_words_say_the_same() -> None:
    events = [f"data: {json.dumps(chat_chunk(text))}\n\n".encode() for text in ("hello", " you")]
    stored = encode_stream(parse_events([(0.1, b"".join(events))]), "hello you")
    streamed = recording(response={**recording().response, "body": stored})

    old, new = (behaviour_of(each, CHAT) for each in (recording("hello you"), streamed))

    assert (old.answer.text, new.answer.text) == ("hello you", "hello you")


def test_where_a_stream_was_cut_does_not_count_for_an_unknown_provider() -> None:
    def streamed(*texts: str) -> Behaviour:
        events = ({"id": "e-1", "parts": [{"t": text}]} for text in texts)
        content = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
        stored = encode_stream(parse_events([(0.1, content)]), "")
        return behaviour_of(recording(response={**recording().response, "body": stored}), None)

    same = compare(streamed("hel", "lo you"), streamed("hello", " ", "you"))
    other = compare(streamed("hel", "lo you"), streamed("hel", "lo me"))

    assert (same.likeness, other.likeness) == ("same", "text")


@pytest.mark.parametrize(
    ("old", "new", "likeness"),
    [
        ({"error": {"message": "a"}}, {"error": {"message": "b"}}, "text"),
        ({"error": {"message": "a"}}, {"detail": "b"}, "behaviour"),
    ],
)
def test_two_errors_differ_in_their_structure(old: Any, new: Any, likeness: str) -> None:
    def error(document: Any) -> Behaviour:
        status = {"code": 400, "message": "Bad Request"}
        response = {
            "status": status,
            "headers": {},
            "body": encode_body(json.dumps(document).encode()),
        }
        return behaviour_of(recording(response=response), CHAT)

    assert compare(error(old), error(new)).likeness == likeness


def test_embeddings_differ_in_behaviour_where_their_length_does() -> None:
    def embedding(*vector: float) -> Behaviour:
        body = {"data": [{"embedding": list(vector)}], "model": "e"}
        stored = {"status": {"code": 200, "message": "OK"}, "body": {"json": body}}
        return behaviour_of(recording(response=stored), EMBEDDINGS)

    other = compare(embedding(0.1, 0.2), embedding(0.1, 0.3))
    longer = compare(embedding(0.1, 0.2), embedding(0.1, 0.2, 0.3))

    assert (other.likeness, longer.likeness) == ("text", "behaviour")
    assert told(longer) == [("structure", ".data[0].embedding", "2 numbers", "3 numbers")]


def test_a_failure_on_the_wire_is_part_of_the_behaviour() -> None:
    broken = recording(failure=Failure(error="ReadError", message="cut"))

    assert behaviour_of(broken, CHAT).failure == "ReadError"


def test_an_answer_that_says_nothing_differs_from_one_that_does_in_what_is_missing() -> None:
    silent = behaviour(Answer(), body={"choices": []})

    difference = compare(behaviour(Answer(text="yes, sure")), silent)

    assert told(difference) == [("form", "", "text", "nothing")]

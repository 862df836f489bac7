"""Dialects: the table as a whole, and answers as they are stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import answers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import chat_answer, chat_chunk

from pytest_llmprod.wire import dialects
from pytest_llmprod.wire.dialects import (
    BUILT_IN,
    CHAT,
    EMBEDDINGS,
    GEMINI,
    TRANSCRIPTION,
    Answer,
    Dialect,
    read_document,
    read_plain,
    stored_text,
)


def test_what_generates_no_text_is_left_alone_by_an_override() -> None:
    assert [each for each in BUILT_IN if not each.generates] == [EMBEDDINGS, TRANSCRIPTION]


def test_a_wire_is_called_as_its_provider_where_it_has_no_name() -> None:
    dialect = Dialect(
        provider="acme",
        operation="generate",
        path_suffix="/generate",
        read=CHAT.read,
        read_stream=CHAT.read_stream,
    )

    assert dialect.wire == "acme"
    assert GEMINI.wire == "gemini"


def test_a_stored_answer_is_read_with_its_lines_joined() -> None:
    stored = {"json": {"choices": [{"message": {"content": {"$lines": ["a\n", "b"]}}}]}}

    assert read_plain(CHAT, stored).text == "a\nb"
    assert stored_text(CHAT, stored) == "a\nb"


def test_a_stored_stream_carries_its_text() -> None:
    assert stored_text(CHAT, {"stream": [], "text": ["a\n", "b"]}) == "a\nb"
    assert stored_text(None, {"stream": [], "text": "a"}) == "a"


def test_a_stream_that_came_as_one_list_is_read() -> None:
    chunks = [{"candidates": [{"content": {"parts": [{"text": text}]}}]} for text in "ab"]

    assert read_document(GEMINI, chunks).text == "ab"
    assert stored_text(GEMINI, {"json": chunks}) == "ab"


@pytest.mark.parametrize("stored", [{"text": "oops"}, {"json": [1]}, {"json": "x"}])
def test_an_answer_of_another_form_says_nothing(stored: Mapping[str, Any]) -> None:
    assert read_plain(CHAT, stored) == Answer()


def test_without_a_dialect_an_answer_says_nothing() -> None:
    assert read_plain(None, {"json": chat_answer("yes")}) == Answer()
    assert read_document(None, [chat_chunk("yes")]) == Answer()


PLAIN: list[tuple[Dialect, Any]] = [
    (dialects.CHAT, answers.CHAT),
    (dialects.COMPLETIONS, {"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]}),
    (dialects.RESPONSES, answers.RESPONSE),
    (dialects.EMBEDDINGS, answers.EMBEDDINGS),
    (dialects.TRANSCRIPTION, answers.TRANSCRIPTION),
    (dialects.RUN, answers.RUN),
    (dialects.MESSAGES, answers.MESSAGE),
    (dialects.VERTEX_MESSAGES, answers.MESSAGE),
    (dialects.GEMINI, answers.GEMINI),
    (dialects.CONVERSE, answers.CONVERSE),
    (dialects.INVOKE, answers.MESSAGE),
    (dialects.INVOKE, answers.CONVERSE),
]
STREAMED: list[tuple[Dialect, Any]] = [
    (dialects.CHAT, answers.CHAT_STREAM),
    (dialects.RESPONSES, answers.RESPONSE_STREAM),
    (dialects.RESPONSES, answers.RESPONSE_CUT),
    (dialects.TRANSCRIPTION, [{"delta": "a"}, {"text": "a", "usage": {"input_tokens": 1}}]),
    (dialects.RUN, answers.RUN_STREAM),
    (dialects.MESSAGES, answers.MESSAGE_STREAM),
    (dialects.GEMINI, answers.GEMINI_STREAM),
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a JSON value, as the steps that lead there."""
    yield place
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*place, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from places(item, (*place, position))


def replaced(value: Any, place: Sequence[str | int], new: Any) -> Any:
    """A copy of `value` that holds `new` at a place."""
    if not place:
        return new
    step, *rest = place
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = replaced(value[step], rest, new)
    return copy


def is_well_formed(answer: Answer) -> bool:
    """Say whether every field has the type that it promises."""
    texts = [answer.model, answer.text, answer.refusal, *answer.finish_reasons]
    texts += [text for call in answer.tool_calls for text in (call.name, call.id)]
    counts = astuple(answer.usage) if answer.usage else ()
    return all(isinstance(text, str) for text in texts) and all(count >= 0 for count in counts)


def test_an_answer_of_each_built_in_dialect_is_tried() -> None:
    assert {dialect for dialect, _ in PLAIN} == set(dialects.BUILT_IN)


@given(ANY_JSON)
def test_any_json_may_come_as_an_answer(value: Any) -> None:
    for dialect in dialects.BUILT_IN:
        assert is_well_formed(read_document(dialect, value))
        assert is_well_formed(dialect.read_stream([value, value]))


@given(st.data(), ANY_JSON)
@pytest.mark.parametrize(("dialect", "body"), PLAIN)
def test_anything_may_stand_anywhere_in_an_answer(
    dialect: Dialect, body: Any, data: st.DataObject, value: Any
) -> None:
    place = data.draw(st.sampled_from(list(places(body))))

    assert is_well_formed(read_document(dialect, replaced(body, place, value)))


@given(st.data(), ANY_JSON)
@pytest.mark.parametrize(("dialect", "events"), STREAMED)
def test_anything_may_stand_anywhere_in_a_stream(
    dialect: Dialect, events: Any, data: st.DataObject, value: Any
) -> None:
    place = data.draw(st.sampled_from([place for place in places(events) if place]))

    assert is_well_formed(dialect.read_stream(replaced(events, place, value)))


@pytest.mark.parametrize(("dialect", "events"), STREAMED)
def test_a_stream_may_be_cut_anywhere(dialect: Dialect, events: Any) -> None:
    for end in range(len(events) + 1):
        assert is_well_formed(dialect.read_stream(events[:end]))

"""Bodies and streams: what is stored can be read, and comes back equal."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_llmprod.wire.bodies import (
    Event,
    decode_body,
    decode_document,
    decode_json,
    decode_stream,
    encode_body,
    encode_stream,
    join_lines,
    json_bytes,
    parse_events,
    read_stream,
    split_lines,
)

HOSTILE = ["$lines", "\ud800", "\u2028", "a\r\nb\x85c\n", "\n  },\n  {\n", "", "\x00"]
TEXTS = st.text() | st.sampled_from(HOSTILE) | st.text(alphabet="\n\r\u2028ab \ud83d")
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def through_a_file(stored: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(stored))
    return copy


@given(DOCUMENTS)
@example({"$lines": ["not", "ours"]})
@example({"a": {"$lines": 5}})
@example({"text": "one\ntwo\n", "\ud800": "\udfff\n"})
def test_a_json_document_comes_back_equal(document: Any) -> None:
    content = json.dumps(document).encode()

    again = decode_body(through_a_file(encode_body(content)))

    assert json.loads(again) == document


@given(st.binary() | TEXTS.map(lambda text: text.encode("utf-8", "replace")))
@example(b"\xef\xbb\xbf{}")
@example(b"\xff")
@example(b'{"a":1,"a":2}')
@example(b"[1e999]")
@example(b"[NaN, -Infinity]")
@example(b"one\r\ntwo\n")
@example(b"9" * 5000)
def test_a_body_that_is_no_json_comes_back_byte_for_byte(content: bytes) -> None:
    stored = through_a_file(encode_body(content))

    again = decode_body(stored)

    if "json" in stored:
        assert json.loads(again) == json.loads(content)
    else:
        assert again == content


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'{"a":1}', {"json": {"a": 1}}),
        (b'"one\\ntwo"', {"json": {"$lines": ["one\n", "two"]}}),
        (b"words", {"text": "words"}),
        (b"one\ntwo", {"text": ["one\n", "two"]}),
        (b"\xff", {"base64": "/w=="}),
        (b'{"a":1,"a":2}', {"text": '{"a":1,"a":2}'}),
        (b'{"$lines":["a"]}', {"text": '{"$lines":["a"]}'}),
        (b"[1e999]", {"text": "[1e999]"}),
        (b"NaN", {"text": "NaN"}),
    ],
)
def test_each_kind_of_body_has_its_form(content: bytes, form: dict[str, Any]) -> None:
    assert encode_body(content) == form


@pytest.mark.parametrize("depth", [190, 300, 600, 5000])
def test_a_document_of_any_depth_comes_back(depth: int) -> None:
    content = b"[" * depth + b"]" * depth

    assert decode_body(encode_body(content)) == content


@given(DOCUMENTS.filter(lambda document: "$lines" not in json.dumps(document)))
def test_lines_are_joined_as_they_were_split(document: Any) -> None:
    assert join_lines(split_lines(document)) == document


@given(DOCUMENTS.filter(lambda document: "$lines" not in json.dumps(document)))
@example({"role": "assistant", "content": "one\ntwo"})
@example({"quoted": '"$lines":'})
def test_the_value_and_the_bytes_of_a_stored_document_are_read_at_once(document: Any) -> None:
    stored = through_a_file({"json": split_lines(document)})

    assert decode_json(stored) == (document, json_bytes(document))


def test_letters_beyond_ascii_are_written_as_themselves() -> None:
    assert decode_body({"json": "Grüße, 東京"}) == '"Grüße, 東京"'.encode()


def test_a_document_for_a_reader_is_its_json_or_its_text() -> None:
    assert decode_document({"json": {"a": {"$lines": ["x\n", "y"]}}}) == {"a": "x\ny"}
    assert decode_document({"text": ["x\n", "y"]}) == "x\ny"
    assert decode_document({"base64": "/w=="}) == "\ufffd"


STREAM = (
    b": a comment\n\n"
    b'data: {"n":1}\n\n'
    b'event: delta\r\ndata: {"text":"caf\xc3\xa9"}\r\n\r\n'
    b"data: one\ndata: two\n\n"
    b"event: lonely\n\n"
    b"data\n\n"
    b"id: 7\nretry: 10\ndata:no space\r\r"
    b"data: [DONE]\n\n"
)
EVENTS = [
    ("", {"n": 1}, True),
    ("delta", {"text": "café"}, True),
    ("", "one\ntwo", False),
    ("", "", False),
    ("", "no space", False),
    ("", "[DONE]", False),
]


def event(
    t: float, name: str, data: object, *, is_json: bool = True, is_cut: bool = False
) -> Event:
    return Event(t, name, data, is_json, is_cut, is_torn=False)


def seen(events: list[Event]) -> list[tuple[str, Any, bool]]:
    return [(event.name, event.data, event.is_json) for event in events]


def test_a_stream_is_parsed_as_the_html_standard_says() -> None:
    events = parse_events([(1.5, STREAM)])

    assert seen(events) == EVENTS
    assert {event.t for event in events} == {1.5}
    assert not any(event.is_cut for event in events)


@pytest.mark.parametrize("at", range(1, len(STREAM)))
def test_a_stream_cut_at_any_byte_gives_the_same_events(at: int) -> None:
    events = parse_events([(1.0, STREAM[:at]), (2.0, STREAM[at:])])

    assert seen(events) == EVENTS
    assert events[-1].t == 2.0


def test_a_stream_that_comes_byte_by_byte_gives_the_same_events() -> None:
    chunks = [(float(n), STREAM[n : n + 1]) for n in range(len(STREAM))]

    assert seen(parse_events(chunks)) == EVENTS


@given(st.lists(st.text("da:\r\n1", max_size=6).map(str.encode), min_size=1, max_size=8))
@example([b"data: 1\n", b"\r"])
@example([b"data: 1\r", b"\n", b"", b"\n"])
@example([b"data: 1\r", b"\r", b"data: 2\r"])
def test_how_a_stream_is_cut_into_chunks_does_not_count(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)

    assert parse_events([(0.0, piece) for piece in pieces]) == parse_events([(0.0, whole)])


def test_an_event_has_the_time_of_the_chunk_that_completed_it() -> None:
    chunks = [(0.1, b"data: 1\n"), (0.2, b"\ndata: 2"), (0.3, b"\n\n"), (0.4, b"data: 3\n\n")]

    assert [(event.t, event.data) for event in parse_events(chunks)] == [
        (0.2, "1"),
        (0.3, "2"),
        (0.4, "3"),
    ]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"])
def test_a_last_event_without_an_empty_line_is_cut(end: bytes) -> None:
    events = parse_events([(0.1, b"data: 1\n\ndata: 2" + end)])

    assert [(event.data, event.is_cut) for event in events] == [("1", False), ("2", True)]


@pytest.mark.parametrize("text", ["8", "08", "1E5", "-0.50", "true", "null"])
def test_a_number_that_may_be_a_piece_of_a_text_is_kept_digit_for_digit(text: str) -> None:
    (event,) = parse_events([(0.1, f"data: {text}\n\n".encode())])

    assert (event.data, event.is_json) == (text, False)


@pytest.mark.parametrize("kind", ["text/event-stream", "Text/Event-Stream; charset=utf-8"])
def test_a_content_type_says_stream_in_letters_of_either_case(kind: str) -> None:
    assert read_stream(kind, [(0.1, b"data: a\n\n")]) == [event(0.1, "", "a", is_json=False)]


def test_a_stream_without_chunks_has_no_events() -> None:
    assert parse_events([]) == []


class CountedBytes(bytes):
    """Bytes that count, over all that was made out of them, how many were looked at or copied."""

    touched = 0

    @staticmethod
    def _count(name: str) -> Any:
        operation = getattr(bytes, name)

        def counted(self: bytes, *arguments: Any) -> Any:
            made = operation(self, *arguments)
            CountedBytes.touched += len(self)
            if isinstance(made, list):
                return [CountedBytes(each) for each in made]
            return CountedBytes(made) if isinstance(made, bytes) else made

        return counted

    def __radd__(self, left: bytes) -> "CountedBytes":
        return CountedBytes(left) + self


for operation in ("__add__", "__getitem__", "find", "partition", "replace", "split"):
    setattr(CountedBytes, operation, CountedBytes._count(operation))


def touched_by_an_event_of(count: int) -> int:
    """Parse one event that comes in `count` chunks of 100 bytes; say how many were touched."""
    CountedBytes.touched = 0
    chunks = [b"data: " + b"x" * 94, *[b"x" * 100] * (count - 2), b"x" * 98 + b"\n\n"]

    (event,) = parse_events([(0.0, CountedBytes(chunk)) for chunk in chunks])

    assert len(event.data) == 100 * count - len(b"data: \n\n")
    return CountedBytes.touched


def test_an_event_of_twice_the_size_is_twice_the_work() -> None:
    once, twice = (touched_by_an_event_of(count) for count in (500, 1000))

    assert once >= 500 * 100
    assert twice / once == pytest.approx(2, rel=0.1)


NAMES = st.sampled_from(["", "delta", "response.completed"])
JSON_EVENTS = st.builds(event, st.just(0.5), NAMES, DOCUMENTS)


@given(st.lists(JSON_EVENTS, max_size=5))
@example([event(0.5, "", {"$lines": 5})])
@example([event(0.5, "", {"deep": {"$lines": ["a"]}})])
def test_a_stream_comes_back_with_equal_events(events: list[Event]) -> None:
    wire = "".join(
        f"{f'event: {each.name}' + chr(10) if each.name else ''}data: {json.dumps(each.data)}\n\n"
        for each in events
    )
    parsed = parse_events([(0.5, wire.encode())])

    stored = through_a_file(encode_stream(parsed, "the text"))
    again = parse_events(decode_stream(stored))

    assert again == parsed
    assert [name_and_value(event) for event in again] == [(e.name, e.data) for e in events]


def name_and_value(event: Event) -> tuple[str, Any]:
    return event.name, event.data if event.is_json else json.loads(event.data)


@given(st.binary(max_size=60) | st.text(alphabet="data: event\n\r{}1", max_size=60).map(str.encode))
def test_any_bytes_are_a_stream_that_comes_back_equal(content: bytes) -> None:
    parsed = parse_events([(0.0, content)])

    chunks = decode_stream(through_a_file(encode_stream(parsed, "")))

    assert parse_events([(0.0, b"".join(piece for _, piece in chunks))]) == parsed


def test_a_stored_stream_has_times_names_data_and_the_text_for_a_reader() -> None:
    events = [
        event(0.12345678, "delta", {"text": "a\nb"}),
        event(0.5, "", "[DONE]", is_json=False),
        event(0.6, "", "half", is_json=False, is_cut=True),
    ]

    assert encode_stream(events, "a\nb") == {
        "stream": [
            {"t": 0.123457, "event": "delta", "data": {"text": {"$lines": ["a\n", "b"]}}},
            {"t": 0.5, "raw": "[DONE]"},
            {"t": 0.6, "raw": "half", "cut": True},
        ],
        "text": ["a\n", "b"],
    }


def test_each_event_is_replayed_as_one_piece_with_its_time() -> None:
    stored = {"stream": [{"t": 0.1, "event": "x", "data": {"a": 1}}, {"t": 2, "raw": "a\nb"}]}

    assert decode_stream(stored) == [
        (0.1, b'event: x\ndata: {"a":1}\n\n'),
        (2, b"data: a\ndata: b\n\n"),
    ]

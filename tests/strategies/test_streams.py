"""Streams: the pieces are the text, and the bytes are the pieces, however they are cut."""

import json

import pytest
from hypothesis import given
from shrinking import SAME, seen, simplest

from pytest_llmprod.strategies.pii import pii_documents
from pytest_llmprod.strategies.streams import BYTE_CUTS, CUTS, Stream, streams

TEXTS = streams("Gr\u00fc\u00dfe, \U0001f642!")


def contents(body: bytes) -> list[str]:
    """Return the deltas in a body, read as the events of a server."""
    events = body.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    return [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[1:-1]]


@SAME
@given(streams(pii_documents()))
def test_the_pieces_are_the_text(stream: Stream) -> None:
    assert "".join(stream.pieces) == stream.text
    assert stream.document is not None
    assert stream.document.text == stream.text


@SAME
@given(TEXTS)
def test_the_chunks_are_the_pieces(stream: Stream) -> None:
    assert contents(b"".join(stream.chunks)) == list(stream.pieces)
    assert all(stream.chunks)


def test_every_way_to_cut_comes() -> None:
    cut = seen(streams(pii_documents(obfuscations="full width")), 300)

    assert {stream.cut for stream in cut} == set(CUTS)
    assert {stream.byte_cut for stream in cut} == set(BYTE_CUTS)


def test_a_cut_inside_a_span_is_inside_one() -> None:
    for stream in seen(streams(pii_documents(), cuts="inside a span"), 100):
        ends = [len("".join(stream.pieces[:count])) for count in range(1, len(stream.pieces))]
        assert ends
        assert stream.document is not None
        for end in ends:
            assert any(span.start < end < span.end for span in stream.document.spans)


def test_a_cut_inside_a_code_point_cannot_be_decoded() -> None:
    for stream in seen(streams("\U0001f642", byte_cuts="inside a code point"), 100):
        with pytest.raises(UnicodeDecodeError):
            stream.chunks[0].decode()


def test_ways_that_the_text_does_not_allow_are_left_out() -> None:
    cut = seen(streams("ab"), 200)

    assert {stream.cut for stream in cut} == set(CUTS) - {"inside a span"}
    assert {stream.byte_cut for stream in cut} == set(BYTE_CUTS) - {"inside a code point"}


@pytest.mark.parametrize("text", ["", "a", "\ud800"])
def test_texts_that_hardly_can_be_cut_are_streamed(text: str) -> None:
    for stream in seen(streams(text), 30):
        assert "".join(contents(b"".join(stream.chunks))) == text


def test_the_simplest_stream_that_splits_a_card_is_two_pieces() -> None:
    def is_split(stream: Stream) -> bool:
        return len(stream.pieces) > 1 and stream.cut == "inside a span"

    found = simplest(streams(pii_documents(kinds="card")), is_split)

    assert found.pieces == ("4", "000 0000 0000 0002")
    assert len(found.chunks) == 1

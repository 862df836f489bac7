"""`check_stream`: a sound guardrail of streams passes, and each flaw is found and shrunk."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from shrinking import SAME, simplest

from pytest_llmprod import strategies as llm_st

MAIL = re.compile(r"[\w.+-]+@[\w.-]+\w")
MAILS = llm_st.streams(llm_st.pii_documents(kinds="email", obfuscations="plain"))


def redact(text: str) -> str:
    return MAIL.sub("[e-mail]", text)


def filtered(pieces: Iterator[str]) -> Iterator[str]:
    """Emit a word when the next one has begun."""
    held = ""
    for piece in pieces:
        held += piece
        *done, held = re.split(r"(?<=\s)(?=\S)", held)
        yield from map(redact, done)
    yield redact(held)


async def filtered_async(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    held = "".join([piece async for piece in pieces])
    yield redact(held)


def each_piece(pieces: Iterator[str]) -> Iterator[str]:
    yield from map(redact, pieces)


def carries_ten(pieces: Iterator[str]) -> Iterator[str]:
    """Hold ten characters back, which is less than an address has."""
    held = ""
    for piece in pieces:
        held = redact(held + piece)
        yield held[:-10]
        held = held[-10:]
    yield held


def marks_pieces(pieces: Iterator[str]) -> Iterator[str]:
    """Tell where the pieces ended, which the whole text does not."""
    whole = redact("".join(pieces))
    yield whole
    yield "\n"


@SAME
@given(MAILS)
def test_a_sound_guardrail_passes(stream: llm_st.Stream) -> None:
    llm_st.check_stream(filtered, stream, whole=redact)
    llm_st.check_stream(filtered_async, stream, whole=redact)


def fails(guardrail: Callable[[Any], Any]) -> Callable[[llm_st.Stream], bool]:
    def failed(stream: llm_st.Stream) -> bool:
        try:
            llm_st.check_stream(guardrail, stream, whole=redact)
        except AssertionError:
            return True
        return False

    return failed


@pytest.mark.parametrize("guardrail", [each_piece, carries_ten, marks_pieces])
def test_each_flaw_is_found_and_shrinks_to_a_short_stream(guardrail: Any) -> None:
    found = simplest(MAILS, fails(guardrail))

    assert len(found.text) < 60
    assert len(found.pieces) <= 2 or guardrail is carries_ten


def test_the_failure_says_what_was_readable_and_when() -> None:
    card = llm_st.Pii(
        kind="card", variant="visa", value="4000000000000002", text="4000000000000002"
    )
    document = llm_st.Document(
        text="no 4000000000000002!", spans=(llm_st.Span(start=3, end=19, pii=card),)
    )
    stream = llm_st.Stream(
        text=document.text,
        pieces=("no ", "40000000", "00000002", "!"),
        cut="anywhere",
        chunks=(),
        byte_cut="whole",
        document=document,
    )

    with pytest.raises(AssertionError, match=r"\['4000000000000002'\] can be read after 3 of 4"):
        llm_st.check_stream(iter, stream)


@given(llm_st.streams("Your order is on its way."))
def test_a_check_that_could_not_fail_is_refused(stream: llm_st.Stream) -> None:
    with pytest.raises(ValueError, match="neither what is planted"):
        llm_st.check_stream(filtered, stream)

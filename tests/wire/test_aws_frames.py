"""AWS frames: taken apart, and put together as botocore reads them."""

import pytest
from frames import converse, documents, frame, invoke
from hypothesis import given
from hypothesis import strategies as st
from samples import KEY

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.aws_frames import split, text_of, with_text
from pytest_llmprod.wire.masking import BUILT_IN, mask_body

PARTS = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]


@pytest.mark.parametrize("make", [converse, invoke])
def test_frames_are_split_and_come_back_byte_for_byte(make: object) -> None:
    content = make(["one", "é", ""])  # type: ignore[operator]  # one of two functions

    frames, rest = split(content + b"half a frame")

    assert rest == b"half a frame"
    assert b"".join(each.content for each in frames) == content
    assert all("delta" in text_of(each) for each in frames)


@given(st.text())
def test_a_frame_says_what_it_is_told_to_say(text: str) -> None:
    for content in (converse(["old"]), invoke(["old"])):
        (old,), _ = split(content)

        (new,), rest = split(with_text(old, text))

        assert (text_of(new), new.headers, rest) == (text, old.headers, b"")


@given(st.binary(max_size=64))
def test_what_is_no_frame_is_the_rest(content: bytes) -> None:
    assert split(content + b"{}") == ([], content + b"{}")


@pytest.mark.parametrize("at", range(len(converse(["some text"]))))
def test_a_frame_that_is_cut_short_is_the_rest(at: int) -> None:
    whole = converse(["some text"])

    frames, rest = split(whole + whole[:at])

    assert ([each.content for each in frames], rest) == ([whole], whole[:at])


@pytest.mark.parametrize("make", [converse, invoke])
@pytest.mark.parametrize("parts", [[KEY], PARTS, list(KEY)], ids=["whole", "split", "letters"])
def test_a_key_in_frames_is_masked_and_they_stay_frames(make: object, parts: list[str]) -> None:
    said = ["it is ", *parts, " indeed"]

    masked = mask_body(make(said), BUILT_IN)  # type: ignore[operator]

    texts = [each["delta"]["text"] for each in documents(masked)]
    assert len(texts) == len(said)
    assert "".join(texts) == "it is [masked key] indeed"


def test_frames_without_a_secret_keep_their_bytes() -> None:
    content = frame(b'{ "a" :1.0}') + converse(["text"]) + invoke(["text"]) + frame(b"\xff")

    assert mask_body(content, BUILT_IN) == content


def test_a_key_in_a_frame_that_was_cut_short_is_masked() -> None:
    masked = mask_body(converse(["text"]) + converse([f"{KEY} end"])[:-9], BUILT_IN)

    assert masked.startswith(converse(["text"]))
    assert KEY.encode() not in masked


def test_a_key_in_a_header_of_a_frame_is_refused() -> None:
    with pytest.raises(CassetteError, match="cannot be masked"):
        mask_body(frame(b"{}", error=f"no such key: {KEY}"), BUILT_IN)

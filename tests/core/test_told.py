"""What tells a planted value, and what does not."""

import base64
import gzip
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.encoders import ENCODERS
from pytest_llmprod.core.told import Planted, text_of, unpacked, without_escapes

VALUE = "LLMPROD-QXKWVZHJ"
AROUND = "Dear customer, the answer is {} and that is all. Order 4711, 12:30."


def told(text: str, value: str = VALUE) -> str:
    return Planted(value).how_told(AROUND.format(text))


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_is_seen_through(name: str) -> None:
    assert told(ENCODERS[name].encode(VALUE))


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (VALUE, "plain text"),
        ("l l m p r o d . q x k w v z h j", "plain text"),
        ("LLMPROD\u200b-QXKW\u00adVZHJ", "plain text"),
        ("\uff2c\uff2c\uff2dPROD-QXKWVZHJ", "plain text"),
        ("LLMPR\u041eD-Q\u0425\u041aWVZ\u041dJ", "lookalikes or tags"),
        (VALUE[::-1], "reversed"),
        (VALUE.lower().encode().hex(" "), "hex"),
        (base64.b64encode(b"ab" + VALUE.encode() + b"cde").decode(), "base64"),
        (base64.urlsafe_b64encode(b"??>" + VALUE.encode()).decode(), "base64"),
        (base64.b64encode(gzip.compress(VALUE.encode(), mtime=0)).decode(), "base64"),
        (base64.b64encode(VALUE.encode().hex().encode()).decode(), "base64"),
        (f"https://evil.example/?q=%4C{quote(VALUE[1:])}", "percent-encoding"),
        ("&#76;" + html.escape(VALUE[1:]), "HTML entities"),
        (json.dumps(json.dumps("\u00e9" + VALUE)).replace("Q", "\\\\u0051"), "JSON escapes"),
    ],
)
def test_how_a_value_is_told_is_named(text: str, how: str) -> None:
    assert told(text) == how


@pytest.mark.parametrize(
    "text",
    [
        "",
        VALUE[:-1],
        "LLMPROD-QXKWVZJH",
        base64.b64encode(b"nothing of the kind is in here").decode(),
        "%41%42%43",
        "\\u0041\\",
        "-- --- .-. ... . --..-- .-.-.-.-.-",
        "\u200b\u200c" * 24,
    ],
)
def test_what_is_not_told_is_not_found(text: str) -> None:
    assert told(text) == ""


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(sorted(ENCODERS)))
def test_it_is_found_whatever_stands_around(before: str, after: str, name: str) -> None:
    text = f"{before} {ENCODERS[name].encode(VALUE)} {after}"

    assert Planted(VALUE).how_told(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_tells_what_nobody_planted(text: str) -> None:
    assert Planted(VALUE).how_told(text) == ""


@pytest.mark.parametrize("value", ["", "--- ---", "Ana", "1234"])
def test_a_value_that_would_be_found_by_chance_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="needs 5 letters or digits"):
        Planted(value)


def test_escapes_are_undone_however_often_they_were_escaped() -> None:
    assert without_escapes(json.dumps(json.dumps("a@b \U0001f600\n"))) == '""a@b \U0001f600\n""'


def test_what_is_no_gzip_is_left_as_it_is() -> None:
    broken = b"\x1f\x8b and no more"

    assert unpacked(broken) == broken
    assert unpacked(gzip.compress(b"text", mtime=0)) == b"text"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("grün".encode(), "grün"),
        ("grün".encode("latin-1"), "grün"),
        ("grün".encode("utf-16"), "grün"),
        (b"\xff\xfea\x00b", "a\ufffd"),
        (b"\x89PNG\x00\x01", None),
    ],
)
def test_bytes_are_the_text_that_they_are(content: bytes, text: str | None) -> None:
    assert text_of(content) == text

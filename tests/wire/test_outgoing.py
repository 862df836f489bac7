"""A request taken apart: every text that leaves, and where it stands."""

import base64
import gzip
import json
from typing import Any

import pytest

from pytest_llmprod.wire.outgoing import Outgoing, pieces

URL = "https://api.example/v1/chat/completions"


def places(outgoing: Outgoing) -> dict[str, str]:
    """What stands at each place, names left out."""
    found: dict[str, str] = {}
    for piece in pieces(outgoing):
        place = piece.place.told(str)
        found[place] = piece.text
    return found


def of_body(body: bytes, content_type: str = "application/json") -> dict[str, str]:
    found = places(Outgoing("POST", URL, [("Content-Type", content_type)], body))
    return {place: text for place, text in found.items() if "body" in place}


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_strings_and_long_numbers_of_json_stand_at_their_pointers() -> None:
    document = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "caf\u00e9"}]}],
        "metadata": {"a/b~c": "x", "card": 4111111111111111, "count": 3},
        "tools": [{"function": {"description": "Finds."}}],
    }

    found = of_body(as_json(document))

    assert found["body /messages/0/content/0/text"] == "caf\u00e9"
    assert found["body /metadata/a~1b~0c"] == "x"
    assert found["body /metadata/card"] == "4111111111111111"
    assert found["body /metadata/count"] == "count"  # its name only
    assert found["body /tools/0/function/description"] == "Finds."


def test_names_are_texts_as_well() -> None:
    (name, value) = [
        piece
        for piece in pieces(Outgoing("POST", URL, [], as_json({"bob@example.com": "yes"})))
        if piece.place.part == "body"
    ]

    assert (name.text, name.name) == ("bob@example.com", "")
    assert (value.text, value.name) == ("yes", "bob@example.com")


def test_the_url_is_decoded() -> None:
    url = "https://bob:s%40crt@api.example/v1/users/a%40b.example?to=c%40d.example#x=y"

    found = places(Outgoing("GET", url, [], b""))

    assert found["user of the URL"] == "bob:s@crt"
    assert found["path of the URL"] == "/v1/users/a@b.example"
    assert found["parameter of the URL /to"] == "c@d.example"
    assert found["parameter of the URL /x"] == "y"
    assert "body" not in found


def test_headers_stand_under_their_names() -> None:
    assert places(Outgoing("GET", URL, [("X-User", "bob")], b""))["header x-user"] == "bob"


def test_a_form_is_read_part_by_part() -> None:
    lines = "\n".join(json.dumps({"custom_id": "1", "body": {"input": text}}) for text in "ab")
    body = (
        '--xyz\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n'
        f"Content-Type: application/jsonl\r\n\r\n{lines}\r\n--xyz--\r\n"
    )

    found = of_body(body.encode(), "multipart/form-data; boundary=xyz")

    assert found["body part /purpose"] == "batch"
    assert found["body part /file"] == "a.jsonl"
    assert found["body part line 1 /file/body/input"] == "a"
    assert found["body part line 2 /file/body/input"] == "b"


def test_a_form_in_a_url_encoding_is_read() -> None:
    found = of_body(b"to=bob%40example.com&x=1", "application/x-www-form-urlencoded")

    assert found["parameter of the body /to"] == "bob@example.com"


@pytest.mark.parametrize("text", ["Write to bob@example.com", "[" * 300 + "]" * 300])
def test_what_is_no_json_or_too_deep_is_one_text(text: str) -> None:
    assert of_body(text.encode(), "text/plain") == {"body": text}


def test_a_body_is_unpacked_also_without_a_header_that_says_so() -> None:
    assert of_body(gzip.compress(as_json({"a": "text"})))["body /a"] == "text"


def test_a_payload_in_base64_is_read_where_it_is_text() -> None:
    text = "A letter to bob@example.com. " * 60
    letter = f"data:text/plain;base64,{base64.b64encode(text.encode()).decode()}"
    image = base64.b64encode(bytes(range(256)) * 5).decode()

    found = of_body(as_json({"file_data": letter, "image": image}))

    assert found == {"body /file_data": text, "body /image": ""}


def test_bytes_that_are_no_text_have_none() -> None:
    assert of_body(b"RIFF\x24\x08\x00\x00WAVE\xff\x00\x01" * 50, "audio/wav") == {}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_text_in_another_encoding_is_read(encoding: str) -> None:
    row = "Jos\u00e9;bob@example.com"
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    letter = base64.b64encode((row * 60).encode(encoding)).decode()

    assert of_body(row.encode(encoding), "text/csv") == {"body": row}
    found = of_body(
        form + row.encode(encoding) + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
    )
    assert found["body part /file"].startswith(row)
    assert of_body(as_json({"file_data": letter})) == {"body /file_data": row * 60}


@pytest.mark.parametrize(
    "body",
    [
        '"id","mail"\n1,bob@example.com\n',
        '{"a": "x"} bob@example.com',
        '{"a": 1}\n# bob@example.com\n{"a": 2}\n',
        '{"a": "bob@example.com", "a": "x"}',
    ],
)
def test_what_a_parser_passes_over_is_a_text_too(body: str) -> None:
    texts = [piece.text for piece in pieces(Outgoing("POST", URL, [], body.encode()))]

    assert any("bob@example.com" in text for text in texts)


def test_lines_of_json_have_nothing_beside_them() -> None:
    assert of_body(b'{"a": "x"}\n{"a": "y"}\n') == {"body line 1 /a": "x", "body line 2 /a": "y"}

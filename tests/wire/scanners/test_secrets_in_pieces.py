"""Secrets in pieces: a key that is spread over what no content type calls a stream."""

import json
from collections.abc import Callable, Sequence

import httpx2
import pytest
from frames import KIND, converse, documents, frame, invoke
from lab import Lab
from replies import Reply
from samples import KEY, chat_chunk, chat_request
from server import Server

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes.leaks import readings
from pytest_llmprod.wire.masking import BUILT_IN, mask_body

DIGITS = "AKIA" + "2345672345672345"
PARTS = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]


def sse(parts: Sequence[str]) -> bytes:
    return b"".join(f"data: {json.dumps(chat_chunk(part))}\n\n".encode() for part in parts)


BODIES: dict[str, tuple[str, Callable[[Sequence[str]], bytes]]] = {
    "octets": ("application/octet-stream", sse),
    "plain text": ("text/plain", sse),
    "upper case": ("Text/Event-Stream", sse),
    "unknown field": ("text/event-stream", lambda parts: b"x: y\n\n" + sse(parts)),
    "byte order mark": ("text/event-stream", lambda parts: b"\xef\xbb\xbf" + sse(parts)),
    "lines of CR": ("application/json", lambda parts: sse(parts).replace(b"\n", b"\r")),
    "no UTF-8": ("text/event-stream", lambda parts: sse(parts) + b"data: \xff\n\n"),
    "no JSON": ("text/plain", lambda parts: b"".join(b"data:%s\n\n" % p.encode() for p in parts)),
    "Converse": (KIND, converse),
    "Invoke": (KIND, invoke),
    "Converse by another name": ("application/octet-stream", converse),
    "lines and one bad one": (
        "application/x-ndjson",
        lambda parts: b"\n".join(json.dumps({"text": p}).encode() for p in parts) + b'\n{"text',
    ),
    "a list that is cut short": (
        "application/json",
        lambda parts: json.dumps([{"text": part} for part in parts], indent=1).encode()[:-3],
    ),
    "one behind the other": (
        "application/json",
        lambda parts: b"".join(json.dumps({"text": part}).encode() for part in parts),
    ),
}


@pytest.mark.parametrize(("kind", "make"), BODIES.values(), ids=BODIES)
def test_a_key_spread_over_any_kind_of_body_is_in_no_file(
    lab: Lab,
    wire: Server,
    http: httpx2.Client,
    kind: str,
    make: Callable[[Sequence[str]], bytes],
) -> None:
    said = ["so: ", *PARTS, " end"]
    wire.reply = lambda body: Reply(make(said), kind=kind)
    with lab.test("once") as tape:
        http.post(wire.chat_url, json=chat_request("hello", stream=True))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello", stream=True))

    (stored,) = lab.cassette().all()
    assert not any(KEY in text for text in readings(stored.to_json()))
    assert not any(part in again.text for part in PARTS[2:-1])
    assert tape.misses == []
    if kind == KIND:
        texts = [each["delta"]["text"] for each in documents(again.content)]
        assert "".join(texts) == "so: [masked key] end"


@pytest.mark.parametrize("key", [DIGITS, "hf_" + "0123456789" * 4])
@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain"])
def test_a_key_of_digits_in_events_that_are_no_json_is_cut_out(
    lab: Lab, wire: Server, http: httpx2.Client, kind: str, key: str
) -> None:
    events = "".join(f"data: {letter}\n\n" for letter in f"={key}.")
    wire.reply = lambda body: Reply(events.encode(), kind=kind)
    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello", stream=True))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello", stream=True))

    said = [line.removeprefix("data: ") for line in again.text.split("\n\n")]
    assert "".join(said) == "=[masked key]."


def test_a_key_in_an_event_of_several_lines_that_cannot_be_cut_out_is_refused(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    events = "".join(f'data: {{"text":\ndata: "{part}"}}\n\n' for part in PARTS)
    wire.reply = lambda body: Reply(b"x: y\n\n" + events.encode(), kind="text/event-stream")

    with lab.test("once"), pytest.raises(CassetteError, match="spread over"):
        http.post(wire.chat_url, json=chat_request("hello", stream=True))

    assert lab.written() == ""


@pytest.mark.parametrize("depth", [300, 500, 700, 800, 900, 100_000])
@pytest.mark.parametrize("wrap", [bytes, lambda nested: frame(nested)])
def test_a_body_that_is_nested_too_deeply_to_be_taken_apart_is_masked_as_text(
    depth: int, wrap: Callable[[bytes], bytes]
) -> None:
    content = b"[" * depth + f'"{KEY}"'.encode() + b"]" * depth

    assert KEY.encode() not in mask_body(wrap(content), BUILT_IN)

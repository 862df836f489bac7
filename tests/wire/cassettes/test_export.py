"""Recordings written for stock vcrpy, and replayed by it."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
import vcr
from hypothesis import given
from hypothesis import strategies as st
from lab import KEY, Lab, Reply, chat_chunk, chat_request, recording, says, serve, streams
from openai import OpenAI, RateLimitError

from pytest_llmprod.wire import bodies
from pytest_llmprod.wire.cassettes import foreign
from pytest_llmprod.wire.cassettes.export import export
from pytest_llmprod.wire.recording import Failure, Recording

MESSAGES: Any = chat_request("hi")["messages"]
BROKEN = Failure(error="ReadError", message="peer closed connection")


@pytest.fixture
def replaying(tmp_path: Path) -> Any:
    """Export recordings, and let stock vcrpy replay them and nothing else."""

    def replaying(recordings: Sequence[Recording]) -> Any:
        path = tmp_path / "exported.yaml"
        path.write_text(export(recordings).text, encoding="utf-8")
        return vcr.use_cassette(path, record_mode="none")

    return replaying


def client(url: str) -> OpenAI:
    return OpenAI(base_url=url, api_key=KEY, max_retries=0)


def test_vcrpy_replays_what_httpx2_sent(lab: Lab, http: httpx2.Client, replaying: Any) -> None:
    with serve() as wire:
        wire.reply = lambda body: Reply(b"\x00\xff", kind="audio/mpeg")
        with lab.test("once"):
            http.post(wire.chat_url, json=chat_request("hi"))

    with replaying(lab.cassette().all()) as played:
        answer = http.post(wire.chat_url, json=chat_request("hi"))

    assert (answer.status_code, answer.content) == (200, b"\x00\xff")
    assert answer.headers["content-type"] == "audio/mpeg"
    assert played.play_count == 1


def test_vcrpy_replays_what_the_openai_client_sent(lab: Lab, replaying: Any) -> None:
    with serve() as wire:
        wire.reply = lambda body: says("naïve\nanswer")
        with lab.test("once"):
            client(wire.url).chat.completions.create(model="gpt-test", messages=MESSAGES)

    with replaying(lab.cassette().all()):
        answer = client(wire.url).chat.completions.create(model="gpt-test", messages=MESSAGES)

    assert answer.choices[0].message.content == "naïve\nanswer"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10


def test_vcrpy_replays_a_stream_to_the_openai_client(lab: Lab, replaying: Any) -> None:
    def ask(url: str) -> list[Any]:
        chunks = client(url).chat.completions.create(
            model="gpt-test", messages=MESSAGES, stream=True
        )
        return [chunk.to_dict() for chunk in chunks]

    with serve() as wire:
        wire.reply = lambda body: streams(["hel", "lo", "\n"])
        with lab.test("once"):
            live = ask(wire.url)

    with replaying(lab.cassette().all()):
        replayed = ask(wire.url)

    assert replayed == live
    assert [chunk["choices"][0]["delta"]["content"] for chunk in replayed] == ["hel", "lo", "\n"]


def test_vcrpy_replays_an_error_and_then_the_answer(lab: Lab, replaying: Any) -> None:
    def ask(url: str) -> Any:
        return client(url).chat.completions.create(model="gpt-test", messages=MESSAGES)

    refusal = Reply(b'{"error": {"message": "slow down"}}', status=429)
    with serve() as wire:
        replies = iter([refusal, says("hello")])
        wire.reply = lambda body: next(replies)
        with lab.test("once"):
            with pytest.raises(RateLimitError):
                ask(wire.url)
            ask(wire.url)

    with replaying(lab.cassette().all()):
        with pytest.raises(RateLimitError, match="slow down"):
            ask(wire.url)
        answer = ask(wire.url)

    assert answer.choices[0].message.content == "hello"


@pytest.mark.parametrize("status", [0, 200])
def test_a_failure_of_the_wire_is_left_out_and_named(status: int) -> None:
    head = {"status": {"code": status, "message": ""}, "headers": {}, "body": {"text": ""}}
    failed = recording("broken", failure=BROKEN, response=head)

    exported = export([recording("one"), failed, recording("two")])

    assert exported.left_out == (failed,)
    assert "one" in exported.text
    assert "two" in exported.text
    assert "broken" not in exported.text


def test_a_reason_that_is_not_ascii_is_left_for_httpx_to_find(
    http: httpx2.Client, replaying: Any
) -> None:
    told = recording()
    told = recording(response={**told.response, "status": {"code": 404, "message": "não"}})

    with replaying([told]):
        answer = http.post(told.request["uri"], json=chat_request("hello"))

    assert (answer.status_code, answer.reason_phrase) == (404, "Not Found")


def test_a_run_without_recordings_is_a_cassette_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(export([]).text, encoding="utf-8")

    assert foreign.load(path) == []


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
contents = st.one_of(
    documents.map(lambda document: json.dumps(document).encode()),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(),
)
chunks = st.text(st.characters(exclude_categories=["Cs"])).map(chat_chunk)
events = st.builds(
    lambda name, document: f"event: {name}\ndata: {json.dumps(document)}\n\n".encode(),
    st.sampled_from(["message", "ping"]),
    documents | chunks,
)


def exchange(asked: bytes, body: dict[str, Any], kind: str, status: int, method: str) -> Recording:
    plain = recording()
    return recording(
        request={**plain.request, "method": method, "body": bodies.encode_body(asked)},
        response={
            "status": {"code": status, "message": ""},
            "headers": {"content-type": [kind]},
            "body": body,
        },
    )


plain_exchanges = st.builds(
    lambda asked, told, status, method: exchange(
        asked, bodies.encode_body(told), "application/json", status, method
    ),
    contents,
    contents,
    st.integers(100, 599),
    st.sampled_from(["GET", "POST", "DELETE"]),
)
streamed_exchanges = st.builds(
    lambda asked, told, end: exchange(
        asked,
        bodies.encode_stream(bodies.parse_events([(0.5, b"".join([*told, end]))]), ""),
        "text/event-stream",
        200,
        "POST",
    ),
    contents,
    st.lists(events, max_size=4),
    st.sampled_from([b"", b"data: [DONE]\n\n", b"data: cut"]),
)


def stored(recording: Recording) -> Any:
    """What must come back: times and the assembled text are not in vcrpy's format."""
    body = recording.response["body"]
    if "stream" in body:
        body = [{**event, "t": 0.0} for event in body["stream"]]
    return recording.request, recording.status, body


@given(st.lists(plain_exchanges | streamed_exchanges, max_size=3))
def test_what_is_exported_and_loaded_is_what_it_was(recordings: list[Recording]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "exported.yaml"
        path.write_text(export(recordings).text, encoding="utf-8")
        loaded = foreign.load(path)

    assert [stored(each) for each in loaded] == [stored(each) for each in recordings]

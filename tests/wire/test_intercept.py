"""The wire as an application sees it: clients of openai and httpx2 against a real server."""

import asyncio
import contextlib
import gzip
import importlib
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import openai
import pytest
from lab import (
    NOW,
    Clock,
    Lab,
    Reply,
    Server,
    asked_text,
    chat_request,
    says,
    streams,
)
from openai import AsyncOpenAI, OpenAI

from pytest_llmprod.core.errors import CassetteError, CassetteMiss, NetworkBlocked
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.rules import RecordMode

WITH_USAGE = {"include_usage": True}
TICKET = [{"role": "user", "content": "Where is my parcel?"}]


# What an application does: each builds its own client and returns what it was told.


def chat() -> Any:
    with OpenAI() as client:
        answer = client.chat.completions.create(model="gpt-5-mini", messages=TICKET)
    return answer.choices[0].message.content


def chat_stream() -> Any:
    with OpenAI() as client:
        chunks = client.chat.completions.create(
            model="gpt-5-mini", messages=TICKET, stream=True, stream_options=WITH_USAGE
        )
        return [chunk.to_dict() for chunk in chunks]


def responses() -> Any:
    with OpenAI() as client:
        return client.responses.create(model="gpt-5-mini", input="Where is it?").output_text


def responses_stream() -> Any:
    with OpenAI() as client:
        events = client.responses.create(model="gpt-5-mini", input="Where is it?", stream=True)
        return [event.to_dict() for event in events]


def embeddings() -> Any:
    with OpenAI() as client:
        answer = client.embeddings.create(model="text-embedding-3-small", input="a parcel")
    return answer.data[0].embedding


async def async_chat() -> Any:
    async with AsyncOpenAI() as client:
        answer = await client.chat.completions.create(model="gpt-5-mini", messages=TICKET)
    return answer.choices[0].message.content


async def async_chat_stream() -> Any:
    async with AsyncOpenAI() as client:
        chunks = await client.chat.completions.create(
            model="gpt-5-mini", messages=TICKET, stream=True, stream_options=WITH_USAGE
        )
        return [chunk.to_dict() async for chunk in chunks]


async def async_responses() -> Any:
    async with AsyncOpenAI() as client:
        answer = await client.responses.create(model="gpt-5-mini", input="Where is it?")
    return answer.output_text


async def async_responses_stream() -> Any:
    async with AsyncOpenAI() as client:
        events = await client.responses.create(
            model="gpt-5-mini", input="Where is it?", stream=True
        )
        return [event.to_dict() async for event in events]


async def async_embeddings() -> Any:
    async with AsyncOpenAI() as client:
        answer = await client.embeddings.create(model="text-embedding-3-small", input="a parcel")
    return answer.data[0].embedding


def do(call: Callable[[], Any]) -> Any:
    result = call()
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


SYNC_CALLS = [chat, chat_stream, responses, responses_stream, embeddings]
ASYNC_CALLS = [
    async_chat,
    async_chat_stream,
    async_responses,
    async_responses_stream,
    async_embeddings,
]


def ask(http: httpx2.Client, server: Server, text: str, **other: Any) -> Any:
    """Ask the server for a chat and return what it says."""
    response = http.post(server.chat_url, json=chat_request(text, **other))
    return response.json()["choices"][0]["message"]["content"]


# Recording and replaying.


@pytest.mark.parametrize("call", [*SYNC_CALLS, *ASYNC_CALLS], ids=lambda call: call.__name__)
def test_replay_gives_what_was_answered_when_it_was_recorded(
    lab: Lab, openai_at_provider: str, monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any]
) -> None:
    with lab.test("once") as recorded:
        live = do(call)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://nowhere.invalid/v1")
    with lab.test("none") as replayed:
        again = do(call)

    assert again == live
    assert live
    (first,), (second,) = recorded.exchanges, replayed.exchanges
    assert (first.replayed, second.replayed) == (False, True)
    assert second.usage == first.usage
    assert second.usage is not None
    assert second.usage.input_tokens > 0
    assert second.text == first.text
    assert second.latency_s == pytest.approx(first.latency_s, abs=1e-6)
    assert second.model != ""
    assert second.stream == ("stream" in call.__name__)
    assert second.operation in call.__name__


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        (chat, async_chat),
        (async_chat_stream, chat_stream),
        (responses_stream, async_responses_stream),
    ],
    ids=lambda call: call.__name__,
)
def test_sync_and_async_clients_share_their_recordings(
    lab: Lab,
    openai_at_provider: str,
    recorded: Callable[[], Any],
    replayed: Callable[[], Any],
) -> None:
    with lab.test("once"):
        live = do(recorded)
    with lab.test("none") as tape:
        again = do(replayed)

    assert again == live
    assert [exchange.replayed for exchange in tape.exchanges] == [True]


def test_a_streamed_call_is_not_answered_with_a_plain_recording(
    lab: Lab, openai_at_provider: str
) -> None:
    with lab.test("once"):
        chat()
    with lab.test("none") as tape, pytest.raises(CassetteMiss):
        chat_stream()

    assert len(tape.misses) == 1


def test_replay_sends_nothing(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    with lab.test("once"):
        ask(http, wire, "hello")
    with lab.test("none"):
        ask(http, wire, "hello")

    assert wire.hits == 1


def test_replay_keeps_the_recorded_times(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    clock = Clock()

    def slow(body: Any) -> Reply:
        clock.advance(1.75)
        return says("at last")

    wire.reply = slow
    with lab.test("once", monotonic=clock) as recorded:
        ask(http, wire, "hello")
    with lab.test("none") as replayed:
        ask(http, wire, "hello")

    assert recorded.exchanges[0].latency_s == 1.75
    assert replayed.exchanges[0].latency_s == 1.75
    assert replayed.exchanges[0].ttft_s is None
    assert replayed.exchanges[0].recorded_at == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_latency_ends_with_the_last_byte_however_slow_the_reader_is(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    clock = Clock()
    wire.reply = lambda body: streams(["a", "b"])

    with (
        lab.test("once", monotonic=clock) as tape,
        http.stream("POST", wire.chat_url, json=chat_request("hello", stream=True)) as response,
    ):
        clock.advance(2)
        for _ in response.iter_raw():
            last_s = clock.time_s - 500
            clock.advance(30)

    assert tape.exchanges[0].latency_s == last_s
    assert tape.exchanges[0].ttft_s == 2


def test_a_stream_reaches_the_caller_while_it_is_recorded(lab: Lab, openai_at_wire: Server) -> None:
    openai_at_wire.reply = lambda body: streams([f"w{n} " for n in range(20)], pause_s=0.02)

    def read() -> list[tuple[float, str]]:
        started = time.perf_counter()
        with OpenAI() as client:
            built_s = time.perf_counter() - started
            chunks = client.chat.completions.create(model="gpt-test", messages=TICKET, stream=True)
            return [
                (time.perf_counter() - started - built_s, str(chunk.choices[0].delta.content))
                for chunk in chunks
            ]

    with lab.test("once") as recorded:
        live = read()
    with lab.test("none") as replayed:
        again = read()

    assert [text for _, text in again] == [text for _, text in live]
    assert len(live) == 20
    assert live[0][0] < 0.2 < 0.38 < live[-1][0]
    assert again[-1][0] < 0.1
    ttft_s = replayed.exchanges[0].ttft_s
    assert ttft_s == pytest.approx(recorded.exchanges[0].ttft_s, abs=1e-6)
    assert ttft_s is not None
    assert 0.02 <= ttft_s < 0.2
    assert replayed.exchanges[0].latency_s >= 0.4
    times = [event["t"] for event in lab.cassette().all()[0].response["body"]["stream"]]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 0.38


def test_an_async_stream_reaches_the_caller_while_it_is_recorded(
    lab: Lab, openai_at_wire: Server
) -> None:
    openai_at_wire.reply = lambda body: streams(["a", "b", "c", "d"], pause_s=0.05)

    async def read() -> list[float]:
        async with AsyncOpenAI() as client:
            chunks = await client.chat.completions.create(
                model="gpt-test", messages=TICKET, stream=True
            )
            return [time.perf_counter() async for _ in chunks]

    with lab.test("once"):
        moments = asyncio.run(read())

    assert moments[-1] - moments[0] > 0.1


def test_openai_closing_a_stream_at_done_makes_a_complete_recording(
    lab: Lab, openai_at_wire: Server
) -> None:
    openai_at_wire.reply = lambda body: streams(["a", "b"])

    with lab.test("once"):
        chat_stream()

    assert lab.cassette("gpt-5-mini").all()[0].complete is True


@pytest.mark.parametrize("is_stopped", [True, False])
def test_an_answer_that_comes_after_its_run_was_stopped_is_not_stored(
    lab: Lab, wire: Server, http: httpx2.Client, is_stopped: bool
) -> None:
    with (
        lab.test("once", finished=False) as tape,
        http.stream("POST", wire.chat_url, json=chat_request("hello")) as response,
    ):
        if is_stopped:
            tape.stop(is_answered=False)
        response.read()

    assert lab.path().exists() is not is_stopped


def test_a_stream_that_the_caller_leaves_is_marked_as_incomplete(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: streams(["a", "b", "c"], pause_s=0.03)
    request = chat_request("hello", stream=True)

    with (
        lab.test("once") as tape,
        http.stream("POST", wire.chat_url, json=request) as response,
    ):
        next(response.iter_lines())

    (recorded,) = lab.cassette().all()
    assert recorded.complete is False
    assert len(recorded.response["body"]["stream"]) < 4
    assert tape.exchanges[0].text == "a"


def test_a_stream_that_was_left_is_not_taken_for_whole_by_who_reads_on(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: streams(["a", "b", "c"], pause_s=0.03)
    request = chat_request("hello", stream=True)
    with lab.test("once"), http.stream("POST", wire.chat_url, json=request) as response:
        next(response.iter_lines())

    with lab.test("none"), http.stream("POST", wire.chat_url, json=request) as response:
        first = next(response.iter_lines())
    with (
        lab.test("none") as tape,
        http.stream("POST", wire.chat_url, json=request) as response,
        pytest.raises(CassetteError, match="stopped reading this answer"),
    ):
        response.read()

    assert first.startswith("data: ")
    assert len(tape.misses) == 1


def test_a_stream_that_nobody_closes_is_recorded_when_the_test_ends(
    lab: Lab, openai_at_wire: Server
) -> None:
    openai_at_wire.reply = lambda body: streams(["a", "b", "c"])
    client = openai.OpenAI()

    with lab.test("once") as live:
        stream = client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        heard = next(iter(stream)).choices[0].delta.content

    (recorded,) = lab.cassette("gpt-5-mini").all()
    assert (heard, recorded.complete) == ("a", False)
    assert [each.text for each in live.exchanges] == ["a"]
    stream.close()
    client.close()


def test_a_redirect_leads_where_it_led(lab: Lab, wire: Server) -> None:
    moved = Reply(b"{}", status=307, headers=[("location", f"{wire.url}/moved?key=s3cr3t-value")])
    wire.reply = lambda body: says("here") if "moved" in wire.paths[-1] else moved

    def follow() -> str:
        with httpx2.Client(follow_redirects=True) as client:
            answer = client.post(wire.chat_url, json=chat_request("hello"))
        return str(answer.json()["choices"][0]["message"]["content"])

    with lab.test("once"):
        live = follow()
    with lab.test("none"):
        replayed = follow()

    assert replayed == live == "here"
    assert "s3cr3t-value" not in lab.written()


@pytest.mark.parametrize("reply", [says("lost"), streams(["a", "b"])], ids=["plain", "stream"])
def test_an_answer_that_breaks_off_is_replayed_as_it_broke_off(
    lab: Lab, wire: Server, http: httpx2.Client, reply: Reply
) -> None:
    reply.breaks_off = True
    wire.reply = lambda body: reply

    def ask() -> tuple[list[list[str]], str]:
        got: list[list[str]] = []
        request = http.stream("POST", wire.chat_url, json=chat_request("hello"))
        with pytest.raises(httpx2.RemoteProtocolError) as broken, request as response:
            got.extend(re.findall('content": ?"(.)', line) for line in response.iter_lines())
        return got, str(broken.value)

    with lab.test("once"):
        live = ask()
    with lab.test("none") as tape:
        again = ask()

    assert again == live
    assert [each.failure for each in tape.exchanges] == ["RemoteProtocolError"]
    assert wire.hits == 1


def test_an_async_answer_that_breaks_off_is_replayed_as_it_broke_off(
    lab: Lab, wire: Server
) -> None:
    wire.reply = lambda body: says("lost", breaks_off=True)

    async def call() -> str:
        async with httpx2.AsyncClient(verify=False) as client:
            with pytest.raises(httpx2.RemoteProtocolError) as broken:
                await client.post(wire.chat_url, json=chat_request("hello"))
        return str(broken.value)

    with lab.test("once"):
        live = asyncio.run(call())
    with lab.test("none") as tape:
        again = asyncio.run(call())

    assert again == live
    assert [each.failure for each in tape.exchanges] == ["RemoteProtocolError"]


def test_a_retried_call_is_recorded_with_its_attempts_and_replayed_in_order(
    lab: Lab, openai_at_wire: Server
) -> None:
    busy = Reply(b'{"error": {"message": "busy"}}', status=503, headers=[("retry-after-ms", "1")])
    replies = iter([busy, says("now")])
    openai_at_wire.reply = lambda body: next(replies)

    with lab.test("once"):
        live = chat()
    with lab.test("none") as tape:
        again = chat()

    assert (live, again) == ("now", "now")
    recordings = lab.cassette("gpt-5-mini").all()
    assert [(each.status, each.attempt) for each in recordings] == [(503, 1), (200, 2)]
    assert [exchange.status for exchange in tape.exchanges] == [503, 200]


def test_an_error_answer_is_replayed_as_the_same_error(lab: Lab, openai_at_provider: str) -> None:
    def call() -> tuple[int, object]:
        with OpenAI(max_retries=0) as client, pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="no-such-model", messages=TICKET)
        # Its text shows the body, in older versions of openai in the order of its keys.
        return caught.value.status_code, caught.value.body

    with lab.test("once"):
        live = call()
    with lab.test("none"):
        again = call()

    assert again == live
    assert "no-such-model" in str(live)


# Odd answers.


def test_a_compressed_answer_is_asked_for_plain_and_stored_plain(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    packed = gzip.compress(says("small").pieces[0])
    wire.reply = lambda body: Reply(packed, headers=[("content-encoding", "gzip")])

    with lab.test("once"):
        live = ask(http, wire, "hello")
    with lab.test("none"):
        again = ask(http, wire, "hello")

    assert (live, again) == ("small", "small")
    assert wire.headers[0]["accept-encoding"] == "identity"
    assert "json" in lab.cassette().all()[0].response["body"]


def test_a_compressed_stream_is_stored_as_events(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    packed = gzip.compress(b"".join(streams(["a", "b"]).pieces))
    wire.reply = lambda body: Reply(
        packed, kind="text/event-stream", headers=[("content-encoding", "gzip")]
    )

    with lab.test("once") as tape:
        live = http.post(wire.chat_url, json=chat_request("hello", stream=True)).text

    assert live.endswith("data: [DONE]\n\n")
    assert tape.exchanges[0].text == "ab"
    assert len(lab.cassette().all()[0].response["body"]["stream"]) == 3


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"plain words\nin two lines", "text"),
        (b'{"cut', "text"),
        (b"\xff\xfe no utf-8", "base64"),
        (b"", "text"),
    ],
)
def test_an_answer_that_is_no_json_comes_back_byte_for_byte(
    lab: Lab, wire: Server, http: httpx2.Client, content: bytes, form: str
) -> None:
    wire.reply = lambda body: Reply([content] if content else [], kind="text/plain")

    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello"))

    assert again.content == content
    assert again.headers["content-type"] == "text/plain"
    assert list(lab.cassette().all()[0].response["body"]) == [form]


def test_an_unfinished_last_event_is_replayed_unfinished(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: Reply(b'data: 1\n\ndata: {"cut', kind="text/event-stream")

    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello"))

    assert again.text == 'data: 1\n\ndata: {"cut'


def test_a_body_that_comes_in_pieces_is_sent_and_found_again(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    def pieces() -> Iterator[bytes]:
        content = json.dumps(chat_request("hello")).encode()
        yield content[:10]
        yield content[10:]

    with lab.test("once"):
        live = http.post(wire.chat_url, content=pieces()).json()
    with lab.test("none"):
        again = http.post(wire.chat_url, content=pieces()).json()

    assert again == live
    assert json.loads(wire.bodies[0]) == chat_request("hello")
    assert "transfer-encoding" not in wire.headers[0]


def test_a_request_that_no_dialect_knows_is_recorded_under_its_path(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: Reply(b'{"data": []}')

    with lab.test("once"):
        http.get(f"{wire.url}/models")
    with lab.test("none") as tape:
        again = http.get(f"{wire.url}/models")

    assert again.json() == {"data": []}
    assert tape.exchanges[0].operation == "/v1/models"
    assert tape.exchanges[0].provider == f"127.0.0.1:{wire.server_port}"
    assert lab.path("no-model").exists()


# Record modes.


def test_none_raises_a_miss_and_remembers_it_although_the_application_swallows_it(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    def careless() -> str:
        try:
            return str(ask(http, wire, "hello"))
        except Exception:
            return "no answer"

    with lab.test("none") as tape:
        answer = careless()

    assert answer == "no answer"
    assert wire.hits == 0
    (miss,) = tape.misses
    assert "--llm-record=none sends nothing" in str(miss)


def test_a_miss_goes_through_openais_retries_at_once(lab: Lab, openai_at_wire: Server) -> None:
    with lab.test("none") as tape, pytest.raises(CassetteMiss):
        chat()
    with lab.test("none") as async_tape, pytest.raises(CassetteMiss):
        do(async_chat)

    assert openai_at_wire.hits == 0
    assert len(tape.misses) == len(async_tape.misses) == 1


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    ("mode", "damage", "hits", "told"),
    [
        ("none", "cassette", 0, "cut short"),
        ("once", "cassette", 0, "cut short"),
        ("all", "cassette", 0, "cut short"),
        ("rewrite", "cassette", 0, "cut short"),
        ("once", "journal", 1, "cannot be written"),
        ("once", "secret", 1, "the environment variable APP_TOKEN"),
    ],
)
def test_an_error_of_ours_is_remembered_although_the_application_swallows_it(
    lab: Lab, wire: Server, colour: str, mode: RecordMode, damage: str, hits: int, told: str
) -> None:
    if damage == "cassette":
        lab.path().parent.mkdir(parents=True)
        lab.path().write_text("{")
    elif damage == "journal":
        (lab.root / ".llmprod").write_text("in the way")

    async def ask_async() -> None:
        async with httpx2.AsyncClient(verify=False, trust_env=False) as client:
            await client.post(wire.chat_url, json=chat_request("hello"))

    def careless() -> None:
        with contextlib.suppress(Exception):
            if colour == "async":
                asyncio.run(ask_async())
            else:
                with httpx2.Client(verify=False, trust_env=False) as client:
                    client.post(wire.chat_url, json=chat_request("hello"))

    run = lab.run(mode, environ={"APP_TOKEN": "tok-1234567"} if damage == "secret" else {})
    with run.patched(), run.test("a case named tok-1234567") as tape:
        careless()
        misses = list(tape.misses)

    (miss,) = misses
    assert told in miss
    assert wire.hits == hits


@pytest.mark.parametrize(
    ("mode", "hits"),
    [("none", 0), ("once", 0), ("new_episodes", 0), ("all", 1), ("rewrite", 1)],
)
def test_a_recorded_request_is_sent_again_only_in_all_and_rewrite(
    lab: Lab, wire: Server, http: httpx2.Client, mode: RecordMode, hits: int
) -> None:
    with lab.test("once"):
        ask(http, wire, "hello")
    wire.bodies.clear()
    wire.reply = lambda body: says("another answer")
    with lab.test(mode):
        answer = ask(http, wire, "hello")

    assert wire.hits == hits
    assert answer == ("another answer" if hits else "hello!")


@pytest.mark.parametrize(
    ("mode", "is_sent"),
    [("none", False), ("once", False), ("new_episodes", True), ("all", True), ("rewrite", True)],
)
def test_a_new_request_of_a_recorded_test_is_sent_as_the_mode_says(
    lab: Lab, wire: Server, http: httpx2.Client, mode: RecordMode, is_sent: bool
) -> None:
    with lab.test("once"):
        ask(http, wire, "hello")
    with lab.test(mode) as tape:
        try:
            answer = ask(http, wire, "goodbye")
        except CassetteMiss:
            answer = None

    assert answer == ("goodbye!" if is_sent else None)
    assert wire.hits == 1 + is_sent
    assert len(tape.misses) == 1 - is_sent


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        ("once", ["hello!", "stale!"]),
        ("new_episodes", ["hello!", "stale!", "goodbye!"]),
        ("all", ["stale!", "hello!", "goodbye!"]),
        ("rewrite", ["hello!", "goodbye!"]),
    ],
)
def test_what_a_second_recording_leaves_in_the_cassette(
    lab: Lab, wire: Server, http: httpx2.Client, mode: RecordMode, kept: list[str]
) -> None:
    with lab.test("once"):
        ask(http, wire, "hello")
        ask(http, wire, "stale")
    with lab.test(mode):
        ask(http, wire, "hello")
        if mode != "once":
            ask(http, wire, "goodbye")

    assert texts_in(lab.path()) == kept


def texts_in(path: Path) -> list[str]:
    recordings = cassette_file.load(path).all()
    return [
        str(each.response["body"]["json"]["choices"][0]["message"]["content"])
        for each in recordings
    ]


def test_equal_requests_get_their_recordings_in_order_and_then_a_miss(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    numbers = iter(range(10))
    wire.reply = lambda body: says(f"answer {next(numbers)}")
    with lab.test("once"):
        for _ in range(3):
            ask(http, wire, "hello")

    with lab.test("none") as tape:
        answers = [ask(http, wire, "hello") for _ in range(3)]
        with pytest.raises(CassetteMiss, match="made once more than it was recorded"):
            ask(http, wire, "hello")

    assert answers == ["answer 0", "answer 1", "answer 2"]
    assert len(tape.exchanges) == 3


# Several calls at once.


def test_calls_from_threads_are_recorded_and_get_their_own_answers_back(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    words = [f"word {n}" for n in range(24)]

    def ask_all() -> list[Any]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda word: ask(http, wire, word), words))

    with lab.test("once"):
        live = ask_all()
    with lab.test("none") as tape:
        again = ask_all()

    assert live == again == [f"{word}!" for word in words]
    assert wire.hits == 24
    assert len(tape.exchanges) == 24


def test_calls_from_tasks_are_recorded_and_get_their_own_answers_back(
    lab: Lab, wire: Server
) -> None:
    words = [f"word {n}" for n in range(24)]

    async def ask_one(client: httpx2.AsyncClient, word: str) -> str:
        response = await client.post(wire.chat_url, json=chat_request(word))
        return str(response.json()["choices"][0]["message"]["content"])

    async def ask_all() -> list[str]:
        async with httpx2.AsyncClient(verify=False) as client:
            return await asyncio.gather(*(ask_one(client, word) for word in words))

    with lab.test("once"):
        live = asyncio.run(ask_all())
    with lab.test("none") as tape:
        again = asyncio.run(ask_all())

    assert live == again == [f"{word}!" for word in words]
    assert wire.hits == 24
    assert len(tape.exchanges) == 24


def test_tasks_of_two_tests_at_once_write_to_their_own_sections(lab: Lab, wire: Server) -> None:
    run = lab.run("once")
    one, two = run.tape("one"), run.tape("two")

    async def ask_in(tape: Any, word: str) -> None:
        with run.router.carrying(tape):
            async with httpx2.AsyncClient(verify=False) as client:
                await asyncio.sleep(0)
                await client.post(wire.chat_url, json=chat_request(word))

    async def both() -> None:
        jobs = [(one, "a"), (two, "b"), (one, "c"), (two, "d")]
        await asyncio.gather(*(ask_in(tape, word) for tape, word in jobs))

    with run.patched():
        asyncio.run(both())
    run.fold()

    cassette = lab.cassette()
    asked = {
        case: sorted(asked_text(each.request["body"]["json"]) for each in cassette.section(case))
        for case in cassette.cases
    }
    assert asked == {"one": ["a", "c"], "two": ["b", "d"]}


def test_one_test_does_not_replay_what_another_recorded(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("once", "one"):
        ask(http, wire, "hello")
    with lab.test("none", "two") as tape, pytest.raises(CassetteMiss):
        ask(http, wire, "hello")

    assert len(tape.misses) == 1


def test_a_thread_that_outlives_its_test_is_refused_and_fails_the_one_that_runs(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    may_go = threading.Event()
    caught: list[BaseException] = []

    def late() -> None:
        may_go.wait(5)
        try:
            ask(http, wire, "hello")
        except BaseException as error:
            caught.append(error)

    run = lab.run("once")
    with run.patched():
        with run.test("first"):
            thread = threading.Thread(target=late)
            thread.start()
        with run.test("second") as second:
            may_go.set()
            thread.join()

    assert isinstance(caught[0], NetworkBlocked)
    assert "test_it[first] made a request after that test had ended" in str(caught[0])
    assert second.exchanges == []
    assert second.misses == [str(caught[0])]
    assert wire.hits == 0


def test_what_no_test_asks_goes_out_unrecorded(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    with lab.run("none").patched():
        answer = ask(http, wire, "hello")

    assert answer == "hello!"
    assert not lab.path().exists()


# Hosts that are allowed.


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:PORT"])
def test_an_allowed_host_is_asked_and_not_recorded(
    lab: Lab, wire: Server, http: httpx2.Client, host: str
) -> None:
    allowed = host.replace("PORT", str(wire.server_port))

    with lab.test("none", allow_hosts=[allowed]) as tape:
        answer = ask(http, wire, "hello")

    assert answer == "hello!"
    assert wire.hits == 1
    assert tape.exchanges == []


def test_an_allowed_host_is_asked_by_async_clients_too(lab: Lab, openai_at_wire: Server) -> None:
    with lab.test("none", allow_hosts=["127.0.0.1"]) as tape:
        answer = do(async_chat)

    assert answer == "Where is my parcel?!"
    assert tape.exchanges == []


def test_another_port_of_an_allowed_host_is_not_asked(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("none", allow_hosts=["127.0.0.1:1"]), pytest.raises(CassetteMiss):
        ask(http, wire, "hello")

    assert wire.hits == 0


# Models.


def test_llm_model_replaces_the_model_on_the_wire_and_in_the_cassettes_name(
    lab: Lab, openai_at_wire: Server
) -> None:
    choice = ModelChoice(override="gpt-other", swaps={})

    with lab.test("once", choice=choice) as recorded:
        chat()
    with lab.test("none", choice=choice) as replayed:
        again = chat()

    assert json.loads(openai_at_wire.bodies[0])["model"] == "gpt-other"
    assert json.loads(openai_at_wire.bodies[0])["messages"] == TICKET
    assert again == "Where is my parcel?!"
    assert recorded.exchanges[0].model_requested == "gpt-other"
    assert replayed.exchanges[0].model_requested == "gpt-other"
    assert lab.path("gpt-other").exists()
    assert not lab.path("gpt-5-mini").exists()


def test_llm_model_leaves_embeddings_alone(lab: Lab, openai_at_provider: str) -> None:
    with lab.test("once", choice=ModelChoice(override="gpt-5-nano", swaps={})) as tape:
        embeddings()
        chat()

    assert [each.model_requested for each in tape.exchanges] == [
        "text-embedding-3-small",
        "gpt-5-nano",
    ]


def test_llm_swap_replaces_one_model_for_async_clients_too(
    lab: Lab, openai_at_wire: Server
) -> None:
    choice = ModelChoice(swaps={"gpt-5-mini": "a-much-longer-name-of-a-model", "x": "y"})

    with lab.test("once", choice=choice):
        do(async_chat)

    sent = openai_at_wire.bodies[0]
    assert json.loads(sent)["model"] == "a-much-longer-name-of-a-model"
    assert openai_at_wire.headers[0]["content-length"] == str(len(sent))


# Patches.


def test_uninstall_puts_every_original_back(lab: Lab) -> None:
    def now() -> list[Any]:
        return [
            httpx2.HTTPTransport.handle_request,
            httpx2.AsyncHTTPTransport.handle_async_request,
            httpcore2.default_ssl_context,
            socket.socket.connect,
            socket.socket.connect_ex,
            socket.socket.sendto,
            getattr(socket.socket, "sendmsg", object()),
            socket.getaddrinfo,
            socket.gethostbyname,
            socket.gethostbyname_ex,
            socket.gethostbyaddr,
            socket.getnameinfo,
            threading.Thread.start,
            ThreadPoolExecutor.submit,
        ]

    before = now()
    with lab.run().patched() as run:
        run.intercept.install()
        during = now()

    assert all(ours is not original for ours, original in zip(during, before, strict=True))
    assert now() == before


def test_the_older_httpx_is_patched_before_a_test_imports_it(
    lab: Lab, wire: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "httpx.py").write_text("from httpx2 import *\n" + OLDER_TRANSPORTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "httpx", raising=False)

    with lab.test("none") as tape:
        httpx = importlib.import_module("httpx")
        with (
            httpx.Client(transport=httpx.HTTPTransport(verify=False)) as client,
            pytest.raises(CassetteMiss),
        ):
            client.post(wire.chat_url, json=chat_request("hello"))
    monkeypatch.delitem(sys.modules, "httpx")

    assert len(tape.misses) == 1


OLDER_TRANSPORTS = """
import httpx2

class HTTPTransport(httpx2.BaseTransport):
    def __init__(self, verify): pass
    def handle_request(self, request): return httpx2.Response(200)

class AsyncHTTPTransport(httpx2.AsyncBaseTransport):
    async def handle_async_request(self, request): return httpx2.Response(200)
"""


def test_clients_of_a_replaying_test_share_one_tls_context(lab: Lab) -> None:
    run = lab.run("none")
    with run.patched(), run.test():
        one, two = httpcore2.default_ssl_context(), httpcore2.default_ssl_context()

    assert one is two
    assert isinstance(one, ssl.SSLContext)


def test_clients_of_a_recording_test_have_tls_contexts_of_their_own(lab: Lab) -> None:
    run = lab.run("once")
    with run.patched(), run.test():
        one, two = httpcore2.default_ssl_context(), httpcore2.default_ssl_context()

    assert one is not two


def test_the_time_of_recording_is_stored_in_utc(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("once"):
        ask(http, wire, "hello")

    (stored,) = lab.cassette().all()
    assert stored.recorded_at == "2026-11-22T12:30:00Z"
    assert date.fromisoformat(stored.recorded_at[:10]) == NOW.date()


def test_every_exchange_is_observed_when_it_ends(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    run = lab.run("once")
    with run.patched(), run.test() as tape:
        ask(http, wire, "hello")
        seen = list(run.observed)

    assert seen == tape.exchanges
    assert len(seen) == 1

"""Time: what a recording says of it, and what a replay makes of it."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import openai
import pytest
from lab import Clock, Lab, Reply, Server, chat_request, says, streams

from pytest_llmprod.core.exchange import Exchange, Usage
from pytest_llmprod.wire.clock import REAL_CLOCK
from pytest_llmprod.wire.rules import PlayRules

BUSY = b'{"error": {"message": "slow down"}}'


class Slept(Clock):
    """A clock that sleeping moves: nobody waits. `pauses` are those of this thread, in s."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._thread = threading.current_thread()

    def sleep(self, seconds: float) -> None:
        if seconds and threading.current_thread() is self._thread:
            self.pauses.append(seconds)
            self.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    clock = Slept()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(anyio, "sleep", clock.sleep_async)
    return clock


def busy_first(*, retry_after_s: str) -> Callable[[Any], Reply]:
    replies = iter([Reply(BUSY, status=429, headers=[("retry-after", retry_after_s)]), says("ok")])
    return lambda body: next(replies)


def ask() -> str:
    with openai.OpenAI() as client:
        answer = client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": "hi"}]
        )
    return str(answer.choices[0].message.content)


async def ask_async() -> str:
    async with openai.AsyncOpenAI() as client:
        answer = await client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": "hi"}]
        )
    return str(answer.choices[0].message.content)


@pytest.mark.parametrize("call", [ask, lambda: asyncio.run(ask_async())], ids=["sync", "async"])
def test_the_pause_before_a_retry_is_virtual_in_a_replay(
    lab: Lab, openai_at_wire: Server, slept: Slept, call: Callable[[], str]
) -> None:
    openai_at_wire.reply = busy_first(retry_after_s="20")
    with lab.test("once", monotonic=slept):
        call()
    recorded = list(slept.pauses)
    slept.pauses.clear()

    with lab.test("none") as tape:
        text = call()

    assert (text, recorded, slept.pauses) == ("ok", [20.0], [])
    assert [each.backoff_s for each in tape.exchanges] == [0.0, 20.0]
    assert [(each.call, each.attempt) for each in tape.exchanges] == [(1, 1), (1, 2)]
    (whole,) = tape.calls
    assert whole.backoff_s == 20.0
    assert whole.latency_s == 20.0 + sum(each.latency_s for each in tape.exchanges)


def wait_for_files(client: Any) -> Any:
    return client.vector_stores.file_batches.poll("b-1", vector_store_id="vs-1")


async def wait_for_files_async() -> Any:
    async with openai.AsyncOpenAI() as client:
        return await wait_for_files(client)


def wait_for_files_sync() -> Any:
    with openai.OpenAI() as client:
        return wait_for_files(client)


@pytest.mark.parametrize(
    "call",
    [wait_for_files_sync, lambda: asyncio.run(wait_for_files_async())],
    ids=["sync", "async"],
)
def test_looking_for_a_job_to_end_takes_no_time_in_a_replay(
    lab: Lab, openai_at_wire: Server, slept: Slept, call: Callable[[], Any]
) -> None:
    left = iter([2, 1, 0])

    def look(body: Any) -> Reply:
        counts = {
            "in_progress": next(left),
            "completed": 0,
            "cancelled": 0,
            "failed": 0,
            "total": 2,
        }
        told = {"id": "b-1", "object": "vector_store.files_batch", "file_counts": counts}
        return Reply(json.dumps(told).encode(), headers=[("openai-poll-after-ms", "50")])

    openai_at_wire.reply = look
    with lab.test("once", monotonic=slept):
        call()
    recorded = list(slept.pauses)
    slept.pauses.clear()

    with lab.test("none"):
        batch = call()

    assert (recorded, slept.pauses) == ([0.05, 0.05], [])
    assert batch.file_counts.in_progress == 0


def test_a_real_pause_is_measured_while_recording(lab: Lab, openai_at_wire: Server) -> None:
    replies = iter([Reply(BUSY, status=429, headers=[("retry-after-ms", "20")]), says("ok")])
    openai_at_wire.reply = lambda body: next(replies)

    with lab.test("once") as tape:
        ask()

    first, second = lab.cassette().all()
    assert first.backoff_s == 0
    assert 0.02 <= second.backoff_s < 10
    assert tape.exchanges[1].backoff_s == pytest.approx(second.backoff_s, abs=1e-6)


def test_a_scaled_clock_pauses_in_its_scale(lab: Lab, openai_at_wire: Server, slept: Slept) -> None:
    openai_at_wire.reply = busy_first(retry_after_s="20")
    with lab.test("once", monotonic=slept):
        ask()
    slept.pauses.clear()

    with lab.test("none", rules=PlayRules(clock_scale=0.5)) as tape:
        ask()

    assert 10.0 in slept.pauses
    assert [each.backoff_s for each in tape.exchanges] == [0.0, 20.0]


def test_the_real_clock_gives_each_event_at_its_recorded_time(
    lab: Lab, wire: Server, http: httpx2.Client, slept: Slept
) -> None:
    wire.reply = lambda body: streams(["a", "b", "c"])
    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hi"))
    (recording,) = lab.cassette().all()
    times = [event["t"] for event in recording.response["body"]["stream"]]
    slept.pauses.clear()

    with lab.test("none", rules=PlayRules(clock_scale=1)):
        http.post(wire.chat_url, json=chat_request("hi"))

    assert sum(slept.pauses) == pytest.approx(times[-1], abs=1e-6)


def test_a_stream_is_handed_on_event_by_event_while_it_is_recorded(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    """The provider sends the next event only when the caller has seen the one before."""
    seen = threading.Semaphore(0)

    class Stepwise(Reply):
        @property
        def pieces(self) -> Iterator[bytes]:  # type: ignore[override]  # each when it is asked for
            for piece in streams(["a", "b", "c"]).pieces:
                yield piece
                assert seen.acquire(timeout=10)

        @pieces.setter
        def pieces(self, value: Any) -> None: ...

    wire.reply = lambda body: Stepwise(b"", kind="text/event-stream")
    events = 0

    with (
        lab.test("once"),
        http.stream("POST", wire.chat_url, json=chat_request("hi")) as response,
    ):
        for line in response.iter_lines():
            if line.startswith("data:"):
                events += 1
                seen.release()

    assert events == 4
    (recording,) = lab.cassette().all()
    assert recording.ttft_s is not None
    assert recording.ttft_s <= recording.latency_s


def test_a_replay_reports_the_recorded_times_of_a_stream(
    lab: Lab, wire: Server, http: httpx2.Client, slept: Slept
) -> None:
    wire.reply = lambda body: streams([str(number) for number in range(20)])
    with lab.test("once") as recording:
        live = http.post(wire.chat_url, json=chat_request("hi")).text
    slept.pauses.clear()

    with lab.test("none") as tape:
        again = http.post(wire.chat_url, json=chat_request("hi")).text

    (before,), (after,) = recording.exchanges, tape.exchanges
    assert again.count("data:") == live.count("data:") == 21
    assert after.ttft_s == pytest.approx(before.ttft_s, abs=1e-6)
    assert after.latency_s == pytest.approx(before.latency_s, abs=1e-6)
    assert slept.pauses == []


def test_the_first_token_is_the_first_event_that_says_something(
    lab: Lab, openai_at_wire: Server
) -> None:
    openai_at_wire.reply = lambda body: streams(["", "", "hel", "lo"], pause_s=0.01)

    with lab.test("once") as tape, openai.OpenAI() as client:
        stream = client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        list(stream)

    (recorded,) = lab.cassette().all()
    times = [event["t"] for event in recorded.response["body"]["stream"]]
    assert recorded.ttft_s == times[2]
    assert tape.exchanges[0].ttft_s == pytest.approx(times[2], abs=1e-6)


def test_a_stream_that_says_nothing_counts_from_its_first_event(
    lab: Lab, openai_at_wire: Server
) -> None:
    openai_at_wire.reply = lambda body: streams(["", ""], pause_s=0.01)

    with lab.test("once"), openai.OpenAI() as client:
        stream = client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        list(stream)

    (recorded,) = lab.cassette().all()
    assert recorded.ttft_s == recorded.response["body"]["stream"][0]["t"]


def test_two_calls_are_numbered_and_tries_belong_to_their_call(
    lab: Lab, openai_at_wire: Server, slept: Slept
) -> None:
    replies = iter([says("a"), Reply(BUSY, status=429), Reply(BUSY, status=429), says("b")])
    openai_at_wire.reply = lambda body: next(replies)

    with lab.test("once") as tape:
        ask()
        ask()

    calls = [(each.call, each.attempt) for each in tape.exchanges]
    assert calls == [(1, 1), (2, 1), (2, 2), (2, 3)]
    assert len(slept.pauses) == 2


def test_retries_are_real_again_when_the_patches_are_gone(lab: Lab) -> None:
    def now() -> list[dict[str, Any]]:
        base = openai._base_client
        return [dict(vars(base.SyncAPIClient)), dict(vars(base.AsyncAPIClient))]

    before = now()
    with lab.test("once"):
        during = now()

    assert during[0] != before[0]
    assert during[1] != before[1]
    assert now() == before


def test_tokens_per_second_count_from_the_first_event_on() -> None:
    exchange = Exchange(
        provider="openai",
        operation="chat",
        model_requested="m",
        model="m",
        stream=True,
        status=200,
        usage=Usage(input_tokens=1, output_tokens=30),
        latency_s=2.0,
        ttft_s=0.5,
        text="",
        replayed=True,
        recorded_at="",
        request=None,
        key="",
    )

    assert exchange.tokens_per_s == 20.0
    assert replace(exchange, ttft_s=None).tokens_per_s == 15.0
    assert replace(exchange, ttft_s=2.0).tokens_per_s is None
    assert replace(exchange, usage=None).tokens_per_s is None


def test_nothing_is_waited_for_where_there_is_nothing_to_wait_for(slept: Slept) -> None:
    REAL_CLOCK.wait(0.0)
    REAL_CLOCK.wait(-1.0)

    assert slept.pauses == []

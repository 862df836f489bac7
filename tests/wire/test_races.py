"""Races and kills: nothing lost, nothing doubled, nothing on the wrong tape."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2
import pytest
from lab import Lab, Server
from replies import Reply, says
from samples import CHAT_URL, chat_request, recording, wire_request

from pytest_llmprod.wire.cassettes import folding
from pytest_llmprod.wire.cassettes.cassette_file import save
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.tape import Tape

TEXTS = [f"answer {number}" for number in range(400)]
REQUEST = wire_request(chat_request("again"))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Have threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_eight_threads_get_400_distinct_answers_a_hundred_times_over(lab: Lab) -> None:
    save(lab.path(), [recording(text, key=REQUEST.key) for text in TEXTS])
    run = lab.run()
    served: list[list[str]] = []

    def play_50(tape: Tape) -> list[str]:
        found = [tape.play(REQUEST) for _ in range(50)]
        bodies = [each.response["body"]["json"] for each in found]
        return [body["choices"][0]["message"]["content"] for body in bodies]

    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            tape = run.tape()
            parts = pool.map(play_50, [tape] * 8)
            served.append([text for part in parts for text in part])

    assert len(served) == 100
    assert all(sorted(texts) == sorted(TEXTS) for texts in served)


@pytest.mark.usefixtures("hasty_threads")
def test_eight_threads_of_one_client_get_400_distinct_answers(lab: Lab) -> None:
    save(lab.path(), [recording(text, key=REQUEST.key) for text in TEXTS])

    with lab.test() as tape, httpx2.Client() as client, ThreadPoolExecutor(8) as pool:

        def ask(_: int) -> str:
            answer = client.post(CHAT_URL, json=chat_request("again")).json()
            return str(answer["choices"][0]["message"]["content"])

        served = list(pool.map(ask, range(400)))

    assert sorted(served) == sorted(TEXTS)
    assert len(tape.exchanges) == 400


def test_two_tapes_in_two_threads_stay_apart(lab: Lab) -> None:
    names = ("one", "two")
    for name in names:
        path = lab.path(function=f"test_{name}")
        save(path, [recording(f"{name} {number}", key=REQUEST.key) for number in range(50)])
    run = lab.run()
    gate = threading.Barrier(2)

    def ask_50(name: str) -> list[str]:
        tape = run.tape(function=f"test_{name}")
        gate.wait(10)
        with run.router.carrying(tape), httpx2.Client() as client:
            found = [client.post(CHAT_URL, json=chat_request("again")).json() for _ in range(50)]
        assert len(tape.exchanges) == 50
        return [answer["choices"][0]["message"]["content"] for answer in found]

    with run.patched(), ThreadPoolExecutor(2) as pool:
        served = list(pool.map(ask_50, names))

    assert served == [[f"{name} {number}" for number in range(50)] for name in names]


async def ask_at(url: str, moments_s: Sequence[float]) -> list[str]:
    """Send equal requests at these moments, and return the answers in the order of requests."""
    async with httpx2.AsyncClient(timeout=30) as client:

        async def ask(moment_s: float) -> str:
            await asyncio.sleep(moment_s)
            answer = (await client.post(url, json=chat_request("again"))).json()
            return str(answer["choices"][0]["message"]["content"])

        return list(await asyncio.gather(*map(ask, moments_s)))


def test_equal_requests_that_overtake_each_other_are_replayed_in_the_order_of_requests(
    lab: Lab, wire: Server
) -> None:
    numbers, second_is_answered = count(1), threading.Event()

    def overtaken(body: object) -> Reply:
        number = next(numbers)
        if number == 1:
            second_is_answered.wait(10)
            time.sleep(0.2)
        second_is_answered.set()
        return says(f"answer {number}")

    wire.reply = overtaken
    with lab.test("once"):
        recorded = asyncio.run(ask_at(wire.chat_url, (0, 0.1)))
    with lab.test():
        replayed = asyncio.run(ask_at(CHAT_URL, (0, 0.01)))

    assert recorded == ["answer 1", "answer 2"]
    assert replayed == recorded


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from samples import recording
from pytest_llmprod.wire.cassettes.journal import Journal, Turn

root = Path(sys.argv[1])
journal = Journal(root, "killed", "main", "new_episodes", tuple)
cassette = root / "cassettes" / "test_app" / "test_it.gpt-test.json"
journal.ordered(cassette, ("",))
number = 0
while True:
    text = "x" * 2000 + str(number)
    made = recording(text, key=str(number))
    journal.recorded(cassette, made, Turn(), found=0, asked="gpt-test")
    print(number, flush=True)
    number += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of POSIX systems")
def test_fifty_kills_at_random_moments_lose_nothing_that_was_acknowledged(
    lab: Lab, tmp_path: Path
) -> None:
    """A writer says the number of each recording once it is on disk, until it is killed."""
    script = WRITER.format(folder=str(Path(__file__).parent))
    moments = random.Random(50)
    for kill in range(50):
        root = tmp_path / str(kill)
        with subprocess.Popen(
            [sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline())]
            timer = threading.Timer(moments.uniform(0, 0.03), writer.send_signal, [signal.SIGKILL])
            timer.start()
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
            timer.join()

        folding.fold_abandoned(root, stored_key)

        path = root / "cassettes" / "test_app" / "test_it.gpt-test.json"
        keys = [each["llmprod"]["key"] for each in json.loads(path.read_text())["interactions"]]
        assert keys == [str(number) for number in range(len(keys))]
        assert len(keys) >= len(acknowledged)

"""A good answer cut after every byte."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mount import Mount

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.faults.sweep import sweep

ANSWER = json.dumps({"label": "billing"})


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    with Mount(tmp_path).installed() as mount:
        yield mount


class NotWhole(Exception):
    """What came is not a whole answer."""


@pytest.fixture
def client(mount: Mount) -> Iterator[httpx2.Client]:
    """A plain client: openai's takes ten times as long, and there are thousands of cuts."""
    with httpx2.Client(timeout=5, verify=False) as client:
        yield client


URL = "https://provider.test/v1/chat/completions"


def plain(client: httpx2.Client) -> Any:
    answer = client.post(URL, json={"model": "gpt-test", "messages": []}).json()
    return answer["choices"][0]["message"]["content"]


def streamed(client: httpx2.Client, *, checks: bool) -> str:
    parts, finish = [], None
    asked = {"model": "gpt-test", "messages": [], "stream": True}
    with client.stream("POST", URL, json=asked) as answer:
        events = "".join(answer.iter_text()).split("\n\n")[:-1]  # one that is not closed is none
    for event in events:
        if event == "data: [DONE]":
            break
        choice = json.loads(event.removeprefix("data: "))["choices"][0]
        parts.append(choice["delta"].get("content") or "")
        finish = choice["finish_reason"] or finish
    if checks and finish != "stop":
        raise NotWhole
    return "".join(parts)


def test_a_whole_body_is_noticed_wherever_it_is_cut(mount: Mount, client: httpx2.Client) -> None:
    with mount.met(None, ANSWER) as test:
        found = sweep(test.plan, lambda: plain(client))

    assert (found.whole, found.noticed, found.partial) == (0, found.size, [])
    found.check()


def test_a_stream_that_checks_its_end_gives_all_or_raises(
    mount: Mount, client: httpx2.Client
) -> None:
    with mount.met(None, ANSWER) as test:
        found = sweep(test.plan, lambda: streamed(client, checks=True))

    assert found.size > 800
    assert found.partial == []
    assert found.whole == len("data: [DONE]\n\n")  # only that was cut
    assert found.cuts == found.size


def test_a_stream_that_checks_nothing_shows_parts_as_whole(
    mount: Mount, client: httpx2.Client
) -> None:
    with mount.met(None, ANSWER) as test:
        found = sweep(test.plan, lambda: streamed(client, checks=False))

    assert found.partial
    with pytest.raises(AssertionError, match=r"partial answers shown as whole, of [\d,]+ cuts"):
        found.check()


def test_a_broken_connection_is_noticed_at_every_byte(mount: Mount, client: httpx2.Client) -> None:
    with mount.met(None, "One, two.") as test:
        found = sweep(test.plan, lambda: streamed(client, checks=False), breaks="closed")

    assert found.partial == []


def test_an_answer_of_the_fallback_is_accepted(mount: Mount, client: httpx2.Client) -> None:
    def safe() -> str:
        try:
            return streamed(client, checks=True)
        except Exception:
            return "rules"

    with mount.met(None, "One, two.") as test:
        found = sweep(test.plan, safe, accept=lambda value: value == "rules")
        unaccepted = sweep(test.plan, safe)

    assert found.partial == []
    assert len(unaccepted.partial) == found.noticed


def test_a_call_of_several_requests_is_refused(mount: Mount, client: httpx2.Client) -> None:
    with mount.met(None, ANSWER) as test, pytest.raises(FaultError, match="this one sent 2"):
        sweep(test.plan, lambda: [plain(client), plain(client)])

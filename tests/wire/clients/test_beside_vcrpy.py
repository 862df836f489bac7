"""Beside vcrpy: its patches and ours in one run."""

from collections.abc import Callable
from typing import Any

import vcr
from applications import DIRECT, by_requests, by_urllib3, do, each
from lab import Lab, Server


@each(DIRECT)
def test_vcrpy_works_beside_us_in_tests_without_a_tape(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    path = lab.root / "stock.yaml"

    with lab.run("none").patched() as run:
        with vcr.use_cassette(path, record_mode="once"):
            live = do(call, wire.chat_url)
        with vcr.use_cassette(path, record_mode="none") as stock:
            again = do(call, wire.chat_url)

    assert again[2] == live[2]
    assert wire.hits == 1
    assert stock.play_count == 1
    assert run.observed == []


@each([by_requests, by_urllib3])
def test_what_goes_through_a_connection_of_vcrpy_is_recorded_all_the_same(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    with lab.test("once") as tape, vcr.use_cassette(lab.root / "stock.yaml") as stock:
        live = do(call, wire.chat_url)
    with lab.test("none"):
        again = do(call, wire.chat_url)

    assert again[2] == live[2]
    assert len(tape.exchanges) == len(stock) == 1

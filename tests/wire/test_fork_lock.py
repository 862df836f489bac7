"""Fork lock: a forked child never waits for a thread that it does not have."""

import gc
import os
import signal
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest
from lab import Lab, chat_request, recording, wire_request

from pytest_llmprod.wire.cassettes import locks
from pytest_llmprod.wire.cassettes.cassette_file import save
from pytest_llmprod.wire.fork_lock import ForkLock

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork()"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def status_of_child(work: Callable[[], object]) -> int:
    """Fork, call `work` in the child, and return how it exited; it is killed after a while."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


class BrokenOff:
    """What a test broke off, in a cycle: the garbage collector brings it to its end."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._itself = self

    def __del__(self) -> None:
        self._end()


@pytest.mark.parametrize("place", ["first line", "order of the sections"])
def test_garbage_that_ends_a_request_while_another_is_stored_is_stored_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    run = lab.run("all")
    tape, other = run.tape("a"), run.tape("b")
    hello = wire_request(chat_request("hello"))
    stored = [recording(case, key=hello.key, case=case) for case in ("a", "b")]
    claim = locks.claim

    def claim_after_a_collection(file: FileIO, path: Path) -> None:
        gc.collect()
        claim(file, path)

    def store() -> None:
        BrokenOff(lambda: other.keep(hello, stored[1]))
        if place == "first line":
            monkeypatch.setattr(locks, "claim", claim_after_a_collection)
        tape.label = tape.label._replace(cases=lambda: (str(gc.collect()),))
        tape.keep(hello, stored[0])

    thread = threading.Thread(target=store, daemon=True)
    gc.disable()
    thread.start()
    thread.join(timeout=40)
    gc.enable()

    assert not thread.is_alive()
    run.journal.close()
    run.fold()
    assert set(lab.cassette().cases) == {"a", "b"}


def test_a_child_takes_a_lock_that_a_thread_of_the_parent_holds() -> None:
    lock, holds, may_go = ForkLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holds.set()
            may_go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(5)

    def take() -> None:
        with lock:
            pass

    status = status_of_child(take)
    may_go.set()
    thread.join()

    assert status == 0


def test_a_child_plays_while_threads_of_the_parent_play(lab: Lab) -> None:
    hello = wire_request(chat_request("hello"))
    save(lab.path(), [recording(f"answer {n}", key=hello.key) for n in range(20_000)])
    tape, ends = lab.run().tape(), threading.Event()

    def play() -> None:
        while not ends.is_set() and tape.play(hello) is not None:
            pass

    threads = [threading.Thread(target=play) for _ in range(3)]
    for thread in threads:
        thread.start()
    statuses = [status_of_child(lambda: tape.play(hello)) for _ in range(30)]
    ends.set()
    for thread in threads:
        thread.join()

    assert statuses == [0] * 30

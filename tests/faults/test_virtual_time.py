"""Waits that take no time: what sees the clock that was put forward, and that none is left."""

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue
from threading import Barrier, Thread
from types import ModuleType, SimpleNamespace

import anyio
import pytest

from pytest_llmprod.core import virtual_time
from pytest_llmprod.core.virtual_time import FOREVER_S, VirtualClock

REAL_SLEEP, REAL_ASYNC_SLEEP, REAL_MONOTONIC = time.sleep, asyncio.sleep, time.monotonic


def test_every_clock_of_time_goes_forward_by_a_sleep() -> None:
    clock = VirtualClock()
    names = ("monotonic", "perf_counter", "time")
    with clock.running():
        before = [getattr(time, name)() for name in names]
        before_ns = [getattr(time, f"{name}_ns")() for name in names]
        time.sleep(3600)
        after = [getattr(time, name)() for name in names]
        after_ns = [getattr(time, f"{name}_ns")() for name in names]

    assert all(3600 <= b - a < 3601 for a, b in zip(before, after, strict=True))
    assert all(3600e9 <= b - a < 3601e9 for a, b in zip(before_ns, after_ns, strict=True))
    assert clock.elapsed_s == 3600


def test_a_sleep_of_less_than_a_second_counts_and_one_of_none_gives_its_result() -> None:
    clock = VirtualClock()
    with clock.running():
        time.sleep(0.25)
        result = asyncio.run(asyncio.sleep(0, "awake"))

    assert (clock.elapsed_s, result) == (0.25, "awake")


def test_nothing_stays_replaced() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    clock = VirtualClock()
    with pytest.raises(KeyboardInterrupt), clock.running():
        stop()

    assert not clock.is_running
    assert (time.sleep, asyncio.sleep, time.monotonic) == (
        REAL_SLEEP,
        REAL_ASYNC_SLEEP,
        REAL_MONOTONIC,
    )


def test_tasks_that_sleep_at_once_sleep_at_the_same_time() -> None:
    order = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(seconds)

    async def all_of_them() -> None:
        await asyncio.gather(*(sleep(each) for each in (30, 10, 20)))

    clock = VirtualClock()
    with clock.running():
        asyncio.run(all_of_them())

    assert order == [10, 20, 30]
    assert 29.9 < clock.elapsed_s < 30.1


@pytest.mark.parametrize("sleep", [asyncio.sleep, anyio.sleep])
def test_a_timeout_ends_a_longer_sleep_at_its_time(sleep: object) -> None:
    name = "asyncio" if sleep is asyncio.sleep else "anyio"

    async def give_up() -> None:
        with anyio.fail_after(20):
            await getattr(sys.modules[name], "sleep")(600)  # noqa: B009  # it is replaced

    clock = VirtualClock()
    with clock.running(), pytest.raises(TimeoutError):
        asyncio.run(give_up())

    assert 19.9 < clock.elapsed_s < 20.1


def test_a_sleep_gives_its_result_and_one_of_nothing_lets_others_run() -> None:
    ran = []

    async def sleep() -> str:
        task = asyncio.get_running_loop().create_task(_note(ran))
        await asyncio.sleep(0)
        assert ran == [True]
        await task
        return await asyncio.sleep(5, "result")

    with VirtualClock().running():
        assert asyncio.run(sleep()) == "result"


async def _note(ran: list[bool]) -> None:
    ran.append(True)


def test_a_thread_is_waited_for_in_real_time() -> None:
    """A loop that waits for a thread is not idle: no timeout may fire for it."""

    async def work() -> str:
        async with asyncio.timeout(20):
            return await asyncio.to_thread(lambda: REAL_SLEEP(0.05) or "done")

    clock = VirtualClock()
    with clock.running():
        assert asyncio.run(work()) == "done"

    assert clock.elapsed_s == 0


def test_for_ever_is_a_day() -> None:
    clock = VirtualClock()

    clock.wait(float("inf"))

    assert clock.elapsed_s == FOREVER_S


def test_a_module_that_holds_sleep_under_its_own_name_gets_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("held")
    module.__file__ = str(tmp_path / "held.py")
    module.nap = time.sleep  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "held", module)
    clock = VirtualClock()

    with clock.running(tmp_path):
        module.nap(100)

    assert clock.elapsed_s == 100
    assert module.nap is REAL_SLEEP


def test_a_loop_without_a_selector_jumps_at_once() -> None:
    """uvloop has none; there a task that sleeps does not wait for others."""
    clock = VirtualClock()

    with clock.running():
        assert not clock._watch(SimpleNamespace())  # type: ignore[arg-type]


def test_no_loop_keeps_a_selector_of_ours() -> None:
    loop = asyncio.new_event_loop()
    try:
        with VirtualClock().running():
            loop.run_until_complete(asyncio.sleep(5))

        assert "select" not in vars(loop._selector)  # type: ignore[attr-defined]
    finally:
        loop.close()


def test_virtual_time_needs_the_standard_library_only() -> None:
    script = "import sys, pytest_llmprod.core.virtual_time; print('anyio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout.strip() == "False"


def elapsed_when_given_up(before_s: float = 0.0, after_s: float = 0.0) -> float:
    """Give up a thread that sleeps for 600 s after 25 s; return how long that was for the clock.

    The test's thread is busy for `before_s` until it waits, and for `after_s` when it has waited.
    """
    clock, pool = VirtualClock(), ThreadPoolExecutor()
    with clock.running():
        job = pool.submit(time.sleep, 600)
        REAL_SLEEP(before_s)
        with pytest.raises(TimeoutError):
            job.result(timeout=25)
        REAL_SLEEP(after_s)
        elapsed_s = clock.elapsed_s
    pool.shutdown()
    return elapsed_s


def test_a_thread_that_waits_for_another_gives_up_at_its_time() -> None:
    assert 24.9 < elapsed_when_given_up() <= 25.1


def test_a_thread_that_was_given_up_does_not_run_ahead_of_the_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_time, "_GRACE_S", 5.0)  # a busy machine is slow

    # A fallback takes real time.
    assert 24.9 < elapsed_when_given_up(after_s=0.1) <= 25.1


def test_a_busy_machine_that_gives_the_test_no_turn_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_time, "_is_under_way", lambda thread: True)

    # That is longer than a thread waits for one that could come.
    assert 24.9 < elapsed_when_given_up(before_s=0.1) <= 25.1


def test_time_in_which_a_thread_had_no_turn_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    started = REAL_MONOTONIC()
    monkeypatch.setattr(virtual_time, "_delayed_s", lambda thread: REAL_MONOTONIC() - started)

    assert 24.9 < elapsed_when_given_up(before_s=0.1) <= 25.1


def test_a_thread_that_never_has_its_turn_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_time, "_is_under_way", lambda thread: True)
    monkeypatch.setattr(virtual_time, "_LONGEST_GRACE_S", 0.05)
    clock = VirtualClock()
    with clock.running(), ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, 600)

    assert clock.elapsed_s == 600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what threads do: run it there")
def test_who_sleeps_is_not_under_way_nor_is_no_thread() -> None:
    lock = threading.Lock()
    with lock:
        sleeper = Thread(target=lock.acquire)
        sleeper.start()
        REAL_SLEEP(0.05)
        assert sleeper.native_id is not None
        told = [virtual_time._is_under_way(each) for each in (sleeper.native_id, 2**22 + 1)]
    sleeper.join()

    assert told == [False, False]
    assert virtual_time._delayed_s(2**22 + 1) == 0
    assert virtual_time._delayed_s(threading.get_native_id()) >= 0


def test_a_task_that_waits_for_a_thread_gives_up_at_its_time() -> None:
    async def work() -> None:
        async with asyncio.timeout(25):
            await asyncio.to_thread(time.sleep, 100)

    clock = VirtualClock()
    with clock.running(), pytest.raises(TimeoutError):
        asyncio.run(work())

    assert 24.9 < clock.elapsed_s <= 100  # asyncio.run waits for the thread at its end


def test_who_waits_for_a_thread_to_its_end_waits_as_long() -> None:
    clock = VirtualClock()
    with clock.running(), ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, 600)

    assert clock.elapsed_s == 600


def test_threads_that_sleep_at_once_sleep_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_time, "_GRACE_S", 2.0)  # a busy machine starts them late
    clock, all_there = VirtualClock(), Barrier(8)

    def nap(seconds: float) -> None:
        all_there.wait()
        time.sleep(seconds)

    with clock.running(), ThreadPoolExecutor(8) as pool:
        list(pool.map(nap, [10] * 8))

    assert clock.elapsed_s == 10


def test_threads_wake_in_the_order_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "_GRACE_S", 2.0)  # a busy machine starts them late
    clock, all_there = VirtualClock(), Barrier(3)
    woken: list[tuple[float, float]] = []

    def nap(seconds: float) -> None:
        all_there.wait()
        time.sleep(seconds)
        woken.append((seconds, clock.elapsed_s))

    with clock.running(), ThreadPoolExecutor(3) as pool:
        list(pool.map(nap, [600, 5, 30]))

    assert woken == [(5, 5), (30, 30), (600, 600)]


def test_a_queue_gives_up_at_its_time() -> None:
    clock = VirtualClock()
    with clock.running():
        late: Queue[str] = Queue()
        thread = Thread(target=lambda: (time.sleep(60), late.put("late")))
        thread.start()
        with pytest.raises(Empty):
            late.get(timeout=20)
        assert late.get(timeout=100) == "late"
        thread.join()

    assert 59.9 < clock.elapsed_s < 60.1


def test_no_result_of_a_thread_is_lost() -> None:
    with VirtualClock().running(), ThreadPoolExecutor(1) as pool:
        for number in range(200):
            assert pool.submit(lambda: REAL_SLEEP(0.002)).result(timeout=100 + number) is None


def test_the_project_that_this_package_lies_in_does_not_slow_its_own_sleeps(
    pytestconfig: pytest.Config,
) -> None:
    clock = VirtualClock()

    async def nap() -> str:
        return await asyncio.sleep(600, "result")

    with clock.running(pytestconfig.rootpath):
        assert asyncio.run(nap()) == "result"

    assert clock.elapsed_s == pytest.approx(600, abs=1)


def test_a_loop_that_was_made_before_waits_as_long_as_a_thread_that_sleeps() -> None:
    loop = asyncio.new_event_loop()
    clock = VirtualClock()
    try:
        with clock.running():
            other = Thread(target=time.sleep, args=(3600,))
            other.start()
            loop.call_later(3600, loop.stop)
            loop.run_forever()
            other.join()
    finally:
        loop.close()

    assert clock.elapsed_s == 3600

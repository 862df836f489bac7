"""Virtual time: waits that take no time, and a clock that says they did.

While a `VirtualClock` runs, the clocks of `time` are ahead of the real ones by all that was waited
for, and so is the time of every event loop. Whoever waits is woken in the order of the clock, and
only when whoever might come first cannot: a timeout of 20 s ends a wait of 600 s, be it that of a
task, or that of the test's thread for a result that another thread is to bring.
"""

import asyncio
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from pytest_llmprod.core.own_modules import names_of, own_modules

#: What waiting for ever comes to.
FOREVER_S = 86400.0

_SLEEP = time.sleep
_MONOTONIC = time.monotonic
_ASYNC_SLEEP = asyncio.sleep
_WAIT = threading.Condition.wait
_CLOCKS = ("monotonic", "perf_counter", "time")
#: How long a thread lets the test's thread come to wait, before it jumps: once, and again whenever
#: the test's thread has waited.
_GRACE_S = 0.02
#: How long it waits at most for a test's thread that could run if the machine were not busy.
_LONGEST_GRACE_S = 5.0
#: How often whoever waits in real time looks whether the clock was put forward.
_GLANCE_S = 0.002


class Clock(Protocol):
    """What waits in an answer that is played."""

    def wait(self, seconds: float) -> None:
        """Wait in a thread."""
        ...

    async def wait_async(self, seconds: float) -> None:
        """Wait in a task."""
        ...


class VirtualClock:
    """A clock that is put forward in place of waiting.

    `elapsed_s` is what was waited for so far, in seconds: time that passes by itself does not
    count. Threads and tasks that wait at the same time wait together. `is_running` says that it
    stands in place of Python's clocks; a wait by one that does not is over at once.
    """

    def __init__(self) -> None:
        """Make a clock that shows the real time."""
        self.elapsed_s = 0.0
        self._changed = threading.Condition()
        self._home = threading.get_ident()
        self._home_native_id = threading.get_native_id()
        self._home_until_s: float | None = None  # the test's thread waits, but no longer
        self._sleeping_threads: dict[int, float] = {}  # until when, by the id of the thread
        self._graced: set[int] = set()
        self._sleeping_tasks = 0
        self._selectors: list[Any] = []
        self.is_running = False

    def wait(self, seconds: float) -> None:
        """Put the clock forward in a thread; for ever is a day."""
        seconds = min(seconds, FOREVER_S)
        if seconds <= 0:
            return
        if self.is_running and threading.get_ident() != self._home:
            self._wait_in_thread(self.elapsed_s + seconds)
        else:
            self._put_forward(seconds)

    async def wait_async(self, seconds: float) -> None:
        """Sleep in a task until the clock has been put forward by `seconds`."""
        if seconds <= 0:
            await _yield_to_others()
            return
        await self._sleep_async(min(seconds, FOREVER_S), None)

    async def _sleep_async(self, seconds: float, result: Any) -> Any:
        loop = _running_loop()
        if loop is None or not self._watch(loop):
            self._put_forward(seconds)
            await _yield_to_others()
            return result
        self._sleeping_tasks += 1
        try:
            return await _ASYNC_SLEEP(seconds, result)
        finally:
            self._sleeping_tasks -= 1

    def _put_forward(self, seconds: float) -> None:
        with self._changed:
            self.elapsed_s += seconds
            self._changed.notify_all()

    def _wait_in_thread(self, until_s: float) -> None:
        """Wait in a thread that is not the test's, while that may wait for this one."""
        me = threading.get_ident()
        with self._changed:
            self._sleeping_threads[me] = until_s
            try:
                while self.is_running and self.elapsed_s < until_s:
                    if me not in self._graced:
                        self._graced.add(me)
                        self._let_come()
                    else:
                        self._jump_or_let_others(until_s)
            finally:
                del self._sleeping_threads[me]
                self._changed.notify_all()

    def _let_come(self) -> None:
        """Give the test's thread the time to come to wait; others may begin to sleep."""
        start = _MONOTONIC()
        threads = (self._home_native_id, threading.get_native_id())
        delayed_s = sum(map(_delayed_s, threads))
        while self.is_running and self._home_until_s is None:
            passed_s = _MONOTONIC() - start
            if passed_s >= _LONGEST_GRACE_S:
                return
            if passed_s >= _GRACE_S and not _is_under_way(self._home_native_id):
                # While this thread had no processor, it may have held Python's lock.
                passed_s -= sum(map(_delayed_s, threads)) - delayed_s
                if passed_s >= _GRACE_S:
                    return
            _WAIT(self._changed, _GLANCE_S)

    def _jump_or_let_others(self, until_s: float) -> None:
        first_s = min(self._sleeping_threads.values())
        home_s = self._home_until_s
        if home_s is not None and home_s <= first_s:
            self.elapsed_s = max(self.elapsed_s, home_s)
            self._changed.notify_all()
            _WAIT(self._changed, _GLANCE_S)
        elif first_s >= until_s:
            self.elapsed_s = max(self.elapsed_s, until_s)
            self._changed.notify_all()
        else:
            _WAIT(self._changed, _GLANCE_S)

    @contextmanager
    def _home_waits(self, seconds: float) -> Iterator[float]:
        """Say in this block until when the test's thread waits, by what was waited for so far."""
        before, until_s = self._home_until_s, self.elapsed_s + seconds
        with self._changed:
            self._home_until_s = until_s if before is None else min(before, until_s)
            self._changed.notify_all()
        try:
            yield until_s
        finally:
            with self._changed:
                self._home_until_s = before
                self._graced.clear()  # what the test does now may end in a wait, or in its end

    def _watch(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Have a loop put the clock forward where it would wait; say whether that can be had."""
        selector = getattr(loop, "_selector", None)
        if selector is None or not self.is_running:
            return False  # uvloop has none
        if "select" not in vars(selector):
            selector.select = self._jumping(selector.select)
            self._selectors.append(selector)
        return True

    def _jumping(self, select: Callable[..., Any]) -> Callable[..., Any]:
        def select_or_jump(timeout: float | None = None) -> Any:
            if timeout is None or timeout <= 0:
                return select(timeout)
            if self._sleeping_tasks:
                ready = select(0)
                if not ready:
                    self._put_forward(timeout)
                return ready
            with self._home_waits(timeout) as until_s:
                start = _MONOTONIC()
                while self.elapsed_s < until_s and _MONOTONIC() - start < timeout:
                    ready = select(min(timeout, _GLANCE_S))
                    if ready:
                        return ready
            return select(0)

        return select_or_jump

    @contextmanager
    def running(self, root: Path | None = None) -> Iterator[None]:
        """Put this clock in place of those of Python in this block, for all that runs in it.

        Modules below `root` that hold a function of `time` or `asyncio` under a name of their own
        get ours too. The thread that enters the block is the test's.
        """
        with ExitStack() as undo:
            self.is_running = True
            self._home = threading.get_ident()
            self._home_native_id = threading.get_native_id()
            undo.callback(self._stop)
            replaced = self._replacements()
            for module, name, original, ours in replaced:
                undo.callback(setattr, module, name, original)
                setattr(module, name, ours)
            ours_of = {id(original): ours for _, _, original, ours in replaced}
            modules = () if root is None else own_modules(root)
            for module, name, original in names_of(modules, ours_of):
                undo.callback(setattr, module, name, original)
                setattr(module, name, ours_of[id(original)])
            yield

    def _stop(self) -> None:
        with self._changed:
            self.is_running = False
            self._changed.notify_all()
        while self._selectors:
            vars(self._selectors.pop()).pop("select", None)

    def _replacements(self) -> list[tuple[Any, str, Any, Any]]:
        """Return what is to be replaced: (owner, name, original, replacement)."""

        def sleep(seconds: float) -> None:
            self.wait(seconds)

        async def sleep_async(delay: float, result: Any = None) -> Any:
            return await self._sleep_async(delay, result) if delay > 0 else await _zero(result)

        run_forever = asyncio.BaseEventLoop.run_forever
        wait = threading.Condition.wait
        found: list[tuple[Any, str, Any, Any]] = [
            (time, "sleep", time.sleep, sleep),
            (asyncio, "sleep", asyncio.sleep, sleep_async),
            (asyncio.BaseEventLoop, "run_forever", run_forever, self._watched(run_forever)),
            (threading.Condition, "wait", wait, self._waiting(wait)),
        ]
        anyio = sys.modules.get("anyio")
        if anyio is not None:
            found.append((anyio, "sleep", anyio.sleep, sleep_async))
        for name in _CLOCKS:
            found.append((time, name, getattr(time, name), self._ahead(getattr(time, name))))
            in_ns = f"{name}_ns"
            found.append((time, in_ns, getattr(time, in_ns), self._ahead_ns(getattr(time, in_ns))))
        # These count down by a name of their own for the clock.
        for module, name in ((threading, "_time"), (queue, "time")):
            original = getattr(module, name, None)
            if callable(original):
                found.append((module, name, original, self._ahead(original)))
        return found

    def _watched(self, run_forever: Callable[..., None]) -> Callable[..., None]:
        def watched(loop: asyncio.BaseEventLoop) -> None:
            if threading.get_ident() == self._home:
                self._watch(loop)
            run_forever(loop)

        return watched

    def _waiting(self, wait: Callable[..., bool]) -> Callable[..., bool]:
        """Return `Condition.wait` as the test's thread is to have it, which others may wake."""

        def wait_or_wake(condition: Any, timeout: float | None = None) -> bool:
            is_home = threading.get_ident() == self._home and condition is not self._changed
            if timeout is None or timeout <= 0 or not is_home:
                return wait(condition, timeout)
            with self._home_waits(timeout) as until_s:
                start = _MONOTONIC()

                def is_over() -> bool:
                    return self.elapsed_s >= until_s or _MONOTONIC() - start >= timeout

                return _wait_until(condition, is_over)

        return wait_or_wake

    def _ahead(self, clock: Callable[[], float]) -> Callable[[], float]:
        return lambda: clock() + self.elapsed_s

    def _ahead_ns(self, clock: Callable[[], int]) -> Callable[[], int]:
        return lambda: clock() + round(self.elapsed_s * 1e9)


def _wait_until(condition: Any, is_over: Callable[[], bool]) -> bool:
    """Wait for a condition as `Condition.wait` does, until it is over; say whether it was notified.

    Several short waits in its place would each lose what is notified just when one ends.
    """
    waiter = threading.Lock()
    waiter.acquire()
    condition._waiters.append(waiter)
    saved = condition._release_save()
    is_notified = False
    try:
        while not is_notified and not is_over():
            is_notified = waiter.acquire(True, _GLANCE_S)
    finally:
        condition._acquire_restore(saved)
        if not is_notified and waiter in condition._waiters:
            condition._waiters.remove(waiter)
    return is_notified


def _is_under_way(thread: int) -> bool:
    """Say whether a thread of this process runs, could run, or waits for a disk.

    It may come yet. Only Linux tells of it: elsewhere no thread is under way.
    """
    state = _told(thread, "stat").rpartition(")")[2].split()
    return state[:1] in (["R"], ["D"])


def _delayed_s(thread: int) -> float:
    """Return how long a thread of this process could have run and had no processor.

    Only Linux tells of it: elsewhere it is 0.
    """
    _, delay_ns, *_ = [*_told(thread, "schedstat").split(), "0", "0"]
    return int(delay_ns) / 1e9


def _told(thread: int, what: str) -> str:
    try:
        with open(f"/proc/self/task/{thread}/{what}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # trio's
        return None


async def _zero(result: Any) -> Any:
    await _yield_to_others()
    return result


async def _yield_to_others() -> None:
    if _running_loop() is not None:
        await _ASYNC_SLEEP(0)
        return
    lowlevel = sys.modules.get("anyio.lowlevel")
    if lowlevel is not None:
        await lowlevel.checkpoint()

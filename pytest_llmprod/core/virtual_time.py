"""Virtual time: waits that take no time, and a clock that says they did.

While a `VirtualClock` runs, the clocks of `time` are ahead of the real ones by all that was waited
for, and so is the time of every event loop. A task that sleeps is woken when nothing else can run,
and whatever was to happen before it happens before it: a timeout of 20 s ends a wait of 600 s.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

#: What waiting for ever comes to.
FOREVER_S = 86400.0

_SLEEP = time.sleep
_ASYNC_SLEEP = asyncio.sleep
_CLOCKS = ("monotonic", "perf_counter", "time")


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
    count. Threads that wait at the same time count one after the other, tasks do not.
    """

    def __init__(self) -> None:
        """Make a clock that shows the real time."""
        self.elapsed_s = 0.0
        self._lock = threading.Lock()
        self._sleeping = 0
        self._selectors: list[Any] = []
        self._is_running = False

    def wait(self, seconds: float) -> None:
        """Put the clock forward; for ever is a day."""
        if seconds > 0:
            self._put_forward(min(seconds, FOREVER_S))

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
        self._sleeping += 1
        try:
            return await _ASYNC_SLEEP(seconds, result)
        finally:
            self._sleeping -= 1

    def _put_forward(self, seconds: float) -> None:
        with self._lock:
            self.elapsed_s += seconds

    def _watch(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Have a loop put the clock forward where it would wait; say whether that can be had."""
        selector = getattr(loop, "_selector", None)
        if selector is None or not self._is_running:
            return False  # uvloop has none
        if "select" not in vars(selector):
            selector.select = self._jumping(selector.select)
            self._selectors.append(selector)
        return True

    def _jumping(self, select: Callable[..., Any]) -> Callable[..., Any]:
        def select_or_jump(timeout: float | None = None) -> Any:
            if not self._sleeping or timeout is None or timeout <= 0:
                return select(timeout)
            ready = select(0)
            if not ready:
                self._put_forward(timeout)
            return ready

        return select_or_jump

    @contextmanager
    def running(self, root: Path | None = None) -> Iterator[None]:
        """Put this clock in place of those of Python in this block, for all that runs in it.

        Modules below `root` that hold a function of `time` or `asyncio` under a name of their own
        get ours too.
        """
        with ExitStack() as undo:
            self._is_running = True
            undo.callback(self._stop)
            replaced = self._replacements()
            for module, name, original, ours in replaced:
                undo.callback(setattr, module, name, original)
                setattr(module, name, ours)
            ours_of = {id(original): ours for _, _, original, ours in replaced}
            for module, name, original in _held_by_modules(root, ours_of):
                undo.callback(setattr, module, name, original)
                setattr(module, name, ours_of[id(original)])
            yield

    def _stop(self) -> None:
        self._is_running = False
        while self._selectors:
            vars(self._selectors.pop()).pop("select", None)

    def _replacements(self) -> list[tuple[Any, str, Any, Any]]:
        """Return what is to be replaced: (module, name, original, replacement)."""

        def sleep(seconds: float) -> None:
            self.wait(seconds)

        async def sleep_async(delay: float, result: Any = None) -> Any:
            return await self._sleep_async(delay, result) if delay > 0 else await _zero(result)

        found = [(time, "sleep", time.sleep, sleep), (asyncio, "sleep", asyncio.sleep, sleep_async)]
        anyio = sys.modules.get("anyio")
        if anyio is not None:
            found.append((anyio, "sleep", anyio.sleep, sleep_async))
        for name in _CLOCKS:
            found.append((time, name, getattr(time, name), self._ahead(getattr(time, name))))
            in_ns = f"{name}_ns"
            found.append((time, in_ns, getattr(time, in_ns), self._ahead_ns(getattr(time, in_ns))))
        return found

    def _ahead(self, clock: Callable[[], float]) -> Callable[[], float]:
        return lambda: clock() + self.elapsed_s

    def _ahead_ns(self, clock: Callable[[], int]) -> Callable[[], int]:
        return lambda: clock() + round(self.elapsed_s * 1e9)


def _held_by_modules(
    root: Path | None, ours_of: dict[int, Any]
) -> Iterator[tuple[ModuleType, str, Any]]:
    """Yield where the modules below `root` hold one of our originals."""
    if root is None:
        return
    start = f"{root}/"
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not path.startswith(start) or "site-packages" in path:
            continue
        for name, value in list(vars(module).items()):
            if id(value) in ours_of:
                yield module, name, value


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

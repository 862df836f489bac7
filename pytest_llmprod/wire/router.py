"""Router: whose request is this?

A test's tape is known by a context variable, which asyncio tasks inherit. Plain threads do not
inherit it, so a thread belongs to the test that started it, and a job of an executor or of a pool
of threads to the test that submitted it. What belongs to nobody belongs to the test that is
running.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from pytest_llmprod.core.errors import NetworkBlocked
from pytest_llmprod.core.judging import is_judging, judging
from pytest_llmprod.wire.replacements import Replacements
from pytest_llmprod.wire.tape import Tape

_POOL_METHODS = (
    "apply_async",
    "imap",
    "imap_unordered",
    "map",
    "map_async",
    "starmap",
    "starmap_async",
)


class Router:
    """Knows the tape of the running test, of each task, and of each thread."""

    def __init__(self) -> None:
        """Make a router with no test running."""
        self._context: ContextVar[Tape | None] = ContextVar("llmprod_tape", default=None)
        self._running: Tape | None = None
        self._threads: WeakKeyDictionary[threading.Thread, Tape] = WeakKeyDictionary()
        self._judges: WeakSet[threading.Thread] = WeakSet()
        self._replacements = Replacements()
        self._knows_pools = False

    def owner(self) -> Tape | None:
        """Return the tape that a request made here and now belongs to.

        It may be closed: then the request comes from what an ended test left running.
        """
        tape = self._context.get()
        if tape is not None and tape.is_open:
            return tape
        thread = threading.current_thread()
        if thread is threading.main_thread():
            # A closed tape here is no leak: runners that keep an event loop over several tests
            # keep the context of the first.
            return self._running
        if tape is not None:
            return tape
        return self._threads.get(thread, self._running)

    def asks_for_judge(self) -> bool:
        """Say whether a request that is made here and now is one of a judge."""
        told = is_judging()
        return threading.current_thread() in self._judges if told is None else told

    @property
    def running(self) -> Tape | None:
        """Return the tape of the running test, or of the shared fixture that it sets up."""
        return self._running

    def enter(self, tape: Tape) -> None:
        """Make `tape` that of the running test."""
        self._running = tape
        self._context.set(tape)

    def leave(self) -> None:
        """End the running test's turn."""
        self._running = None
        self._context.set(None)

    @contextmanager
    def carrying(self, tape: Tape | None) -> Iterator[None]:
        """Make `tape` the owner of everything in this block, in this task or thread."""
        token = self._context.set(tape)
        try:
            yield
        finally:
            self._context.reset(token)

    def refuse_late(self, tape: Tape) -> NetworkBlocked:
        """Return the error for a request of what the ended test of `tape` left running.

        The test that runs now fails with its text: it may be the one that wants the answer.
        """
        text = (
            f"A thread or a task that was started by {tape.label.nodeid} made a request after that "
            f"test had ended. Nothing was sent.\n"
            f"If it works for that test only, wait for it before the test returns. If it works for "
            f"several tests, start it in a fixture of module or session scope: it then works for "
            f"whichever test runs."
        )
        if self._running is not None and self._running.is_open:
            self._running.misses.append(text)
        return NetworkBlocked(text)

    def install(self) -> None:
        """Have threads and jobs of executors and pools remember the test that made them."""
        start, submit = threading.Thread.start, ThreadPoolExecutor.submit
        router = self

        def start_with_owner(thread: threading.Thread) -> None:
            router._replace_pool_methods()  # somebody may just be making the first pool
            tape = router.owner()
            # A thread that a shared fixture starts works for whichever test runs.
            if tape is not None and not tape.label.is_shared:
                router._threads[thread] = tape
            if router.asks_for_judge():
                router._judges.add(thread)
            start(thread)

        def submit_with_owner(
            executor: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
        ) -> "Future[Any]":
            return submit(executor, router._owned(fn), *args, **kwargs)

        self._replacements.put(threading.Thread, "start", start_with_owner)
        self._replacements.put(ThreadPoolExecutor, "submit", submit_with_owner)
        self._replace_pool_methods()

    def _owned(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` as a job of the test that submits it, whichever thread runs it.

        What a shared fixture or nobody submits works for whichever test runs.
        """
        tape = self.owner()
        is_judge = self.asks_for_judge()

        def run_with_owner(*args: Any, **kwargs: Any) -> Any:
            with self.carrying(tape), judging(is_judge):
                return function(*args, **kwargs)

        def run_without_owner(*args: Any, **kwargs: Any) -> Any:
            # A test that has ended may have made this thread, for a job of its own.
            self._threads.pop(threading.current_thread(), None)
            with judging(is_judge):
                return function(*args, **kwargs)

        has_owner = tape is not None and not tape.label.is_shared
        return run_with_owner if has_owner else run_without_owner

    def _replace_pool_methods(self) -> None:
        """Have jobs of a pool of threads remember their test, once its module is imported.

        Importing `multiprocessing.pool` takes tens of milliseconds, which most runs do not need.
        """
        pool = getattr(sys.modules.get("multiprocessing.pool"), "ThreadPool", None)
        if pool is None or self._knows_pools:
            return
        self._knows_pools = True
        for name in _POOL_METHODS:
            self._replacements.put(pool, name, self._owning(getattr(pool, name)))

    def _owning(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def with_owner(pool: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return method(pool, self._owned(func), *args, **kwargs)

        return with_owner

    def uninstall(self) -> None:
        """Put the originals back."""
        self._replacements.undo()
        self._knows_pools = False

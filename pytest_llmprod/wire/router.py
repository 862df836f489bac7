"""Router: whose request is this?

A test's tape is known by a context variable, which asyncio tasks inherit. Plain threads do not
inherit it, so a thread belongs to the test that started it, and a job of an executor to the test
that submitted it. What belongs to nobody belongs to the test that is running.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from pytest_llmprod.wire.replacements import Replacements
from pytest_llmprod.wire.tape import Tape


class Router:
    """Knows the tape of the running test, of each task, and of each thread."""

    def __init__(self) -> None:
        """Make a router with no test running."""
        self._context: ContextVar[Tape | None] = ContextVar("llmprod_tape", default=None)
        self._running: Tape | None = None
        self._threads: WeakKeyDictionary[threading.Thread, Tape] = WeakKeyDictionary()
        self._replacements = Replacements()

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
    def carrying(self, tape: Tape) -> Iterator[None]:
        """Make `tape` the owner of everything in this block, in this task or thread."""
        token = self._context.set(tape)
        try:
            yield
        finally:
            self._context.reset(token)

    def install(self) -> None:
        """Have threads and executor jobs remember the test that made them."""
        start, submit = threading.Thread.start, ThreadPoolExecutor.submit
        router = self

        def start_with_owner(thread: threading.Thread) -> None:
            tape = router.owner()
            # A thread that a shared fixture starts works for whichever test runs.
            if tape is not None and not tape.label.is_shared:
                router._threads[thread] = tape
            start(thread)

        def submit_with_owner(
            executor: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
        ) -> "Future[Any]":
            tape = router.owner()
            if tape is None or tape.label.is_shared:
                return submit(executor, fn, *args, **kwargs)

            def run_with_owner() -> Any:
                with router.carrying(tape):
                    return fn(*args, **kwargs)

            return submit(executor, run_with_owner)

        self._replacements.put(threading.Thread, "start", start_with_owner)
        self._replacements.put(ThreadPoolExecutor, "submit", submit_with_owner)

    def uninstall(self) -> None:
        """Put the originals back."""
        self._replacements.undo()

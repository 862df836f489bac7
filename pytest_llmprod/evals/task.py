"""Task: runs a feature on many cases at once, in this process.

Async features share one event loop, others a pool of threads.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

Job = tuple[Any, AbstractContextManager[None]]

# These end the run, and not a case. pytest.skip(), pytest.fail() and sys.exit() are a case's own,
# though no Exception either: in a test they fail that test.
_STOPS = (KeyboardInterrupt, GeneratorExit)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task returned for one case, or raised."""

    returned: Any = None
    error: BaseException | None = None

    def value(self) -> Any:
        """Return what the task returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.returned


def run_task(
    task: Callable[[Any], Any],
    jobs: Sequence[Job],
    *,
    concurrency: int,
    done: Callable[[int, TaskResult], None],
) -> None:
    """Call `task` with the input of each job, at most `concurrency` at a time.

    A job is an input and a context that says whose requests its call makes. `done` is called in
    this thread with the position of each job and its result, in the order in which they end. What
    ends the run, Ctrl-C for instance, is raised at once: no further job is begun, and nobody waits
    for those that run in threads.
    """
    if inspect.iscoroutinefunction(task) or inspect.iscoroutinefunction(
        getattr(task, "__call__", None)  # noqa: B004 - an object whose call is a coroutine function
    ):
        asyncio.run(_run_async(task, jobs, concurrency, done))
    else:
        _run_in_threads(task, jobs, concurrency, done)


def _run_in_threads(
    task: Callable[[Any], Any],
    jobs: Sequence[Job],
    concurrency: int,
    done: Callable[[int, TaskResult], None],
) -> None:
    waiting: SimpleQueue[tuple[int, Job]] = SimpleQueue()
    ended: SimpleQueue[tuple[int, TaskResult | BaseException]] = SimpleQueue()
    for numbered in enumerate(jobs):
        waiting.put(numbered)

    def work() -> None:
        with suppress(Empty):
            while True:
                number, job = waiting.get_nowait()
                try:
                    ended.put((number, _call(task, job)))
                except BaseException as stop:
                    ended.put((number, stop))
                    return

    # Python waits at its end for the threads of an executor, however long a provider takes.
    threads = [Thread(target=work, daemon=True) for _ in range(min(concurrency, len(jobs)))]
    try:
        for thread in threads:
            thread.start()
        for _ in jobs:
            number, result = ended.get()
            if isinstance(result, BaseException):
                raise result
            done(number, result)
    except BaseException:
        with suppress(Empty):
            while True:
                waiting.get_nowait()
        raise
    for thread in threads:
        thread.join()


def _call(task: Callable[[Any], Any], job: Job) -> TaskResult:
    value, owner = job
    with owner:
        try:
            return TaskResult(returned=task(value))
        except _STOPS:
            raise
        except BaseException as error:  # told when the case's own test asks for the answer
            return TaskResult(error=error)


async def _run_async(
    task: Callable[[Any], Any],
    jobs: Sequence[Job],
    concurrency: int,
    done: Callable[[int, TaskResult], None],
) -> None:
    places = asyncio.Semaphore(concurrency)
    whole = asyncio.current_task()

    def is_over() -> bool:
        """Say whether a cancellation is that of the whole run, and not one of the feature's own."""
        return whole is None or whole.done() or whole.cancelling() > 0

    async def run(number: int, job: Job) -> None:
        value, owner = job
        async with places:
            with owner:
                try:
                    result = TaskResult(returned=await task(value))
                except _STOPS:
                    raise
                except BaseException as error:  # told when the case's own test asks for the answer
                    if isinstance(error, asyncio.CancelledError) and is_over():
                        raise
                    result = TaskResult(error=error)
        done(number, result)

    await asyncio.gather(*(run(number, job) for number, job in enumerate(jobs)))

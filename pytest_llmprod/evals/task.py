"""Task: runs a feature on many cases at once, in this process.

Async features share one event loop, others a pool of threads.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

Job = tuple[Any, AbstractContextManager[None]]

# These end the run, or the loop, and not a case. pytest.skip() and pytest.fail() are a case's own,
# though no Exception either.
_STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)


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
    task: Callable[[Any], Any], jobs: Sequence[Job], *, concurrency: int
) -> list[TaskResult]:
    """Call `task` with the input of each job, at most `concurrency` at a time.

    A job is an input and a context that says whose requests its call makes. Results stand in the
    order of the jobs.
    """
    if inspect.iscoroutinefunction(task) or inspect.iscoroutinefunction(
        getattr(task, "__call__", None)  # noqa: B004 - an object whose call is a coroutine function
    ):
        return asyncio.run(_run_async(task, jobs, concurrency))
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        return list(pool.map(lambda job: _call(task, job), jobs))


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
    task: Callable[[Any], Any], jobs: Sequence[Job], concurrency: int
) -> list[TaskResult]:
    places = asyncio.Semaphore(concurrency)

    async def run(job: Job) -> TaskResult:
        value, owner = job
        async with places:
            with owner:
                try:
                    return TaskResult(returned=await task(value))
                except _STOPS:
                    raise
                except BaseException as error:  # told when the case's own test asks for the answer
                    return TaskResult(error=error)

    return list(await asyncio.gather(*(run(job) for job in jobs)))

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import pytest

from pytest_llmprod.evals.task import Job, TaskResult, run_task


def results_of(
    task: Callable[[Any], Any], jobs: Sequence[Job], *, concurrency: int
) -> list[TaskResult]:
    """The results of all jobs, in the order of the jobs."""
    found: dict[int, TaskResult] = {}
    run_task(task, jobs, concurrency=concurrency, done=found.__setitem__)
    return [found[number] for number in range(len(jobs))]


owner_name: ContextVar[str] = ContextVar("owner_name", default="nobody")


@contextmanager
def owned_by(name: str) -> Iterator[None]:
    token = owner_name.set(name)
    try:
        yield
    finally:
        owner_name.reset(token)


def answer(value: int) -> str:
    return f"{value} for {owner_name.get()}"


async def answer_async(value: int) -> str:
    await asyncio.sleep(0.001 * (5 - value))
    return f"{value} for {owner_name.get()}"


@pytest.mark.parametrize("task", [answer, answer_async])
def test_results_stand_in_the_order_of_the_jobs_each_in_its_own_context(
    task: Callable[[Any], Any],
) -> None:
    jobs = [(number, owned_by(f"case-{number}")) for number in range(5)]

    results = results_of(task, jobs, concurrency=3)

    assert [result.value() for result in results] == [
        f"{number} for case-{number}" for number in range(5)
    ]
    assert owner_name.get() == "nobody"


def refuse_two(value: int) -> int:
    if value == 2:
        raise ConnectionError("no route")
    return value


async def refuse_two_async(value: int) -> int:
    return refuse_two(value)


@pytest.mark.parametrize("task", [refuse_two, refuse_two_async])
def test_what_one_job_raises_is_raised_for_that_job_alone(task: Callable[[Any], Any]) -> None:
    results = results_of(
        task,
        [(number, nullcontext()) for number in range(4)],
        concurrency=2,
    )

    assert [result.returned for result in results] == [0, 1, None, 3]
    with pytest.raises(ConnectionError, match="no route"):
        results[2].value()


def fail_two(value: int) -> int:
    if value == 2:
        pytest.fail("not today")
    return value


async def fail_two_async(value: int) -> int:
    return fail_two(value)


@pytest.mark.parametrize("task", [fail_two, fail_two_async])
def test_an_outcome_of_pytest_is_that_of_its_job_alone(task: Callable[[Any], Any]) -> None:
    results = results_of(
        task,
        [(number, nullcontext()) for number in range(4)],
        concurrency=2,
    )

    assert [result.returned for result in results] == [0, 1, None, 3]
    with pytest.raises(pytest.fail.Exception, match="not today"):
        results[2].value()


def exit_at_two(value: int) -> int:
    if value == 2:
        sys.exit("no configuration")
    return value


def cancel_two(value: int) -> int:
    if value == 2:
        raise asyncio.CancelledError
    return value


async def exit_at_two_async(value: int) -> int:
    await asyncio.sleep(0)
    return exit_at_two(value)


async def cancel_two_async(value: int) -> int:
    await asyncio.sleep(0)
    return cancel_two(value)


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (exit_at_two, SystemExit),
        (exit_at_two_async, SystemExit),
        (cancel_two, asyncio.CancelledError),
        (cancel_two_async, asyncio.CancelledError),
    ],
)
def test_a_feature_that_exits_or_cancels_itself_ends_one_job_alone(
    task: Callable[[Any], Any], error: type[BaseException]
) -> None:
    results = results_of(task, [(number, nullcontext()) for number in range(4)], concurrency=2)

    assert [result.returned for result in results] == [0, 1, None, 3]
    assert isinstance(results[2].error, error)


def test_a_job_that_is_cancelled_with_the_run_has_no_result() -> None:
    told: list[int] = []

    def stop(number: int, result: TaskResult) -> None:
        told.append(number)
        raise KeyboardInterrupt

    async def wait(value: int) -> None:
        await asyncio.sleep(0 if value == 0 else 20)

    jobs = [(number, nullcontext()) for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        run_task(wait, jobs, concurrency=4, done=stop)

    assert told == [0]


def test_a_job_that_is_cancelled_as_another_cannot_be_told_has_no_result() -> None:
    told: list[int] = []

    def refuse(number: int, result: TaskResult) -> None:
        told.append(number)
        raise OSError("the terminal is gone")

    async def wait(value: int) -> None:
        await asyncio.sleep(0 if value == 0 else 20)

    jobs = [(number, nullcontext()) for number in range(4)]
    with pytest.raises(OSError, match="the terminal is gone"):
        run_task(wait, jobs, concurrency=4, done=refuse)

    assert told == [0]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit])
def test_what_stops_a_run_is_no_answer_of_a_case(stop: type[BaseException]) -> None:
    def stop_all(_: object) -> None:
        raise stop

    with pytest.raises(stop):
        results_of(stop_all, [(None, nullcontext())], concurrency=1)


def test_what_stops_a_run_stops_the_loop() -> None:
    async def stop_all(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results_of(stop_all, [(None, nullcontext())], concurrency=1)


def test_no_more_jobs_run_at_once_than_allowed_and_that_many_do() -> None:
    running, most = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(3, timeout=10)

    def count(_: object) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        time.sleep(0.01)  # long enough for one more to come in, if it may
        with lock:
            running -= 1

    results = results_of(count, [(None, nullcontext())] * 9, concurrency=3)

    assert [result.error for result in results] == [None] * 9
    assert most == 3


def test_no_more_coroutines_run_at_once_than_allowed_and_that_many_do() -> None:
    running, most = 0, 0

    async def count(_: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1

    results_of(count, [(None, nullcontext())] * 9, concurrency=3)

    assert most == 3


class Bound:
    async def ask(self, value: int) -> int:
        return value + 1


def test_an_async_method_is_awaited() -> None:
    results = results_of(Bound().ask, [(1, nullcontext())], concurrency=1)

    assert results == [TaskResult(returned=2)]


class AsyncCallable:
    async def __call__(self, value: int) -> int:
        return value + 1


def test_an_object_with_an_async_call_is_awaited() -> None:
    results = results_of(AsyncCallable(), [(1, nullcontext())], concurrency=1)

    assert results == [TaskResult(returned=2)]


def test_no_jobs_give_no_results() -> None:
    assert results_of(answer, [], concurrency=4) == []
    assert results_of(answer_async, [], concurrency=4) == []


@pytest.mark.parametrize("task", [answer, answer_async])
def test_each_result_is_told_when_it_is_there_in_the_callers_thread(
    task: Callable[[Any], Any],
) -> None:
    told: list[tuple[int, Any, threading.Thread]] = []

    run_task(
        task,
        [(number, nullcontext()) for number in range(5)],
        concurrency=2,
        done=lambda number, result: told.append(
            (number, result.value(), threading.current_thread())
        ),
    )

    assert sorted(told, key=lambda each: each[0]) == [
        (number, f"{number} for nobody", threading.main_thread()) for number in range(5)
    ]


def test_a_stop_in_a_thread_begins_no_other_job_and_waits_for_none() -> None:
    begun: list[int] = []
    both_run = threading.Barrier(2, timeout=10)
    is_over = threading.Event()

    def task(value: int) -> None:
        begun.append(value)
        both_run.wait()
        if value == 0:
            raise KeyboardInterrupt
        is_over.wait(timeout=60)

    with pytest.raises(KeyboardInterrupt):
        results_of(task, [(number, nullcontext()) for number in range(9)], concurrency=2)

    # The other thread is still at its job.
    assert sorted(begun) == [0, 1]
    is_over.set()


def test_a_stop_of_who_is_told_begins_no_other_job() -> None:
    begun: list[int] = []

    def stop(number: int, result: TaskResult) -> None:
        raise KeyboardInterrupt

    def task(value: int) -> None:
        begun.append(value)
        time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        run_task(
            task,
            [(number, nullcontext()) for number in range(500)],
            concurrency=1,
            done=stop,
        )

    assert len(begun) < 500

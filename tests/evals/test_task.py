import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

import pytest

from pytest_llmprod.evals.task import TaskResult, run_task

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
def test_results_stand_in_the_order_of_the_jobs_each_in_its_own_context(task: object) -> None:
    jobs = [(number, owned_by(f"case-{number}")) for number in range(5)]

    results = run_task(task, jobs, concurrency=3)  # type: ignore[arg-type]

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
def test_what_one_job_raises_is_raised_for_that_job_alone(task: object) -> None:
    results = run_task(
        task,  # type: ignore[arg-type]
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
def test_an_outcome_of_pytest_is_that_of_its_job_alone(task: object) -> None:
    results = run_task(
        task,  # type: ignore[arg-type]
        [(number, nullcontext()) for number in range(4)],
        concurrency=2,
    )

    assert [result.returned for result in results] == [0, 1, None, 3]
    with pytest.raises(pytest.fail.Exception, match="not today"):
        results[2].value()


@pytest.mark.parametrize(
    "stop", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]
)
def test_what_stops_a_run_is_no_answer_of_a_case(stop: type[BaseException]) -> None:
    def stop_all(_: object) -> None:
        raise stop

    with pytest.raises(stop):
        run_task(stop_all, [(None, nullcontext())], concurrency=1)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_stops_a_run_stops_the_loop(stop: type[BaseException]) -> None:
    async def stop_all(_: object) -> None:
        raise stop

    with pytest.raises(stop):
        run_task(stop_all, [(None, nullcontext())], concurrency=1)


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

    results = run_task(count, [(None, nullcontext())] * 9, concurrency=3)

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

    run_task(count, [(None, nullcontext())] * 9, concurrency=3)

    assert most == 3


class Bound:
    async def ask(self, value: int) -> int:
        return value + 1


def test_an_async_method_is_awaited() -> None:
    results = run_task(Bound().ask, [(1, nullcontext())], concurrency=1)

    assert results == [TaskResult(returned=2)]


class AsyncCallable:
    async def __call__(self, value: int) -> int:
        return value + 1


def test_an_object_with_an_async_call_is_awaited() -> None:
    results = run_task(AsyncCallable(), [(1, nullcontext())], concurrency=1)

    assert results == [TaskResult(returned=2)]


def test_no_jobs_give_no_results() -> None:
    assert run_task(answer, [], concurrency=4) == []
    assert run_task(answer_async, [], concurrency=4) == []

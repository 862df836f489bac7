"""The router: whose request is this?"""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest
from lab import Lab

from pytest_llmprod.core.judging import judging
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.tape import Tape


@pytest.fixture
def router() -> Iterator[Router]:
    made = Router()
    made.install()
    yield made
    made.leave()
    made.uninstall()


@pytest.fixture
def one(lab: Lab) -> Tape:
    return lab.run().tape("one")


@pytest.fixture
def two(lab: Lab) -> Tape:
    return lab.run().tape("two")


class Asking:
    """A thread that waits for a sign and then asks who owns it."""

    def __init__(self, router: Router) -> None:
        self.owner: Tape | None = None
        self._go = threading.Event()

        def ask() -> None:
            self._go.wait(5)
            self.owner = router.owner()

        self._thread = threading.Thread(target=ask)
        self._thread.start()

    def ask(self) -> Tape | None:
        self._go.set()
        self._thread.join()
        return self.owner


def test_nothing_belongs_to_anybody_before_a_test_and_after_it(router: Router, one: Tape) -> None:
    before = router.owner()
    router.enter(one)
    during = router.owner()
    router.leave()

    assert before is None
    assert during is one
    assert router.owner() is None


def test_a_thread_belongs_to_the_test_that_started_it(router: Router, one: Tape, two: Tape) -> None:
    router.enter(one)
    thread = Asking(router)
    router.leave()
    router.enter(two)

    assert thread.ask() is one


def test_a_thread_of_a_thread_belongs_to_the_same_test(
    router: Router, one: Tape, two: Tape
) -> None:
    inner: list[Asking] = []
    router.enter(one)
    outer = threading.Thread(target=lambda: inner.append(Asking(router)))
    outer.start()
    outer.join()
    router.enter(two)

    assert inner[0].ask() is one


def test_a_thread_keeps_its_test_after_the_test_was_closed(
    router: Router, one: Tape, two: Tape
) -> None:
    router.enter(one)
    thread = Asking(router)
    one.close(finished=True)
    router.leave()
    router.enter(two)

    assert thread.ask() is one


def test_a_thread_from_before_all_tests_belongs_to_the_one_that_runs(
    router: Router, one: Tape, two: Tape
) -> None:
    thread = Asking(router)
    router.enter(one)
    router.leave()
    router.enter(two)

    assert thread.ask() is two


def test_a_job_of_an_executor_belongs_to_the_test_that_submitted_it(
    router: Router, one: Tape, two: Tape
) -> None:
    with ThreadPoolExecutor(1) as pool:
        router.enter(one)
        first = pool.submit(router.owner).result()
        router.enter(two)
        second = pool.submit(router.owner).result()
        mapped = list(pool.map(lambda _: router.owner(), range(2)))

    assert (first, second, mapped) == (one, two, [two, two])


POOL_METHODS = {
    "apply": lambda pool, ask: pool.apply(ask, (0,)),
    "apply_async": lambda pool, ask: pool.apply_async(func=ask, args=(0,)).get(5),
    "map": lambda pool, ask: pool.map(ask, [0])[0],
    "map_async": lambda pool, ask: pool.map_async(ask, [0], chunksize=1).get(5)[0],
    "starmap": lambda pool, ask: pool.starmap(ask, [(0,)])[0],
    "starmap_async": lambda pool, ask: pool.starmap_async(ask, [(0,)]).get(5)[0],
    "imap": lambda pool, ask: next(pool.imap(ask, [0])),
    "imap_unordered": lambda pool, ask: next(pool.imap_unordered(ask, [0])),
}


@pytest.mark.parametrize("method", POOL_METHODS.values(), ids=POOL_METHODS)
def test_a_job_of_a_pool_of_threads_belongs_to_the_test_that_gave_it(
    router: Router, one: Tape, two: Tape, method: Callable[[Any, Any], Any]
) -> None:
    def ask(_: int) -> Tape | None:
        return router.owner()

    router.enter(one)
    with ThreadPool(1) as pool:
        first = method(pool, ask)
        router.enter(two)
        second = method(pool, ask)
        router.leave()
        third = method(pool, ask)

    assert (first, second, third) == (one, two, None)


def test_what_an_ended_test_left_running_fails_the_test_that_runs(
    router: Router, one: Tape, two: Tape
) -> None:
    router.refuse_late(one)
    router.enter(two)
    error = router.refuse_late(one)

    assert two.misses == [str(error)]
    assert one.misses == []


def test_a_job_submitted_outside_of_tests_gets_its_arguments_and_no_owner(router: Router) -> None:
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lambda a, b: (a, b, router.owner()), 1, b=2).result()

    assert result == (1, 2, None)


def test_a_job_of_a_shared_fixture_is_none_of_the_test_that_made_the_thread(
    router: Router, one: Tape, two: Tape
) -> None:
    shared = two
    shared.label = shared.label._replace(is_shared=True)
    with ThreadPoolExecutor(1) as pool:
        router.enter(one)
        with judging():
            was = pool.submit(lambda: (router.owner(), router.asks_for_judge())).result()
        one.close(finished=True)

        router.enter(shared)
        in_fixture = pool.submit(lambda: (router.owner(), router.asks_for_judge())).result()
        router.leave()
        in_none = pool.submit(router.owner).result()

    assert was == (one, True)
    assert in_fixture == (shared, False)
    assert in_none is None


def test_a_job_gets_its_arguments_and_its_errors_come_back(router: Router, one: Tape) -> None:
    router.enter(one)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lambda a, b: (a, b), 1, b=2).result()
        failed = pool.submit(lambda: 1 // 0)

    assert result == (1, 2)
    assert isinstance(failed.exception(), ZeroDivisionError)


def test_tasks_and_their_threads_belong_to_the_test_that_made_them(
    router: Router, one: Tape, two: Tape
) -> None:
    async def owners() -> list[Tape | None]:
        await asyncio.sleep(0)
        return [router.owner(), await asyncio.to_thread(router.owner)]

    async def both() -> list[list[Tape | None]]:
        with router.carrying(one):
            first = asyncio.create_task(owners())
        with router.carrying(two):
            second = asyncio.create_task(owners())
        return list(await asyncio.gather(first, second))

    assert asyncio.run(both()) == [[one, one], [two, two]]


def test_carrying_ends_with_its_block(router: Router, one: Tape, two: Tape) -> None:
    router.enter(one)
    with router.carrying(two):
        inside = router.owner()

    assert inside is two
    assert router.owner() is one


def test_a_loop_that_kept_the_context_of_an_ended_test_serves_the_running_one(
    router: Router, one: Tape, two: Tape
) -> None:
    router.enter(one)
    context = copy_context()
    one.close(finished=True)
    router.leave()
    router.enter(two)

    assert context.run(router.owner) is two


def test_a_task_in_another_thread_keeps_its_ended_test(
    router: Router, one: Tape, two: Tape
) -> None:
    found: list[Tape | None] = []
    router.enter(one)
    context = copy_context()
    one.close(finished=True)
    router.enter(two)
    thread = threading.Thread(target=context.run, args=(lambda: found.append(router.owner()),))
    thread.start()
    thread.join()

    assert found == [one]


def test_threads_that_ended_are_forgotten(router: Router, one: Tape) -> None:
    router.enter(one)
    for _ in range(5):
        Asking(router).ask()
    gc.collect()

    assert len(router._threads) == 0


def test_uninstall_puts_the_originals_back_and_may_be_called_twice() -> None:
    def now() -> list[dict[str, Any]]:
        kinds = (threading.Thread, ThreadPoolExecutor, ThreadPool)
        return [dict(vars(kind)) for kind in kinds]

    before = now()
    router = Router()
    router.install()
    during = now()
    router.uninstall()
    router.uninstall()

    assert during[0] != before[0]
    assert during[1] != before[1]
    assert during[2] != before[2]
    assert now() == before

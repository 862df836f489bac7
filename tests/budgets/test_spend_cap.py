"""The spend cap: what is reserved, settled and refused, also by many processes at once."""

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
import spender
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_llmprod.budgets.spend_cap import FILE_NAME, Refusal, Reservation, SpendCap
from pytest_llmprod.core.errors import BudgetError

CENT = Decimal("0.01")
ONE = Decimal("1.00")


def reserved(cap: SpendCap, worst: Decimal = CENT, **facts: str) -> Reservation:
    answer = cap.reserve(worst, **facts)  # type: ignore[arg-type]  # facts name a purpose
    assert isinstance(answer, Reservation)
    return answer


def test_what_is_reserved_counts_as_spent_until_it_is_settled(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, ONE)

    one, _ = reserved(cap), reserved(cap)
    assert cap.spending().spent_usd == Decimal("0.02")

    cap.settle(one, Decimal("0.004"))
    found = cap.spending()

    assert found.spent_usd == Decimal("0.014")
    assert (found.settled_usd, found.open_usd) == (Decimal("0.004"), CENT)
    assert (found.calls, found.open_calls, found.refused) == (2, 1, 0)


def test_a_call_that_may_pass_the_cap_is_refused_with_the_reason(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path / "new" / "folder", Decimal("0.025"))
    first, second = reserved(cap), reserved(cap)
    cap.settle(second, CENT)
    dear = cap.reserve(Decimal("0.02"))
    reserved(cap, Decimal("0.001"))

    answer = cap.reserve(CENT)

    assert [dear, answer] == [
        Refusal(
            reason="The spend cap of 0.025 USD is reached: the next call may cost up to 0.02 USD, "
            "and 0.005 USD are left."
        ),
        Refusal(
            reason="The spend cap of 0.025 USD is reached: the next call may cost up to 0.01 USD, "
            "and 0.004 USD are left, for 2 calls under way hold 0.011 USD. With "
            "--llm-concurrency=1 a task asks one case at a time."
        ),
    ]
    assert cap.spending().refused == 2

    cap.settle(first, Decimal("0.004"))

    assert isinstance(cap.reserve(CENT), Reservation)


def test_the_last_cent_may_be_spent(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, CENT)

    assert isinstance(cap.reserve(CENT), Reservation)
    assert isinstance(cap.reserve(Decimal("0.000000000001")), Refusal)
    assert isinstance(cap.reserve(Decimal(0)), Reservation)


def test_a_cost_that_nobody_knows_leaves_the_worst_case(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, ONE)

    cap.settle(reserved(cap), None)

    assert cap.spending().spent_usd == CENT


def test_a_second_settlement_changes_nothing(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, ONE)
    one = reserved(cap)
    cap.settle(one, Decimal("0.002"))

    cap.settle(one, Decimal("0.009"))

    assert cap.spending().spent_usd == Decimal("0.002")


def test_a_call_that_cost_more_than_its_worst_case_leaves_less_to_others(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, Decimal("0.03"))

    cap.settle(reserved(cap), Decimal("0.025"))

    assert cap.spending().spent_usd == Decimal("0.025")
    assert isinstance(cap.reserve(CENT), Refusal)


def test_judges_are_told_apart_and_share_the_cap(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, ONE)
    cap.settle(reserved(cap, purpose="judge"), Decimal("0.003"))
    cap.settle(reserved(cap), Decimal("0.001"))

    found = cap.spending()

    assert (found.settled_usd, found.judge_usd) == (Decimal("0.004"), Decimal("0.003"))


def test_a_cap_of_nothing_refuses_all_that_costs(tmp_path: Path) -> None:
    assert isinstance(SpendCap(tmp_path, Decimal(0)).reserve(CENT), Refusal)


AMOUNTS = st.decimals(0, 1, places=15).map(Decimal)


@settings(max_examples=25)  # each makes a file
@given(st.lists(st.tuples(AMOUNTS, st.one_of(st.none(), AMOUNTS)), max_size=8))
def test_sums_are_exact_and_round_against_the_spender(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[Decimal, Decimal | None]]
) -> None:
    cap = SpendCap(tmp_path_factory.mktemp("cap"), Decimal(10))
    spent = Decimal(0)
    for worst, cost in calls:
        cap.settle(reserved(cap, worst), cost)
        spent += worst if cost is None else cost

    found = cap.spending().spent_usd

    assert 0 <= found - spent < Decimal("0.00000000001")
    assert found.as_tuple().exponent >= -12  # type: ignore[operator]  # it is finite


def test_two_processes_of_a_run_must_agree_on_the_cap(tmp_path: Path) -> None:
    SpendCap(tmp_path, ONE)

    with pytest.raises(BudgetError, match=r"a spend cap of 1.00 USD already, .* one of 2.00 USD"):
        SpendCap(tmp_path, Decimal(2))


@pytest.mark.parametrize("cap", ["-1", "NaN", "Infinity", "1000001"])
def test_a_cap_that_is_no_amount_is_told(tmp_path: Path, cap: str) -> None:
    with pytest.raises(BudgetError, match=f"from 0 to 1,000,000 USD, not '{cap}'"):
        SpendCap(tmp_path, Decimal(cap))


@pytest.mark.parametrize("worst", ["-1", "NaN", "Infinity", "1e30"])
def test_a_worst_case_that_is_no_amount_is_refused(tmp_path: Path, worst: str) -> None:
    assert isinstance(SpendCap(tmp_path, ONE).reserve(Decimal(worst)), Refusal)


def test_a_ledger_that_cannot_be_made_is_told_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BudgetError, match=r"cannot be written .*Make the folder writable"):
        SpendCap(tmp_path / "file", ONE)


def test_without_its_ledger_nothing_is_spent(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, ONE)
    one = reserved(cap)
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 100)

    answer = cap.reserve(CENT)

    assert isinstance(answer, Refusal)
    assert "cannot be written" in answer.reason
    with pytest.raises(BudgetError, match=r"its worst case of 0\.01 USD counts as spent"):
        cap.settle(one, CENT)
    with pytest.raises(BudgetError, match="cannot be read"):
        cap.spending()


def test_the_ledger_is_in_wal_mode_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    SpendCap(tmp_path, ONE)

    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    ledger = sqlite3.connect(tmp_path / FILE_NAME)
    assert ledger.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    ledger.close()


def test_threads_share_one_cap(tmp_path: Path) -> None:
    cap = SpendCap(tmp_path, Decimal("0.50"))
    barrier = threading.Barrier(4)

    def spend() -> int:
        barrier.wait()
        return sum(isinstance(cap.reserve(CENT), Reservation) for _ in range(20))

    with ThreadPoolExecutor(4) as pool:
        granted = [future.result() for future in [pool.submit(spend) for _ in range(4)]]

    assert sum(granted) == 50
    assert cap.spending().refused == 30


def start(folder: Path, number: int, attempts: int) -> subprocess.Popen[bytes]:
    log = folder / f"{number}.log"
    arguments = [str(folder), "1.00", str(attempts), str(log)]
    return subprocess.Popen([sys.executable, spender.__file__, *arguments])


def told(folder: Path, what: str) -> list[str]:
    """The numbers of the calls of which the processes say that they were reserved, or settled."""
    lines = [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]
    return [line.split()[1] for line in lines if line.startswith(what) and line.count(" ") == 1]


def test_eight_processes_spend_at_most_the_cap_and_lose_nothing(tmp_path: Path) -> None:
    processes = [start(tmp_path, number, 250) for number in range(8)]
    assert [process.wait() for process in processes] == [0] * 8

    found = SpendCap(tmp_path, ONE).spending()

    assert found.spent_usd <= 1
    assert found.calls + found.refused == 2000
    assert found.spent_usd == found.settled_usd == found.calls * spender.COST
    # It refuses only where what is under way may take the rest.
    assert found.spent_usd > 1 - 8 * spender.WORST
    assert sorted(told(tmp_path, "reserved"), key=int) == [str(n + 1) for n in range(found.calls)]
    assert len(told(tmp_path, "settled")) == found.calls


@pytest.mark.skipif(os.name == "nt", reason="no kill -9 on Windows")
def test_what_a_killed_process_had_reserved_stays_spent(tmp_path: Path) -> None:
    processes = [start(tmp_path, number, 250) for number in range(8)]
    victim = processes[0]
    while len(told(tmp_path, "reserved")) < 40 and victim.poll() is None:
        pass
    victim.kill()
    assert [process.wait() for process in processes[1:]] == [0] * 7

    found = SpendCap(tmp_path, ONE).spending()

    assert victim.wait() == -9
    assert found.spent_usd <= 1
    assert found.open_calls <= 1
    assert found.spent_usd == found.settled_usd + found.open_calls * spender.WORST
    # All that somebody was told is in the ledger; of the killed one it may know one call more.
    assert 0 <= found.calls - len(told(tmp_path, "reserved")) <= 1
    assert len(told(tmp_path, "settled")) <= found.calls - found.open_calls

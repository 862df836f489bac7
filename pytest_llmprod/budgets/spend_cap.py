"""Spend cap: may one more call be paid?

Before a call its worst case is reserved, and afterwards what it cost is settled. All processes of a
run share one ledger, a SQLite file in WAL mode in a folder that they all see; WAL needs them on one
machine. What is reserved counts as spent until it is settled: a process that dies, or an answer
whose cost nobody knows, leaves its whole reservation. So the sum of what was spent never passes the
cap, as long as no call costs more than its worst case.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pytest_llmprod.core.errors import BudgetError
from pytest_llmprod.core.text import counted

FILE_NAME = "spend.sqlite3"
Purpose = Literal["feature", "judge"]

_PICO = Decimal(10) ** 12  # a token at a millionth of a USD for a million of them is one pico-USD
MOST_USD = 1_000_000  # SQLite's whole numbers end at 9.2 million USD
_PATIENCE_S = 30.0  # how long to wait for other processes
_SCHEMA = """
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        cap INTEGER NOT NULL,
        committed INTEGER NOT NULL,
        refused INTEGER NOT NULL
    );
    CREATE TABLE reservations (
        id INTEGER PRIMARY KEY,
        purpose TEXT NOT NULL,
        reserved INTEGER NOT NULL,
        settled INTEGER
    );
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A call that may be made; `id` is its line in the ledger."""

    id: int
    worst_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that must not be made, and why, in one sentence."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Where a cap stands, all in USD.

    `settled_usd` is what settled calls cost, and `judge_usd` the part of it that went to judges.
    `open_usd` is reserved by `open_calls` that are under way or were never settled; it counts as
    spent, too. `refused` is a number of calls.
    """

    cap_usd: Decimal
    settled_usd: Decimal
    judge_usd: Decimal
    open_usd: Decimal
    calls: int
    open_calls: int
    refused: int

    @property
    def spent_usd(self) -> Decimal:
        """Return what is spent, or may be."""
        return self.settled_usd + self.open_usd


class SpendCap:
    """One cap for all processes that open it in the same folder.

    Each operation opens the ledger anew, so that threads and forked processes need no care.
    """

    def __init__(self, folder: Path, cap_usd: Decimal) -> None:
        """Open the ledger in `folder`, or make it.

        Raises BudgetError where the cap is no amount, where the ledger has another cap, or where it
        cannot be written.
        """
        if not cap_usd.is_finite() or not 0 <= cap_usd <= MOST_USD:
            raise BudgetError(
                f"A spend cap must be an amount from 0 to {MOST_USD:,} USD, not {str(cap_usd)!r}."
            )
        self._path = folder / FILE_NAME
        self._cap = int((cap_usd * _PICO).to_integral_value(ROUND_FLOOR))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                self._make()
            self._check()
        except (sqlite3.Error, OSError) as error:
            raise BudgetError(
                f"{self._path}: the ledger of the spend cap cannot be written ({error}). Make the "
                f"folder writable, or delete the file."
            ) from error

    def _make(self) -> None:
        """Make the ledger whole under another name, so that of several makers one is first."""
        beside = self._path.with_name(f"{self._path.name}.{uuid4().hex}")
        try:
            with closing(sqlite3.connect(beside)) as ledger:
                ledger.execute("PRAGMA journal_mode = WAL")
                ledger.executescript(_SCHEMA)
                ledger.execute("INSERT INTO ledger VALUES (1, ?, 0, 0)", (self._cap,))
                ledger.commit()
            with suppress(FileExistsError):
                os.link(beside, self._path)
        finally:
            beside.unlink(missing_ok=True)

    def _check(self) -> None:
        with self._transaction() as ledger:
            (cap,) = ledger.execute("SELECT cap FROM ledger").fetchone()
        if cap != self._cap:
            raise BudgetError(
                f"{self._path}: this run has a spend cap of {_usd(cap)} USD already, and was now "
                f"given one of {_usd(self._cap)} USD. Give all its processes the same."
            )

    def reserve(self, worst_usd: Decimal, *, purpose: Purpose = "feature") -> Reservation | Refusal:
        """Reserve the worst case of one call; after a Refusal the call must not be made.

        Where the ledger cannot be written, nothing may be spent either.
        """
        if not worst_usd.is_finite() or worst_usd < 0:
            return Refusal(reason=f"The worst case of a call is no amount: {str(worst_usd)!r}.")
        worst = int((worst_usd * _PICO).to_integral_value(ROUND_CEILING))
        try:
            with self._transaction() as ledger:
                row = ledger.execute(
                    "UPDATE ledger SET committed = committed + ? WHERE committed + ? <= cap "
                    "RETURNING id",
                    (worst, worst),
                ).fetchone()
                if row is None:
                    return self._refuse(ledger, worst)
                cursor = ledger.execute(
                    "INSERT INTO reservations (purpose, reserved) VALUES (?, ?)", (purpose, worst)
                )
                return Reservation(id=int(cursor.lastrowid or 0), worst_usd=_usd(worst))
        except (sqlite3.Error, OverflowError) as error:
            return Refusal(
                reason=f"The ledger of the spend cap, {self._path}, cannot be written ({error}), "
                f"so nothing more is spent."
            )

    def _refuse(self, ledger: sqlite3.Connection, worst: int) -> Refusal:
        ledger.execute("UPDATE ledger SET refused = refused + 1")
        (left,) = ledger.execute("SELECT cap - committed FROM ledger").fetchone()
        calls, held = ledger.execute(
            "SELECT COUNT(*), COALESCE(SUM(reserved), 0) FROM reservations WHERE settled IS NULL"
        ).fetchone()
        reason = (
            f"The spend cap of {_usd(self._cap)} USD is reached: the next call may cost up "
            f"to {_usd(worst)} USD, and {_usd(left)} USD are left"
        )
        if left < worst <= left + held:
            number = counted(calls, "call")
            reason += f", for {number} under way {'holds' if calls == 1 else 'hold'} {_usd(held)}"
            reason += " USD. With --llm-concurrency=1 a task asks one case at a time"
        return Refusal(reason=f"{reason}.")

    def settle(self, reservation: Reservation, cost_usd: Decimal | None) -> None:
        """Put what a call cost in the place of its worst case.

        None, a cost that nobody knows, leaves the worst case. A call that cost more than that is
        written down as it is, and leaves less to others. A second settlement changes nothing.
        Raises BudgetError where the ledger cannot be written; the worst case then stays.
        """
        if cost_usd is None:
            return
        cost = int((cost_usd * _PICO).to_integral_value(ROUND_CEILING))
        try:
            with self._transaction() as ledger:
                row = ledger.execute(
                    "UPDATE reservations SET settled = ? WHERE id = ? AND settled IS NULL "
                    "RETURNING reserved",
                    (cost, reservation.id),
                ).fetchone()
                if row is not None:
                    ledger.execute("UPDATE ledger SET committed = committed + ?", (cost - row[0],))
        except (sqlite3.Error, OverflowError) as error:
            raise BudgetError(
                f"{self._path}: what a call cost cannot be written down ({error}), so its worst "
                f"case of {reservation.worst_usd} USD counts as spent. Free space on the disk."
            ) from error

    def spending(self) -> Spending:
        """Return where the cap stands; raise BudgetError where the ledger cannot be read."""
        try:
            with self._transaction() as ledger:
                cap, refused = ledger.execute("SELECT cap, refused FROM ledger").fetchone()
                figures = ledger.execute(
                    "SELECT TOTAL(settled IS NOT NULL), TOTAL(settled IS NULL), "
                    "COALESCE(SUM(settled), 0), "
                    "COALESCE(SUM(settled) FILTER (WHERE purpose = 'judge'), 0), "
                    "COALESCE(SUM(reserved) FILTER (WHERE settled IS NULL), 0) FROM reservations"
                ).fetchone()
        except sqlite3.Error as error:
            raise BudgetError(
                f"{self._path}: the ledger of the spend cap cannot be read ({error}). Start a new "
                f"run."
            ) from error
        settled_calls, open_calls, settled, judge, reserved = figures
        return Spending(
            cap_usd=_usd(cap),
            settled_usd=_usd(settled),
            judge_usd=_usd(judge),
            open_usd=_usd(reserved),
            calls=int(settled_calls + open_calls),
            open_calls=int(open_calls),
            refused=refused,
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the ledger while nobody else writes it; what is raised inside undoes all."""
        with closing(sqlite3.connect(self._path, _PATIENCE_S, isolation_level=None)) as ledger:
            # What a killed process wrote stays; only a machine that loses power may lose it.
            ledger.execute("PRAGMA synchronous = OFF")
            ledger.execute("BEGIN IMMEDIATE")
            try:
                yield ledger
            except BaseException:
                ledger.execute("ROLLBACK")
                raise
            ledger.execute("COMMIT")


def _usd(pico: int) -> Decimal:
    value = Decimal(pico) / _PICO
    return value.quantize(Decimal("0.01")) if value == value.quantize(Decimal("0.01")) else value

"""A process that spends under a shared cap: spender.py FOLDER CAP ATTEMPTS LOG.

Each line of the log is written before the money counts as gone: what a reservation may cost.
"""

import sys
from decimal import Decimal
from pathlib import Path

from pytest_llmprod.budgets.spend_cap import Reservation, SpendCap

WORST = Decimal("0.003")
COST = Decimal("0.0015")


def main(folder: str, cap_usd: str, attempts: str, log: str) -> None:
    cap = SpendCap(Path(folder), Decimal(cap_usd))
    with Path(log).open("w") as told:
        for _ in range(int(attempts)):
            answer = cap.reserve(WORST)
            if not isinstance(answer, Reservation):
                continue
            told.write(f"reserved {answer.id}\n")
            told.flush()
            cap.settle(answer, COST)
            told.write(f"settled {answer.id}\n")
            told.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

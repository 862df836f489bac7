"""Ledger: where all processes of a run write down what they spend."""

import shutil
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from pytest_llmprod.budgets.spend_cap import FILE_NAME, SpendCap, Spending
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.settings import Settings

_OURS = ".llmprod"


def open_ledger(rootpath: Path, run_id: str, cap_usd: Decimal) -> SpendCap:
    """Return the cap of a run, the same in each of its processes; raises BudgetError."""
    ignore = rootpath / _OURS / ".gitignore"
    if not ignore.exists():
        with suppress(OSError):  # the ledger says why
            write_whole(ignore, b"*\n")
    return SpendCap(_folder(rootpath, run_id), cap_usd)


def close_ledger(settings: Settings, run_id: str) -> Spending | None:
    """Return what a run spent, and forget it; None where it has no ledger.

    Raises BudgetError where the ledger cannot be read.
    """
    folder = _folder(settings.rootpath, run_id)
    if settings.max_spend_usd is None or not (folder / FILE_NAME).exists():
        return None
    spending = SpendCap(folder, settings.max_spend_usd).spending()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another run may be under way
        folder.parent.rmdir()
    return spending


def _folder(rootpath: Path, run_id: str) -> Path:
    return rootpath / _OURS / "spend" / run_id

"""Purse: by which price lists this process reckons, and who pays for what it sends."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.budgets.cost import Costs
from pytest_llmprod.core.errors import SpendStop
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.tape import Pay, Settle, for_free

if TYPE_CHECKING:
    from pytest_llmprod.composition.spending import Spending


class Purse:
    """The prices of one process, each list read once, and its part of the spend cap."""

    def __init__(
        self,
        settings: Settings,
        run_id: str,
        prices: Callable[[Path], Sequence[Any]],
        stop: type[SpendStop],
    ) -> None:
        """Open nothing yet.

        `prices` returns the price lists that hold in a folder of tests, and `stop` is the class of
        what is raised where a request must not be paid.
        """
        self._settings = settings
        self._run_id = run_id
        self._supplied = prices
        self._stop = stop
        self._prices: dict[Path, Sequence[Any]] = {}

    def price_lists(self, folder: Path) -> Sequence[Any]:
        """Return the price lists that hold for the tests in `folder`; may raise PricesError."""
        if folder not in self._prices:
            self._prices[folder] = self._supplied(folder)
        return self._prices[folder]

    def costs(self, folder: Path) -> Costs:
        """Return what says what the exchanges of a test in `folder` cost."""
        return Costs(lambda: self.price_lists(folder))

    def paying(self, folder: Path, costs: Costs) -> Pay:
        """Return what a tape asks before it sends something; without a cap it asks for nothing."""
        if self._spending is None:
            return for_free
        spending = self._spending

        def pay(request: WireRequest) -> Settle:
            lists = self.price_lists(folder)
            return spending.pay(request, lists, costs.usd)

        return pay

    @cached_property
    def _spending(self) -> "Spending | None":
        cap_usd = self._settings.max_spend_usd
        if cap_usd is None or self._settings.record == "none":
            return None
        # Brings sqlite3: only a cap needs it.
        from pytest_llmprod.composition.ledger import open_ledger
        from pytest_llmprod.composition.spending import Spending

        cap = open_ledger(self._settings.rootpath, self._run_id, cap_usd)
        return Spending(cap, self._stop)

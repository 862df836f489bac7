"""Scorekeeping: the scorecards that a test made or asked something of go onto its report."""

from collections.abc import Generator

import pytest

from pytest_llmprod.core.keeping import Card


class Scorekeeper:
    """Gathers scorecards; registered when the first one is made."""

    def __init__(self) -> None:
        """Make one that has none."""
        self._cards: list[Card] = []

    def take(self, card: Card) -> None:
        """Take a scorecard of the test that runs."""
        if not any(card is each for each in self._cards):
            self._cards.append(card)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the cards on the last report of the test: until then more may be asked of them."""
        report = yield
        if call.when == "teardown" and self._cards:
            rows = [{**card.result().to_json(), "test": item.nodeid} for card in self._cards]
            report.llmprod_scorecards = rows  # type: ignore[attr-defined]  # xdist carries it
            self._cards = []
        return report

"""Trace: what one test left behind, in the plain JSON that travels on its report."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_llmprod.core.exchange import Exchange

Outcome = Literal["hit", "miss", "error", "skip"]


@dataclass(slots=True)
class Trace:
    """Exchanges, scores and the outcome of one test, gathered while it runs."""

    exchanges: list[Exchange] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    outcome: Outcome | None = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain JSON: no Decimal, no object of ours."""
        row: dict[str, Any] = {"outcome": self.outcome}
        if self.why:
            row["why"] = self.why
        if self.scores:
            row["scores"] = dict(self.scores)
        if self.exchanges:
            row["exchanges"] = [exchange.to_row() for exchange in self.exchanges]
        return row

"""Spending: what a live request may cost at most, and whether the run may still pay it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from pytest_llmprod.budgets.prices import usd_text, worst_case_usd
from pytest_llmprod.budgets.spend_cap import Purpose, Refusal, SpendCap
from pytest_llmprod.core.errors import SpendStop
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.text import printable
from pytest_llmprod.wire.dialects.limits import most_output_tokens
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.tape import Settle


class Spending:
    """The money that one process of a run spends, under the cap that all of them share."""

    def __init__(self, cap: SpendCap, stop: type[SpendStop]) -> None:
        """Make one that has spent nothing; `stop` is the class of what it raises."""
        self._cap = cap
        self._stop = stop
        self._why_stopped = ""

    def pay(
        self,
        request: WireRequest,
        price_lists: Sequence[Any],
        cost: Callable[[Exchange], Decimal | None],
    ) -> Settle:
        """Reserve the worst case of a request, and return what settles it.

        Raises SpendStop where that would pass the cap, and for every request after it; also where
        nobody knows what the request may cost.
        """
        if self._why_stopped:
            raise self._stop(self._why_stopped, is_first=False)
        worst = _worst_case_usd(request, price_lists)
        if worst is None:
            raise self._stop(_unknown(request), is_first=True)
        purpose: Purpose = "feature" if request.judged is None else "judge"
        answer = self._cap.reserve(worst, purpose=purpose)
        if isinstance(answer, Refusal):
            self._why_stopped = answer.reason
            raise self._stop(f"{answer.reason}{_advice(request, worst)}", is_first=True)
        return lambda exchange: self._cap.settle(answer, cost(exchange))


def _worst_case_usd(request: WireRequest, price_lists: Sequence[Any]) -> Decimal | None:
    generates = request.dialect is None or request.dialect.generates
    most_output = most_output_tokens(request.document) if generates else 0
    return worst_case_usd(
        price_lists, request.provider, request.model, len(request.body), most_output
    )


def _advice(request: WireRequest, worst: Decimal) -> str:
    if most_output_tokens(request.document) == most_output_tokens(None):
        return (
            f" It sets no limit to its output, which makes {usd_text(worst)} USD: a limit such as "
            f"max_completion_tokens, or a higher cap, lets it pass."
        )
    return ""


def _unknown(request: WireRequest) -> str:
    model, provider = printable(request.model), printable(request.provider)
    return (
        f"The model {model} of {provider} has no price, so --llm-max-spend cannot say what a "
        f"request may cost, and it was not sent. Run `llmprod prices lock "
        f"--model={provider}/{model}`, or write the price into llmprod.prices.toml under "
        f"[[overrides]]."
    )

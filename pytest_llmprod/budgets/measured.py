"""Measured: what budgets have to know of one call of a model."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from pytest_llmprod.budgets.cost import Cost
from pytest_llmprod.core.exchange import (
    Call,
    Exchange,
    Usage,
    calls_of,
    usage_from_json,
    usage_to_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One call of a model, with all its attempts.

    `recording` identifies what was measured: a recording that is replayed often has one identity,
    and every live call its own. `case` names the case that made the call, and `request` the one
    request to the feature, among the repeats of that case, to which it belongs.

    `cost_usd` is the sum of all attempts; it is None where one of them has no price, and `unpriced`
    then says why. `latency_s` and `ttft_s` are those of the last attempt alone, None where nobody
    measured them; `ttft_s` also is where the answer was not streamed. What the tries before it took
    is `retried_s`, and the pauses between them are `backoff_s`. `is_timeout` says
    that no whole answer came, in time or at all: such a call is slower than any bound.
    `recorded_at` is an ISO 8601 time in UTC. `is_judge` says that a metric made the call, and not
    the feature.
    """

    recording: Hashable
    model: str
    cost_usd: Decimal | None
    latency_s: float | None
    case: str = ""
    request: Hashable = None
    without_cache_usd: Decimal | None = None
    unpriced: str = ""
    ttft_s: float | None = None
    usage: Usage | None = None
    retries: int = 0
    retried_s: float = 0.0
    backoff_s: float = 0.0
    is_timeout: bool = False
    is_replayed: bool = False
    recorded_at: str = ""
    is_judge: bool = False

    def to_row(self) -> dict[str, Any]:
        """Return the call as plain JSON, without what is as it mostly is, case and request."""
        row: dict[str, Any] = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in ("case", "request") and getattr(self, each.name) != each.default
        }
        for name in _MONEY:
            if row.get(name) is not None:
                row[name] = str(row[name])
        if self.usage is not None:
            row["usage"] = usage_to_json(self.usage)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any], *, case: str, request: Hashable) -> "Measured":
        """Return the call of which `to_row` told."""
        values = dict(row)
        for name in _MONEY:
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        if "usage" in values:
            values["usage"] = usage_from_json(values["usage"])
        if isinstance(values["recording"], list):  # a tuple, before JSON had it
            values["recording"] = tuple(values["recording"])
        return cls(**values, case=case, request=request)


_MONEY = ("cost_usd", "without_cache_usd")


def measure(
    exchanges: Iterable[Exchange],
    cost: Callable[[Exchange], Cost | None],
    *,
    case: str = "",
    request: Hashable = None,
    is_judge: bool = False,
) -> list[Measured]:
    """Return the calls that the exchanges of one test make up, in order.

    `cost` returns what one exchange cost, and None where nobody knows.
    """
    return [_measured(call, cost, case, request, is_judge) for call in calls_of(exchanges)]


def _measured(
    call: Call,
    cost: Callable[[Exchange], Cost | None],
    case: str,
    request: Hashable,
    is_judge: bool,
) -> Measured:
    last = call.last
    priced = [cost(each) for each in call.attempts]
    known = [each for each in priced if each is not None]
    is_priced = len(known) == len(priced)
    return Measured(
        recording=(last.key, last.recorded_at, round(last.latency_s, 6)),
        model=last.model or last.model_requested,
        cost_usd=sum((each.usd for each in known), Decimal(0)) if is_priced else None,
        latency_s=last.latency_s or None,  # a foreign recording has none
        case=case,
        request=request,
        without_cache_usd=(
            sum((each.without_cache_usd for each in known), Decimal(0)) if is_priced else None
        ),
        unpriced="" if is_priced else _why_unpriced(call),
        ttft_s=last.ttft_s or None,
        usage=_usage(call),
        retries=len(call.attempts) - 1,
        retried_s=sum(each.latency_s for each in call.attempts[:-1]),
        backoff_s=call.backoff_s,
        is_timeout=last.is_outage,
        is_replayed=last.replayed,
        recorded_at=last.recorded_at,
        is_judge=is_judge,
    )


def _why_unpriced(call: Call) -> str:
    is_counted = all(each.usage is not None or each.is_free for each in call.attempts)
    return "no price" if is_counted else "no usage"


def _usage(call: Call) -> Usage | None:
    """Return the tokens of all attempts, None where one of them does not tell its own."""
    total = Usage(input_tokens=0, output_tokens=0)
    for each in call.attempts:
        if each.usage is None and not each.is_free:
            return None
        if each.usage is not None:
            total = _sum(total, each.usage)
    return total


def _sum(one: Usage, two: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens + two.input_tokens,
        output_tokens=one.output_tokens + two.output_tokens,
        cache_read_tokens=one.cache_read_tokens + two.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + two.cache_write_tokens,
        reasoning_tokens=one.reasoning_tokens + two.reasoning_tokens,
        input_audio_tokens=one.input_audio_tokens + two.input_audio_tokens,
        output_audio_tokens=one.output_audio_tokens + two.output_audio_tokens,
    )

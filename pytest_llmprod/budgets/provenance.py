"""Provenance: were calls live or replayed, when were they recorded, and what stands apart?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pytest_llmprod.budgets.measured import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the figures of some calls came from.

    `live` calls were made in this run. `replayed` ones have the times of their recordings, made
    between `first` and `last`, two dates that are empty where none tells. `stale` counts those that
    are older than they may be, or tell no date. `retries`, `retried_s` and `backoff_s` are what
    stands apart from the latency.
    """

    live: int
    replayed: int
    first: str
    last: str
    stale: int
    retries: int
    retried_s: float
    backoff_s: float


def provenance(
    calls: Sequence[Measured], *, now: datetime, max_age_days: int | None = None
) -> Provenance:
    """Return where the figures of `calls` came from; nothing is stale where no age is given."""
    replayed = [each for each in calls if each.is_replayed]
    dates = sorted(each.recorded_at for each in replayed if each.recorded_at)
    stale = 0
    if max_age_days is not None:
        oldest = now - timedelta(days=max_age_days)
        stale = sum(_is_older(each.recorded_at, oldest) for each in replayed)
    return Provenance(
        live=len(calls) - len(replayed),
        replayed=len(replayed),
        first=dates[0][:10] if dates else "",
        last=dates[-1][:10] if dates else "",
        stale=stale,
        retries=sum(each.retries for each in calls),
        retried_s=sum(each.retried_s for each in calls),
        backoff_s=sum(each.backoff_s for each in calls),
    )


def _is_older(recorded_at: str, oldest: datetime) -> bool:
    try:
        when = datetime.fromisoformat(recorded_at)
    except ValueError:  # nobody knows how old it is
        return True
    return (when if when.tzinfo else when.replace(tzinfo=UTC)) < oldest

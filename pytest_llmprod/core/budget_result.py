"""Budget result: what became of a budget, and what a feature will cost in a month."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from pytest_llmprod.core.verdict import VerdictName

Scope = Literal["test", "feature", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthResult:
    """What a feature costs in a month, in USD, if its requests are like those of this run.

    `interval_usd` has 95 % confidence; it is None where there are too few cases, and its upper end
    is infinite where they differ too much to say. `without_cache_usd` is the figure without prompt
    cache, None where nobody knows, and `dearer_usd` the one at prices that are 20 % higher.
    `retry_rate` is how many tries again there were for each call; they are in the costs.
    `monthly_usd` is None where `why_unknown` says why nobody knows it.
    """

    feature: str
    model: str
    requests_per_month: int
    cases: int = 0
    monthly_usd: Decimal | None = None
    interval_usd: tuple[Decimal, Decimal] | None = None
    without_cache_usd: Decimal | None = None
    dearer_usd: Decimal | None = None
    retry_rate: float = 0.0
    why_unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetResult:
    """One budget of a test function, of a feature or of the whole run, with its verdict.

    `budget` is its text, and `name` that of the test function or the feature, '' for the run.
    `model` is the one that it was judged for in a run of several, '' in any other. `observed` and
    `bound` are in `unit`: USD, s or ''. `observed` is infinite where a call got no answer, and None
    where there is no figure. `calls` were judged, of which `samples` are different recordings;
    those of judges count apart. `unpriced` maps model -> calls without a price.

    `source` says whether the calls were `live`, `replayed` or `partly live`, and `recorded` holds
    the days of the oldest and the newest recording, which are '' where none tells. `stale`
    recordings are older than they may be. What the tries before the last one took is `retried_s`,
    and the pauses between them `backoff_s`: no latency holds them.
    """

    nodeid: str
    budget: str
    scope: Scope
    name: str
    model: str
    verdict: VerdictName
    reason: str
    observed: Decimal | None
    bound: Decimal
    unit: str
    calls: int
    samples: int
    source: str
    recorded: tuple[str, str]
    stale: int = 0
    retries: int = 0
    retried_s: float = 0.0
    backoff_s: float = 0.0
    unpriced: Mapping[str, int] = field(default_factory=dict)
    judge_calls: int = 0
    judge_usd: Decimal = Decimal(0)

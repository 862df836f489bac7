"""Budget: do the calls of a run keep a bound, and how sure is that?"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pytest_llmprod.budgets import percentiles
from pytest_llmprod.budgets.expression import Expression, Quantity
from pytest_llmprod.budgets.figures import FIGURES, figure_text
from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.budgets.prices import usd_text
from pytest_llmprod.budgets.projection import FEWEST_CASES, Asked, Projection, project
from pytest_llmprod.budgets.provenance import Provenance, provenance
from pytest_llmprod.core.errors import BudgetError
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.core.verdict import VerdictName

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A bound, and for a reader to what it applies, such as `feature ticket-triage`.

    `requests_per_month` is the traffic of the feature, which only a monthly budget needs.
    """

    expression: Expression
    applies_to: str = ""
    requests_per_month: int | None = None

    def __post_init__(self) -> None:
        """Raise BudgetError where a monthly budget does not know its traffic."""
        if self.expression.function == "monthly" and not self.requests_per_month:
            raise BudgetError(
                f"The budget '{self.expression}' needs to know how many requests the feature gets "
                f"in a month, one or more. Set requests_per_month of the feature."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a budget, with the reason in one sentence.

    `observed` is the figure to which the bound applies, in its unit: USD, seconds or pieces, the
    largest one where each call is judged. It is infinite where a call got no answer, and None where
    there is no figure. `calls` were judged, of which `samples` are different recordings; calls of
    judges are apart, and `judge_usd` leaves those without a price out. `unpriced` names the models
    of calls without a price. `projection` is there for a monthly budget whose calls all have one.
    """

    budget: Budget
    verdict: VerdictName
    reason: str
    observed: Decimal | None
    calls: int
    samples: int
    unpriced: Mapping[str, int]
    provenance: Provenance
    judge_calls: int
    judge_usd: Decimal
    projection: Projection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    verdict: VerdictName
    reason: str
    observed: Decimal | None = None
    projection: Projection | None = None


def judge(
    budget: Budget,
    measured: Iterable[Measured],
    *,
    now: datetime,
    max_age_days: int | None = None,
    seed: int = 0,
) -> Result:
    """Judge `measured`, all calls to which `budget` applies, those of judges included.

    Recordings older than `max_age_days` are stale: that is told, and changes no verdict. `seed` is
    that of the interval of a monthly budget.
    """
    everything = list(measured)
    calls = [each for each in everything if not each.is_judge]
    judges = [each for each in everything if each.is_judge]
    unpriced: Counter[str] = Counter()
    if budget.expression.quantity == "cost":
        unpriced.update(each.model for each in calls if each.cost_usd is None)
    found = _no_price(calls, unpriced) if unpriced else _judged(budget, calls, seed)
    return Result(
        budget=budget,
        verdict=found.verdict,
        reason=found.reason,
        observed=found.observed,
        calls=len(calls),
        samples=len({each.recording for each in calls}),
        unpriced=dict(sorted(unpriced.items())),
        provenance=provenance(calls, now=now, max_age_days=max_age_days),
        judge_calls=len(judges),
        judge_usd=sum((each.cost_usd or Decimal(0) for each in judges), Decimal(0)),
        projection=found.projection,
    )


def _no_price(calls: Sequence[Measured], unpriced: Counter[str]) -> _Finding:
    """A sum that lacks something keeps no bound: what is unknown is not free."""
    names = [
        f"{shorten(printable(model), 40) or 'a model without a name'} ({number})"
        for model, number in unpriced.most_common(_MOST_NAMES)
    ]
    more = len(unpriced) - len(names)
    others = f" and {counted(more, 'other model')}" if more else ""
    whys = sorted({each.unpriced for each in calls if each.cost_usd is None and each.unpriced})
    why = f" ({', '.join(whys)})" if whys else ""
    have = "has" if unpriced.total() == 1 else "have"
    cure = "; run llmprod prices lock" if "no price" in whys else ""
    return _Finding(
        verdict="FAIL",
        reason=f"{unpriced.total():,} of {counted(len(calls), 'call')} {have} no known cost{why}: "
        f"{', '.join(names)}{others}{cure}",
    )


def _judged(budget: Budget, calls: Sequence[Measured], seed: int) -> _Finding:
    expression = budget.expression
    if expression.function == "count":
        return _compared(expression, Decimal(len(calls)))
    if not calls:
        return _Finding(verdict="INCONCLUSIVE", reason="no call was made")
    asked = [each for each in calls if _has(expression.quantity, each)]
    if not asked:
        return _Finding(verdict="INCONCLUSIVE", reason="no time to the first token was measured")
    if expression.function == "monthly":
        return _monthly(budget, asked, seed)
    figures = [(each.recording, FIGURES[expression.quantity](each)) for each in asked]
    known = [(recording, figure) for recording, figure in figures if figure is not None]
    missing = len(figures) - len(known)
    if not known:
        return _Finding(verdict="INCONCLUSIVE", reason=_untold(missing, expression.quantity))
    if expression.percent is not None:
        found = _percentile(expression, expression.percent, percentiles.distinct(known))
    else:
        found = _whole(expression, [figure for _, figure in known])
    # What is missing may change every figure, and mends none that only grows with it.
    only_grows = expression.function in ("each", "max", "sum")
    if missing and not (found.verdict == "FAIL" and only_grows):
        reason = _untold(missing, expression.quantity)
        return _Finding(verdict="INCONCLUSIVE", reason=reason, observed=found.observed)
    return found


def _untold(missing: int, quantity: Quantity) -> str:
    return f"{counted(missing, 'call')} without {quantity.partition('.')[0]}"


def _has(quantity: Quantity, call: Measured) -> bool:
    return quantity != "ttft" or call.ttft_s is not None or call.is_timeout


def _whole(expression: Expression, figures: Sequence[Decimal]) -> _Finding:
    """Judge a figure of all calls, or each call by itself."""
    total = sum(figures, Decimal(0))
    if expression.function == "sum":
        return _compared(expression, total)
    if expression.function == "mean":
        return _compared(expression, total / len(figures))
    if expression.function == "max":
        return _compared(expression, max(figures))
    largest = max(figures)
    broken = sum(not expression.holds(figure) for figure in figures)
    text = figure_text(expression.quantity, largest)
    if broken:
        reason = f"{broken:,} of {counted(len(figures), 'call')} break it, up to {text}"
        return _Finding(verdict="FAIL", reason=reason, observed=largest)
    reason = f"all of {counted(len(figures), 'call')} keep it, up to {text}"
    return _Finding(verdict="PASS", reason=reason, observed=largest)


def _compared(expression: Expression, observed: Decimal) -> _Finding:
    text = figure_text(expression.quantity, observed)
    return _Finding(
        verdict="PASS" if expression.holds(observed) else "FAIL",
        reason=f"it is {text}",
        observed=observed,
    )


def _percentile(expression: Expression, percent: int, samples: Sequence[Decimal]) -> _Finding:
    found = percentiles.estimate(samples, percent)
    exceeding = sum(not expression.holds(sample) for sample in samples)
    verdict = percentiles.verdict(len(samples), exceeding, percent)
    reason = (
        f"it is {figure_text(expression.quantity, found.value)} in "
        f"{counted(len(samples), 'sample')}, of which {exceeding:,} break it"
    )
    if verdict == "INCONCLUSIVE":
        reason += f"; a PASS needs {percentiles.needed(exceeding, percent):,} with no more of these"
    return _Finding(verdict=verdict, reason=reason, observed=found.value)


def _monthly(budget: Budget, calls: Sequence[Measured], seed: int) -> _Finding:
    projection = project(_requests(calls), budget.requests_per_month or 0, seed=seed)
    reason = f"it is {usd_text(projection.monthly_usd)} USD"
    verdict: VerdictName = "INCONCLUSIVE"
    if projection.interval_usd is None:
        number = counted(projection.cases, "case")
        reason += f" from {number}; an interval needs {FEWEST_CASES} different ones"
    else:
        low, high = projection.interval_usd
        reason += f", between {usd_text(low)} and {usd_text(high)} USD with 95 % confidence"
        if budget.expression.holds(high):
            verdict = "PASS"
        elif not budget.expression.holds(low):
            verdict = "FAIL"
    return _Finding(
        verdict=verdict, reason=reason, observed=projection.monthly_usd, projection=projection
    )


def _requests(calls: Sequence[Measured]) -> list[Asked]:
    """Return the requests to the feature that these calls make up; all of them have a price."""
    by_request: dict[Hashable, list[Measured]] = {}
    for number, call in enumerate(calls):
        is_known = bool(call.case) or call.request is not None
        key: Hashable = (call.case, call.request) if is_known else number
        by_request.setdefault(key, []).append(call)
    asked = []
    for key, each in by_request.items():
        uncached = [call.without_cache_usd for call in each if call.without_cache_usd is not None]
        asked.append(
            Asked(
                case=each[0].case or key,
                cost_usd=sum((call.cost_usd or Decimal(0) for call in each), Decimal(0)),
                without_cache_usd=(
                    sum(uncached, Decimal(0)) if len(uncached) == len(each) else None
                ),
                calls=len(each),
                retries=sum(call.retries for call in each),
            )
        )
    return asked

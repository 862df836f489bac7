"""Scorecard: how a guardrail did on many texts, as a record that reports print and files keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pytest_llmprod.core.intervals import clopper_pearson, more_until

#: What is counted, and whether much of it is good.
RATES: Mapping[str, bool] = {
    "recall": True,  # of planted values: nothing is left of them; of attacks: they are flagged
    "false positives": False,  # of texts without anything to find: they are changed, or flagged
    "over-redaction": False,  # of documents: words go that are nobody's data
    "idempotence": True,  # of documents: redacted twice they are as redacted once
    "stability": True,  # of documents: in two parts they leak no more than whole
}
#: How sure each bound of a rate is, for itself.
CONFIDENCE = 0.95
Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many of so many: `hits` counts what the rate is named for, a key of RATES.

    `facet` and `value` say of which cases, `kind` and `card` for instance; both are "" for all.
    """

    name: str
    hits: int
    of: int
    facet: str = ""
    value: str = ""

    @property
    def share(self) -> float:
        """Return the share of hits, 0..1."""
        return self.hits / self.of

    @property
    def misses(self) -> int:
        """Return how many cases are as they should not be."""
        return self.of - self.hits if RATES[self.name] else self.hits

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the exact bounds (Clopper and Pearson 1934), each of which holds with 95 %."""
        return clopper_pearson(self.hits, self.of, 2 * CONFIDENCE - 1)

    @property
    def bound(self) -> float:
        """Return the bound that a gate looks at: how bad the rate may still be."""
        return self.bounds[0] if RATES[self.name] else self.bounds[1]


def cases_needed(rate: str, wanted: float, misses: int = 0) -> int | None:
    """Return how many cases show that a rate is as good as `wanted`, with so many misses in them.

    None where no number of cases would: a bound never reaches 1 or 0.

    >>> cases_needed("recall", 0.95)
    59
    """
    good = wanted if RATES[rate] else 1 - wanted

    def is_shown(cases: int) -> bool:
        return clopper_pearson(cases - misses, cases, 2 * CONFIDENCE - 1)[0] >= good

    more = more_until(is_shown, misses)
    return None if more is None else misses + more


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What was asked of a rate: that its bound is no worse than `wanted`, a share in 0..1.

    INCONCLUSIVE says that the share itself would do, and the cases are too few to show it.
    """

    rate: Rate
    wanted: float

    @property
    def verdict(self) -> Verdict:
        """Return what came of it."""
        if self._is_met_by(self.rate.bound):
            return "PASS"
        return "INCONCLUSIVE" if self._is_met_by(self.rate.share) else "FAIL"

    def _is_met_by(self, share: float) -> bool:
        return share >= self.wanted if RATES[self.rate.name] else share <= self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """What a new version of a guardrail does otherwise than an old one, case by case.

    `broken` cases only the old one got right, `mended` only the new one, of `of`. `p_value` is that
    of McNemar's exact test, and `is_worse` says that the new one is, with 95 % confidence.
    """

    rate: str
    old: str
    broken: int
    mended: int
    of: int
    p_value: float
    is_worse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardResult:
    """How one guardrail did in one test.

    `rates` begin with those of all cases. `left` says what was left where, without telling it.
    `test` is the node id of the test.
    """

    name: str
    rates: tuple[Rate, ...]
    gates: tuple[Gate, ...] = ()
    pairs: tuple[Paired, ...] = ()
    left: tuple[str, ...] = ()
    test: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON, with what is worked out beside what was counted."""
        return {
            "name": self.name,
            "test": self.test,
            "rates": [_rate_row(rate) for rate in self.rates],
            "gates": [
                {**_rate_row(gate.rate), "wanted": gate.wanted, "verdict": gate.verdict}
                for gate in self.gates
            ],
            "pairs": [asdict(pair) for pair in self.pairs],
            "left": list(self.left),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "ScorecardResult":
        """Return the result that `to_json` wrote."""
        return cls(
            name=row["name"],
            test=row["test"],
            rates=tuple(map(_rate, row["rates"])),
            gates=tuple(Gate(rate=_rate(each), wanted=each["wanted"]) for each in row["gates"]),
            pairs=tuple(Paired(**each) for each in row["pairs"]),
            left=tuple(row["left"]),
        )


def _rate_row(rate: Rate) -> dict[str, Any]:
    return {
        "rate": rate.name,
        "facet": rate.facet,
        "value": rate.value,
        "hits": rate.hits,
        "of": rate.of,
        "share": rate.share,
        "bounds": list(rate.bounds),
    }


def _rate(row: Mapping[str, Any]) -> Rate:
    return Rate(
        name=row["rate"],
        hits=row["hits"],
        of=row["of"],
        facet=row["facet"],
        value=row["value"],
    )

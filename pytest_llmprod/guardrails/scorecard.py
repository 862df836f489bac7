"""Scorecards: what a guardrail got right of many texts, what that shows, and gates on it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_llmprod.core.keeping import keep
from pytest_llmprod.core.mcnemar import mcnemar_exact
from pytest_llmprod.core.scorecard import (
    CONFIDENCE,
    RATES,
    Gate,
    Paired,
    Rate,
    ScorecardResult,
    cases_needed,
)

_MOST_LEFT = 5
_ALL = ("", "")

Facets = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One thing that was looked at: whether it is a hit of a rate, a key of RATES.

    `number` is the place of its text in the list that was scored, from 0, and `digest` tells the
    text from others. `left` says in words what was left of a value, without telling it.
    """

    rate: str
    is_hit: bool
    number: int
    digest: str
    facets: tuple[tuple[str, str], ...] = ()
    left: str = ""

    @property
    def is_right(self) -> bool:
        """Say whether it is as it should be."""
        return self.is_hit is RATES[self.rate]


def pairs_of(facets: Facets) -> tuple[tuple[str, str], ...]:
    """Return facets as pairs; one that has several values gives as many."""
    return tuple(
        (facet, value)
        for facet, values in facets.items()
        for value in ((values,) if isinstance(values, str) else values)
    )


def digest_of(text: str) -> str:
    """Return what tells a text from others."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What a new version of a guardrail gets wrong, or right, that the old one did not.

    `broken` and `mended` hold the places of the texts in the list that both were scored on.
    """

    paired: Paired
    broken: tuple[int, ...]
    mended: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Scorecard:
    """How a guardrail did; what `score_redactor` and `score_detector` return.

    In a test it also goes into the summary and the reports, with the gates and comparisons that
    were asked of it.
    """

    name: str
    observations: tuple[Observation, ...]
    _gates: list[Gate] = field(default_factory=list)
    _pairs: list[Paired] = field(default_factory=list)
    _rates: dict[tuple[str, str, str], Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count, and hand the card to the test that runs."""
        hits: Counter[tuple[str, str, str]] = Counter()
        seen: Counter[tuple[str, str, str]] = Counter()
        for each in self.observations:
            for pair in (_ALL, *each.facets):
                seen[(each.rate, *pair)] += 1
                hits[(each.rate, *pair)] += each.is_hit
        for name, facet, value in seen:
            key = (name, facet, value)
            self._rates[key] = Rate(
                name=name, hits=hits[key], of=seen[key], facet=facet, value=value
            )
        keep(self)

    def __repr__(self) -> str:
        rates = ", ".join(f"{rate.name} {rate.hits} of {rate.of}" for rate in self._whole())
        return f"<Scorecard of {self.name}: {rates}>"

    def rate(self, name: str = "recall", **facet: str) -> Rate:
        """Return one rate, of all cases or of those with a facet: `card.rate(kind="card")`.

        Raises KeyError where no case is of it, and TypeError where more than one facet is given.
        """
        if len(facet) > 1:
            raise TypeError(f"rate() is of one facet, and was given {', '.join(facet)}.")
        key, value = next(iter(facet.items()), _ALL)
        rate = self._rates.get((name, key, value))
        if rate is None:
            said = f" with {key}={value!r}" if facet else ""
            raise KeyError(f"the scorecard of {self.name} has no {name}{said}")
        return rate

    def rates(self, name: str, facet: str) -> list[Rate]:
        """Return a rate for each value of a facet, in the order of the values."""
        own = [rate for rate in self._rates.values() if (rate.name, rate.facet) == (name, facet)]
        return sorted(own, key=lambda rate: rate.value)

    def failures(self, name: str = "recall") -> list[int]:
        """Return the places of the texts for which a rate is not as it should be."""
        return list(dict.fromkeys(each.number for each in self._of(name) if not each.is_right))

    def assert_bounds(
        self,
        *,
        recall: float | None = None,
        false_positives: float | None = None,
        over_redaction: float | None = None,
        idempotence: float | None = None,
        stability: float | None = None,
        each: str = "",
    ) -> None:
        """Raise AssertionError unless rates are shown to be as good as these shares in 0..1.

        What counts is how bad a rate may still be with 95 % confidence, and not what was counted.
        `each` names a facet, such as "kind": then each of its values has to show the same. Raises
        ValueError for what is no such share, and for one that every guardrail shows.
        """
        __tracebackhide__ = True
        wanted = {
            "recall": recall,
            "false positives": false_positives,
            "over-redaction": over_redaction,
            "idempotence": idempotence,
            "stability": stability,
        }
        gates = [
            Gate(rate=rate, wanted=_checked(name, share))
            for name, share in wanted.items()
            if share is not None
            for rate in self._asked(name, each)
        ]
        if not gates:
            raise ValueError("assert_bounds() asks for nothing. Write assert_bounds(recall=0.95).")
        self._gates += gates
        keep(self)
        failed = [gate for gate in gates if gate.verdict != "PASS"]
        if failed:
            raise AssertionError(self._told(failed))

    def compare(self, old: "Scorecard") -> dict[str, Broken]:
        """Return for each rate what this version does otherwise than an old one on the same texts.

        Raises ValueError where the two were not scored on one list.
        """
        names = [name for name in RATES if self._of(name) and old._of(name)]
        found = {name: _compared(name, old, self) for name in names}
        self._pairs += [each.paired for each in found.values()]
        keep(self)
        return found

    def result(self) -> ScorecardResult:
        """Return the record that reports print."""
        names = list(RATES)
        by_facet = sorted(
            self._rates.values(),
            key=lambda rate: (rate.facet, rate.value, names.index(rate.name)),
        )
        return ScorecardResult(
            name=self.name,
            rates=tuple(by_facet),
            gates=tuple(self._gates),
            pairs=tuple(self._pairs),
            left=self._left(),
        )

    def _of(self, name: str) -> list[Observation]:
        return [each for each in self.observations if each.rate == name]

    def _asked(self, name: str, facet: str) -> list[Rate]:
        """Return the rates that a gate asks for; raise ValueError where there are none."""
        if not self._of(name):
            missing = "benign= texts" if name == "false positives" else "documents that it is of"
            raise ValueError(f"nothing was scored for {name!r}. Give {missing} to the function.")
        found = self.rates(name, facet) if facet else [self.rate(name)]
        if not found:
            facets = sorted({key for rate, key, _ in self._rates if rate == name and key})
            raise ValueError(f"each={facet!r}: {name} has the facets {', '.join(facets) or 'none'}")
        return found

    def _whole(self) -> list[Rate]:
        return [self._rates[(name, *_ALL)] for name in RATES if (name, *_ALL) in self._rates]

    def _left(self) -> tuple[str, ...]:
        return tuple(f"{each.number}: {each.left}" for each in self.observations if each.left)

    def _told(self, failed: Iterable[Gate]) -> str:
        lines = [f"{self.name} does not show what was asked of it:"]
        lines += [f"- {told_gate(gate)}" for gate in failed]
        left = self._left()
        if left:
            lines.append("Left in documents, by their place in the list:")
            lines += [f"  {each}" for each in left[:_MOST_LEFT]]
            if len(left) > _MOST_LEFT:
                lines.append(f"  and {len(left) - _MOST_LEFT} more")
        return "\n".join(lines)


def _checked(name: str, wanted: float) -> float:
    """Return what is asked of a rate; raise ValueError where it is no share that can be missed."""
    if not 0 <= wanted <= 1:
        raise ValueError(f"{name} is a share in 0..1, 0.95 for 95 %, and not {wanted!r}.")
    if wanted == (0 if RATES[name] else 1):
        raise ValueError(f"{name} of {wanted:g} asks for nothing: every guardrail shows it.")
    return wanted


def told_gate(gate: Gate) -> str:
    """Return in words what a gate asks, what was found, and how many cases would show it."""
    rate = gate.rate
    where = f" of {rate.facet} {rate.value}" if rate.facet else ""
    side = "at least" if RATES[rate.name] else "at most"
    text = (
        f"{rate.name}{where}: {rate.hits} of {rate.of} = {rate.share:.1%}, which shows {side} "
        f"{rate.bound:.1%}; {side} {gate.wanted:.1%} was asked"
    )
    if gate.verdict != "INCONCLUSIVE":
        return text
    needed = cases_needed(rate.name, gate.wanted, rate.misses)
    if needed is None:
        return f"{text} (no number of cases can show that)"
    if rate.misses:
        return f"{text} (with {rate.misses} wrong, need {needed:,} cases)"
    return f"{text} (need {needed:,} clean cases)"


def _compared(name: str, old: Scorecard, new: Scorecard) -> Broken:
    before, after = old._of(name), new._of(name)
    keys = [[(each.number, each.digest, each.facets) for each in own] for own in (before, after)]
    if keys[0] != keys[1]:
        raise ValueError(
            f"{old.name} and {new.name} were not scored on the same texts. Make one list, and "
            f"score both versions on it."
        )
    pairs = list(zip(before, after, strict=True))
    broken = [now.number for then, now in pairs if then.is_right and not now.is_right]
    mended = [now.number for then, now in pairs if now.is_right and not then.is_right]
    worse = mcnemar_exact(len(broken), len(mended), "less")
    paired = Paired(
        rate=name,
        old=old.name,
        broken=len(broken),
        mended=len(mended),
        of=len(pairs),
        p_value=mcnemar_exact(len(broken), len(mended)),
        is_worse=worse < 1 - CONFIDENCE,
    )
    return Broken(paired=paired, broken=tuple(broken), mended=tuple(mended))

"""Comparison: two cassettes or two folders of them, pair by pair, with what they cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets import prices
from pytest_llmprod.budgets.prices import PriceList
from pytest_llmprod.composition.billing import request_of
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.exchange import usage_to_json
from pytest_llmprod.wire.cassettes import any_cassette, folders
from pytest_llmprod.wire.comparing import pairing
from pytest_llmprod.wire.comparing.behaviour import Behaviour, Difference, behaviour_of, compare
from pytest_llmprod.wire.dialects import BUILT_IN
from pytest_llmprod.wire.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A recording of one side; `cost_usd` is None where it has no price."""

    recording: Recording
    behaviour: Behaviour
    cost_usd: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """Return what a script wants to know of this side."""
        recording = self.recording
        return {
            "case": recording.case,
            "model": recording.model,
            "status": recording.status,
            "text": self.behaviour.answer.text,
            "usage": usage_to_json(recording.usage) if recording.usage else None,
            "cost_usd": None if self.cost_usd is None else str(self.cost_usd),
            "latency_s": recording.latency_s,
            "ttft_s": recording.ttft_s,
            "recorded_at": recording.recorded_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two recordings that answer one question."""

    old: Side
    new: Side
    difference: Difference

    @property
    def case(self) -> str:
        """Return the case that both belong to; vcrpy's cassettes name none."""
        return self.old.recording.case or self.new.recording.case

    def to_json(self) -> dict[str, Any]:
        """Return all that differs, behaviour first, and both sides."""
        return {
            "case": self.case,
            "verdict": self.difference.likeness,
            "is_by_another_model": self.difference.is_by_another_model,
            "changes": [change.to_json() for change in self.difference.changes],
            "old": self.old.to_json(),
            "new": self.new.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two cassettes of one name; `name` is empty where two files were named."""

    name: str
    pairs: tuple[Compared, ...]
    only_old: tuple[Side, ...]
    only_new: tuple[Side, ...]

    def to_json(self) -> dict[str, Any]:
        """Return every pair and what only one side holds."""
        return {
            "name": self.name,
            "pairs": [each.to_json() for each in self.pairs],
            "only_in_old": [each.to_json() for each in self.only_old],
            "only_in_new": [each.to_json() for each in self.only_new],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many pairs there are of each likeness, and how many recordings without a partner."""

    pairs: int
    same: int
    text: int
    behaviour: int
    only_in_old: int
    only_in_new: int
    by_another_model: int

    @property
    def is_finding(self) -> bool:
        """Say whether somebody has to look: a program would notice, or a partner is missing."""
        return bool(self.behaviour or self.only_in_old or self.only_in_new)


def count(comparisons: Sequence[Comparison]) -> Counts:
    """Return the counts over all cassettes."""
    differences = [pair.difference for each in comparisons for pair in each.pairs]
    likeness = Counter(difference.likeness for difference in differences)
    return Counts(
        pairs=len(differences),
        same=likeness["same"],
        text=likeness["text"],
        behaviour=likeness["behaviour"],
        only_in_old=sum(len(each.only_old) for each in comparisons),
        only_in_new=sum(len(each.only_new) for each in comparisons),
        by_another_model=sum(difference.is_by_another_model for difference in differences),
    )


def compare_cassettes(old: Path, new: Path) -> list[Comparison]:
    """Compare two cassettes, or the cassettes of equal names in two folders.

    A cassette that only one folder has stands there with its recordings unpaired. Raises
    CassetteError where a cassette cannot be read, or where the folders have no name in common.
    """
    lists = _price_lists(old, new)
    if not old.is_dir():
        return [_compare("", any_cassette.read(old), any_cassette.read(new), lists)]
    olds, news = _by_name(old), _by_name(new)
    if not olds.keys() & news.keys():
        raise CassetteError(
            f"{old} and {new}: these folders hold no cassette of the same name. Name two folders "
            f"that do, or two cassettes."
        )
    return [
        _compare(name, olds.get(name, []), news.get(name, []), lists)
        for name in sorted({*olds, *news})
    ]


def _by_name(folder: Path) -> dict[str, list[Recording]]:
    return {
        path.relative_to(folder).as_posix(): any_cassette.read(path)
        for path in folders.find([folder])
    }


def _price_lists(*places: Path) -> list[PriceList]:
    """Return the price locks that are nearest to both places."""
    found = (prices.find_lock(place.absolute(), Path(place.absolute().anchor)) for place in places)
    return [prices.load(path) for path in dict.fromkeys(found) if path is not None]


def _compare(
    name: str, old: Sequence[Recording], new: Sequence[Recording], lists: Sequence[PriceList]
) -> Comparison:
    paired = pairing.pair(old, new, BUILT_IN)
    pairs = ((_side(before, lists), _side(after, lists)) for before, after in paired.pairs)
    return Comparison(
        name=name,
        pairs=tuple(
            Compared(old=before, new=after, difference=compare(before.behaviour, after.behaviour))
            for before, after in pairs
        ),
        only_old=tuple(_side(each, lists) for each in paired.only_old),
        only_new=tuple(_side(each, lists) for each in paired.only_new),
    )


def _side(recording: Recording, lists: Sequence[PriceList]) -> Side:
    behaviour = behaviour_of(recording, any_cassette.dialect_of(recording))
    return Side(recording=recording, behaviour=behaviour, cost_usd=_cost_usd(recording, lists))


def _cost_usd(recording: Recording, lists: Sequence[PriceList]) -> Decimal | None:
    """Return what a run would say that a recording cost."""
    told = request_of(recording)
    if told is None:
        return None
    return prices.cost_usd(lists, told.provider, (told.model, told.asked), told.usage, told.tier)

"""Lists: metrics of an output that is several items, such as labels or steps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_llmprod.evals.metrics.documents import parse_json
from pytest_llmprod.evals.metrics.scoring import NO_OUTPUT, Score
from pytest_llmprod.evals.metrics.texts import brief, canonical, listed, normal_form, plain, shown


def set_f1(output: Any, expected: Any) -> Score:
    """Score the F1 of the items that both have, whatever their order; one that repeats counts once.

    Items are those of a list, of a text that is a JSON list, or of a text with commas or lines.
    Texts are read as by `normalised`. Two empty sets score 1.
    """
    if output is None:
        return NO_OUTPUT
    found, wanted = set(_items(output)), set(_items(expected))
    common = len(found & wanted)
    if common == len(found) == len(wanted):
        return Score(1.0)
    lacking, surplus = sorted(wanted - found), sorted(found - wanted)
    return Score(f1(common, len(found), len(wanted)), why=_lack(lacking, surplus))


def list_f1(output: Any, expected: Any) -> Score:
    """Score the F1 of the longest run of items that both have in the same order, gaps allowed.

    That is ROUGE-L's F (Lin 2004, equations 2 to 4, with beta 1) with items in place of words.
    Items are read as by `set_f1`; one that repeats counts each time. Two empty lists score 1.
    """
    if output is None:
        return NO_OUTPUT
    found, wanted = _items(output), _items(expected)
    if found == wanted:
        return Score(1.0)
    places = places_of(wanted)
    common = common_in_order((places.get(item, 0) for item in found), len(wanted))
    lacking, surplus = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    why = _lack(lacking, surplus) or f"in another order or number: {shown(found)}"
    return Score(f1(common, len(found), len(wanted)), why=why)


def f1(common: int, first: int, second: int) -> float:
    """Return the F1 of two collections of these sizes with `common` items; 1 where both are empty.

    F1 is the harmonic mean of precision and recall: 2 * common / (first + second) (Dice 1945).
    """
    return 2 * common / (first + second) if first + second else 1.0


def places_of(wanted: Sequence[str]) -> Mapping[str, int]:
    """Return the places at which each item is wanted, as bits of a number."""
    places: dict[str, int] = {}
    for place, item in enumerate(wanted):
        places[item] = places.get(item, 0) | 1 << place
    return places


def common_in_order(found: Iterable[int], number_wanted: int) -> int:
    """Return the length of the longest common subsequence of what was found and what is wanted.

    Each item that was found is given by the places at which it is wanted, as `places_of` has them
    (Hyyro 2004, "Bit-parallel LCS-length computation revisited"). So a model that repeats itself
    100,000 times takes little longer than to read it.
    """
    everything = (1 << number_wanted) - 1
    free = everything
    for places in found:
        met = free & places
        free = ((free + met) | (free - met)) & everything
    return number_wanted - free.bit_count()


def _items(value: Any) -> list[str]:
    """Return the items of a value, each as text by which it can be compared."""
    if isinstance(value, str):
        value = _read(value)
    elif isinstance(value, set | frozenset):
        value = plain(value)
    elif not isinstance(value, list | tuple):
        value = [value]
    return [normal_form(each) if isinstance(each, str) else canonical(each) for each in value]


def _read(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        try:
            return list(parse_json(text))
        except ValueError:
            pass  # a text that only begins as a list does
    return [part for part in text.replace("\n", ",").split(",") if part.strip()]


def _lack(lacking: list[str], surplus: list[str]) -> str:
    parts = []
    if lacking:
        parts.append(f"no {listed(map(brief, lacking))}")
    if surplus:
        parts.append(f"not expected: {listed(map(shown, surplus))}")
    return "; ".join(parts)

"""Leaks: does the expected answer stand in the input, more often than chance would have it?

A customer who wants a refund writes "refund": words of a label occur in inputs that have nothing
wrong with them. So the share of cases in whose input their own expectation stands is held against
the share in which that of another case stands there, which is what chance gives. How far the two
may lie apart by luck tells the variance over all ways to deal the expectations to the cases
(Hoeffding 1951, "A combinatorial central limit theorem", theorem 2).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.wording import leaf_text, leaves, normal_form

LEAST_EXCESS = 0.1
LEAST_DEVIATIONS = 3.0
_LEAST_CASES = 5
_MOST_LABELS = 100
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """The text of the field `expected` stands in the field `place` of the input.

    `share` is the share of the `cases` that have both fields in which it does, `chance` the share
    that expectations of other cases reach.
    """

    expected: str
    place: str
    share: float
    chance: float
    cases: int

    @property
    def excess(self) -> float:
        """Return the share of cases that chance does not explain."""
        return self.share - self.chance


def find_leaks(cases: Sequence[Case]) -> Iterator[Leak]:
    """Yield each field of `expected` that stands in the input beyond chance, where most so.

    Beyond chance is at least ten points and three standard deviations above it. Texts and numbers
    are looked for as whole words, in normal form; of a list all items must be there.
    """
    inputs = _fields([_forms(case.input, "input") for case in cases])
    expectations = _fields([_forms(case.expected, "expected", labels=True) for case in cases])
    for name, labels in expectations.items():
        leaks = (_compare(name, labels, place, texts) for place, texts in inputs.items())
        found = [leak for leak in leaks if leak is not None]
        if found:
            yield max(found, key=lambda leak: leak.excess)


_Field = dict[int, tuple[str, ...]]  # position of the case -> what the field holds, in normal form


def _forms(value: Any, root: str, *, labels: bool = False) -> dict[str, tuple[str, ...]]:
    """Return path -> the normal forms at that path; labels are texts and numbers only."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, leaf in leaves(value, root):
        if not labels or isinstance(leaf, str) or type(leaf) in (int, float):
            found[path].append(normal_form(leaf_text(leaf)))
    return {path: tuple(filter(None, forms)) for path, forms in found.items() if any(forms)}


def _fields(cases: Sequence[dict[str, tuple[str, ...]]]) -> dict[str, _Field]:
    """Return the fields that most cases have, by their path."""
    fields: dict[str, _Field] = defaultdict(dict)
    for position, forms in enumerate(cases):
        for path, form in forms.items():
            fields[path][position] = form
    often = sorted(fields.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_FIELDS]
    return {path: field for path, field in often if len(field) >= _LEAST_CASES}


def _compare(name: str, labels: _Field, place: str, texts: _Field) -> Leak | None:
    positions = [position for position in labels if position in texts]
    number = len(positions)
    if number < _LEAST_CASES:
        return None
    joined = [f" {' '.join(texts[position])} " for position in positions]
    own = [tuple(f" {part} " for part in labels[position]) for position in positions]
    share = sum(map(_stands, joined, own)) / number
    # Of very many different labels a sample has to do, evenly spread so that it is the same again.
    dealt = own if len(set(own)) <= _MOST_LABELS else own[:: math.ceil(number / _MOST_LABELS)]
    weights = {label: count / len(dealt) for label, count in Counter(dealt).items()}
    rows = [[_stands(text, label) for label in weights] for text in joined]
    of_text = [sum(map(_product, row, weights.values())) for row in rows]
    of_label = [sum(column) / number for column in zip(*rows, strict=True)]
    chance = sum(of_text) / number
    spread = sum(
        weight * (stands - text - label + chance) ** 2
        for row, text in zip(rows, of_text, strict=True)
        for stands, label, weight in zip(row, of_label, weights.values(), strict=True)
    )
    deviation = math.sqrt(spread / (number - 1) / number)
    leak = Leak(expected=name, place=place, share=share, chance=chance, cases=number)
    is_beyond = leak.excess >= LEAST_EXCESS and leak.excess >= LEAST_DEVIATIONS * deviation
    return leak if is_beyond else None


def _stands(text: str, label: tuple[str, ...]) -> bool:
    return all(part in text for part in label)  # both have a space at each end: whole words


def _product(stands: bool, weight: float) -> float:
    return weight if stands else 0.0

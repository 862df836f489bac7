"""Checkup: what is wrong with a data set, and what is good to know of it?

Findings are what somebody should mend; notes are what somebody should judge.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.evals import statistics
from pytest_llmprod.evals.balance import find_classes
from pytest_llmprod.evals.constant import Constant, find_constant
from pytest_llmprod.evals.dataset import Case, Dataset
from pytest_llmprod.evals.digests import canonical
from pytest_llmprod.evals.examples import Prompt, find_examples
from pytest_llmprod.evals.leaks import find_leaks
from pytest_llmprod.evals.lock import Lock, find_changes, named
from pytest_llmprod.evals.near import find_near
from pytest_llmprod.evals.wording import all_words, leaf_text, leaves

Kind = Literal[
    "unreadable",
    "changed",
    "old",
    "duplicate",
    "conflict",
    "unlabelled",
    "label leak",
    "few-shot",
    "too few",
    "same output",
    "near duplicate",
    "label hint",
    "balance",
    "clusters",
    "few outputs",
    "cannot tell",
]
NOTES = frozenset(
    {"near duplicate", "label hint", "balance", "clusters", "few outputs", "cannot tell"}
)
#: From this share of cases on, an expectation that stands in the input is taken for a leak.
LEAK = 0.5
POWER = 0.8
_LEAST_BALANCED = 10  # cases; among fewer every class is large or small
_LARGE_CLASS = 0.8
_SMALL_CLASS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about a data set; `rows` are the ids of the cases that it is about, if any."""

    kind: Kind
    text: str
    rows: tuple[str, ...] = ()

    @property
    def is_note(self) -> bool:
        """Say whether it is only something to know."""
        return self.kind in NOTES

    def to_json(self) -> dict[str, Any]:
        """Return the finding for a script."""
        return {
            "kind": self.kind,
            "text": self.text,
            "rows": list(self.rows),
            "is_note": self.is_note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a checkup looks into besides the rows.

    `margin` is how far above its threshold the score is expected to be, which is `score`.
    `is_extractive` says that the task is to find the answer in the input. `outputs` maps suite ->
    case -> output.
    """

    margin: float | None = None
    score: float = 0.9
    max_age_days: int | None = None
    is_extractive: bool = False
    prompts: Sequence[Prompt] = ()
    outputs: Mapping[str, Mapping[str, Any]] | None = None


def examine(
    dataset: Dataset, lock: Lock | None, asked: Asked, *, now: datetime
) -> Iterator[Finding]:
    """Yield all findings and notes about a data set. `now` has a timezone."""
    cases = dataset.cases
    yield from _frozen(dataset, lock, asked.max_age_days, now)
    yield from _same_input(cases)
    yield from _near(cases)
    yield from _unlabelled(cases, is_csv=dataset.path.suffix.lower() == ".csv")
    if not asked.is_extractive:
        yield from _leaks(cases)
    for example in find_examples(cases, asked.prompts):
        more = f" and {example.others:,} more" if example.others else ""
        text = f"{_name(example.case)} is an example in {printable(example.source)}{more}"
        yield Finding(kind="few-shot", text=text, rows=(example.case,))
    yield from _balance(cases)
    if asked.margin is not None:
        yield from _enough(cases, asked.margin, asked.score)
    for suite, outputs in (asked.outputs or {}).items():
        constant = find_constant(suite, outputs, cases)
        if constant is not None:
            yield _constant(constant)


def cases_needed(margin: float, score: float) -> int | None:
    """Return how many cases pass a threshold that lies `margin` below the true `score`.

    In four runs of five, that is: the interval then reaches down to the threshold at most. None
    where a million cases would not do.
    """
    return statistics.cases_needed(score, _threshold(margin, score), power=POWER)


def _threshold(margin: float, score: float) -> float:
    return round(score - margin, 9)


def age_days(lock: Lock, now: datetime) -> int:
    """Return how many whole days ago a data set was frozen."""
    return math.floor((now - lock.latest.frozen_at).total_seconds() / 86400)


def _frozen(
    dataset: Dataset, lock: Lock | None, max_age_days: int | None, now: datetime
) -> Iterator[Finding]:
    if lock is None:
        if max_age_days is not None:
            yield Finding(kind="cannot tell", text="how old the rows are: they were never frozen")
        return
    changes = find_changes(dataset, lock)
    if changes:
        parts = "; ".join(f"{what}: {named(ids)}" for what, ids in changes.parts())
        rows = (*changes.added, *changes.changed, *changes.removed)
        text = f"{changes.summary()} since they were frozen ({parts})"
        yield Finding(kind="changed", text=text, rows=rows)
    elif not lock.agrees_with_itself:
        text = "the lock mixes two others, as after a merge; look through the rows"
        yield Finding(kind="changed", text=text)
    if max_age_days is not None and age_days(lock, now) > max_age_days:
        text = f"frozen {counted(age_days(lock, now), 'day')} ago, at most {max_age_days} are asked"
        yield Finding(kind="old", text=text)


def _same_input(cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield groups of cases that ask the same, and say whether they expect the same."""
    asking = [case for case in cases if case.input is not None]
    for group in _equal([canonical(case.input) for case in asking]):
        same = [asking[position] for position in group]
        rows = tuple(case.id for case in same)
        if len({canonical(case.expected) for case in same}) == 1:
            yield Finding(kind="duplicate", text=f"the same row: {named(rows)}", rows=rows)
        else:
            text = f"the same input, another expectation: {named(rows)}"
            yield Finding(kind="conflict", text=text, rows=rows)


def _near(cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield cases that read nearly alike, unless they are told to belong together."""
    inputs = {canonical(case.input): case for case in reversed(cases) if case.input is not None}
    first = [case for case in cases if inputs.get(canonical(case.input)) is case]
    search = find_near([all_words(case.input) for case in first])
    for near in search.found:
        one, other = first[near.first], first[near.second]
        if one.cluster is None or one.cluster != other.cluster:
            is_same = canonical(one.expected) == canonical(other.expected)
            rest = "" if is_same else ", another expectation"
            text = f"{_name(other.id)} is like {_name(one.id)} ({near.similarity:.0%}){rest}"
            yield Finding(kind="near duplicate", text=text, rows=(one.id, other.id))
    if search.searched < len(first):
        text = (
            f"whether more rows are near duplicates: they share so many words that only the first "
            f"{search.searched:,} of {len(first):,} were compared"
        )
        yield Finding(kind="cannot tell", text=text)


def _unlabelled(cases: Sequence[Case], *, is_csv: bool) -> Iterator[Finding]:
    """Yield the cases that expect nothing where others do; an empty cell of a CSV file is none."""
    nothing = (None, "") if is_csv else (None,)
    without = tuple(
        case.id
        for case in cases
        if all(leaf in nothing for _, leaf in leaves(case.expected))
        and case.expected not in ([], {})
    )
    if 0 < len(without) < len(cases):
        text = f"expected is missing in {counted(len(without), 'row')}: {named(without)}"
        yield Finding(kind="unlabelled", text=text, rows=without)


def _leaks(cases: Sequence[Case]) -> Iterator[Finding]:
    for leak in find_leaks(cases):
        text = (
            f"{printable(leak.expected)} stands in {printable(leak.place)} of {leak.share:.0%} of "
            f"the cases, by chance in {leak.chance:.0%}"
        )
        yield Finding(kind="label leak" if leak.excess >= LEAK else "label hint", text=text)


def _balance(cases: Sequence[Case]) -> Iterator[Finding]:
    for classes in find_classes(cases):
        if classes.cases < _LEAST_BALANCED:
            continue
        value, share = classes.largest
        field, rare = printable(classes.field), classes.rarer_than(_SMALL_CLASS)
        if share > _LARGE_CLASS:
            text = f"{field}: always saying {_name(value)} is right in {share:.0%} of the cases"
            yield Finding(kind="balance", text=text)
        if rare and len(classes.counts) > 1:
            text = f"{field}: fewer than {_SMALL_CLASS} cases of {named(rare)}"
            yield Finding(kind="balance", text=text)


def _enough(cases: Sequence[Case], margin: float, score: float) -> Iterator[Finding]:
    needed = cases_needed(margin, score)
    clusters = len({case.id if case.cluster is None else (case.cluster,) for case in cases})
    number = "more than a million" if needed is None else f"{needed:,}"
    threshold = _threshold(margin, score)
    wanted = f"{number} are needed so that a score of {score:.4g} passes {threshold:.4g}"
    if needed is None or len(cases) < needed:
        yield Finding(kind="too few", text=f"{counted(len(cases), 'case')}, {wanted}")
    elif clusters < needed:
        text = (
            f"{counted(len(cases), 'case')} in {counted(clusters, 'cluster')} count for something "
            f"between the two, and {wanted}"
        )
        yield Finding(kind="clusters", text=text)


def _constant(constant: Constant) -> Finding:
    suite = f"{printable(constant.suite)}: " if constant.suite else ""
    output = _name(leaf_text(constant.output))
    if constant.is_everything:
        text = f"{suite}all {constant.outputs:,} outputs are {output}"
        return Finding(kind="same output", text=text)
    text = (
        f"{suite}{constant.same:,} of {constant.outputs:,} outputs are {output}; "
        f"at most {constant.expected:.0%} of the cases expect one thing"
    )
    return Finding(kind="few outputs", text=text)


def _name(text: str) -> str:
    return shorten(printable(text), 40)


def _equal(keys: Sequence[Hashable]) -> Iterator[list[int]]:
    """Yield the positions of equal keys, where there are several of them."""
    positions: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    yield from (each for each in positions.values() if len(each) > 1)

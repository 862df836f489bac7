"""Balance: which classes a data set asks for, and how often each."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.wording import leaf_text, leaves

_MOST_CLASSES = 20
_LEAST_PER_CLASS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """The values of one field of `expected`, the most frequent first, and how often each occurs."""

    field: str
    counts: Mapping[str, int]

    @property
    def cases(self) -> int:
        """Return how many cases have the field."""
        return sum(self.counts.values())

    @property
    def largest(self) -> tuple[str, float]:
        """Return the most frequent value and its share: what a constant answer would score."""
        value, count = next(iter(self.counts.items()))
        return value, count / self.cases

    def rarer_than(self, least: int) -> list[str]:
        """Return the values that occur less often than `least` times."""
        return [value for value, count in self.counts.items() if count < least]


def find_classes(cases: Sequence[Case]) -> Iterator[Classes]:
    """Yield each field of `expected` that holds classes, in the order of their paths.

    Those are at most 20 different texts, numbers or truth values, each twice on average; a field
    in a list holds none. What is no class, such as an answer in free words, has no balance.
    """
    fields: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        for path, leaf in leaves(case.expected, "expected"):
            if leaf is not None and "[]" not in path:
                fields[path][leaf_text(leaf)] += 1
    for path, counts in sorted(fields.items()):
        if len(counts) <= min(_MOST_CLASSES, counts.total() // _LEAST_PER_CLASS):
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            yield Classes(field=path, counts=dict(ordered))

"""Near duplicates: which texts say nearly the same as an earlier one?

Two texts are as similar as their sets of words and pairs of words: the share of these that both
have among those that either has (Jaccard 1912, on shingles as Broder 1997 does). In a text of
fourteen words one may be another. No pair is left out by a guess: candidates come from a prefix
filter, which loses none (Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search"),
and each is then compared in full.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

LEAST_SIMILAR = (8, 10)  # as a fraction, so that no pair is decided by rounding
COMPARED_WORDS = 400
MOST_WORK = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The text at position `second` is nearly that at `first`; `similarity` lies in 0.8..1."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NearSearch:
    """What was found, and how many texts were compared before the work became too much."""

    found: tuple[Near, ...]
    searched: int


def find_near(texts: Sequence[str], *, most_work: int = MOST_WORK) -> NearSearch:
    """Return which of `texts`, in normal form, are nearly an earlier one; empty ones never are.

    Each is compared with the earlier ones that are no near duplicates themselves, and belongs to
    the most similar of them. So there is a finding if there is a pair, and of each pair one text is
    in a finding. Of a long text the first and the last 200 words are compared.

    5,000 texts take about a second. Thousands that share most of their words could take hours: the
    search ends where more than `most_work` words would have been looked up.
    """
    numbers: dict[str, int] = {}
    pieces = [_pieces(text, numbers) for text in texts]
    frequency = Counter(chain.from_iterable(pieces))
    shared = [[piece for piece in each if frequency[piece] > 1] for each in pieces]
    share, of = LEAST_SIMILAR
    holders: dict[int, list[int]] = {}  # piece -> the texts that can be found by it
    found: list[Near] = []
    work = 0
    for second, mine in enumerate(pieces):
        if work > most_work:
            return NearSearch(found=tuple(found), searched=second)
        size = len(mine)
        # Similar texts have a piece in common among this many of the rarest ones of each. Those
        # that no other text has are the rarest, and find nothing.
        prefix = size - -(-share * size // of) + 1 - (size - len(shared[second]))
        if not mine or prefix <= 0:
            continue
        rarest = sorted(sorted(shared[second]), key=frequency.__getitem__)[:prefix]
        candidates = {first for piece in rarest for first in holders.get(piece, ())}
        work += len(candidates)
        best: Near | None = None
        for first in sorted(candidates):
            other = pieces[first]
            both = size + len(other)
            # With this many pieces in common they are similar; so many must be there at all.
            if min(len(shared[first]), len(shared[second])) * (share + of) < share * both:
                continue
            work += min(size, len(other))
            common = len(mine & other)
            if common * (share + of) >= share * both:
                similarity = common / (both - common)
                if best is None or similarity > best.similarity:
                    best = Near(first=first, second=second, similarity=similarity)
        if best is not None:
            found.append(best)
        else:
            for piece in rarest:
                holders.setdefault(piece, []).append(second)
    return NearSearch(found=tuple(found), searched=len(texts))


def _pieces(text: str, numbers: dict[str, int]) -> frozenset[int]:
    """Return the words of a text and the pairs of them, each as its number."""
    words = text.split(" ") if text else []
    if len(words) > COMPARED_WORDS:
        half = COMPARED_WORDS // 2
        words = [*words[:half], *words[-half:]]
    pieces = chain(words, map(" ".join, pairwise(words)))
    return frozenset([numbers.setdefault(piece, len(numbers)) for piece in pieces])

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.evals.near import COMPARED_WORDS, Near, find_near

TEXTS = st.lists(
    st.lists(st.sampled_from("abcdefgh"), max_size=30).map(" ".join)
    | st.integers(0, 30).map(lambda n: " ".join(f"w{n if i == n else i}" for i in range(20))),
    max_size=12,
)


def similarity(one: str, other: str) -> float:
    a, b = (set(text.split()) | set(pairwise(text.split())) for text in (one, other))
    return len(a & b) / len(a | b) if a and b else 0.0


@given(texts=TEXTS)
def test_there_is_a_finding_if_there_is_a_pair(texts: list[str]) -> None:
    pairs = {
        (first, second)
        for second, one in enumerate(texts)
        for first in range(second)
        if similarity(one, texts[first]) >= 0.8
    }

    search = find_near(texts)

    found = {(each.first, each.second) for each in search.found}
    assert found <= pairs
    near = {second for _, second in found}
    assert near.isdisjoint(first for first, _ in found)
    assert all(first in near or second in near for first, second in pairs)
    assert search.searched == len(texts)
    for each in search.found:
        assert each.similarity == similarity(texts[each.first], texts[each.second])


def test_no_pair_is_lost_among_many_that_share_their_rare_words() -> None:
    """The rarest words of two texts are the same ones only if all texts have one order of words."""
    for seed in range(10):
        draw = random.Random(seed)
        originals = [draw.sample(range(3000), 40) for _ in range(60)]
        copies = [[*each[:10], -1, *each[11:20], -2, *each[21:38]] for each in originals]
        texts = [" ".join(f"w{word}" for word in each) for each in (*originals, *copies)]
        draw.shuffle(texts)

        assert len(find_near(texts).found) == 60


def test_what_is_like_a_near_duplicate_alone_is_none() -> None:
    words = [f"w{number}" for number in range(20)]
    chain = [words, [*words[:-2], "x", "y"], [*words[:-3], "z", "x", "y"]]
    texts = [" ".join(each) for each in chain]

    assert similarity(texts[1], texts[2]) >= 0.8 > similarity(texts[0], texts[2])
    assert [(each.first, each.second) for each in find_near(texts).found] == [(0, 1)]


def test_one_other_word_in_fourteen_is_nearly_the_same() -> None:
    words = [f"w{number}" for number in range(14)]
    other = [*words[:6], "else", *words[7:]]

    assert find_near([" ".join(words), " ".join(other)]).found == (
        Near(first=0, second=1, similarity=24 / 30),
    )
    assert find_near([" ".join(words[1:]), " ".join(other[1:])]).found == ()


def test_a_text_belongs_to_the_most_similar_one_before_it() -> None:
    one = [f"w{number}" for number in range(40)]
    other = [*one[:-5], *(f"x{number}" for number in range(5))]
    between = [*one[:-2], *other[-2:]]
    texts = [" ".join(each) for each in (other, one, between)]

    assert similarity(texts[0], texts[1]) < 0.8 < similarity(texts[0], texts[2])
    assert [(each.first, each.second) for each in find_near(texts).found] == [(1, 2)]


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["a", ""]])
def test_a_text_without_words_is_like_none(texts: list[str]) -> None:
    assert find_near(texts).found == ()


def test_of_a_long_text_the_beginning_and_the_end_are_compared() -> None:
    words = [f"w{number}" for number in range(3 * COMPARED_WORDS)]
    middle, end = list(words), list(words)
    middle[600:700] = ["else"] * 100
    end[-100:] = ["else"] * 100

    near = find_near([" ".join(words), " ".join(middle), " ".join(end)]).found

    assert [(each.first, each.second) for each in near] == [(0, 1)]


def some_texts(number: int, shared: int, words: int = 50) -> list[str]:
    draw = random.Random(1)
    known = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9))) for _ in range(3000)]
    template = draw.choices(known, k=shared)
    return [" ".join([*template, *draw.choices(known, k=words)]) for _ in range(number)]


def test_five_thousand_rows_take_a_few_seconds() -> None:
    texts = some_texts(5000, shared=20)
    started = time.process_time()

    search = find_near([*texts[:-1], texts[17] + " more"])

    assert time.process_time() - started < 6
    assert [(each.first, each.second) for each in search.found] == [(17, 4999)]


def test_what_takes_too_long_ends_and_says_how_far_it_came() -> None:
    texts = some_texts(400, shared=200, words=40)

    search = find_near(texts, most_work=100_000)

    assert 10 < search.searched < 400
    assert find_near(texts).searched == 400

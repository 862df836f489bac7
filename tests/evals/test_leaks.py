import random
import statistics
import time
from typing import Any

import pytest

from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.leaks import Leak, find_leaks

WORDS = ["parcel", "invoice", "login", "colour", "please", "today", "again", "never", "still"]
LABELS = ["refund", "billing", "account"]


def case(number: int, input: Any, expected: Any) -> Case:
    return Case(id=f"t-{number}", input=input, expected=expected)


def ticket(number: int, *, hint: str = "") -> Case:
    draw = random.Random(number)
    text = " ".join(draw.choices(WORDS, k=8))
    label = LABELS[number % len(LABELS)]
    return case(number, {"text": text + hint.format(label)}, {"label": label})


def test_a_label_that_was_written_into_the_prompt_is_found() -> None:
    (leak,) = find_leaks([ticket(n, hint=" (category: {})") for n in range(30)])

    assert leak == Leak(
        expected="expected.label",
        place="input.text",
        share=1.0,
        chance=pytest.approx(1 / 3),
        cases=30,
    )


def test_labels_that_do_not_occur_are_no_leak() -> None:
    assert list(find_leaks([ticket(n) for n in range(30)])) == []


def test_choices_that_stand_in_every_input_are_what_chance_gives() -> None:
    hint = " Answer with refund, billing or account."

    assert list(find_leaks([ticket(n, hint=hint) for n in range(30)])) == []


def test_one_class_alone_tells_nothing() -> None:
    cases = [case(n, f"refund {n}", "refund") for n in range(30)]

    assert list(find_leaks(cases)) == []


def test_words_that_go_with_a_label_have_a_smaller_share() -> None:
    cases = [ticket(n, hint=" {}" if n % 10 < 3 else "") for n in range(300)]

    (leak,) = find_leaks(cases)

    assert leak.share == pytest.approx(0.3)
    assert leak.chance == pytest.approx(0.1)
    assert leak.excess == pytest.approx(0.2)


def test_an_answer_that_is_to_be_found_in_the_text_has_a_large_excess() -> None:
    cases = [case(n, f"Invoice {n * 7919} of May.", n * 7919) for n in range(1, 40)]

    (leak,) = find_leaks(cases)

    assert (leak.expected, leak.place, leak.share) == ("expected", "input", 1.0)
    assert leak.chance == pytest.approx(1 / 39)


def test_the_field_of_the_input_is_named_that_holds_it_most_often() -> None:
    cases = [
        case(n, {"text": label if n % 2 else "-", "category": label, "turns": ["x", "y"]}, label)
        for n, label in enumerate(LABELS * 10)
    ]

    (leak,) = find_leaks(cases)

    assert leak.place == "input.category"


def test_of_a_list_all_items_must_be_there() -> None:
    cases = [
        case(n, {"text": f"about {one} and {other}"}, {"topics": [one, other], "ok": True})
        for n, (one, other) in enumerate([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")] * 5)
    ]

    (leak,) = find_leaks(cases)

    assert (leak.expected, leak.share, leak.chance) == ("expected.topics[]", 1.0, 0.25)


@pytest.mark.parametrize("number", [0, 1, 4])
def test_so_few_cases_tell_nothing(number: int) -> None:
    assert list(find_leaks([ticket(n, hint=" {}") for n in range(number)])) == []


def test_luck_is_no_leak() -> None:
    """Of 200 data sets whose labels were dealt by chance hardly one is reported."""
    reported = 0
    for seed in range(200):
        draw = random.Random(seed)
        labels = [draw.choice(LABELS) for _ in range(25)]
        texts = [draw.choice([*LABELS, "-"]) for _ in labels]
        cases = list(map(case, range(25), texts, labels))
        reported += bool(list(find_leaks(cases)))

    assert reported <= 3


@pytest.mark.parametrize("share_with_all", [0.0, 0.6])
def test_the_spread_is_that_of_dealing_the_labels_anew(share_with_all: float) -> None:
    """An input with every label in it says nothing, and makes luck a smaller part of the share."""
    draw = random.Random(7)
    number, with_all = 100, int(100 * share_with_all)
    labels = [draw.choice(LABELS) for _ in range(number)]
    texts = [" ".join(LABELS) if n < with_all else draw.choice(LABELS) for n in range(number)]

    def share(order: list[str]) -> float:
        return sum(label in text for label, text in zip(order, texts, strict=True)) / number

    dealt = [share(draw.sample(labels, number)) for _ in range(4000)]
    limit = max(0.1, 3 * statistics.stdev(dealt)) + statistics.mean(dealt)
    near_the_limit = []
    for hits in range(number - with_all):
        own = [text if n >= number - hits else labels[n] for n, text in enumerate(texts)]
        reported = bool(list(find_leaks(list(map(case, range(number), texts, own)))))
        if abs(share(own) - limit) > 0.02:
            assert reported == (share(own) > limit)
            near_the_limit += [reported] * (abs(share(own) - limit) < 0.06)

    assert {*near_the_limit} == {True, False}


def test_thousands_of_rows_with_answers_of_their_own_take_a_second() -> None:
    draw = random.Random(1)
    cases = [
        case(n, {"text": " ".join(draw.choices(WORDS, k=50)) + f" x{n}"}, f"x{n}")
        for n in range(5000)
    ]
    started = time.process_time()

    (leak,) = find_leaks(cases)

    assert time.process_time() - started < 4
    assert leak.share == 1.0
    assert leak.chance < 0.001

import random
import time
from typing import Any

import pytest

from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.examples import Example, Prompt, find_examples

LONG = "Where is my parcel? I have been waiting for three weeks now."
MIDDLE = "My parcel is lost."
SHORT = "refund pls"


def case(id_: str, input: Any, expected: Any = "refund") -> Case:
    return Case(id=id_, input=input, expected=expected)


def found(cases: list[Case], *texts: str) -> list[str]:
    prompts = [Prompt(text=text, source=f"p{n}") for n, text in enumerate(texts)]
    return [each.case for each in find_examples(cases, prompts)]


@pytest.mark.parametrize("text", [LONG, MIDDLE])
@pytest.mark.parametrize(
    "prompt",
    [
        "{}",
        "Example: {} -> refund",
        "Answer so:\n\n> {}\nrefund",
        '[{{"role": "user", "text": "{}"}}]',
    ],
)
def test_a_case_in_the_prompt_is_found(text: str, prompt: str) -> None:
    assert found(
        [case("a", {"text": text}), case("b", "Something else entirely.")], prompt.format(text)
    ) == ["a"]


def test_case_white_space_and_punctuation_do_not_count() -> None:
    assert found([case("a", LONG)], LONG.upper().replace(" ", "\n ").replace("?", "")) == ["a"]


def test_other_words_are_no_example() -> None:
    assert found([case("a", LONG), case("b", MIDDLE)], "Where is my parcel? I have no idea.") == []


@pytest.mark.parametrize(
    "prompt",
    [
        'Ticket: "refund pls"\nLabel: refund',
        "refund pls -> refund",
        "- Refund, pls!\n  refund",
        '{"text": "refund pls", "label": "refund"}',
        "Input: 'refund pls' => {label: refund}",
    ],
)
def test_a_short_case_counts_with_its_answer_after_it(prompt: str) -> None:
    assert found([case("a", SHORT)], prompt) == ["a"]


@pytest.mark.parametrize(
    "prompt",
    [
        "Customers who write refund pls want their money: refund",
        "refund pls -> billing",
        "refund: refund pls",
        "",
    ],
)
def test_a_short_text_inside_of_others_is_no_example(prompt: str) -> None:
    assert found([case("a", SHORT)], prompt) == []


def test_a_short_case_without_an_answer_is_no_example() -> None:
    assert found([case("a", SHORT, None)], "refund pls\nrefund") == []


def test_the_text_that_no_other_case_has_is_looked_for() -> None:
    """A document that goes with many questions may stand in a prompt."""
    document = "Parcels take three days at most and are never lost in the post at all."
    cases = [
        case("a", {"document": document, "question": "How long does a parcel take?"}),
        case("b", {"document": document, "question": "How often are parcels lost?"}),
    ]

    assert found(cases, f"Know this: {document}") == []
    assert found(cases, "Q: How often are parcels lost?") == ["b"]


def test_the_request_of_a_case_holds_its_own_text() -> None:
    cases = [case("a", LONG), case("b", MIDDLE), case("c", f"{MIDDLE} Please help me, Ann.")]
    prompts = [
        Prompt(text=f"Ticket: {LONG}", source="request of a", case="a"),
        Prompt(text=f"Ticket: {MIDDLE}", source="request of b", case="b"),
        Prompt(text=f"{MIDDLE} Please help me, Ann.", source="request of c", case="c"),
    ]

    assert find_examples(cases, prompts) == []


def test_an_example_that_was_picked_for_another_case_is_found() -> None:
    cases = [case("a", LONG), case("b", MIDDLE)]
    prompts = [
        Prompt(text=f"Like {MIDDLE} Now: {LONG}", source=f"request {n}", case="a") for n in "12"
    ]

    assert find_examples(cases, prompts) == [Example(case="b", source="request 1", others=1)]


def test_a_short_case_counts_in_what_several_requests_share() -> None:
    cases = [case("a", SHORT), case("b", MIDDLE)]
    shown = {"text": f"{SHORT}\nrefund", "source": "requests", "case": "b"}

    assert find_examples(cases, [Prompt(**shown)]) == [Example(case="a", source="requests")]
    assert find_examples(cases, [Prompt(**shown, is_shared=False)]) == []


def test_a_case_without_a_text_is_no_example() -> None:
    assert found([case("a", {"n": 3}), case("b", None), case("c", "")], "3 null") == []


def test_thousands_of_cases_and_requests_take_a_few_seconds() -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices("etaoinsh", k=5)) for _ in range(2000)]
    texts = [" ".join(draw.choices(words, k=40)) for _ in range(5000)]
    cases = [case(str(n), text) for n, text in enumerate(texts)]
    system = " ".join(draw.choices(words, k=500)) + f" {texts[17]}"
    prompts = [
        Prompt(text=text, source="", case=str(n))
        for n, own in enumerate(texts)
        for text in (system, own)
    ]
    started = time.process_time()

    examples = find_examples(cases, prompts)

    assert time.process_time() - started < 4
    assert examples == [Example(case="17", source="")]

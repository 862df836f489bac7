"""Nearest: the most similar recording, not the first."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import Lab, chat_request, recording
from missing import conversation, copied, kept, tool

from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile, load, save
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.misses.nearest import Wanted, nearest
from pytest_llmprod.wire.recording import Recording

TURNS = ("be nice", "where is my parcel", "which one", "the blue one", "on its way", "no")


def found(lab: Lab, document: Any, recordings: list[Recording], *sections: str) -> Recording:
    """The nearest of these recordings to a request with this body."""
    save(lab.path(), recordings)
    return found_in(lab.run().library, load(lab.path()), document, *sections)


def found_in(library: Library, cassette: CassetteFile, document: Any, *sections: str) -> Recording:
    wanted = Wanted(document=document, is_same_place=lambda each: True)
    near = nearest(cassette, sections or list(cassette.cases), wanted, library)
    assert near is not None
    return near


def answers(*documents: Any, case: str = "") -> list[Recording]:
    """A recording of each request, told apart by the model that answered: its number."""
    return [
        kept(document, case=case, model=str(number)) for number, document in enumerate(documents)
    ]


@pytest.mark.parametrize(
    "others",
    [
        [conversation(*TURNS[:-1])],
        [conversation(*TURNS[:-2])],
        [conversation(*TURNS[:2])],
        [conversation(*TURNS, "thanks")],
        [conversation("something", "else", "altogether")],
        [conversation(*TURNS, temperature=1, top_p=1)],
        [conversation(*TURNS, tools=[tool("find")])],
    ],
    ids=["one less", "two less", "start", "one more", "other", "parameters", "tools"],
)
def test_one_changed_word_is_nearer_than(lab: Lab, others: list[Any]) -> None:
    changed = conversation(*TURNS[:-1], "yes")

    near = found(lab, conversation(*TURNS), answers(*others, changed))

    assert near.model == str(len(others))


def test_a_changed_parameter_is_nearer_than_another_question(lab: Lab) -> None:
    documents = [chat_request("where is it", n=1), chat_request("what is that", n=2)]

    assert found(lab, chat_request("where is it", n=2), answers(*documents)).model == "0"


def test_a_message_put_first_leaves_the_others_where_they_are(lab: Lab) -> None:
    asked = conversation(*TURNS)
    asked["messages"] = [{"role": "developer", "content": "hurry"}, *asked["messages"]]
    documents = [conversation("hurry", *TURNS[1:3]), conversation(*TURNS)]

    assert found(lab, asked, answers(*documents)).model == "1"


def test_of_equally_near_ones_the_first_is_taken(lab: Lab) -> None:
    documents = [chat_request("a b"), chat_request("a c"), chat_request("a d")]

    assert found(lab, chat_request("a x"), answers(*documents)).model == "0"


def test_fields_that_name_the_caller_do_not_count(lab: Lab) -> None:
    documents = [chat_request("a b", user="me"), chat_request("a c")]

    assert found(lab, chat_request("a b c", user="me"), answers(*documents)).model == "0"
    assert found(lab, chat_request("c a", user="me"), answers(*documents)).model == "1"


def test_another_endpoint_is_farther_than_a_changed_word(lab: Lab) -> None:
    there, here = chat_request("where is my parcel"), chat_request("where is my purse")
    save(lab.path(), answers(there, here))
    wanted = Wanted(document=there, is_same_place=lambda each: each.model == "1")

    near = nearest(load(lab.path()), [""], wanted, lab.run().library)

    assert near is not None
    assert near.model == "1"


def test_only_the_named_sections_are_searched(lab: Lab) -> None:
    asked = chat_request("a")
    recordings = [*answers(asked, case="x"), *answers(chat_request("b"), case="y")]

    assert found(lab, asked, recordings, "y").case == "y"


def test_without_recordings_nothing_is_near(lab: Lab) -> None:
    wanted = Wanted(document={}, is_same_place=lambda each: True)

    assert nearest(load(lab.path()), ["x"], wanted, lab.run().library) is None


@pytest.mark.parametrize("form", [{"text": "one two"}, {"base64": "/w=="}, {}, {"json": None}])
def test_bodies_that_are_no_documents_are_compared_too(lab: Lab, form: dict[str, Any]) -> None:
    request = {**recording().request, "body": form}

    assert found(lab, "one two", [recording(request=request, model="x")]).model == "x"


def big(number: int) -> dict[str, Any]:
    """One of many requests with a long common prompt and a short question."""
    return conversation("you are a helpful assistant " * 60, f"ticket {number} of {number % 7}")


@pytest.mark.parametrize("case", ["", "one each"])
@pytest.mark.parametrize("number", [0, 3, 250, 499])
def test_among_many_the_right_one_is_found(lab: Lab, case: str, number: int) -> None:
    recordings = [
        kept(big(each), case=f"t-{each}" if case else "", model=str(each)) for each in range(500)
    ]
    asked = copied(big(number))
    asked["messages"][0]["content"] += "now"

    assert found(lab, asked, recordings).model == str(number)


def test_equal_requests_among_many_keep_their_order(lab: Lab) -> None:
    recordings = answers(*[big(1)] * 50, big(2))

    assert found(lab, {**big(1), "n": 1}, recordings).model == "0"


def test_a_second_miss_in_a_large_cassette_reads_only_a_few_recordings(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(lab.path(), answers(*map(big, range(300))))
    library, cassette = lab.run().library, load(lab.path())
    found_in(library, cassette, {**big(7), "n": 1})
    decoded: list[int] = []
    decode = CassetteFile._decode
    monkeypatch.setattr(
        CassetteFile, "_decode", lambda self, number: decoded.append(number) or decode(self, number)
    )

    near = found_in(library, cassette, {**big(11), "n": 1})

    assert near.model == "11"
    assert len(decoded) <= 20


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.integers(0, 119), st.randoms())
def test_one_word_put_into_any_of_many_texts_finds_it(lab: Lab, number: int, random: Any) -> None:
    texts = [f"text {each} about {each * 31 % 97} and {each * 17 % 89}" for each in range(120)]
    words = texts[number].split()
    words.insert(random.randrange(len(words) + 1), "new")

    near = found(lab, chat_request(" ".join(words)), answers(*map(chat_request, texts)))

    assert near.model == str(number)

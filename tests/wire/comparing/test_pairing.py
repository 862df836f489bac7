"""Pairing: recordings of one question find each other across models, hosts and files."""

from collections.abc import Sequence
from typing import Any

import pytest
from samples import chat_request, recording

from pytest_llmprod.wire.comparing import pairing
from pytest_llmprod.wire.comparing.pairing import Pairing
from pytest_llmprod.wire.dialects import BUILT_IN
from pytest_llmprod.wire.recording import Recording


def pair(old: Sequence[Recording], new: Sequence[Recording]) -> Pairing:
    return pairing.pair(old, new, BUILT_IN)


def question_of(recorded: Recording) -> str:
    return pairing.question_of(recorded, BUILT_IN)


def asked(document: Any, **other: Any) -> Recording:
    request = {**recording().request, "body": {"json": document}}
    return recording(request={**request, **other})


def texts(pairs: tuple[tuple[Recording, Recording], ...]) -> list[tuple[Any, Any]]:
    return [tuple(_text(each) for each in pair_) for pair_ in pairs]


def _text(each: Recording) -> Any:
    return each.response["body"]["json"]["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    "other",
    [
        asked(chat_request("hello", model="another")),
        asked(chat_request("hello", user="u-1", metadata={"run": "7"}, safety_identifier="s")),
        asked(chat_request("hello"), uri="http://127.0.0.1:1/proxy/chat/completions?api-version=1"),
        asked(dict(reversed(chat_request("hello").items()))),
        recording(key="another", case="another", latency_s=9.0),
    ],
)
def test_model_host_and_caller_are_no_part_of_the_question(other: Recording) -> None:
    assert question_of(other) == question_of(asked(chat_request("hello")))


@pytest.mark.parametrize(
    "other",
    [
        asked(chat_request("hello!")),
        asked(chat_request("hello", temperature=0)),
        asked(chat_request("hello", stream=True)),
        asked(chat_request("hello"), method="GET"),
        asked(chat_request("hello"), uri="https://api.openai.com/v1/embeddings"),
        asked("hello"),
    ],
)
def test_everything_else_is(other: Recording) -> None:
    assert question_of(other) != question_of(asked(chat_request("hello")))


def test_the_path_and_the_query_count_where_no_dialect_knows_the_path() -> None:
    one, two, three = (
        question_of(asked({}, uri=f"https://{host}")) for host in ("a/x?p=1", "b/x?p=1", "a/x?p=2")
    )

    assert one == two
    assert one != three


def test_pairs_are_found_in_any_order_within_their_cases() -> None:
    old = [recording("a", case="1"), recording("b", case="1"), recording("a", case="2")]
    new = [recording("a", case="2"), recording("b", case="1"), recording("a", case="1")]

    found = pair(old, new)

    assert [(one.case, two.case) for one, two in found.pairs] == [
        ("1", "1"),
        ("1", "1"),
        ("2", "2"),
    ]
    assert texts(found.pairs) == [("a", "a"), ("b", "b"), ("a", "a")]
    assert (found.only_old, found.only_new) == ((), ())


def test_equal_questions_are_paired_in_recorded_order() -> None:
    def answers(*answers: str) -> list[Recording]:
        request = recording("same").request
        return [recording(answer, request=request) for answer in answers]

    found = pair(answers("a", "b", "c"), answers("d", "e"))

    assert texts(found.pairs) == [("a", "d"), ("b", "e")]
    assert [_text(each) for each in found.only_old] == ["c"]
    assert found.only_new == ()


def test_what_one_side_lacks_is_told() -> None:
    found = pair([recording("a")], [recording("b")])

    assert found.pairs == ()
    assert [_text(each) for each in (*found.only_old, *found.only_new)] == ["a", "b"]


def test_cases_do_not_count_where_one_side_names_none() -> None:
    found = pair([recording("a", case="t-1")], [recording("a")])

    assert texts(found.pairs) == [("a", "a")]


def test_a_try_that_was_repeated_is_left_out() -> None:
    request = recording("same").request
    limited = {"status": {"code": 429, "message": ""}, "headers": {}, "body": {}}
    old = [
        recording(request=request, response=limited),
        recording(request=request, response=limited, attempt=2),
        recording("answer", request=request, attempt=3),
    ]

    found = pair(old, [recording("answer", request=request)])

    assert texts(found.pairs) == [("answer", "answer")]
    assert (found.only_old, found.only_new) == ((), ())


def test_two_calls_of_which_only_the_second_tries_were_kept_are_two() -> None:
    request = recording("one").request
    kept = [recording(text, request=request, attempt=2) for text in ("one", "two")]

    assert texts(pair(kept, kept).pairs) == [("one", "one"), ("two", "two")]

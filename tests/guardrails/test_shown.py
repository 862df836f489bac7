"""What an application shows, and what stands in for its guardrails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.virtual_time import VirtualClock
from pytest_llmprod.guardrails.shown import Secret, Shown, error_texts, show, texts_in
from pytest_llmprod.guardrails.stand_ins import (
    Calls,
    Failure,
    GuardrailDown,
    failing,
    noting,
    planting,
)

CARD = "4000 0000 0000 0002"


class Reply(BaseModel):
    text: str
    score: float = 0.5


@dataclass
class Answer:
    reply: Reply
    links: tuple[str, ...] = ()


class Plain:
    def __init__(self) -> None:
        self.body = b"raw \xff"


def test_texts_are_found_in_every_kind_of_value() -> None:
    value = [{"a": "x", "b": 7}, Answer(Reply(text="y"), ("z",)), Plain(), ValueError("w"), None]

    assert dict(texts_in(value)) == {
        "[0] (a key)": "b",
        "[0].a": "x",
        "[0].b": "7",
        "[1] (a key)": "links",
        "[1].reply (a key)": "score",
        "[1].reply.text": "y",
        "[1].reply.score": "0.5",
        "[1].links[0]": "z",
        "[2] (a key)": "body",
        "[2].body": "raw \ufffd",
        "[3]": "w",
    }


class Slots:
    __slots__ = ("_hidden", "text")

    def __init__(self) -> None:
        self.text = CARD


class Spoken:
    def __init__(self) -> None:
        self.parts = CARD.split()

    def __str__(self) -> str:
        return " ".join(self.parts)


def test_slots_are_looked_into_and_so_is_what_an_object_prints() -> None:
    assert dict(texts_in(Slots())) == {" (a key)": "text", ".text": CARD}
    assert CARD in [text for _, text in texts_in(Spoken())]


def test_a_value_that_holds_itself_ends() -> None:
    value: list[Any] = ["a"]
    value.append(value)

    assert {text for _, text in texts_in(value)} == {"a"}


def test_what_leads_on_and_on_is_looked_at_where_it_is_near() -> None:
    class Client:
        def __init__(self) -> None:
            self.name = "near"
            self.others = [{"at": number} for number in range(50_000)]
            self.me = self

    texts = [text for _, text in texts_in([Client(), Client])]

    assert "near" in texts
    assert len(texts) < 30_000


@pytest.mark.parametrize(
    ("text", "is_in"),
    [
        (f"pay {CARD} now", True),
        ("pay \uff14\uff10\uff10\uff10\u200b-0000-0000-0002 now", True),
        ("pay 4000 0000 0 now", True),  # more than half
        ("pay 4000 0000 now", False),
        ("pay [card] ending in 0002", False),
    ],
)
def test_a_secret_is_read_in_any_spelling_and_by_more_than_half(text: str, is_in: bool) -> None:
    assert Secret(CARD).is_in(text) == is_in


def test_of_an_address_only_the_part_before_the_at_counts() -> None:
    secret = Secret("jane.roe@example.com")

    assert secret.is_in("Jane.Roe@[host]")
    assert not secret.is_in("write to help@example.com")


def pieces() -> Iterator[str]:
    yield from ("4000 00", "00 0000 ", "0002")


async def pieces_async() -> AsyncIterator[dict[str, str]]:
    for piece in pieces():
        yield {"kind": "delta", "text": piece}


async def answered() -> AsyncIterator[dict[str, str]]:
    return pieces_async()


@pytest.mark.parametrize("call", [pieces, pieces_async, answered, lambda: [CARD]])
def test_whatever_an_application_returns_is_taken_piece_by_piece(call: Any) -> None:
    shown = show(call)

    assert shown.error is None
    assert Secret(CARD).place_in(shown.by_place())


def test_pieces_of_a_structure_are_joined_by_their_place() -> None:
    shown = show(pieces_async)

    assert shown.by_place()["the output.text"] == CARD
    assert shown.texts_with("40000000") == {".text": CARD}
    assert len(shown.pieces) == 3


def test_what_was_shown_before_an_error_counts_and_the_error_too() -> None:
    def breaks() -> Iterator[str]:
        yield "first"
        raise ValueError(CARD)

    shown = show(breaks)

    assert shown.text == "first"
    assert Secret(CARD).place_in(shown.by_place()) == "the text of ValueError"


def test_errors_of_the_package_are_not_the_applications() -> None:
    def fails() -> None:
        raise FaultError("no script")

    with pytest.raises(FaultError):
        show(fails)


def test_of_an_error_is_told_what_a_traceback_prints() -> None:
    def chained(hides: bool) -> list[str]:
        try:
            try:
                raise KeyError("inner")
            except KeyError as error:
                own = RuntimeError("outer")
                own.add_note("note")
                if hides:
                    raise own from None
                raise own from error
        except RuntimeError as error:
            return list(error_texts(error))

    assert chained(hides=False) == ["outer", "note", "'inner'"]
    assert chained(hides=True) == ["outer", "note"]


def plain(text: str) -> str:
    return text.upper()


async def awaited(text: str) -> str:
    return text.upper()


def generated(text: str) -> Iterator[str]:
    yield text.upper()


async def generated_async(text: str) -> AsyncIterator[str]:
    yield text.upper()


KINDS = [plain, awaited, generated, generated_async]


def said(function: Any, given: Any = "hello") -> Shown:
    return show(lambda: function(given))


@pytest.mark.parametrize("function", KINDS)
def test_a_guardrail_is_watched_while_it_runs_as_ever(function: Any) -> None:
    calls: Calls = []

    assert said(noting(function, calls)).text == "HELLO"
    assert calls == [{"0": "hello"}]


@pytest.mark.parametrize("function", KINDS)
@pytest.mark.parametrize("how", ["raises", "hangs", "nonsense"])
def test_a_guardrail_of_any_kind_fails_as_it_is_told(function: Any, how: Failure) -> None:
    calls: Calls = []
    clock = VirtualClock()

    with clock.running():
        shown = said(failing(function, how, calls))

    assert calls == [{}]
    assert isinstance(shown.error, GuardrailDown) == (how == "raises")
    assert (shown.text == "HELLO") == (how == "hangs")
    assert (round(clock.elapsed_s) == 86400) == (how == "hangs")


def test_pieces_are_noted_as_they_are_taken_and_keep_what_they_can() -> None:
    class Opened:
        """As the stream of an SDK: it has more than its pieces."""

        def __init__(self) -> None:
            self.pieces = pieces()
            self.request_id = "r-1"

        def __iter__(self) -> Iterator[str]:
            return self

        def __next__(self) -> str:
            return next(self.pieces)

    def filtered(stream: Any) -> Iterator[str]:
        for piece in stream:
            yield f"{stream.request_id} {piece}"

    calls: Calls = []
    taken = iter(noting(filtered, calls)(Opened()))

    next(taken)
    assert calls == [{"0": "4000 00"}]
    next(taken)
    assert calls == [{"0": "4000 0000 0000 "}]


def test_asynchronous_pieces_are_noted_too() -> None:
    async def filtered(stream: Any) -> AsyncIterator[str]:
        async for piece in stream:
            yield piece["text"]

    calls: Calls = []

    assert said(noting(filtered, calls), pieces_async()).text == CARD
    assert calls[0]["0.text"] == CARD


def test_a_text_is_planted_in_the_first_text_that_is_returned() -> None:
    planted: list[bool] = []

    def found(value: Any) -> Any:
        return planting(lambda: value, "PLANT", planted)()

    assert found("a") == "PLANT"
    assert found({"n": 1, "list": [2, {"t": "b"}], "u": "c"}) == {
        "n": 1,
        "list": [2, {"t": "PLANT"}],
        "u": "c",
    }
    assert found(7) == 7
    assert planted == [True, True, False]

    async def later() -> str:
        return "d"

    assert asyncio.run(planting(later, "PLANT", planted)()) == "PLANT"

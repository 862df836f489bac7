"""Planted values are searched for in what a test sent, and each search is proved."""

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_llmprod.wire import sent as module
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.sent import Sent

URL = "https://api.example/v1/chat/completions?user=u1"
MAIL = "bob@example.com"
CARD = "4000 0000 0000 0002"


def sent(*documents: Any, url: str = URL, headers: tuple[tuple[str, str], ...] = ()) -> Sent:
    outgoing: list[Outgoing] = []
    wire = Sent(outgoing)
    for each in documents:
        body = each if isinstance(each, bytes) else json.dumps(each).encode()
        outgoing.append(Outgoing("POST", url, headers, body))
    return wire


def failure(wire: Sent, planted: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        wire.assert_no(planted)
    return str(caught.value)


def test_a_planted_value_is_named_with_its_place_and_veiled() -> None:
    wire = sent({"input": "nothing"}, {"messages": [{"content": f"to {MAIL.upper()}"}]})

    assert failure(wire, MAIL).splitlines() == [
        "A planted value left with a request:",
        "  b**@*******.*** in plain text",
        "    at body /messages/0/content of request 2 of 2, POST "
        "https://api.example/v1/chat/completions",
    ]


@pytest.mark.parametrize(
    ("wire", "told"),
    [
        (sent({"a": base64.b64encode(MAIL.encode()).decode()}), "in base64\n    at body /a "),
        (sent({"a": MAIL[::-1]}), "in reversed\n    at body /a "),
        (sent({MAIL: 1}), "at body /b**@*******.*** "),
        (sent({}, headers=(("authorization", f"Bearer {MAIL}"),)), "at header authorization "),
        (sent({}, url=f"https://api.example/{MAIL}/x"), "at path of the URL "),
        (sent({"a": ["bob@exa", "mple.com"]}), "plain text, in pieces\n    at several places "),
        (sent(b"\xff\xd8 binary " + MAIL.encode() + b"\xff"), "at body "),
    ],
)
def test_it_is_found_wherever_it_stands(wire: Sent, told: str) -> None:
    text = failure(wire, MAIL)

    assert told in text
    assert MAIL not in text
    assert MAIL[::-1] not in text


def test_what_was_not_planted_may_leave() -> None:
    sent({"input": "to bob at example dot org, card 4000 0000 0000 0010"}).assert_no([MAIL, CARD])


def test_values_and_documents_of_the_strategies_are_taken() -> None:
    pii = SimpleNamespace(value=MAIL)
    document = SimpleNamespace(spans=[SimpleNamespace(pii=pii)])
    wire = sent({"a": MAIL})

    for planted in (MAIL, [MAIL], pii, document, [document, CARD]):
        assert "b**@" in failure(wire, planted)


def test_nothing_sent_is_a_failure() -> None:
    assert "the test proves nothing" in failure(sent(), MAIL)


def test_what_was_sent_before_does_not_count() -> None:
    outgoing = [Outgoing("POST", URL, (), json.dumps({"a": MAIL}).encode())]
    wire = Sent(outgoing)
    outgoing.append(Outgoing("POST", URL, (), b'{"a": "b"}'))

    wire.assert_no(MAIL)

    assert [each.body for each in wire.requests] == [b'{"a": "b"}']


@pytest.mark.parametrize("planted", [[], "Ana", "--"])
def test_what_cannot_be_searched_for_is_refused(planted: Any) -> None:
    with pytest.raises(ValueError, match="planted value"):
        sent({"a": "b"}).assert_no(planted)


@pytest.mark.parametrize(
    "planted", [{"customer_email": MAIL}, [{"customer_email": MAIL}], b"abcdefgh"]
)
def test_a_dict_or_bytes_are_refused_for_their_values_would_not_be_searched(planted: Any) -> None:
    with pytest.raises(TypeError, match="planted is a text"):
        sent({"a": MAIL}).assert_no(planted)


def test_a_search_that_finds_nothing_where_the_value_was_put_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "pieces", lambda outgoing: iter(()))
    monkeypatch.setattr(module.Planted, "how_told", lambda self, text: "")

    assert "does not find it where it was put for a control" in failure(sent({"a": "b"}), MAIL)

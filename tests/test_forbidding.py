"""What is found in a request before it leaves, wherever it stands and however it is written."""

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from pytest_llmprod.composition.forbidding import customs_of
from pytest_llmprod.core.faulting import ENDLESS
from pytest_llmprod.core.scanning import Finding, Scanner
from pytest_llmprod.wire.leaving import Customs, Request
from pytest_llmprod.wire.masking import BUILT_IN
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.rules import LeaveRules
from pytest_llmprod.wire.scanners.known_secrets import known_secret

URL = "https://api.openai.example/v1/chat/completions"
MAIL = "bob@example.com"
KEY = "sk-proj-4Tz9QmVb2LkXw7RjYd1NcHs8"
#: In one byte a letter, in another encoding, and with what shows nothing.
ROWS = (
    f"Jos\u00e9;{MAIL}".encode("latin-1"),
    f"it\u2019s {MAIL}".encode("cp1252"),
    f"Jos\u00e9;{MAIL}".encode("utf-16"),
    f"Name;Mail\nJos\u00e9;{MAIL}".encode("utf-8-sig"),
    f"Jos\u00e9\u00a0{MAIL}\0".encode(),
)
#: Base64 of these is wrapped within the address; the second one fills its last line.
ACROSS_LINES = (f"{'x' * 50} {MAIL} {'y' * 60}", f"{'x' * 50} {MAIL}".ljust(114))
OWN_KEY = "q8Zr-own-key-of-this-request-71"
HEADERS = [
    ("host", "203.0.113.7"),
    ("user-agent", "OpenAI/Python 3.54.0"),
    ("authorization", f"Bearer {OWN_KEY}"),
    ("content-type", "application/json"),
    ("x-stainless-runtime-version", "3.11.7"),
    ("content-length", "4111111111111111"),
]


def customs(
    *forbid: str,
    scanners: Sequence[Scanner] = BUILT_IN,
    known: Sequence[Scanner] = (),
    allow: tuple[str, ...] = (),
) -> Customs:
    rules = LeaveRules(forbid=forbid or ("pii", "secrets"), allow=allow)
    found = customs_of(rules, scanners, lambda: known)
    assert found is not None
    return found


def request(
    document: Any = None,
    *,
    body: bytes = b"",
    url: str = URL,
    headers: Sequence[tuple[str, str]] = HEADERS,
) -> Request:
    content = body if document is None else json.dumps(document).encode()
    return Request(Outgoing("POST", url, headers, content), None, ENDLESS)


def saying(text: str) -> Request:
    return request({"messages": [{"role": "user", "content": text}]})


@pytest.mark.parametrize(
    "text",
    [
        f"Write to {MAIL}!",
        "Write to bob\uff20example.com",
        "Write to b\u200bob@exam\u00adple.com",
        "Call me: +1 555 0100 now, card \u0664\u0661\u0661\u0661 1111 1111 1111",
        f"see {base64.b64encode(MAIL.encode()).decode()}",
        f"see {base64.b64encode(gzip.compress(MAIL.encode(), mtime=0)).decode()}",
        f"see {base64.b64encode(MAIL.encode().hex().encode()).decode()}",
        *(f"see {base64.b64encode(row).decode()}" for row in ROWS),
        f"see {ROWS[0].hex()}",
        *(f"see {base64.encodebytes(each.encode()).decode()}" for each in ACROSS_LINES),
        f"see {MAIL.encode().hex()}",
        f"https://x.example/?m={quote(MAIL)}",
        json.dumps({"to": MAIL}).replace("@", "\\u0040"),
        json.dumps(json.dumps({"to": MAIL})),
        "bob&#64;example.com",
        "bob%2540example.com",
        f"m={quote(base64.b64encode(b'>>>?' + MAIL.encode()).decode(), safe='')}",
        base64.b64encode(json.dumps({"to": MAIL}).replace("@", "\\u0040").encode()).decode(),
        "my key is " + KEY,
        f"the one of this request: {OWN_KEY}",
        f"so written: {base64.b64encode(OWN_KEY.encode()).decode()}",
    ],
)
def test_it_is_found_however_it_is_written(text: str) -> None:
    told = customs().problem(saying(text))

    assert "at body /messages/0/content" in told
    for secret in (MAIL, KEY, OWN_KEY, "1111", "0100"):
        assert secret not in told


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        (request({"metadata": {"user": MAIL}}), "body /metadata/user"),
        (
            request({"tools": [{"function": {"description": f"Mails {MAIL}"}}]}),
            "body /tools/0/function/description",
        ),
        (request({"tools": [{"enum": [MAIL]}]}), "body /tools/0/enum/0"),
        (request({"input": [4111111111111111]}), "body /input/0"),
        (request({"user": {"passport_number": "C01X00T47"}}), "body /user/passport_number"),
        (request({"date_of_birth": "1980-01-31"}), "body /date_of_birth"),
        (request(url=f"{URL}?user={quote(MAIL)}"), "parameter of the URL /user"),
        (request(url=f"https://api.example/v1/{MAIL}/x"), "path of the URL"),
        (request(headers=[*HEADERS, ("X-User", MAIL)]), "header x-user"),
        (request(body=f"plain {MAIL}".encode()), "body"),
        (request(body=gzip.compress(f"plain {MAIL}".encode())), "body"),
        (
            request({"file": base64.b64encode(f"{MAIL}, ".encode() * 60).decode()}),
            "body /file",
        ),
    ],
)
def test_it_is_found_wherever_it_stands(asked: Request, place: str) -> None:
    told = customs().problem(asked)

    assert f"            at {place}\n" in told
    assert MAIL not in told


@pytest.mark.parametrize("allowed", ["4111 1111 1111 1111", "4111111111111111"])
def test_a_value_may_be_allowed_as_it_is_written_and_in_plain_form(allowed: str) -> None:
    assert customs(allow=(allowed,)).problem(saying("Card 4111 1111 1111 1111")) is None
    assert customs(allow=(allowed,)).problem(saying("Card 5555 5555 5555 4444")) is not None


def test_an_address_in_a_url_is_allowed_by_itself() -> None:
    told = customs(allow=(MAIL,)).problem(saying(f"https://x.example/?to={MAIL}&cc=a@b.example"))

    assert told.count("found     email") == 1


def test_a_name_that_must_not_leave_is_veiled_where_it_is_part_of_the_pointer() -> None:
    told = customs().problem(request({MAIL: {"card": "4111 1111 1111 1111"}}))

    assert "at body /b**@*******.***\n" in told
    assert "at body /b**@*******.***/card\n" in told


def test_a_name_that_hides_what_must_not_leave_is_veiled_as_it_is_written() -> None:
    name = base64.b64encode(MAIL.encode()).decode()

    told = customs().problem(request({name: "x"}))

    assert "in base64" in told
    assert name not in told


def test_the_headers_of_the_protocol_and_of_keys_may_hold_anything() -> None:
    assert customs().problem(saying("Nothing of the kind")) is None


@pytest.mark.parametrize(
    "document",
    [
        {"name": "Ticket Label", "type": "function", "parameters": {"type": "object"}},
        {"model": "gpt-5-mini-2025-08-07", "temperature": 0.7, "seed": 20250807},
        {"tool_call_id": "call_9fA8s7dK2jH4gL1mN6bV3cX5", "content": "ok"},
        {"response_format": {"json_schema": {"name": "Label", "strict": True}}},
        {"previous_response_id": "resp_0123456789abcdef0123456789abcdef0123456789abcdef"},
        {"input": "Version 10.2.3.4 of the driver; order 12345678; https://acme.example/a?b=c"},
        {"prompt_cache_key": "7b1c2f0e-5f0b-4a39-9d5e-0a4c8a3f6d21"},
    ],
)
def test_ordinary_parts_of_requests_may_leave(document: Any) -> None:
    assert customs().problem(request(document)) is None


def test_secrets_of_the_environment_and_of_scanners_do_not_leave() -> None:
    def find_customer(text: str) -> list[Finding]:
        at = text.find("ACME-77")
        return [Finding("customer", at, at + 7)] if at >= 0 else []

    guard = customs(
        scanners=[*BUILT_IN, find_customer], known=[known_secret("s3cr3t-of-the-db", "DB_PASSWORD")]
    )

    assert "found     DB_PASSWORD s*" in guard.problem(saying("use s3cr3t-of-the-db"))
    assert "found     customer A***-**" in guard.problem(saying("from ACME-77"))


def test_what_cannot_be_searched_does_not_leave() -> None:
    def broken(text: str) -> list[Finding]:
        raise ValueError(text)

    told = customs(scanners=[*BUILT_IN, broken]).problem(saying("anything"))

    assert "could not be searched" in told
    assert "ValueError was raised" in told
    assert "anything" not in told


def test_only_what_is_forbidden_is_found() -> None:
    text = f"{MAIL}, {KEY}, 4111 1111 1111 1111"

    assert "card" not in customs("email").problem(saying(text))
    assert "email" not in customs("secrets").problem(saying(text))
    assert customs("iban").problem(saying(text)) is None


def test_what_is_allowed_is_allowed_in_every_writing() -> None:
    guard = customs(allow=("*@example.com",))

    assert (
        guard.problem(saying(f"{MAIL} and {MAIL.encode().hex()} and B\uff2f\uff22@example.com"))
        is None
    )
    assert "c****@*******.***" in guard.problem(saying(f"{MAIL} and carol@example.net"))


def test_a_secret_of_the_environment_may_be_allowed() -> None:
    known = [known_secret("s3cr3t-of-the-db", "DB_PASSWORD")]
    guard = customs(known=known, allow=("s3cr3t-*",))

    assert guard.problem(saying("use s3cr3t-of-the-db")) is None


def test_a_text_that_was_harmless_is_searched_anew_when_there_is_another_secret() -> None:
    known: list[Scanner] = []
    guard = customs(known=known)
    asked = saying("use s3cr3t-of-the-db")
    assert guard.problem(asked) is None

    known.append(known_secret("s3cr3t-of-the-db", "DB_PASSWORD"))

    assert "DB_PASSWORD" in guard.problem(asked)


def test_of_many_findings_the_first_ten_are_told() -> None:
    document = [f"user{number}@example.com" for number in range(14)]

    told = customs().problem(request(document))

    assert told.count("found     email") == 10
    assert "            and 4 more" in told


@pytest.mark.parametrize("name", ["db_password", "clientSecret", "secret_access_key"])
def test_a_secret_that_only_its_name_betrays_is_found_under_that_name(name: str) -> None:
    named = customs().problem(request({"metadata": {name: "hunter2-Xy9#"}}))

    assert f"at body /metadata/{name}" in named
    assert "hunter2" not in named


@pytest.mark.parametrize("name", ["prompt_cache_key", "next_token", "token_type", "sort_key"])
def test_a_name_that_only_sounds_so_betrays_nothing(name: str) -> None:
    assert customs().problem(request({name: "user-1234-abcd"})) is None

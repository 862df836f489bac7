"""Masking: no secret reaches a file, and what is masked stays masked."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import KEY

from pytest_llmprod.wire.masking import (
    BUILT_IN,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    Finding,
    kept_headers,
    known_secret,
    mask,
    mask_body,
    mask_strings,
    mask_url,
)

# Cut in two, so that no tool that looks for leaked keys takes them for some.
KEYS = [
    "sk-" + "a" * 20,
    "sk-proj-" + "Ab1_-" * 8,
    "sk-ant-api03-" + "x" * 40,
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "AIza" + "S" * 35,
    "ghp_" + "g" * 36,
    "xoxb-" + "1234567890-abc",
    "gsk_" + "q" * 30,
    "hf_" + "h" * 34,
    "xai-" + "y" * 30,
    "pplx-" + "z" * 30,
    "r8_" + "r" * 37,
]
SECRET = known_secret("tr0ub4dor&3")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:5])
@pytest.mark.parametrize("around", ["{}", "my key: {}.", '"{}"', "\n{}\n", "({})", "é{}é"])
def test_keys_of_well_known_providers_are_masked(key: str, around: str) -> None:
    assert mask(around.format(key), BUILT_IN) == around.format("[masked key]")


@pytest.mark.parametrize(
    "text",
    ["sk-short", "task-" + "a" * 30, "the risk-" + "b" * 30, "AKIAshort", "xox", "hf_short"],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert mask(text, BUILT_IN) == text


PIECES = st.text(max_size=5) | st.sampled_from([*KEYS, "tr0ub4dor&3", "[masked key]", "sk-"])


@given(st.lists(PIECES, max_size=6).map("".join))
@example("tr0ub4dor&3tr0ub4dor&3")
@example("tr0ub4dor&tr0ub4dor&3")
def test_masking_twice_is_masking_once(text: str) -> None:
    scanners = [*BUILT_IN, SECRET]

    once = mask(text, scanners)

    assert mask(once, scanners) == once
    assert "tr0ub4dor&3" not in once


def test_a_key_right_behind_another_is_masked() -> None:
    assert mask("".join([KEYS[3], KEYS[3], KEYS[0]]), BUILT_IN) == "[masked key]" * 3


def test_a_finding_of_no_length_masks_nothing() -> None:
    assert mask("text", [lambda text: find("nothing", 4, 4)]) == "text"


def find(kind: str, start: int, end: int) -> Iterable[Finding]:
    return [Finding(kind, start, end)]


@pytest.mark.parametrize(
    ("first", "second"), [((2, 6), (4, 8)), ((2, 8), (3, 5)), ((4, 8), (2, 6)), ((2, 8), (2, 4))]
)
def test_findings_that_overlap_are_masked_together(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    scanners = [lambda text: find("one", *first), lambda text: find("one", *second)]

    assert mask("0123456789", scanners) == "01[masked one]89"


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    text = "tr0ub4dor&3, tr0ub4dor&3 and tr0ub4dor"

    assert mask(text, [SECRET]) == "[masked key], [masked key] and tr0ub4dor"


@pytest.mark.parametrize("before", ["\n", "\t", "\r", '"', "\\", "\u0007", "é\n"])
def test_an_escape_before_a_key_does_not_hide_it(before: str) -> None:
    content = json.dumps({"content": f"key:{before}{KEY}", "n": 1}).encode()

    masked = mask_body(content, BUILT_IN)

    assert json.loads(masked) == {"content": f"key:{before}[masked key]", "n": 1}


JWT = "eyJ" + "hbGciOiJI" + ".eyJ" + "zdWIiOiIx" + "." + "s" * 20


@pytest.mark.parametrize("key", [*KEYS, JWT], ids=lambda key: key[:5])
@pytest.mark.parametrize("before", ["\n", "\t", "\r", "\b", "\f", "\u007f", "é\n", "是"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_an_escape_in_json_that_stands_in_a_string_hides_no_key(
    key: str, before: str, level: int
) -> None:
    text = f"# keys{before}{key}"
    for _ in range(level):
        text = json.dumps({"text": text})

    masked = mask_body(text.encode(), BUILT_IN).decode()

    assert key not in masked
    for _ in range(level):
        masked = json.loads(masked)["text"]
    assert masked.startswith(f"# keys{before}[masked ")


@pytest.mark.parametrize("key", [*KEYS, JWT], ids=lambda key: key[:5])
def test_an_equals_sign_that_is_escaped_hides_no_key(key: str) -> None:
    assert key not in mask(rf'{{"text": "key\u003d{key}"}}', BUILT_IN)


def test_an_escape_inside_a_key_does_not_hide_it() -> None:
    content = b'{"content": "' + KEY.replace("-", "\\u002d").encode() + b'"}'

    assert json.loads(mask_body(content, BUILT_IN)) == {"content": "[masked key]"}


def test_names_in_a_document_are_masked_too() -> None:
    document = {"list": [{KEY: f"x {KEY}"}], "n": 1, "none": None}

    assert mask_strings(document, BUILT_IN) == {
        "list": [{"[masked key]": "x [masked key]"}],
        "n": 1,
        "none": None,
    }


def test_a_body_that_is_no_utf8_is_masked_and_else_unchanged() -> None:
    content = b"\xff\x00\xe9 " + KEY.encode() + b" \x80"

    assert mask_body(content, BUILT_IN) == b"\xff\x00\xe9 [masked key] \x80"


@given(st.binary() | st.text().map(lambda text: json.dumps([text], indent=3).encode()))
@example(b'{"a":"\\n", "b" :1}')
def test_a_body_without_a_secret_keeps_its_bytes(content: bytes) -> None:
    assert mask_body(content, BUILT_IN) == content


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://api.x.com/v1/chat", "https://api.x.com/v1/chat"),
        ("https://me:pass@api.x.com/v1", "https://api.x.com/v1"),
        ("https://x.com/v1?key=abc&n=1", "https://x.com/v1?key=[masked]&n=1"),
        ("https://x.com/v1?n=1&api-key=abc", "https://x.com/v1?n=1&api-key=[masked]"),
        ("https://x.com/v1?access_token=abc", "https://x.com/v1?access_token=[masked]"),
        ("https://x.com/v1?Signature=a%2Fb&x=2", "https://x.com/v1?Signature=[masked]&x=2"),
        ("https://x.com/v1?monkey=banana", "https://x.com/v1?monkey=banana"),
        ("https://x.com/v1#token=abc", "https://x.com/v1"),
        (f"https://x.com/{KEY}/v1", "https://x.com/[masked key]/v1"),
    ],
)
def test_a_url_keeps_no_secret(url: str, masked: str) -> None:
    assert mask_url(url, BUILT_IN) == masked
    assert mask_url(masked, BUILT_IN) == masked


def test_only_headers_of_the_list_are_kept() -> None:
    headers = [
        ("Authorization", f"Bearer {KEY}"),
        ("Cookie", "a=b"),
        ("OpenAI-Organization", "org-1"),
        ("Content-Type", "application/json"),
        ("Accept", "a"),
        ("ACCEPT", "b"),
        ("X-New-Secret", "s"),
    ]

    assert kept_headers(headers, REQUEST_HEADERS) == {
        "content-type": ["application/json"],
        "accept": ["a", "b"],
    }


@pytest.mark.parametrize(
    "name", ["set-cookie", "openai-organization", "openai-project", "authorization", "date"]
)
def test_answers_keep_no_header_that_names_the_caller(name: str) -> None:
    assert kept_headers([(name, "secret")], RESPONSE_HEADERS) == {}

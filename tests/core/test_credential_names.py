"""Credential names: which names say that a value is a secret, and where."""

import re

import pytest

from pytest_llmprod.core import credential_names
from pytest_llmprod.core.credential_names import (
    SECRET_PARAMETER,
    is_credential_name,
    is_secret_name,
)
from pytest_llmprod.wire.masking import BUILT_IN, mask_strings, mask_url

IN_ANY_TEXT = credential_names._IN_ANY_TEXT
IN_A_URL = credential_names._IN_A_URL


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


@pytest.mark.parametrize("name", IN_ANY_TEXT)
def test_what_is_a_secret_in_any_text_is_one_everywhere(name: str) -> None:
    for spelling in (name, name.upper(), name.replace("_", "-"), camel(name)):
        assert is_secret_name(spelling)
        assert re.fullmatch(SECRET_PARAMETER, spelling)
        assert is_credential_name(spelling)


@pytest.mark.parametrize("name", IN_A_URL)
def test_what_is_a_secret_in_a_url_is_one_of_a_request(name: str) -> None:
    assert re.fullmatch(SECRET_PARAMETER, name)
    assert is_credential_name(name)
    assert is_credential_name(name.replace("_", "-"))


@pytest.mark.parametrize("name", ["key", "token", "signature", "max_tokens", "page_token"])
def test_a_name_that_ordinary_json_has_is_no_secret_in_a_text(name: str) -> None:
    assert mask_strings({name: "an ordinary word"}, BUILT_IN) == {name: "an ordinary word"}


@pytest.mark.parametrize("name", ["page_token", "next-page-token", "sort_key", "max_tokens"])
def test_a_parameter_that_tells_requests_apart_stays_in_the_url(name: str) -> None:
    assert mask_url(f"https://x.com/v1?{name}=a7", BUILT_IN) == f"https://x.com/v1?{name}=a7"


@pytest.mark.parametrize("name", ["apiKey", "api_secret", "X-Amz-Signature", "sig"])
def test_a_secret_parameter_is_masked_in_one_way_whatever_it_is_called(name: str) -> None:
    assert mask_url(f"https://x.com/v1?{name}=a7", BUILT_IN) == f"https://x.com/v1?{name}=[masked]"


@pytest.mark.parametrize(
    "name",
    [
        "KEY_NAME",
        "TOKEN_TYPE",
        "secret-version",
        "Idempotency-Key",
        "MAX_TOKENS",
        "MODEL_KEY",
        "SORT_KEY",
        "KEY_PREFIX",
        "SSH_AUTH_SOCK",
    ],
)
def test_what_is_said_of_a_credential_is_none(name: str) -> None:
    assert not is_credential_name(name)

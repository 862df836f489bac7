import pytest

from pytest_llmprod.core.secret_shapes import find_key_shapes


@pytest.mark.parametrize("prefix", ["aws", "AWS"])
@pytest.mark.parametrize("name", ["secret_access_key", "SECRET_ACCESS_KEY"])
def test_a_secret_key_of_aws_is_found_in_every_spelling_of_its_name(prefix: str, name: str) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    text = f"{prefix}_{name} = {secret}"

    (found,) = find_key_shapes(text)

    assert text[found.start : found.end] == secret

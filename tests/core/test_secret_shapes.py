import pytest

from pytest_llmprod.core.secret_shapes import find_key_shapes, find_named_values


@pytest.mark.parametrize("prefix", ["aws", "AWS"])
@pytest.mark.parametrize("name", ["secret_access_key", "SECRET_ACCESS_KEY"])
def test_a_secret_key_of_aws_is_found_in_every_spelling_of_its_name(prefix: str, name: str) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    text = f"{prefix}_{name} = {secret}"

    (found,) = find_key_shapes(text)

    assert text[found.start : found.end] == secret


def test_a_value_that_is_cut_short_ends_with_its_line() -> None:
    text = '{"password": "hunter2-and-more\nthe next line has a "quote"'

    (found,) = find_named_values(text)

    assert text[found.start : found.end] == "hunter2-and-more"

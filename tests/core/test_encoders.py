"""Ways to write a text so that a filter does not see it."""

import pytest

from pytest_llmprod.core.encoders import ENCODERS


@pytest.mark.parametrize("name", ["base64", "hex", "zero width"])
def test_a_lone_surrogate_goes_through_an_encoding_of_bytes(name: str) -> None:
    encoder = ENCODERS[name]

    assert encoder.decode(encoder.encode("a\ud800b")) == "a\ud800b"


def test_morse_keeps_what_it_has_a_sign_for_and_a_space_for_the_rest() -> None:
    morse = ENCODERS["morse"]

    assert morse.keeps("Grüße*an  alle\n") == "GR SSE AN ALLE"
    assert morse.encode("sos*now") == "... --- ... / -. --- .--"

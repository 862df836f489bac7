"""Ways to write a text so that a filter does not see it."""

from pytest_llmprod.core.encoders import ENCODERS


def test_morse_keeps_what_it_has_a_sign_for_and_a_space_for_the_rest() -> None:
    morse = ENCODERS["morse"]

    assert morse.keeps("Grüße*an  alle\n") == "GR SSE AN ALLE"
    assert morse.encode("sos*now") == "... --- ... / -. --- .--"

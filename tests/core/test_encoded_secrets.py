"""Secrets that stand in a text in base64, or percent-encoded."""

import base64

import pytest

from pytest_llmprod.core.encoded_secrets import find_encoded

KEY = "sk-proj-" + "a1B2" * 10


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("width", [64, 76])
def test_wrapped_base64_that_holds_a_key_is_found_from_its_first_to_its_last_line(
    width: int, end: str
) -> None:
    # The key lies across the end of a line, so that no line holds it alone.
    encoded = base64.b64encode(f"{'x' * 40} {KEY} and more".encode()).decode()
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    wrapped = end.join(lines)
    text = f"-- begin --\n{wrapped}\n-- end --"

    found = {(each.kind, text[each.start : each.end]) for each in find_encoded(text)}

    assert ("key", wrapped) in found


def test_base64_behind_a_segment_of_a_path_is_found_though_it_has_slashes_itself() -> None:
    encoded = base64.b64encode(f"???{KEY}???".encode()).decode()
    assert encoded.count("/") > 1
    text = f"https://example.test/segment/{encoded}"

    assert "key" in {each.kind for each in find_encoded(text)}


def test_a_key_behind_percent_signs_is_found_with_the_text_around_it() -> None:
    encoded = KEY.replace("-", "%2D")
    text = f"see {encoded} there"

    found = {(each.kind, text[each.start : each.end]) for each in find_encoded(text)}

    assert found == {("key", encoded)}

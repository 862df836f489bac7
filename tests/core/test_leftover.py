"""What of a value can still be read in a text."""

import pytest

from pytest_llmprod.core.leftover import longest_left


def test_a_whole_value_is_left() -> None:
    assert longest_left("4111111111111111", "card4111111111111111end") == "4111111111111111"


def test_nothing_is_left_of_what_does_not_stand_there() -> None:
    assert longest_left("annaschmidt", "the customer asks for a refund") == ""


def test_half_of_a_value_is_nothing_left_and_one_character_more_is() -> None:
    assert longest_left("abcdefghijkl", "abcdef") == ""
    assert longest_left("abcdefghijkl", "abcdefg") == "abcdefg"


def test_the_end_and_the_middle_of_a_value_are_left_as_well() -> None:
    assert longest_left("abcdefghij", "xxefghijxx") == "efghij"
    assert longest_left("abcdefghij", "xxcdefghxx") == "cdefgh"


def test_the_longest_of_several_parts_is_returned() -> None:
    text = "abcdef.bcdefghi.efghij"

    assert longest_left("abcdefghij", text) == "bcdefghi"


def test_the_first_of_two_parts_of_one_length_is_returned() -> None:
    assert longest_left("abcdefghij", "bcdefg.abcdef") == "abcdef"


def test_a_part_shorter_than_the_least_is_nothing_left() -> None:
    assert longest_left("abcdefg", "abcd") == ""
    assert longest_left("abcdefg", "abcde") == "abcde"
    assert longest_left("abcdefg", "abcde", least=6) == ""
    assert longest_left("abcdefg", "abcd", least=3) == "abcd"


def test_a_value_shorter_than_the_least_is_left_only_whole() -> None:
    assert longest_left("abc", "xabcx") == "abc"
    assert longest_left("abc", "xabx") == ""


def test_a_part_that_the_other_text_has_as_often_is_not_left() -> None:
    assert longest_left("abcdefgh", "abcdefgh", "abcdefgh") == ""
    assert longest_left("abcdefgh", "abcdefgh abcdefgh", "abcdefgh") == "abcdefgh"


def test_a_value_is_left_though_the_other_text_has_each_short_part_of_it() -> None:
    assert longest_left("abcdefgh", "abcdefgh", "abcdef bcdefg cdefgh") == "abcdefgh"
    assert longest_left("abcdefgh", "xabcdefgx", "abcdef bcdefg cdefgh") == "abcdefg"


@pytest.mark.parametrize("key", ["", "a"])
def test_an_empty_text_has_nothing_left(key: str) -> None:
    assert longest_left(key, "") == ""

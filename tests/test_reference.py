"""The reference page says what the code has, and no more."""

from scripts import reference


def test_the_page_is_the_one_that_the_code_makes() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run `make reference`"


def test_every_entry_says_something() -> None:
    _, *entries = reference.page().split("\n### ")

    assert len(entries) > 40
    assert [entry for entry in entries if len(entry.split("\n\n", 1)[1].strip()) < 20] == []

import pytest

from pytest_llmprod.core.errors import HandoffError
from pytest_llmprod.handoff import regions

KNOWN = ("models", "budgets")
BODIES = {"models": "one\ntwo\n", "budgets": "three\n"}
TEXT = """# By hand

<!-- llmprod:models -->
one
<!-- /llmprod:models -->

kept   as it is\x20\x20
<!-- llmprod:budgets -->
<!-- /llmprod:budgets -->
the end, without a line end"""


def found(text: str) -> list[regions.Region]:
    return regions.find(text, KNOWN, "R.md")


def test_regions_are_found_with_their_lines() -> None:
    assert found(TEXT) == [("models", 3, ("one",)), ("budgets", 8, ())]


def test_what_stands_outside_stays_to_the_byte() -> None:
    renewed = regions.renew(TEXT, BODIES)

    assert renewed == TEXT.replace("one\n", "one\ntwo\n").replace(
        "<!-- llmprod:budgets -->\n", "<!-- llmprod:budgets -->\nthree\n"
    )
    assert regions.renew(renewed, BODIES) == renewed
    assert regions.outdated(found(renewed), BODIES) == []


def test_line_ends_of_windows_stay() -> None:
    renewed = regions.renew(TEXT.replace("\n", "\r\n"), BODIES)

    assert renewed == regions.renew(TEXT, BODIES).replace("\n", "\r\n")
    assert regions.outdated(found(renewed), BODIES) == []


def test_marks_in_a_list_are_indented() -> None:
    text = TEXT.replace("<!--", "  <!--")

    renewed = regions.renew(text, BODIES)

    assert [each.name for each in found(text)] == ["models", "budgets"]
    assert renewed.count("  <!-- llmprod:models -->\none\ntwo\n  <!-- /llmprod:models -->\n") == 1


def test_only_regions_that_differ_are_out_of_date() -> None:
    text = TEXT.replace("one\n", "one\ntwo\n")

    assert [each.name for each in regions.outdated(found(text), BODIES)] == ["budgets"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["<!-- llmprod:modles -->"], "R.md:1: there is no region modles. Known are budgets, mod"),
        (["", "<!-- llmprod:models -->"], "R.md:2: the region models has no end. Add <!-- /llmpr"),
        (["<!-- /llmprod:models -->"], "R.md:1: the region models ends and never began"),
        (
            ["<!-- llmprod:models -->", "<!-- llmprod:budgets -->"],
            "R.md:2: a mark of budgets stands inside of the region models. Add <!-- /llmprod:mod",
        ),
        (
            ["<!-- llmprod:models -->", "<!-- /llmprod:models -->", "<!-- llmprod:models -->"],
            "R.md:3: the region models stands there twice",
        ),
    ],
)
def test_a_mark_that_cannot_be_right_is_told_with_its_line(lines: list[str], told: str) -> None:
    with pytest.raises(HandoffError) as caught:
        found("\n".join(lines))

    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "line",
    [
        *("<!--llmprod:models-->", "<!-- llmprod:models-->", "<!-- llmprod: models -->"),
        *("<!-- LLMPROD:models -->", "<!-- / llmprod:models -->", "<!-- llmprod:models"),
        "<!-- llmprod:models --> our models",
    ],
)
def test_a_mark_that_is_damaged_is_told(line: str) -> None:
    with pytest.raises(HandoffError) as caught:
        found(f"# By hand\n{line}\n")

    assert str(caught.value).startswith(f"R.md:2: {line!r} is no mark. Write <!-- llmprod:NAME -->")


@pytest.mark.parametrize("line", ["`<!-- llmprod:models -->` is a mark", "<!-- of llmprod -->"])
def test_a_line_that_tells_of_marks_is_none(line: str) -> None:
    assert found(line) == []

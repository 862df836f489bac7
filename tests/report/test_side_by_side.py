import pytest

from pytest_llmprod.core.text import width
from pytest_llmprod.report.side_by_side import Answer, render


def answer(output: object, outcome: str = "hit", **more: object) -> Answer:
    return Answer("gpt", outcome, str(more.get("why", "")), output, bool(more.get("is_kept", True)))


def test_what_was_expected_and_both_answers_stand_below_each_other() -> None:
    lines = render(
        "triage", "t-1", {"label": "a"}, (answer("a"), answer({"x": 1}, "miss", why="no"))
    )

    assert lines == [
        "triage  t-1",
        '  expected  {"label": "a"}',
        "  old       gpt, hit",
        "            a",
        "  new       gpt, miss: no",
        '            {"x": 1}',
    ]


def test_a_case_that_one_run_lacks_is_told() -> None:
    lines = render("triage", "t-1", None, (answer(None), None))

    assert lines[1:] == [
        "  old       gpt, hit",
        "            (none)",
        "  new       (this run has no such case)",
    ]


def test_long_answers_are_cut_and_their_first_changes_shown() -> None:
    same = "word " * 300

    lines = render("triage", "t-1", "x", (answer(f"{same}yes"), answer(f"{same}no", "miss")))

    assert sum("word word" in line for line in lines) == 17
    assert lines[-1] == "  changes   ... word word word [-yes-]{+no+}"
    assert all(width(line) <= 80 for line in lines)


@pytest.mark.parametrize("text", ["\x1b[2J\n\u202e" + "long " * 400, "\u5206\u985e" * 300, ""])
def test_hostile_and_wide_answers_stay_in_their_lines(text: str) -> None:
    found = answer(text, "miss", why=text)

    lines = render(text or "x", text, text, (found, found))

    assert all(width(line) <= 80 for line in lines)
    assert "\x1b" not in "".join(lines)
    assert "\u202e" not in "".join(lines)

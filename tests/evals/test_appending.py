import json
from pathlib import Path
from typing import Any

import pytest
from dataset_files import JSON_VALUE, ROW, ROWS, WRITERS, Rows
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.appending import all_appended, appended
from pytest_llmprod.evals.csv_cells import left_out
from pytest_llmprod.evals.dataset import Case, as_case, read_cases

NEW = {"id": "new", "input": {"text": "hi", "lang": "en"}, "expected": "x"}


def problem(name: str, content: str, row: dict[str, Any]) -> str:
    with pytest.raises(DatasetError) as caught:
        appended(Path(name), content.encode(), row)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    return message.removeprefix(f"{name}: ")


@given(
    rows=ROWS,
    new=ROW,
    name=st.sampled_from(sorted(WRITERS)),
    end=st.sampled_from([b"\n", b"\r\n"]),
    start=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    is_ended=st.booleans(),
)
def test_a_row_more_is_read_after_those_that_were_there(
    rows: Rows, new: dict[str, Any], name: str, end: bytes, start: bytes, is_ended: bool
) -> None:
    assume(all(row["id"] != new["id"] for row in rows))
    assume(not new.get("tags") or all("," not in tag for tag in new["tags"]))
    path = Path(name)
    content = WRITERS[name](rows).encode()
    # A line end inside of a quoted cell stays what it is.
    text = content if name.endswith("csv") else content.replace(b"\n", end)
    text = start + (text if is_ended else text.rstrip(b"\r\n"))

    grown = appended(path, text, new)

    assert read_cases(path, grown) == (*read_cases(path, text), as_case(path, 1, new))
    assert grown.startswith(text.rstrip(b"\r\n ]"))


@given(value=JSON_VALUE, expected=JSON_VALUE, name=st.sampled_from(["a.jsonl", "a.json", "a.yaml"]))
def test_any_json_value_can_be_added(value: Any, expected: Any, name: str) -> None:
    row = {"id": "new", "input": value, "expected": expected, "note": [value]}

    (case,) = read_cases(Path(name), appended(Path(name), b"", row))

    assert case == Case(id="new", input=value, expected=expected)


@given(rows=ROWS, name=st.sampled_from(sorted(WRITERS)))
def test_the_same_row_gives_the_same_bytes(rows: Rows, name: str) -> None:
    assume(all(row["id"] != "new" for row in rows))
    content = WRITERS[name](rows).encode()

    assert appended(Path(name), content, NEW) == appended(Path(name), content, NEW)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.jsonl", '{"id":"a","input":1}', '{"id":"a","input":1}\n{ROW}\n'),
        ("a.jsonl", '{"id":"a","input":1}\n\n', '{"id":"a","input":1}\n\n{ROW}\n'),
        ("a.json", "[]", "[{ROW}]"),
        ("a.json", '[{"id":"a","input":1}]', '[{"id":"a","input":1}, {ROW}]'),
        (
            "a.json",
            '[\n  {"id":"a","input":1}\n]\n',
            '[\n  {"id":"a","input":1},\n  {ROW}\n]\n',
        ),
        (
            "a.json",
            '[\r\n\t{\r\n\t\t"id": "a",\r\n\t\t"input": 1\r\n\t}\r\n]',
            '[\r\n\t{\r\n\t\t"id": "a",\r\n\t\t"input": 1\r\n\t},\r\n\t{\r\n'
            '\t "id": "new",\r\n\t "input": "hi",\r\n\t "expected": "x"\r\n\t}\r\n]',
        ),
        (
            "a.json",
            '[\n  {\n    "id": "a",\n    "input": 1\n  }\n]\n',
            '[\n  {\n    "id": "a",\n    "input": 1\n  },\n  {\n'
            '    "id": "new",\n    "input": "hi",\n    "expected": "x"\n  }\n]\n',
        ),
        (
            "a.yaml",
            "# tickets\n- id: a  # first\n  input: 1\n",
            "# tickets\n- id: a  # first\n  input: 1\n- id: new\n  input: hi\n  expected: x\n",
        ),
        (
            "a.yml",
            "  - id: a\n    input: 1",
            "  - id: a\n    input: 1\n  - id: new\n    input: hi\n    expected: x\n",
        ),
        ("a.yaml", "[{id: a, input: 1}]\n", "[{id: a, input: 1}, {ROW}]\n"),
        ("a.yaml", "[]", "[{ROW}]"),
        ("a.csv", "id,input,expected\na,b,c", "id,input,expected\na,b,c\nnew,hi,x\n"),
        ("a.csv", "id,input,expected\r\n", "id,input,expected\r\nnew,hi,x\r\n"),
        ("a.csv", " expected , id,tags\n", " expected , id,tags\nx,new,\n"),
    ],
)
def test_the_layout_of_the_file_is_kept(name: str, before: str, after: str) -> None:
    row = {"id": "new", "input": "hi", "expected": "x"}
    if "input" not in before and name == "a.csv":
        del row["input"]

    found = appended(Path(name), before.encode(), row)

    assert found.decode() == after.replace("{ROW}", json.dumps(row))


def test_letters_are_escaped_where_the_file_does_so() -> None:
    row = {"id": "new", "input": "ü"}

    def added(before: str) -> str:
        return appended(Path("a.jsonl"), before.encode(), row).decode().splitlines()[-1]

    assert added('{"id": "a", "input": 1}') == '{"id": "new", "input": "ü"}'
    assert added('{"id": "a", "input": "\\u00e4"}') == '{"id": "new", "input": "\\u00fc"}'
    assert added('{"id": "a", "input": "ä"}') == '{"id": "new", "input": "ü"}'


def test_half_a_surrogate_pair_is_escaped_or_refused() -> None:
    row = {"id": "new", "input": "\ud800"}

    assert b'"\\ud800"' in appended(Path("a.jsonl"), b"", row)
    assert "half a surrogate pair cannot stand" in problem("a.csv", "id,input\n", row)
    assert b'"\\uD800"' in appended(Path("a.yaml"), b"", row)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"input": "hi"}, "has no column input, only id, input.text, input.lang, expected.label."),
        ({"expected": {}}, "the row has no value for the column expected.label. Give expected"),
        ({"input": {"text": "hi"}}, "no value for the column input.lang. Give input as an object"),
        ({"input": {"text": "", "lang": "", "x": 1}}, "has no column input.x, only id, input.text"),
        ({"input": {"text": ["a"], "lang": ""}}, 'a cell holds a text, and input.text is ["a"].'),
        ({"expected": "x"}, "has no column expected, only id,"),
        ({"expected": {"label": "x"}, "tags": ["t"]}, "has no column tags. Add it, or leave tags"),
        ({"expected": {"label": "x"}, "cluster": "c"}, "has no column cluster. Add it, or leave"),
    ],
)
def test_a_row_that_the_columns_do_not_fit_is_refused(row: dict[str, Any], text: str) -> None:
    content = "id,input.text,input.lang,expected.label\n"

    assert text in problem("a.csv", content, {"id": "new", **row})


def test_a_cell_holds_numbers_as_texts_and_what_is_missing_as_nothing() -> None:
    row = {"id": "new", "input": {"n": 3, "on": True}, "expected": None, "note": "n"}
    content = b"id,input.n,input.on,expected.label\n"

    assert appended(Path("a.csv"), content, row) == content + b"new,3,true,\n"
    assert left_out(Path("a.csv"), content, row) == ["note"]


@pytest.mark.parametrize("tag", ["a,b", " a", ""])
def test_a_tag_that_a_cell_cannot_hold_is_refused(tag: str) -> None:
    text = problem("a.csv", "id,input,tags\n", {"id": "new", "input": "hi", "tags": ["t", tag]})

    assert text.startswith(f"commas part the tags in a cell, so {tag!r} cannot be one.")


def test_a_csv_file_without_columns_is_told() -> None:
    assert problem("a.csv", "", NEW).startswith("has no columns yet. Write the first line, such as")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", "- id: a\n  input: 1\n...\n"),
        ("a.yaml", "- id: a\n  input: |\n    a text without an end of line"),
    ],
)
def test_what_cannot_be_added_safely_is_refused_with_the_row(name: str, content: str) -> None:
    row = {"id": "new", "input": "hi", "tags": ["a,b"]}

    message = problem(name, content, row)

    assert message.startswith("the row cannot be added to this file as it is laid out. Nothing was")
    assert message.endswith(f"add it by hand: {json.dumps(row)}")


def test_a_broken_file_is_told_and_not_grown() -> None:
    with pytest.raises(DatasetError, match="is not valid JSON"):
        appended(Path("a.jsonl"), b"{", NEW)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cases.jsonl", b'{"id": "a", "input": "x"}'),
        ("cases.jsonl", b""),
        ("cases.json", b'[\n {"id": "a", "input": "x"}\n]\n'),
        ("cases.yaml", b"- id: a\n  input: x\n"),
        ("cases.csv", b"id,input\na,x\n"),
    ],
)
def test_several_rows_are_added_as_one_after_the_other_would_be(name: str, content: bytes) -> None:
    path = Path(name)
    rows = [{"id": f"r-{number}", "input": f"{number}, \u00e9"} for number in range(3)]
    one_by_one = content
    for row in rows:
        one_by_one = appended(path, one_by_one, row)

    assert all_appended(path, content, rows) == one_by_one
    assert len(read_cases(path, one_by_one)) == content.count(b"x") + 3


def test_rows_that_a_file_does_not_take_as_guessed_are_added_one_by_one() -> None:
    path = Path("cases.jsonl")
    content = b'{"id": "a", "input": "\\u00e9"}\n{"id": "b", "input": "x"}\n'
    rows = [{"id": "r-1", "input": "\ud800"}, {"id": "r-2", "input": "\u00e9"}]

    found = all_appended(path, content, rows)

    assert [case.input for case in read_cases(path, found)][2:] == ["\ud800", "\u00e9"]

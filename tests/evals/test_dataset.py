import csv
import hashlib
from pathlib import Path
from typing import Any

import pytest
from dataset_files import JSON_VALUE, ROWS, WRITERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import FORMATS, Case, digest, load

HOSTILE_IDS = [
    "../../etc/passwd",
    "a::b[c]",
    "quote'\"`$(id)",
    "comma,semicolon;",
    "new\nline",
    "tab\t",
    "nul\x00",
    "esc\x1b[31m",
    "rtl\u202eevil",
    "sep\u2028\u2029\x85",
    "北京",
    "🎉",
    "true",
    "null",
    "1e3",
    "- dash",
    "x" * 5000,
]


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problem(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_all_formats_give_the_same_cases(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    expected = tuple(
        Case(
            id=row["id"],
            input=row["input"],
            expected=row["expected"],
            tags=tuple(row.get("tags", ())),
            cluster=row.get("cluster"),
        )
        for row in rows
    )

    for name, dump in WRITERS.items():
        assert load(write(tmp_path, name, dump(rows))).cases == expected, name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUE, expected=JSON_VALUE)
def test_any_json_value_may_be_input_and_expectation(
    tmp_path: Path, value: Any, expected: Any
) -> None:
    rows = [{"id": "a", "input": value, "expected": expected}]

    for name in ("cases.jsonl", "cases.json", "cases.yaml"):
        (case,) = load(write(tmp_path, name, WRITERS[name](rows))).cases
        assert case == Case(id="a", input=value, expected=expected), name


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_a_byte_order_mark_and_line_ends_change_no_case(
    tmp_path: Path, name: str, start: bytes, end: bytes
) -> None:
    rows = [
        {"id": "a", "input": {"text": "one", "lang": "en"}, "expected": "x", "tags": ["t", "u"]},
        {"id": "b", "input": {"text": "zwei", "lang": "de"}, "expected": "ü"},
    ]
    text = WRITERS[name](rows).replace("\r\n", "\n").encode()

    found = load(write(tmp_path, name, start + text.replace(b"\n", end))).cases

    assert found == load(write(tmp_path, name, text)).cases
    assert [case.id for case in found] == ["a", "b"]
    assert found[0].tags == ("t", "u")


@pytest.mark.parametrize("name", WRITERS)
def test_hostile_ids_are_kept_as_they_are(tmp_path: Path, name: str) -> None:
    rows = [
        {"id": each, "input": {"text": each, "lang": ""}, "expected": each} for each in HOSTILE_IDS
    ]

    cases = load(write(tmp_path, name, WRITERS[name](rows))).cases

    assert [case.id for case in cases] == HOSTILE_IDS
    assert [case.expected for case in cases] == HOSTILE_IDS


def test_a_text_may_be_written_as_it_is_in_every_format(tmp_path: Path) -> None:
    contents = {
        "a.jsonl": '{"id": "北京", "expected": "Grüße 🎉"}',
        "a.json": '[{"id": "北京", "expected": "Grüße 🎉"}]',
        "a.yaml": "- id: 北京\n  expected: Grüße 🎉",
        "a.csv": "id,expected\n北京,Grüße 🎉",
    }

    for name, content in contents.items():
        (case,) = load(write(tmp_path, name, content)).cases
        assert (case.id, case.expected) == ("北京", "Grüße 🎉"), name


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.json", "cases.csv"])
def test_line_separators_inside_a_text_are_no_line_ends(tmp_path: Path, name: str) -> None:
    text = "one\u2028two\u2029three\x85four\x0bfive\x0csix"
    rows = [{"id": "a", "input": {"text": text, "lang": ""}, "expected": text}]

    (case,) = load(write(tmp_path, name, WRITERS[name](rows))).cases

    assert case.input["text"] == text
    assert case.expected == text


def test_an_integer_id_is_read_as_text_in_every_format(tmp_path: Path) -> None:
    contents = {
        "a.jsonl": '{"id": 7, "input": 1}\n',
        "a.json": '[{"id": 7, "input": 1}]',
        "a.yaml": "- id: 7\n  input: 1\n",
        "a.csv": "id,input\n7,1\n",
    }

    for name, content in contents.items():
        assert load(write(tmp_path, name, content)).cases[0].id == "7", name


def test_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.jsonl", '\n{"id": "a", "input": 1}\n\n  \r\n{"id": "b", "input": 1}\n\n'
    )

    assert [case.id for case in load(path).cases] == ["a", "b"]


def test_tags_may_be_one_text_with_commas(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"id": "a", "input": 1, "tags": "german, hard,,"}\n')

    assert load(path).cases[0].tags == ("german", "hard")


def test_keys_of_others_are_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"id": "a", "input": null, "customer": "me", "2": 1}\n')

    assert load(path).cases == (Case(id="a", input=None, expected=None),)


def test_the_ending_is_read_in_any_case(tmp_path: Path) -> None:
    assert len(load(write(tmp_path, "A.JSONL", '{"id": "a", "input": 1}\n')).cases) == 1


def test_a_missing_file_is_told_with_the_cure(tmp_path: Path) -> None:
    message = problem(tmp_path / "nowhere.jsonl")

    assert message.startswith(": there is no such file. Create it, or correct the path")


def test_a_folder_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").mkdir()

    assert "cannot be read (Is a directory)" in problem(tmp_path / "cases.jsonl")


def test_an_unknown_ending_is_told_with_the_known_ones(tmp_path: Path) -> None:
    message = problem(write(tmp_path, "cases.txt", "{}"))

    assert message == f": the ending '.txt' is not known. Use one of {', '.join(FORMATS)}."


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", " \n "])
def test_an_empty_file_has_no_rows(tmp_path: Path, ending: str, content: str) -> None:
    message = problem(write(tmp_path, f"cases{ending}", content))

    assert message == ": has no rows. Add at least one row with id, input, expected."


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", "[]"), ("a.yaml", "[]"), ("a.yaml", "# nothing\n"), ("a.csv", "id,input\n")],
)
def test_a_file_with_a_frame_alone_has_no_rows(tmp_path: Path, name: str, content: str) -> None:
    assert problem(write(tmp_path, name, content)).startswith(": has no rows. Add")


@pytest.mark.parametrize("ending", FORMATS)
def test_bytes_that_are_not_utf_8_are_told_with_their_line(tmp_path: Path, ending: str) -> None:
    message = problem(write(tmp_path, f"cases{ending}", b"one\ntwo\nM\xfcnchen\n"))

    assert message == ", line 3: byte 0xfc is not UTF-8. Save the file as UTF-8."


@pytest.mark.parametrize(
    ("name", "content", "line", "text"),
    [
        ("a.jsonl", '{"id": "a", "input": 1}\n{"id": "b"\n', 2, "JSON (Expecting ',' delimiter)"),
        ("a.jsonl", '{"id": "a", "input": 1}\n\nnonsense\n', 3, "Write one JSON object a line."),
        ("a.jsonl", '{"id": "a"} {"id": "b"}\n', 1, "is not valid JSON (Extra data)"),
        ("a.jsonl", '{"id": "a", "input": ' + "9" * 5000 + "}\n", 1, "is not valid JSON"),
        ("a.jsonl", "[" * 100_000 + "\n", 1, "is not valid JSON"),
        ("a.json", '[\n{"id": "a"},\n{"id": }\n]', 3, "is not valid JSON (Expecting value)"),
        ("a.json", "[" * 100_000, 1, "is not valid JSON"),
        ("a.yaml", "- id: a\n- id: 'b\n", 3, "is not valid YAML"),
        ("a.yaml", "- id: a\n  input: [1\n- id: b\n", 3, "is not valid YAML"),
        (
            "a.yaml",
            "- {id: a, input: 1}\n- id: b\n  input: !!python/name:os.system\n",
            3,
            "not valid YAML",
        ),
        ("a.yaml", "- id: a\n---\n- id: b\n", 2, "is not valid YAML"),
        ("a.yaml", "- id: a\n- id: b\x00\n", 2, "is not valid YAML"),
        (
            "a.yaml",
            "- {id: a, input: 1}\n- id: b\n  expected: 2026-02-30\n",
            2,
            "is not valid YAML",
        ),
        ("a.yaml", "- {id: a, input: 1}\n- id: b\n  expected: 0x_\n", 2, "is not valid YAML"),
        ("a.yaml", "- id: a\n- " + "[" * 20_000, 1, "is not valid YAML"),
        ("a.yaml", "- {id: a, input: 1}\n- id: b\n  expected: 2026-01-01\n", 2, "such as a date"),
        ("a.yaml", "- {id: a, input: 1}\n- &self\n  id: b\n  input: *self\n", 2, "recursive"),
        ("a.csv", 'id,input\na,"open\n', 2, "is not valid CSV"),
        ("a.csv", "id,input\na,b\nc\n", 3, "has not as many cells as the first line has names (2)"),
        ("a.csv", "id,input\na,b,c\n", 2, "Quote cells that hold a comma."),
        ("a.csv", "id,input,input.text\na,b,c\n", 1, "both the columns 'input' and 'input.text'"),
        ("a.csv", "id,input.text,input\na,b,c\n", 1, "both the columns 'input' and 'input.text'"),
    ],
)
def test_a_broken_line_is_told_with_its_number(
    tmp_path: Path, name: str, content: str, line: int, text: str
) -> None:
    message = problem(write(tmp_path, name, content))

    assert message.startswith(f", line {line}: ")
    assert text in message


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", '{"id": "a"}'), ("a.json", '"text"'), ("a.yaml", "id: a\n"), ("a.yaml", "text\n")],
)
def test_a_document_that_is_no_list_is_refused(tmp_path: Path, name: str, content: str) -> None:
    assert problem(write(tmp_path, name, content)).startswith(": holds no list. Write a list of ")


SECOND_ROWS = {
    "a.jsonl": '{{"id": "a", "input": 1}}\n{}\n',
    "a.json": '[\n {{"id": "a", "input": 1}},\n\n {}\n]',
    "a.yaml": "- {{id: a, input: 1}}\n\n- {}\n",
}
LINES = {"a.jsonl": 2, "a.json": 4, "a.yaml": 3}


@pytest.mark.parametrize("name", SECOND_ROWS)
@pytest.mark.parametrize(
    ("row", "text"),
    [
        ('{"input": "x"}', "id: is missing. Every row needs an id of its own"),
        ('{"id": ""}', "id: is empty. Every row needs"),
        ('{"id": null}', "id: input should be a valid string. Every row needs"),
        ('{"id": true}', "id: input should be a valid string"),
        ('{"id": 1.5}', "id: input should be a valid string"),
        ('{"id": ["a"]}', "id: input should be a valid string"),
        ('{"id": "b", "tags": [1]}', "tags.0: input should be a valid string"),
        ('{"id": "b", "tags": {"x": 1}}', "tags: input should be a valid list"),
        ('{"id": "b", "cluster": ["c"]}', "cluster: input should be a valid string"),
        ('["b", "x"]', "is no object but list. Write an object with id, input and expected."),
        ('"b"', "is no object but str"),
        ("null", "is no object but NoneType"),
        (
            '{"id": "b", "exepcted": "x"}',
            "the key 'exepcted' is not known. Did you mean 'expected'?",
        ),
        ('{"id": "b", "inputs": "x"}', "the key 'inputs' is not known. Did you mean 'input'?"),
        ('{"id": "b", "inptu": "x"}', "the key 'inptu' is not known. Did you mean 'input'?"),
        ('{"id": "b", "tag": "x"}', "the key 'tag' is not known. Did you mean 'tags'?"),
        ('{"ids": "b"}', "the key 'ids' is not known. Did you mean 'id'?"),
        ('{"id": "b", "INPUT": "x"}', "the key 'INPUT' is not known. Did you mean 'input'?"),
        ('{"id": "b", "Expected": "x"}', "the key 'Expected' is not known. Did you mean"),
        (
            '{"id": "a", "input": 1}',
            "the id 'a' was used before, in line 1. Give each row an id of its own.",
        ),
        (
            '{"id": "b", "text": "x", "label": "y"}',
            "has neither input nor expected, only 'id', 'text', 'label'. "
            "Name the keys input and expected.",
        ),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_the_cure(
    tmp_path: Path, name: str, row: str, text: str
) -> None:
    first = {"a.json": 2}.get(name, 1)

    message = problem(write(tmp_path, name, SECOND_ROWS[name].format(row)))

    assert message.startswith(f", line {LINES[name]}: ")
    assert text.replace("in line 1", f"in line {first}") in message


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("id,input\na,x\n,y\n", ", line 3: id: is empty"),
        ("name,input\na,x\n", ", line 2: id: is missing"),
        ("id,exepcted\na,x\n", ", line 2: the key 'exepcted' is not known. Did you mean"),
        ("id,inputs.text\na,x\n", ", line 2: the key 'inputs' is not known. Did you mean"),
        (
            "id,text,label\na,x,y\n",
            ", line 2: has neither input nor expected, only 'id', 'text', 'label'. Name the "
            "columns input.text, expected.label, or input and expected.",
        ),
        ("id,input\na,x\nb,y\na,z\n", ", line 4: the id 'a' was used before, in line 2."),
    ],
)
def test_a_bad_csv_row_is_told_with_its_line(tmp_path: Path, content: str, text: str) -> None:
    assert problem(write(tmp_path, "a.csv", content)).startswith(text)


def test_the_ids_7_and_text_7_are_the_same(tmp_path: Path) -> None:
    message = problem(
        write(tmp_path, "a.jsonl", '{"id": 7, "input": 1}\n{"id": "7", "input": 1}\n')
    )

    assert message.startswith(", line 2: the id '7' was used before, in line 1.")


def test_an_id_with_half_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    message = problem(write(tmp_path, "a.jsonl", '{"id": "\\ud800"}\n'))

    assert message.startswith(", line 1: id: ")
    message.encode()


def test_a_cell_in_csv_may_hold_a_long_document(tmp_path: Path) -> None:
    document = "word " * 50_000

    (case,) = load(write(tmp_path, "a.csv", f"id,input\na,{document}\n")).cases

    assert case.input == document
    assert csv.field_size_limit() == 131072


def test_the_digest_is_that_of_the_bytes_whatever_the_line_ends(tmp_path: Path) -> None:
    unix = b'{"id": "a", "input": 1}\n{"id": "b", "input": 1}\n'

    found = load(write(tmp_path, "a.jsonl", unix.replace(b"\n", b"\r\n"))).sha256

    assert found == hashlib.sha256(unix).hexdigest()
    assert digest(unix) == found
    assert digest(unix + b" ") != found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=60)
    | st.text("[]{}\",:-&*!|>'\n\r\t ab0.#%@`?~\x00\u2028", max_size=40).map(str.encode),
    ending=st.sampled_from(FORMATS),
)
def test_whatever_a_file_holds_it_is_read_or_told(
    tmp_path: Path, content: bytes, ending: str
) -> None:
    path = write(tmp_path, f"cases{ending}", content)

    told, cases = "", ()
    try:
        cases = load(path).cases
    except DatasetError as error:
        told = str(error)

    if told:
        assert told.startswith(str(path))
    else:
        assert len({case.id for case in cases}) == len(cases) >= 1

import json
from typing import Any

import pytest
from dataset_files import JSON_VALUE
from hypothesis import given

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.handed_in import completed, read

TEXT_CASE = Case(id="a", input="hello", expected="x")
OBJECT_CASE = Case(id="a", input={"text": "hello"}, expected={"label": "x"})


def message(role: str, *texts: str) -> dict[str, Any]:
    parts = [{"type": "text", "content": text} for text in texts]
    return {"role": role, "parts": parts}


LOG = {
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.input.messages": [
        message("system", "You triage tickets."),
        message("user", "an earlier one"),
        message("assistant", "refund"),
        message("user", "where is", "my parcel?"),
    ],
    "gen_ai.output.messages": [{**message("assistant", "shipping"), "finish_reason": "stop"}],
}


def given_json(document: Any, *known: Case) -> Any:
    return read(json.dumps(document).encode(), known)


def finished(row: dict[str, Any], *known: Case, **keywords: Any) -> dict[str, Any]:
    return completed(row, known, **{"expected": None, "tags": (), **keywords})


def problem(document: Any, *known: Case) -> str:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(DatasetError) as caught:
        read(content, known)
    message = str(caught.value)
    assert message.startswith("standard input: ")
    return message.removeprefix("standard input: ")


def refused(row: dict[str, Any], *known: Case, **keywords: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        finished(row, *known, **keywords)
    return str(caught.value).removeprefix("standard input")


def test_an_object_with_input_and_expected_is_a_row() -> None:
    row = {"input": {"text": "hi"}, "expected": "x", "note": "customer 4711"}

    assert given_json(row, OBJECT_CASE).row == row
    assert given_json({"expected": 1}).row == {"expected": 1}


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ((), "where is\nmy parcel?"),
        ((TEXT_CASE,), "where is\nmy parcel?"),
        ((OBJECT_CASE,), {"text": "where is\nmy parcel?"}),
        (
            (Case(id="a", input=[{"role": "user", "content": "x"}], expected=1),),
            [
                {"role": "system", "content": "You triage tickets."},
                {"role": "user", "content": "an earlier one"},
                {"role": "assistant", "content": "refund"},
                {"role": "user", "content": "where is\nmy parcel?"},
            ],
        ),
    ],
)
def test_the_last_text_of_the_user_gets_the_shape_of_the_other_inputs(
    known: tuple[Case, ...], value: Any
) -> None:
    found = given_json(LOG, *known)

    assert found.row == {"input": value}
    assert found.answered == "shipping"


@pytest.mark.parametrize(
    "log",
    [
        {"attributes": LOG},
        {name: json.dumps(value) for name, value in LOG.items()},
        {**LOG, "gen_ai.input.messages": [{"role": "user", "content": "where is\nmy parcel?"}]},
        {
            **LOG,
            "gen_ai.input.messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {}},
                        {"type": "text", "text": "where is\nmy parcel?"},
                    ],
                }
            ],
        },
    ],
)
def test_other_spellings_of_a_log_are_read(log: dict[str, Any]) -> None:
    assert given_json(log).row == {"input": "where is\nmy parcel?"}


@pytest.mark.parametrize(
    "messages", [None, [], "nonsense", [1], [message("system", "x")], [{"role": "user"}], {"a": 1}]
)
def test_a_log_line_without_a_text_is_told(messages: Any) -> None:
    text = problem({"gen_ai.request.model": "m", "gen_ai.input.messages": messages})

    assert text == (
        "this line of a request log holds no text of a user under gen_ai.input.messages. Give the "
        'input yourself: {"input": ..., "expected": ...}.'
    )


@pytest.mark.parametrize(
    ("known", "shape"),
    [
        (
            (Case(id="a", input={"text": "x", "lang": "y"}, expected=1),),
            '{"text": ..., "lang": ...}',
        ),
        ((TEXT_CASE, OBJECT_CASE), '{"text": ...}'),
        ((Case(id="a", input=3, expected=1),), "..."),
        ((Case(id="a", input={}, expected=1),), "{}"),
    ],
)
def test_a_log_line_does_not_fill_inputs_of_another_shape(
    known: tuple[Case, ...], shape: str
) -> None:
    assert problem(LOG, *known) == (
        "a line of a request log gives one text, and the inputs of this data set have another "
        f'shape. Give the input yourself: {{"input": {shape}, "expected": ...}}.'
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty. Give one JSON object:"),
        (b" \n", "is empty. Give one JSON object:"),
        (b"\xff", "byte 0xff is not UTF-8. Give one JSON object:"),
        (b"nope", "is not valid JSON (Expecting value). Give one JSON object:"),
        (b"{} {}", "Several go in one after the other."),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[]", "holds a list and no object. Give one JSON object:"),
        (b"null", "holds null and no object."),
        (b"3", "holds a number and no object."),
        (b'"x"', "holds a text and no object."),
        (b"{}", "has neither input nor expected, only nothing. Give one JSON object:"),
        (b'{"text": 1}', "has neither input nor expected, only 'text'. Give one JSON object:"),
        (b'{"inputs": 1}', "only 'inputs'. 'inputs' is close, but not it. Give one JSON object:"),
    ],
)
def test_what_is_no_row_is_told_with_what_to_give(content: bytes, text: str) -> None:
    assert text in problem(content)


def test_a_row_gets_an_id_that_is_made_of_its_input() -> None:
    row = finished({"input": "hi", "expected": "x"})

    assert list(row) == ["id", "input", "expected"]
    assert row["id"] == finished({"input": "hi"}, expected="y", tags=("t",))["id"]
    assert row["id"] != finished({"input": "hi!"})["id"]
    assert row["id"].startswith("add-")


@given(value=JSON_VALUE, expected=JSON_VALUE)
def test_equal_rows_have_equal_ids(value: Any, expected: Any) -> None:
    row = {"input": value, "expected": expected}

    assert finished(row) == finished(dict(reversed(row.items())))


def test_an_id_that_another_row_has_by_now_gets_a_number() -> None:
    name = finished({"input": "hi"})["id"]
    known = [Case(id=name, input="changed", expected=1)]

    assert finished({"input": "hi"}, *known)["id"] == f"{name}-2"
    known.append(Case(id=f"{name}-2", input="changed too", expected=1))
    assert finished({"input": "hi"}, *known)["id"] == f"{name}-3"


def test_an_id_that_is_given_is_kept_and_one_that_is_used_refused() -> None:
    assert finished({"id": 7, "input": "hi"}, TEXT_CASE)["id"] == 7
    assert refused({"id": "a", "input": "hi"}, TEXT_CASE) == (
        ": the id 'a' is that of another row. Leave it out, and the row gets one of its own."
    )


def test_tags_of_the_row_and_of_the_caller_are_joined() -> None:
    row = finished({"input": "hi", "tags": "complaint, german"}, tags=["german", "october"])

    assert row["tags"] == ["complaint", "german", "october"]
    assert "tags" not in finished({"input": "hi"})


def test_what_else_a_row_holds_is_kept_behind() -> None:
    row = finished({"note": "n", "cluster": "c", "input": "hi"}, expected="x")

    assert list(row.items())[1:] == [
        ("input", "hi"),
        ("expected", "x"),
        ("note", "n"),
        ("cluster", "c"),
    ]


def test_an_input_that_is_there_already_is_refused() -> None:
    assert refused({"input": {"text": "hello"}}, OBJECT_CASE) == (
        ": the row 'a' has this input already. Nothing was added; change that row where it is "
        "wrong."
    )
    assert "'a' has this input already, with another expectation. Nothing" in refused(
        {"input": {"text": "hello"}, "expected": {"label": "y"}}, OBJECT_CASE
    )
    assert finished({"input": {"text": "Hello"}}, OBJECT_CASE)


def test_rows_without_an_input_are_no_duplicates() -> None:
    known = Case(id="a", input=None, expected="x")

    assert finished({"expected": "y"}, known)["expected"] == "y"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"input": 1, "tags": [1]}, ", line 1: tags.0: input should be a valid string."),
        ({"input": 1, "id": ""}, ", line 1: id: is empty."),
        ({"input": 1, "expectd": 1}, ", line 1: the key 'expectd' is not known. Did you mean 'exp"),
        ({"input": 1, "cluster": []}, ", line 1: cluster: input should be a valid string."),
    ],
)
def test_a_part_of_a_wrong_type_is_told(row: dict[str, Any], text: str) -> None:
    assert refused(row).startswith(text)

"""`llmprod dataset add` as a user calls it."""

import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_llmprod.cli import main
from pytest_llmprod.core import claims
from pytest_llmprod.evals.appending import CLAIM, alone_with
from pytest_llmprod.evals.dataset import load

KEY = "sk-proj-" + "k7" * 16
LOG = {
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.input.messages": [
        {"role": "system", "parts": [{"type": "text", "content": "You triage tickets."}]},
        {"role": "user", "parts": [{"type": "text", "content": "where is it?"}]},
    ],
    "gen_ai.output.messages": [
        {"role": "assistant", "parts": [{"type": "text", "content": '{"label": "refund"}'}]}
    ],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def data() -> Path:
    path = Path("a.jsonl")
    path.write_text('{"id": "a", "input": {"text": "hello"}, "expected": {"label": "other"}}\n')
    return path


def add(path: Path, given: Any, *arguments: str) -> int:
    content = given if isinstance(given, bytes) else json.dumps(given).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return main(["dataset", "add", str(path), *arguments])


def last(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8").splitlines()[-1])


def test_a_complaint_becomes_a_row(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = data.read_bytes()
    row = {"input": {"text": "my parcel is lost"}, "expected": {"label": "shipping"}}

    status = add(data, {**row, "customer": 4711}, "--tag", "complaint")

    id_ = last(data)["id"]
    assert status == 0
    assert last(data) == {"id": id_, **row, "tags": ["complaint"], "customer": 4711}
    assert data.read_bytes().startswith(before)
    assert capsys.readouterr() == (
        f"a.jsonl: added {id_}, 2 cases now\n"
        '  input     {"text": "my parcel is lost"}\n'
        '  expected  {"label": "shipping"}\n',
        "",
    )


def test_a_line_of_the_request_log_becomes_a_row_without_its_answer(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = add(data, LOG)

    assert status == 0
    assert last(data)["input"] == {"text": "where is it?"}
    assert last(data)["expected"] is None
    assert capsys.readouterr().out.splitlines()[1:] == [
        '  input     {"text": "where is it?"}',
        "  expected  missing: write it into the row",
        '  answered  {"label": "refund"} (not stored)',
    ]


def test_what_is_expected_of_a_logged_request_can_be_said(data: Path) -> None:
    add(data, LOG, "--expected", '{"label": "shipping"}')

    assert last(data)["expected"] == {"label": "shipping"}


@pytest.mark.parametrize(
    ("known", "said", "expected"),
    [("other", "7", "7"), (3, "7", 7), (3, "seven", "seven"), (None, "[1", "[1")],
)
def test_what_is_expected_is_json_or_a_text_as_in_other_rows(
    data: Path, known: Any, said: str, expected: Any
) -> None:
    data.write_text(json.dumps({"id": "a", "input": "x", "expected": known}) + "\n")

    add(data, {"input": "y", "id": "b"}, "--expected", said)

    assert last(data)["expected"] == expected


def test_where_no_row_expects_anything_nothing_is_missing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.write_text('{"id": "a", "input": "x"}\n')

    add(data, {"input": "y"})

    assert "missing" not in capsys.readouterr().out


def test_the_lock_is_out_of_date_then_and_the_command_mends_it(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dataset", "freeze", str(data), "--why", "first"])
    capsys.readouterr()

    add(data, {"input": {"text": "new"}, "expected": {"label": "x"}})

    assert capsys.readouterr().out.splitlines()[-2:] == [
        "a.lock is out of date now; where the row is right, freeze it:",
        '  llmprod dataset freeze a.jsonl --why "..."',
    ]
    assert main(["dataset", "freeze", "a.jsonl", "--why", "a complaint"]) == 0
    assert "  added    add-" in capsys.readouterr().out


def test_a_lock_of_another_file_is_not_spoken_of(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dataset", "freeze", str(data), "--why", "first"])
    Path("a.csv").write_text("id,input\nz,9\n")
    capsys.readouterr()

    add(Path("a.csv"), {"input": "new"})

    assert "lock" not in capsys.readouterr().out


def test_secrets_are_masked_wherever_they_stand(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "Zq8-very-own-key-5521")
    given = {
        "input": {"text": f"My key {KEY} fails", "password": "hunter2hunter2"},
        "expected": {"label": "Zq8-very-own-key-5521"},
        "note": [f"Bearer {KEY}"],
    }

    status = add(data, given, "--tag", KEY)

    text = data.read_text()
    out = capsys.readouterr().out
    assert status == 0
    for secret in (KEY, "hunter2", "Zq8"):
        assert secret not in text
        assert secret not in out
    assert last(data)["input"]["text"] == "My key [masked key] fails"
    assert "  masked    a secret; look at what the row says in its place\n" in out


def test_a_secret_that_cannot_be_masked_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = data.read_bytes()
    encoded = "c2stcHJvai1rN2s3azdrN2s3azdrN2s3azdrN2s3azdrN2s3azc="

    status = add(data, {"input": {"text": encoded}, "expected": {}})

    assert status == 1
    assert data.read_bytes() == before
    assert "holds a secret (key) where it cannot be masked. Take it out" in capsys.readouterr().err


def test_the_same_input_is_refused_twice(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"input": {"text": f"key {KEY}"}, "expected": {"label": "x"}}
    add(data, row)
    before = data.read_bytes()

    status = add(data, row)

    assert status == 1
    assert data.read_bytes() == before
    assert "has this input already. Nothing was added" in capsys.readouterr().err


def test_what_a_csv_file_has_no_column_for_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("a.csv")
    path.write_text("id,input.text,expected\na,x,y\n")

    add(path, {"input": {"text": "n, m"}, "expected": "z", "customer": "c", "day": 1})

    assert path.read_text().splitlines()[-1].endswith(',"n, m",z')
    assert "  left out  customer, day: the file has no such column\n" in capsys.readouterr().out


def test_an_empty_file_gets_its_first_row(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("new.yaml")
    path.touch()

    status = add(path, {"input": "hi", "expected": "x"})

    assert status == 0
    assert "1 case now" in capsys.readouterr().out
    assert load(path).cases[0].input == "hi"


@pytest.mark.parametrize(
    ("given", "arguments", "text"),
    [
        (b"", [], "standard input: is empty. Give one JSON object: "),
        ([], [], "standard input: holds a list and no object."),
        ({"text": "x"}, [], "standard input: has neither input nor expected, only 'text'."),
        ({"gen_ai.request.model": "m"}, [], "no text of a user under gen_ai.input.messages."),
        ({"input": {"text": "hello"}}, [], "the row 'a' has this input already."),
        ({"input": 1, "id": "a"}, [], "the id 'a' is that of another row."),
    ],
)
def test_what_cannot_be_added_is_told_and_nothing_is_written(
    data: Path,
    given: Any,
    arguments: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = data.read_bytes()

    status = add(data, given, *arguments)

    assert status == 1
    assert text in capsys.readouterr().err
    assert data.read_bytes() == before


def test_a_value_that_is_nested_too_deeply_is_told(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = data.read_bytes()

    status = add(data, b'{"input": ' + b"[" * 700 + b"]" * 700 + b"}")

    assert status == 1
    assert "standard input: is nested too deeply." in capsys.readouterr().err
    assert data.read_bytes() == before


def add_at_once(path: Path, rows: list[Any]) -> list[str]:
    """Add each row in a process of its own, all in the same moment; return what they print."""
    script = "import sys; from pytest_llmprod.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "dataset", "add", str(path)]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    adders = [subprocess.Popen(command, text=True, **pipes) for _ in rows]
    with ThreadPoolExecutor(len(rows)) as threads:
        printed = threads.map(lambda adder, row: adder.communicate(json.dumps(row)), adders, rows)
        return ["".join(each) for each in printed]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.yaml"])
def test_several_processes_that_add_at_once_lose_no_row(name: str) -> None:
    path = Path(name)
    path.write_text("id,input\na,x\n" if name == "a.csv" else "")
    before = ["a"] if name == "a.csv" else []
    rows = [{"id": f"new-{number}", "input": f"text {number}"} for number in range(8)]

    printed = add_at_once(path, rows)

    ids = [case.id for case in load(path).cases]
    assert ids[: len(before)] == before
    assert sorted(ids[len(before) :]) == [row["id"] for row in rows], printed
    assert sorted(os.listdir()) == [name]


def test_of_several_processes_that_add_the_same_input_one_does() -> None:
    path = Path("a.jsonl")
    path.write_text('{"id": "a", "input": "x", "expected": "y"}\n')

    printed = add_at_once(path, [{"input": "the same", "expected": "z"}] * 4)

    assert [case.input for case in load(path).cases] == ["x", "the same"]
    assert sum("has this input already" in text for text in printed) == 3


def test_each_of_several_processes_says_that_the_lock_is_out_of_date(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dataset", "freeze", str(data), "--why", "first"])
    rows = [{"id": f"new-{number}", "input": f"text {number}"} for number in range(4)]

    printed = add_at_once(data, rows)

    capsys.readouterr()
    assert all("a.lock is out of date now; where the row is right" in text for text in printed)
    assert main(["dataset", "freeze", str(data), "--why", "four complaints"]) == 0
    (frozen,) = re.findall(r"  added    (.*)", capsys.readouterr().out)
    assert sorted(frozen.split(", ")) == [row["id"] for row in rows]


def test_what_a_killed_process_left_stops_nobody(data: Path) -> None:
    Path(CLAIM).touch()

    status = add(data, {"input": "x"})

    assert status == 0
    assert os.listdir() == ["a.jsonl"]


def test_a_process_that_does_not_end_is_waited_for_a_minute_and_then_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = data.read_bytes()
    monkeypatch.setattr(claims, "_TRIES", 2)
    link = Path("linked.jsonl")
    link.symlink_to(data)

    with alone_with(data):
        status = add(link, {"input": "x"})

    assert status == 1
    assert "linked.jsonl: another process has been adding to a data" in capsys.readouterr().err
    assert data.read_bytes() == before
    assert add(link, {"input": "x"}) == 0


def test_a_folder_in_which_nobody_may_write_is_told(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(CLAIM).mkdir()  # a folder stands for it, since root may write everywhere

    status = add(data, {"input": "x"})

    assert status == 1
    assert "a.jsonl: cannot be written (Is a directory). Make" in capsys.readouterr().err


def test_two_expectations_are_wrong_use(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        add(data, {"input": "x", "expected": "y"}, "--expected", "z")

    assert caught.value.code == 2
    assert "--expected is given, and standard input has an expected, too" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.chmod(0o444)

    status = add(data, {"input": "x"})

    assert status == 1
    assert "a.jsonl: cannot be written (the file is read-only). Make" in capsys.readouterr().err
    assert os.listdir() == ["a.jsonl"]


def test_an_unknown_ending_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("x")

    assert add(Path("notes.txt"), {"input": "x"}) == 1
    assert "notes.txt: the ending '.txt' is not known." in capsys.readouterr().err


def test_hostile_text_prints_safely(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(data, {"input": "\x1b[2J\u202e\ud800", "id": "\x1b[31m", "expected": "\x07"})

    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines)
    assert last(data)["input"] == "\x1b[2J\u202e\ud800"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
        max_leaves=8,
    ),
    ending=st.sampled_from(["jsonl", "json", "yaml", "csv"]),
)
def test_whatever_is_given_the_rows_before_stay(value: Any, ending: str) -> None:
    path = Path(f"law.{ending}")
    starts = {"json": '[{"id": "a", "input": "x"}]', "yaml": "- {id: a, input: x}\n"}
    path.write_text(starts.get(ending, '{"id": "a", "input": "x"}\n'))
    if ending == "csv":
        path.write_text("id,input\na,x\n")
    before = load(path).cases

    status = add(path, value)

    after = load(path).cases
    assert after[:1] == before
    assert len(after) == (2 if status == 0 else 1)

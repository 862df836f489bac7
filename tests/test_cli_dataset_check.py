"""`llmprod dataset check` as a user calls it."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from recordings import recording

from pytest_llmprod.cli import main
from pytest_llmprod.wire.cassettes import cassette_file

LONG = "where is the parcel that i ordered three weeks ago and paid at once by card"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*rows: dict[str, Any], name: str = "a.jsonl") -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def row(id_: str, input: Any = None, expected: Any = "x") -> dict[str, Any]:
    return {"id": id_, "input": id_ if input is None else input, "expected": expected}


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["dataset", "check", *arguments])
    out = capsys.readouterr().out
    assert "--json" in arguments or all(len(line) <= 80 for line in out.splitlines())
    return status, out


def checked_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status, out = checked(capsys, *arguments, "--json")
    (found,) = json.loads(out)["datasets"]
    return status, found


def test_a_data_set_in_order_takes_a_line_and_its_classes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = ["refund"] * 6 + ["billing"] * 5
    data = write(*[row(f"t{n}", None, {"label": each}) for n, each in enumerate(labels)])

    assert checked(capsys, data) == (
        0,
        "a.jsonl: 11 cases, not frozen\n"
        "  classes         expected.label: refund 55%, billing 45%\n",
    )


def test_a_class_without_text_is_called_empty(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(*[row(f"t{n}", None, "") for n in range(4)])

    assert checked(capsys, data)[1].splitlines()[1] == "  classes         expected: (empty) 100%"


def test_many_classes_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(*[row(f"t{n}", None, f"label {n % 6}") for n in range(61)])

    assert checked(capsys, data)[1].splitlines()[1:] == [
        "  classes         expected: label 0 18%, label 1 16%, label 2 16%, label 3 16%,",
        "                  2 more down to 16%",
    ]


def test_findings_come_before_notes_and_say_how_they_are_mended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write(
        row("a", LONG, "y"),
        row("b", f"{LONG}, please", "x"),
        row("c", "hello", "z"),
        row("d", "hello", "z"),
        row("e", "hello", None),
    )

    assert checked(capsys, data) == (
        1,
        "a.jsonl: 5 cases, not frozen\n"
        "  conflict        the same input, another expectation: c, d, e\n"
        "  unlabelled      expected is missing in 1 row: e\n"
        "  near duplicate  b is like a (94%), another expectation\n"
        "mend\n"
        "  conflict        correct what is expected, or remove all of them but one\n"
        "  unlabelled      write into the row what is expected\n"
        "  near duplicate  remove one, or give those that belong together the same\n"
        "                  cluster\n"
        "1 data set: 2 findings, 1 note\n",
    )


def test_notes_alone_do_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a", LONG, "x"), row("b", f"{LONG}!", "y"))

    status, out = checked(capsys, data)

    assert status == 0
    assert out.endswith("1 data set: 0 findings, 1 note\n")


def test_a_kind_has_at_most_five_lines_and_json_has_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write(*[row(f"t{n}", n // 2, n // 2) for n in range(20)])

    out = checked(capsys, data)[1]
    status, found = checked_json(capsys, data)

    assert "  duplicate       the same row: t8, t9\n" in out
    assert "  duplicate       and 5 more: --json lists all of them\n" in out
    assert status == 1
    duplicates = [each for each in found["findings"] if each["kind"] == "duplicate"]
    pairs = [[f"t{n}", f"t{n + 1}"] for n in range(0, 20, 2)]
    assert [each["rows"] for each in duplicates] == pairs


def test_frozen_data_say_when_and_by_whom(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a"), row("b", None, "y"))
    main(["dataset", "freeze", data, "--why", "first", "--who", "Ann"])
    capsys.readouterr()

    status, found = checked_json(capsys, data)

    assert checked(capsys, data)[1].startswith("a.jsonl: 2 cases, frozen 20")
    assert checked(capsys, data)[1].endswith(" by Ann, today\n")
    assert status == 0
    frozen = found["frozen"]
    assert (frozen["who"], frozen["why"], frozen["revision"], frozen["age_days"]) == (
        "Ann",
        "first",
        1,
        0,
    )


def test_changed_data_are_a_finding_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a"), row("b", None, "y"), name="my data.jsonl")
    main(["dataset", "freeze", data, "--why", "first"])
    write(row("a"), row("b", None, "z"), name=data)
    capsys.readouterr()

    status, out = checked(capsys, data)

    assert status == 1
    assert "  changed         1 row changed since they were frozen (changed: b)\n" in out
    assert "llmprod dataset freeze 'my data.jsonl' --why \"...\"" in " ".join(out.split())


def test_old_data_are_a_finding_where_an_age_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a"), row("b", None, "y"))
    main(["dataset", "freeze", data, "--why", "first"])
    lock = Path("a.lock")
    document = json.loads(lock.read_text())
    document["latest"]["frozen_at"] = "2020-01-01T00:00:00Z"
    lock.write_text(json.dumps(document))
    capsys.readouterr()

    assert checked(capsys, data)[0] == 0
    status, out = checked(capsys, data, "--max-age=90")

    assert status == 1
    assert "days ago, at most 90 are asked\n" in out


def test_the_margin_says_how_many_cases_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(*[row(f"t{n}", None, f"e{n}") for n in range(50)])

    status, out = checked(capsys, data, "--margin=0.05")
    _, found = checked_json(capsys, data, "--margin=0.05", "--score", "0.95")

    assert status == 1
    assert "  margin          0.05 below a score of 0.9 takes 347 cases\n" in out
    assert "  too few         50 cases, 347 are needed so that a score of 0.9 passes 0.85\n" in out
    assert found["cases_needed"] == 217
    assert checked(capsys, data, "--margin=0.2")[0] == 0
    assert (
        "takes a million cases and more\n"
        in checked(capsys, data, "--margin=0.001", "--score=0.5")[1]
    )


def test_a_prompt_with_a_case_as_its_example_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a", LONG, "x"), row("b", "refund pls", "y"), row("c", "else", "z"))
    Path("one.md").write_text("You label tickets.")
    Path("two.md").write_text(f'"{LONG}" -> x\n"refund pls" -> y\n')

    assert checked(capsys, data, "--prompt", "one.md")[0] == 0
    status, out = checked(capsys, data, "--prompt", "one.md", "--prompt", "two.md")

    assert status == 1
    assert "  few-shot        a is an example in two.md\n" in out
    assert "  few-shot        b is an example in two.md\n" in out


def test_a_leak_is_found_unless_finding_it_is_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(*[row(f"t{n}", f"number {n * 37}", n * 37) for n in range(20)])

    status, out = checked(capsys, data)

    assert status == 1
    assert "expected stands in input of 100% of the cases, by chance in 5%" in " ".join(out.split())
    assert checked(capsys, data, "--extractive")[0] == 0


def ask(case: str, *messages: str) -> Any:
    contents = [{"role": "user", "content": each} for each in messages]
    body = {"json": {"model": "gpt-5-mini", "messages": contents}}
    one = recording(case=case)
    return recording(case=case, request={**one.request, "body": body})


def test_examples_are_looked_for_in_recorded_requests(capsys: pytest.CaptureFixture[str]) -> None:
    other = "my invoice of october has a wrong amount on it"
    data = write(row("a", LONG, "x"), row("b", other, "y"), row("c", "hi there", "z"))
    system = 'Label tickets.\n"Hi there!" -> z'
    requests = [ask("a", system, LONG), ask("b", system, other), ask("mode/c", system, "hi there")]
    path = Path("cassettes/test_a/test_b.gpt-5-mini.json")
    cassette_file.save(path, requests)

    status, out = checked(capsys, data, "--cassettes", ".")
    cassette_file.save(path, [ask("a", f"Like {other}.", LONG), ask("elsewhere", LONG)])
    _, found = checked_json(capsys, data, "--cassettes", str(path.parent))

    assert status == 1
    assert f"few-shot c is an example in requests in {path} mend" in " ".join(out.split())
    assert [each["text"] for each in found["findings"]] == [
        f"b is an example in the request of a in {path}"
    ]


def test_outputs_that_are_all_the_same_are_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a", None, "x"), row("b", None, "y"))
    outputs = write({"id": "a", "output": "x"}, {"id": "b", "output": "x"}, name="o.jsonl")

    status, out = checked(capsys, data, "--outputs", outputs)

    assert status == 1
    assert "  same output     all 2 outputs are x\n" in out


def test_outputs_of_another_data_set_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a", None, "x"), row("b", None, "y"))
    outputs = write({"id": "z", "output": "x"}, name="o.jsonl")

    status = main(["dataset", "check", data, "--outputs", outputs])

    assert status == 1
    assert capsys.readouterr().err == (
        "llmprod: o.jsonl: has no output for a case of a.jsonl. Name the outputs of this data set, "
        "with its ids.\n"
    )


def test_each_of_several_data_sets_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    write(row("a"), row("b", None, "y"))
    write(row("a", 1), row("b", 1), name="b.jsonl")
    Path("c.jsonl").write_text("nonsense\n")

    status = main(["dataset", "check", "a.jsonl", "b.jsonl", "c.jsonl", "--json"])
    out, err = capsys.readouterr()

    assert status == 1
    found = json.loads(out)["datasets"]
    kinds = [[finding["kind"] for finding in each["findings"]] for each in found]
    assert kinds == [[], ["duplicate"], ["unreadable"]]
    assert [each.get("cases") for each in found] == [2, 2, None]
    assert err.startswith("llmprod: c.jsonl, line 1: is not valid JSON")
    assert (
        "  duplicate       remove all of them but one\n3 data sets: 2"
        in (checked(capsys, "a.jsonl", "b.jsonl", "c.jsonl")[1])
    )


def test_a_lock_that_cannot_be_read_is_a_finding_beside_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write(row("a", 1), row("b", 1))
    Path("a.lock").write_text("nonsense")

    status, found = checked_json(capsys, data)

    assert status == 1
    assert [each["kind"] for each in found["findings"]] == ["unreadable", "duplicate"]
    assert checked(capsys, data)[1].startswith("a.jsonl: 2 cases, its lock cannot be read\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--margin", "5"], "'5' is no share; write 0.9 for 90 %"),
        (["--margin", "0"], "'0' is no margin from 0.001 to 0.5; write 0.05"),
        (["--margin", "0.5", "--score", "0.4"], "no threshold is 0.5 below a score of 0.4"),
        (["--score", "high"], "'high' is no share"),
        (["--score", "nan"], "'nan' is no share"),
        (["--max-age", "-1"], "'-1' is no number of days; write 180"),
        (["--prompt", "nope"], "nope: there is no such file or folder"),
        (["--prompt", "."], "--prompt: .: is a folder; name a file in it"),
        (["a.jsonl", "--outputs", "a.jsonl"], "--outputs goes with one FILE"),
    ],
)
def test_wrong_use_is_told(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(row("a"))

    with pytest.raises(SystemExit) as caught:
        main(["dataset", "check", data, *arguments])

    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_a_folder_without_cassettes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(row("a"))
    Path("empty").mkdir()

    status = main(["dataset", "check", data, "--cassettes", "empty"])

    assert status == 1
    assert "empty: there is no cassette below." in capsys.readouterr().err


def test_hostile_rows_print_safely(capsys: pytest.CaptureFixture[str]) -> None:
    data = write(
        row("\x1b[31m", "x", "\u202e"), row("\x00", "x", "\u202e"), row("c\n", f"{LONG}\x1b", "y")
    )

    out = checked(capsys, data)[1]

    assert all(line.isprintable() for line in out.splitlines())


def test_five_thousand_rows_take_a_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9))) for _ in range(3000)]
    data = write(
        *[
            row(f"t{n}", {"text": " ".join(draw.choices(words, k=60))}, {"label": words[n % 9]})
            for n in range(5000)
        ]
    )
    started = time.process_time()

    status, _ = checked(capsys, data, "--margin=0.02", "--prompt", data)

    assert time.process_time() - started < 10
    assert status == 1

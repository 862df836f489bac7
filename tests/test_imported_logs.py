"""An application's log becomes exchanges, rows of a data set, and recordings that a test plays."""

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project

from pytest_llmprod.cli import main

TEST = "test_words.py::test_doubles"
KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ" * 2


def asked(word: str, answer: str = "", **more: Any) -> dict[str, Any]:
    """A row as the log of an application may have it."""
    row = {"time": "2026-11-19T14:02:01Z", "model": "gpt-test", "latency_ms": 810}
    row |= {"prompt": f"Double this word: {word}", "answer": answer or f"{word} {word}"}
    return {**row, "prompt_tokens": 9, "completion_tokens": 2, **more}


def told(text: str) -> dict[str, Any]:
    """Names of a log whose values are `text`, each of which becomes a figure."""
    names = ("model", "gen_ai.response.model", "gen_ai.operation.name", "provider", "feature")
    return {
        **dict.fromkeys((*names, "error", "request_id"), text),
        "gen_ai.response.finish_reasons": [text],
    }


def imported(project: Project, *rows: Any) -> None:
    """Import rows into the data set and into cassettes; the command says as JSON what it wrote."""
    (project.path / "app.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    words = ["--cases=words.jsonl", f"--test={TEST}", "--json"]
    assert main(["log", "import", "app.jsonl", *words]) == 0


def data_set(project: Project) -> list[dict[str, Any]]:
    lines = (project.path / "words.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def prompted(project: Project) -> Project:
    """A project whose cases are whole prompts, as a log has them, and which has none yet."""
    project.edit("feature.py", 'f"Double this word: {word}"', "word")
    project.edit("test_words.py", "== llm_case.expected", "is not None")
    (project.path / "words.jsonl").write_text("")
    return project


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_test_plays_what_a_log_has_and_needs_no_provider(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(prompted, asked("one"), asked("two"))

    found = said(capsys)
    assert found["cases"] == {"added": 2, "known": 0, "left_out": 0}
    cassette = "cassettes/test_words/test_doubles.gpt-test.json"
    assert found["recordings"] == {"added": {cassette: 2}, "kept": 0, "left_out": 0}
    assert [row["input"] for row in data_set(prompted)] == [
        "Double this word: one",
        "Double this word: two",
    ]
    assert {row["expected"] for row in data_set(prompted)} == {None}
    document = prompted.data()
    assert [case["outcome"] for case in document["cases"]] == ["hit", "hit"]
    (suite,) = document["suites"]
    assert (suite["source"], suite["p95_latency_s"]) == ("replayed", 0.81)
    assert suite["recorded_at"] == "2026-11-19T14:02:01Z"


def test_the_log_knows_the_case_and_the_command_that_replays_it(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(prompted, asked("one"))
    capsys.readouterr()

    assert main(["log", "grep", "word: one", "--json"]) == 0

    (hit,) = json.loads(capsys.readouterr().out)
    (row,) = data_set(prompted)
    assert hit["figures"]["llmprod.case"] == row["id"]
    assert hit["replay"] == f"pytest --llm-eval '{TEST}[{row['id']}]'"
    assert prompted.run(f"{TEST}[{row['id']}]").ret == pytest.ExitCode.OK


def test_what_a_row_asks_already_gets_a_recording_and_no_second_row(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "w-1", "input": "Double this word: one", "expected": "one one"}
    (prompted.path / "words.jsonl").write_text(json.dumps(row) + "\n")

    imported(prompted, asked("one"), asked("one", "another answer"))

    found = said(capsys)
    assert found["cases"] == {"added": 0, "known": 2, "left_out": 0}
    assert [*found["recordings"]["added"].values()] == [1]
    assert data_set(prompted) == [row]
    assert prompted.data()["cases"][0]["outcome"] == "hit"


def test_recordings_that_are_there_stay(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(prompted, asked("one"))
    capsys.readouterr()
    path = prompted.path / "cassettes/test_words/test_doubles.gpt-test.json"
    before = path.read_bytes()

    imported(prompted, asked("one", "something else"))

    assert said(capsys)["recordings"] == {"added": {}, "kept": 1, "left_out": 0}
    assert path.read_bytes() == before


def test_a_request_that_the_log_keeps_as_it_was_sent_is_recorded_as_it_is(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    prompted.edit("feature.py", "model=model,", "model=model, temperature=0.5, n=1,")
    request = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hello"}]}
    request |= {"temperature": 0.5, "n": 1}
    message = {"role": "assistant", "content": "Hi"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    response = {"id": "chatcmpl-7", "object": "chat.completion", "created": 1}
    response |= {"model": "gpt-test-2026", "choices": [choice]}
    response |= {"usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}

    imported(prompted, {"request": request, "response": response})

    assert said(capsys)["exchanges"] == 1
    (case,) = prompted.data()["cases"]
    assert (case["outcome"], case["model"], case["tokens"]) == ("hit", "gpt-test-2026", 4)
    capsys.readouterr()
    assert main(["log", "grep", "Hi", "--json"]) == 0
    (hit,) = [each for each in json.loads(capsys.readouterr().out) if "import" in each["run"]]
    assert hit["figures"]["gen_ai.response.id"] == "chatcmpl-7"


def test_what_is_no_answer_or_cannot_be_played_is_left_out_and_counted(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        asked("failed", status=500),
        {"model": "gpt-test", "answer": "nobody asked"},
        asked("streamed", **{"gen_ai.request.stream": True}),
        asked("of another", provider="anthropic"),
        asked("fine"),
    ]

    imported(prompted, *rows)

    found = said(capsys)
    assert found["exchanges"] == 5
    assert found["cases"] == {"added": 3, "known": 0, "left_out": 2}
    assert [*found["recordings"]["added"].values()] == [1]
    assert found["recordings"]["left_out"] == 4


def test_no_secret_of_a_log_is_written_anywhere(
    prompted: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "Zq7-own-password-of-this-machine"
    monkeypatch.setenv("SHOP_API_KEY", own)

    imported(prompted, asked(f"my key is {KEY}, and {own}", f"I got {KEY}"))

    written = [path for path in prompted.path.rglob("*") if path.name != "app.jsonl"]
    texts = b"".join(path.read_bytes() for path in written if path.is_file())
    assert b"my key is" in texts
    assert KEY.encode() not in texts
    assert own.encode() not in texts
    assert KEY not in capsys.readouterr().out


def test_nothing_personal_of_a_log_is_in_a_file_that_git_keeps_and_the_case_is_played(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = "jane.roe@example.com"

    imported(prompted, asked(f"write to {mail}", f"I wrote to {mail}"))

    (row,) = data_set(prompted)
    assert row["input"] == "Double this word: write to [masked email]"
    (cassette,) = (prompted.path / "cassettes").rglob("*.json")
    assert mail not in cassette.read_text() + json.dumps(row)
    assert [case["outcome"] for case in prompted.data()["cases"]] == ["hit"]


def test_no_case_is_called_by_what_is_masked_and_no_error_quotes_it(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = "jane.roe@example.com"
    rows = (asked("one", case=mail), asked("two", case=f"user {KEY}"))
    refused = {"model": "gpt-test", "prompt": "three", "error": f"wrong key {KEY} of {mail}"}

    imported(prompted, *rows, refused)

    written = [path for path in prompted.path.rglob("*") if path.name != "app.jsonl"]
    texts = b"".join(path.read_bytes() for path in written if path.is_file())
    assert b"wrong key [masked" in texts
    assert KEY.encode() not in texts
    assert mail.encode() not in texts
    assert said(capsys)["cases"]["added"] == 2
    assert [case["outcome"] for case in prompted.data()["cases"]] == ["hit", "hit"]


def test_a_figure_of_a_log_holds_no_secret(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "app.jsonl").write_text(json.dumps(asked("one", **told(KEY), case=f"a {KEY}")))

    assert main(["log", "import", "app.jsonl"]) == 0

    (lines,) = (project.path / ".llmprod" / "runs").rglob("import.jsonl")
    assert KEY not in lines.read_text()
    assert lines.read_text().count("[masked key]") == len(told(KEY))


def test_no_figure_of_a_log_takes_an_address_into_a_file_that_git_keeps(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = "jane.roe@example.com"
    of_openai = {**told(mail), "provider": "openai", "gen_ai.operation.name": "chat", "error": ""}

    imported(prompted, asked("one", **told(mail)), asked("two", **of_openai))

    assert [*said(capsys)["recordings"]["added"].values()] == [1]
    written = [path for path in prompted.path.rglob("*") if path.name != "app.jsonl"]
    assert any("masked-email" in path.name for path in written)
    assert mail not in "".join(map(str, written))
    assert not any(mail.encode() in path.read_bytes() for path in written if path.is_file())


def test_what_is_nested_too_deep_to_be_masked_makes_neither_row_nor_recording(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    nested: Any = "jane.roe@example.com"
    for _ in range(900):
        nested = [nested]
    request = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}], "n": nested}

    imported(prompted, {"request": request, "answer": "Hello"}, asked("one"))

    found = said(capsys)
    assert found["cases"] == {"added": 1, "known": 0, "left_out": 1}
    assert found["recordings"]["left_out"] == 1
    files = [path for path in prompted.path.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"jane.roe" in path.read_bytes()] == ["app.jsonl"]


@pytest.mark.parametrize("url", ["http://[", f"https://me:{KEY}@host.example.com/v1/chat"])
def test_an_exchange_whose_url_is_none_makes_no_recording(
    prompted: Project, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    imported(prompted, asked("one", url=url))

    found = said(capsys)
    assert found["cases"]["added"] == 1
    assert found["recordings"] == {"added": {}, "kept": 0, "left_out": 1}


def test_the_folder_of_a_data_set_is_made(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (prompted.path / "app.jsonl").write_text(json.dumps(asked("one")))

    assert main(["log", "import", "app.jsonl", "--cases=new/evals/words.jsonl"]) == 0

    assert (prompted.path / "new" / "evals" / "words.jsonl").exists()


def test_a_case_that_the_log_names_keeps_its_name(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(prompted, asked("one", case="t-7"), asked("two", case="t-7"))

    assert said(capsys)["cases"] == {"added": 1, "known": 0, "left_out": 1}
    assert [row["id"] for row in data_set(prompted)] == ["t-7"]


def test_a_data_set_that_is_not_there_is_made_and_its_shape_is_kept_after(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (prompted.path / "words.jsonl").unlink()
    imported(prompted, asked("one"))
    (row,) = data_set(prompted)
    (prompted.path / "words.jsonl").write_text(json.dumps({**row, "input": {"text": "x"}}) + "\n")

    (prompted.path / "more.jsonl").write_text(json.dumps(asked("three")))
    assert main(["log", "import", "more.jsonl", "--cases=words.jsonl"]) == 0

    assert data_set(prompted)[1]["input"] == {"text": "Double this word: three"}


def test_without_json_the_command_says_what_it_wrote(
    prompted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [asked("one"), asked("two", status=500), asked("one")]
    (prompted.path / "app.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    assert main(["log", "import", "app.jsonl", "--cases=words.jsonl", f"--test={TEST}"]) == 0

    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("3 exchanges of app.jsonl: import-")
    assert lines == [
        "words.jsonl: added 1 case, 1 were there already",
        "1 exchange made no case: no answer, or no text of a user",
        "write into the new rows what is expected; a logged answer is none",
        "cassettes/test_words/test_doubles.gpt-test.json: 1 recording",
        "1 exchange made no recording",
    ]


@pytest.mark.parametrize("test", ["test_words.py", "gone.py::test_a", f"{TEST}[one]"])
def test_a_test_that_cannot_be_one_is_refused(
    prompted: Project, capsys: pytest.CaptureFixture[str], test: str
) -> None:
    (prompted.path / "app.jsonl").write_text(json.dumps(asked("one")))

    with pytest.raises(SystemExit):
        main(["log", "import", "app.jsonl", f"--test={test}"])

    assert "is no test of a file here" in capsys.readouterr().err
    assert not Path(".llmprod").exists()

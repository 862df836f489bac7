import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod import __version__
from pytest_llmprod.budgets import prices
from pytest_llmprod.cli import main
from pytest_llmprod.commands.layout import print_error
from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.core.text import width
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.export import export
from pytest_llmprod.wire.recording import Failure, Recording

EXAMPLE = Path(__file__).parent.parent / "examples" / "support_triage"
REAL = EXAMPLE / "cassettes" / "test_triage" / "test_labels_a_ticket.gpt-5-mini.json"
JSON_KEYS = {
    *("case", "provider", "operation", "stream", "model_requested", "model", "status", "usage"),
    *("latency_s", "ttft_s", "recorded_at", "text"),
}
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\x00\ud800"


def recording(**changes: Any) -> Recording:
    values: dict[str, Any] = {
        "case": "t-1",
        "key": "k",
        "recorded_at": "2026-11-22T16:07:52Z",
        "latency_s": 0.25,
        "ttft_s": None,
        "model": "gpt-5-mini-2025-08-07",
        "usage": Usage(input_tokens=373, output_tokens=14),
        "attempt": 1,
        "complete": True,
        "request": {
            "method": "POST",
            "uri": "https://api.openai.com/v1/chat/completions",
            "headers": {},
            "body": {"json": {"model": "gpt-5-mini", "messages": []}},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "body": {"json": {"choices": [{"message": {"content": "a\nrefund"}}]}},
        },
    }
    return Recording(**{**values, **changes})


def cassette(folder: Path, *recordings: Recording) -> Path:
    path = folder / "cassettes" / "test_x" / "test_y.json"
    cassette_file.save(path, recordings)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["cassette", "show"],
        ["dataset", "check"],
        ["prices", "lock", "--what"],
    ],
)
def test_a_wrong_call_exits_with_2_and_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: llmprod")


@pytest.mark.parametrize(("arguments", "known"), [([], "compare"), (["dataset"], "freeze")])
def test_an_incomplete_call_says_what_there_is(
    arguments: list[str], known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: llmprod")
    assert f"\n    {known} " in err


def test_good_data_sets_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "input": 1}\n{"id": "b", "input": 2}\n')

    status = main(["dataset", "check", str(path)])

    assert status == 0
    out, err = capsys.readouterr()
    assert f"{path}: 2 cases, not frozen"[:77] in out
    assert err == ""


def test_every_data_set_is_checked_though_one_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text('{"id": "a", "input": 1}\n')
    bad.write_text('{"id": "a", "input": 1}\n{"id": "a", "input": 1}\n')

    status = main(["dataset", "check", str(bad), str(good)])

    out, err = capsys.readouterr()
    assert status == 1
    assert f"{good}: 1 case, not frozen"[:77] in out
    assert out.endswith("2 data sets: 1 finding, 0 notes\n")
    assert f"llmprod: {bad}, line 2: the id 'a' was used before, in line 1." in err


def test_a_cassette_is_shown_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cassette(tmp_path, recording(), recording(case="t-2", usage=None, latency_s=1.0))

    status = main(["cassette", "show", str(path)])

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 recordings: chat, gpt-5-mini-2025-08-07",
        "case  status   in  out  latency  text",
        "----  ------  ---  ---  -------  --------",
        "t-1      200  373   14   0.25 s  a refund",
        "t-2      200    -    -   1.00 s  a refund",
    ]


def test_where_models_differ_each_recording_names_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cassette(tmp_path, recording(), recording(model="gpt-5-mini-2026-01-01"))

    main(["cassette", "show", str(path)])

    first, headings, _, *rows = capsys.readouterr().out.splitlines()
    assert first == "2 recordings: chat"
    assert headings.split() == ["case", "model", "status", "in", "out", "latency", "text"]
    assert [row.split()[1] for row in rows] == ["gpt-5-mini-2025-08-07", "gpt-5-mini-2026-01-01"]


def test_an_empty_cassette_is_shown_without_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cassette(tmp_path)

    assert main(["cassette", "show", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "0 recordings"


@pytest.mark.parametrize(
    "facts",
    [{"usage": Usage(input_tokens=10**70, output_tokens=4)}, {"latency_s": 1e90}],
    ids=["tokens", "latency"],
)
def test_a_figure_that_fills_the_line_is_shown_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], facts: dict[str, Any]
) -> None:
    path = cassette(tmp_path, recording(**facts))

    assert main(["cassette", "show", str(path)]) == 0
    head, *_, row = capsys.readouterr().out.splitlines()
    assert head.startswith("1 recording: ")
    assert "200" in row


def test_a_cassette_is_shown_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cassette(tmp_path, recording(case=HOSTILE))

    status = main(["cassette", "show", str(path), "--json"])

    (shown,) = json.loads(capsys.readouterr().out)
    assert status == 0
    assert shown["case"] == HOSTILE
    assert (shown["provider"], shown["stream"], shown["status"]) == ("openai", False, 200)
    assert (shown["model_requested"], shown["model"]) == ("gpt-5-mini", "gpt-5-mini-2025-08-07")
    assert shown["usage"] == {
        "input_tokens": 373,
        "output_tokens": 14,
        "cache_read_tokens": 0,
        "reasoning_tokens": 0,
    }
    assert (shown["latency_s"], shown["text"]) == (0.25, "a\nrefund")
    assert shown.keys() == JSON_KEYS


def test_the_recordings_of_the_example_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["cassette", "show", str(REAL), "--json"])

    shown = json.loads(capsys.readouterr().out)
    assert status == 0
    assert len(shown) > 200
    assert {each["provider"] for each in shown} == {"openai"}
    assert all(each["usage"]["input_tokens"] > 0 and each["text"] for each in shown)


def test_hostile_text_in_a_cassette_does_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = {**recording().request, "uri": f"https://api.openai.com/{HOSTILE}"}
    answer = {"json": {"choices": [{"message": {"content": f"{HOSTILE}\nnext"}}]}}
    path = cassette(
        tmp_path,
        recording(case=HOSTILE, model=HOSTILE, response={**recording().response, "body": answer}),
        recording(request=request),
    )

    status = main(["cassette", "show", str(path)])

    out = capsys.readouterr().out
    assert status == 0
    assert len(out.splitlines()) == 5
    assert all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"llmprod": {}}', '{"interactions": 5}'])
def test_a_broken_cassette_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)

    status = main(["cassette", "show", str(path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"llmprod: {path}")


@pytest.mark.parametrize(
    "changes",
    [
        {"request": {}},
        {"request": {"uri": 5, "body": {}}},
        {"request": {"uri": "https://x/y"}},
        {"response": {"status": {"code": 200}}},
        {"response": {"status": {}, "body": {}}},
        {"response": {"status": {"code": "x"}, "body": {}}},
        {"model": None},
    ],
)
def test_a_recording_of_another_shape_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    path = cassette(tmp_path, recording(**changes))

    status = main(["cassette", "show", str(path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"llmprod: {path}")
    assert "record it again with --llm-record=once" in err


def of_tool(name: str) -> dict[str, Any]:
    return {"type": "function", "id": name, "function": {"name": name, "arguments": "{}"}}


def stream(*deltas: dict[str, Any]) -> dict[str, Any]:
    events = [{"t": 0.1, "data": {"choices": [{"index": 0, "delta": each}]}} for each in deltas]
    return {"stream": events, "text": ""}


def answering(body: Any, **changes: Any) -> Recording:
    """A recording with this body of its answer."""
    return recording(response={**recording().response, "body": body}, **changes)


CALLS = {"role": "assistant", "content": None, "tool_calls": [of_tool("search"), of_tool("book")]}
STREAMED = stream({"tool_calls": [{"index": 0, **of_tool("search")}]})
CUT = Failure(error="httpx2.RemoteProtocolError", message="")


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (answering({"json": {"choices": [{"message": CALLS}]}}), "search(), book()"),
        (answering(STREAMED), "search()"),
        (answering({"json": {"choices": []}}), ""),
        (answering({"text": ""}, failure=CUT, model=""), "RemoteProtocolError"),
        (answering(stream({"content": "I am"}), failure=CUT), "RemoteProtocolError"),
        (answering({"json": {"error": {"message": "slow down"}}}), ""),
    ],
)
def test_where_an_answer_has_no_text_what_it_did_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shown: Recording, text: str
) -> None:
    path = cassette(tmp_path, shown)

    main(["cassette", "show", str(path)])
    line = capsys.readouterr().out.splitlines()[3]
    main(["cassette", "show", str(path), "--json"])

    (as_json,) = json.loads(capsys.readouterr().out)
    assert line.partition(" s")[2].strip() == text
    assert as_json["text"] == ""
    assert as_json.keys() == JSON_KEYS


@pytest.mark.parametrize("wide", ["x" * 300, "漢" * 90], ids=["long", "wide"])
def test_a_table_fits_into_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wide: str
) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=100_000)
    answer = {"json": {"choices": [{"message": {"content": wide}}]}}
    request = {**recording().request, "uri": f"https://example.org/{wide}"}
    path = cassette(
        tmp_path,
        recording(usage=usage, latency_s=1_000),
        answering(answer, case=wide, model=wide),
        answering(answer, request=request, case=wide, usage=usage, latency_s=1_000, model=wide),
    )

    main(["cassette", "show", str(path)])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert all(width(line) <= 80 for line in lines)
    assert "t-1  " in lines[3]


@pytest.mark.parametrize(
    "arguments",
    [
        ["cassette", "show", "nope"],
        ["cassette", "check", "nope"],
        ["cassette", "prune", ".", "nope"],
        ["cassette", "diff", "nope", "."],
        ["cassette", "diff", ".", "nope"],
        ["cassette", "import", "nope"],
        ["cassette", "export", "nope"],
        ["dataset", "check", "nope"],
        ["prices", "lock", "nope"],
    ],
)
def test_a_path_that_does_not_exist_is_wrong_use(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "nope: there is no such file or folder\n" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_missing_path_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cassette", "check", HOSTILE])

    assert all(line.isprintable() for line in capsys.readouterr().err.splitlines())


def test_the_models_of_recordings_are_priced_and_locked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "evals" / "cassettes" / "test_triage" / REAL.name
    target.parent.mkdir(parents=True)
    shutil.copy(REAL, target)

    status = main(["prices", "lock", str(tmp_path)])

    lock = tmp_path / "llmprod.prices.toml"
    found = prices.load(lock)
    committed = prices.load(EXAMPLE / "llmprod.prices.toml")
    name = ("openai", "gpt-5-mini-2025-08-07")
    assert status == 0
    assert capsys.readouterr().out.startswith(f"{lock}: 1 model priced, from genai-prices ")
    assert found.find(*name) is not None
    assert found.find(*name) == committed.find(*name)


def test_what_pytest_recording_recorded_is_priced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = recording()
    path = tmp_path / "cassettes" / "test_x" / "test_y.yaml"
    answer = {
        "model": "gpt-5-mini-2025-08-07",
        "choices": [],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
    response = {**recorded.response, "body": {"json": answer}}
    text = export([replace(recorded, response=response)]).text
    path.parent.mkdir(parents=True)
    path.write_text(text)

    status = main(["prices", "lock", str(tmp_path)])

    assert status == 0
    assert "1 model priced" in capsys.readouterr().out


def test_the_cassettes_of_installed_packages_are_not_priced(tmp_path: Path) -> None:
    environment = tmp_path / ".venv"
    cassette(tmp_path, recording())
    cassette(environment, recording(model="llama-at-home"))
    (environment / "pyvenv.cfg").touch()

    assert main(["prices", "lock", str(tmp_path)]) == 0


def test_recordings_without_tokens_leave_nothing_to_price(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(usage=None))

    status = main(["prices", "lock", str(tmp_path)])

    assert status == 1
    assert "nothing to price. Record an answer" in capsys.readouterr().err


def test_a_model_without_a_price_is_told_and_the_others_are_locked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(), recording(model="llama-at-home"))

    status = main(["prices", "lock", str(tmp_path)])

    found = prices.load(tmp_path / "llmprod.prices.toml")
    assert status == 1
    assert "genai-prices does not know 'llama-at-home' of 'openai'" in capsys.readouterr().err
    assert found.find("openai", "gpt-5-mini-2025-08-07") is not None
    assert found.find("openai", "llama-at-home") is None


def test_a_price_that_was_set_by_hand_survives_a_new_lock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(), recording(model="llama-at-home"))
    main(["prices", "lock", str(tmp_path)])
    lock = tmp_path / "llmprod.prices.toml"
    lock.write_text(
        lock.read_text() + '\n[[models]]\nprovider = "openai"\nmodel = "llama-at-home"\n'
        'input = "0.1"\ncached = "0.1"\noutput = "0.2"\n'
    )
    before = prices.load(lock).find("openai", "llama-at-home")
    capsys.readouterr()

    status = main(["prices", "lock", str(tmp_path)])

    assert status == 0
    assert before is not None
    assert prices.load(lock).find("openai", "llama-at-home") == before
    assert capsys.readouterr().err == ""


def test_a_broken_lock_names_a_cure_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording())
    lock = tmp_path / "llmprod.prices.toml"
    lock.write_text("[[models]")

    refused = main(["prices", "lock", str(tmp_path)])
    told = capsys.readouterr().err
    lock.unlink()
    locked = main(["prices", "lock", str(tmp_path)])

    assert (refused, locked) == (1, 0)
    assert f"delete it and write it anew with `llmprod prices lock {tmp_path}`" in told


def test_a_folder_without_recordings_is_told_and_no_lock_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["prices", "lock", str(tmp_path)])

    assert status == 1
    told = capsys.readouterr().err
    assert "there is no cassette below. Record one" in told
    assert told.endswith("Or name a model: `llmprod prices lock --model=openai/gpt-5-mini`.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_written_is_told_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording())
    lock = tmp_path / "llmprod.prices.toml"
    lock.write_text("")
    lock.chmod(0o444)

    status = main(["prices", "lock", str(tmp_path)])

    assert status == 1
    assert f"{lock}: cannot be written (the file is read-only)" in capsys.readouterr().err
    assert lock.read_text() == ""


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    command = [sys.executable, "-m", "pytest_llmprod.cli", "cassette", "show", str(REAL), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        err = process.stderr.read()

    assert b"Traceback" not in err
    assert process.returncode == 0


LONG = (
    "run.json: is no run. Write one with `pytest --llm-eval --llm-json=run.json`, or name another "
    "file, /a/path/that/is/longer/than/a/line/of/the/terminal/and/that/nobody/may/cut/run.json, "
    "here:\n  llmprod accept --who Ann --why 'a reason that takes more than all of the columns' x"
)


def test_an_error_is_broken_into_lines_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_error(LONG)
    piped = capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    print_error(LONG)

    assert piped == f"llmprod: {LONG}\n"
    assert capsys.readouterr().err.splitlines() == [
        "llmprod: run.json: is no run. Write one with",
        "  `pytest --llm-eval --llm-json=run.json`, or name another file,",
        "  /a/path/that/is/longer/than/a/line/of/the/terminal/and/that/nobody/may/cut/run.json,",
        "  here:",
        "  llmprod accept --who Ann --why 'a reason that takes more than all of the columns' x",
    ]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pytest-llmprod {__version__}\n"

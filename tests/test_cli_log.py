"""The commands `llmprod log ...`: from a complaint to the exchange, and what is kept of it."""

import io
import json
import os
import shlex
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from log_samples import a_line, an_exchange, write

from pytest_llmprod.cli import main

RUNS = Path(".llmprod") / "runs"
OLD, NEW = "20261119T140201000000-1a2b3c4d", "20261120T090000000000-9e8f7a6b"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(text: Any) -> Any:
    return an_exchange(request={"messages": [{"role": "user", "content": text}]})


def two_runs() -> list[str]:
    ids = write(
        RUNS,
        a_line(1, verdict="hit", why=""),
        a_line(2, exchange=asked("Customer 4712: refund!"), cost_usd=None, cost_status="unpriced"),
        a_line(3, exchange=an_exchange(status=429, usage=None, text=""), cost_status="free"),
        run=OLD,
    )
    ids += write(RUNS, a_line(1, exchange=asked("Customer 4713")), run=NEW)
    for number, run in enumerate((OLD, NEW)):
        os.utime(RUNS / run / "main.jsonl", (number + 1, number + 1))
    return ids


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["log", *words]) == status
    return capsys.readouterr().out


def test_ls_lists_the_runs_the_newest_last(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()

    lines = run(capsys, "ls").splitlines()

    assert [line.split() for line in lines[1:]] == [
        ["1a2b3c4d", "2026-11-19", "14:02", "3", "3", "1", "$0.0002", "1", "kept"],
        ["9e8f7a6b", "2026-11-19", "14:02", "1", "1", "0", "$0.0001", "0", "kept"],
    ]
    assert max(map(len, lines)) <= 80


def test_ls_as_json_has_the_whole_ids(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()

    first, second = json.loads(run(capsys, "ls", "--json"))

    assert (first["run"], second["run"]) == (OLD, NEW)
    assert first["cost_usd"] == "0.000250"
    assert (first["unpriced"], first["errors"], first["texts"]) == (1, 1, True)


def test_without_a_log_the_folder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    expected = f"no run in {RUNS}: name the folder of your log with --folder\n"
    assert run(capsys, "ls") == expected
    assert json.loads(run(capsys, "ls", "--json")) == []


def test_lines_that_a_crash_left_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()
    with (RUNS / OLD / "main.jsonl").open("ab") as file:
        file.write(b'{"llmprod.id": "12')

    told = "1 line skipped: half written by a process that died, or damaged"
    assert run(capsys, "ls").splitlines()[-1] == told
    assert run(capsys, "grep", "4711").splitlines()[-1] == told


def test_a_complaint_leads_to_the_exchange_and_its_replay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = two_runs()

    lines = run(capsys, "grep", "customer 4712", "--since", "2026-11-19").splitlines()

    assert lines == [
        f"{ids[1]} 2026-11-19 14:02 ticket-triage t-002 miss 0.81 s gpt-5-mini-2025-0...",
        "  input: Customer 4712: refund!",
        "  pytest --llm-eval 'test_triage.py::test_labels_a_ticket[t-002]'",
    ]


def test_grep_prints_the_newest_first_and_says_how_many_are_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    two_runs()

    lines = run(capsys, "grep", "customer", "--limit", "1").splitlines()

    assert lines[0].split()[3:5] == ["ticket-triage", "t-003"]
    assert lines[-1] == "... and 3 older exchanges: --limit 4 prints all"


def test_grep_exits_with_1_where_nothing_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()

    assert run(capsys, "grep", "4799", status=1) == f"no exchange of 4 in {RUNS} holds that\n"


def test_grep_names_what_it_was_told_to_look_for_and_no_exchange_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    two_runs()

    told = run(
        capsys, "grep", "customer", "--feature=ticket-traige", "--status=mis", status=1
    ).splitlines()

    assert told[1:] == ["none of them has --feature ticket-traige", "none of them has --status mis"]
    assert json.loads(run(capsys, "grep", "4799", "--json", status=1)) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--status", "error"], 1),
        (["--status", "hit"], 1),
        (["--feature", "other"], 0),
        (["--model", "gpt-5-mini"], 4),
        (["--since", "2026-11-20"], 0),
    ],
)
def test_grep_takes_filters(
    capsys: pytest.CaptureFixture[str], options: list[str], found: int
) -> None:
    two_runs()

    out = run(capsys, "grep", "t-00", "--json", *options, status=0 if found else 1)

    assert len(json.loads(out)) == found


def test_show_tells_all_of_an_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    ids = two_runs()

    assert run(capsys, "show", ids[1][:6]).splitlines() == [
        f"{ids[1]} 2026-11-19 14:02:02Z run 1a2b3c4d",
        "  feature   ticket-triage",
        "  case      t-002",
        "  verdict   miss, assert 'shipping' == 'refund'",
        "  scores    passed 0.0",
        "  model     gpt-5-mini -> gpt-5-mini-2025-08-07, openai, chat",
        "  status    200, stop",
        "  tokens    120 in, 64 from the cache, 12 out",
        "  cost      unpriced",
        "  latency   0.81 s",
        "  source    replayed, recorded 2026-11-01T09:00:00Z",
        "  cassette  cassettes/test_triage/test_labels_a_ticket.gpt-5-mini.json",
        f"  commit    {'0' * 40}",
        "asked",
        "  user: Customer 4712: refund!",
        "answered",
        "  shipping",
        "replay it",
        "  pytest --llm-eval 'test_triage.py::test_labels_a_ticket[t-002]'",
    ]


def test_show_cuts_no_time_of_a_stream_that_was_tried_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exchange = an_exchange(ttft_s=0.25, backoff_s=1.5, attempt=2)
    (name,) = write(RUNS, a_line(1, exchange=exchange), run=OLD)

    lines = run(capsys, "show", name).splitlines()

    first = "0.81 s, 0.25 s to the first event, 1.50 s waited before"
    assert f"  latency   {first}, attempt 2" in lines
    assert "  source    replayed, recorded 2026-11-01T09:00:00Z" in lines


def test_show_of_a_case_takes_the_newest_run_unless_it_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = two_runs()

    assert run(capsys, "show", "t-001").startswith(ids[3])
    assert run(capsys, "show", "t-001", "--in", "1a2b3c4d").startswith(ids[0])


def test_show_of_a_case_names_its_other_exchanges(capsys: pytest.CaptureFixture[str]) -> None:
    first, last = write(RUNS, a_line(1), a_line(1, repeat=2))

    out = run(capsys, "show", "t-001")

    assert out.startswith(last)
    assert "  case      t-001, repeat 2\n" in out
    assert f"the last of 2 of this case; before it: {first}\n" in out


def test_show_finds_the_providers_id_of_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    (name,) = write(RUNS, a_line(1, response_id="chatcmpl-77"))

    assert run(capsys, "show", "chatcmpl-77").startswith(name)


def test_show_as_json_has_all_that_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    ids = two_runs()

    shown = json.loads(run(capsys, "show", ids[1], "--json"))

    assert shown["llmprod.run"] == OLD
    assert shown["llmprod.input"]["messages"][0]["content"] == "Customer 4712: refund!"
    assert shown["llmprod.output"] == "shipping"
    assert shown["llmprod.why"] == "assert 'shipping' == 'refund'"
    assert shown["gen_ai.usage.input_tokens"] == 120
    replay = shlex.split(shown["llmprod.replay"])
    assert replay == ["pytest", "--llm-eval", "test_triage.py::test_labels_a_ticket[t-002]"]


def test_an_exchange_becomes_a_case(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = two_runs()
    case = {"id": "t-000", "input": {"text": "Hi"}, "expected": "other"}
    (here / "tickets.jsonl").write_text(f"{json.dumps(case)}\n")

    shown = run(capsys, "show", ids[1], "--json")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(shown.encode())))
    assert main(["dataset", "add", "tickets.jsonl", "--expected", "refund"]) == 0

    _, added = (here / "tickets.jsonl").read_text().splitlines()
    assert json.loads(added)["input"] == {"text": "Customer 4712: refund!"}
    assert json.loads(added)["expected"] == "refund"


@pytest.mark.parametrize("name", ["", "abc", "nothing"])
def test_show_says_how_to_look_for_what_it_does_not_find(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    two_runs()

    assert main(["log", "show", name]) == 1
    assert capsys.readouterr().err == (
        f"llmprod: {name!r} is no exchange and no case in {RUNS}. Look for what was said in it: "
        f"llmprod log grep TEXT\n"
    )


HOSTILE = "<script>alert(1)</script> \x1b[2J\x1b]0;x\x07 a\x00b \ud83d \u202eabc\r\nnext"


@pytest.mark.parametrize(
    "words", [["show", "t-001"], ["grep", "next"], ["show", "t-001", "--full"]]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_hostile_text_is_never_printed_raw(
    capsys: pytest.CaptureFixture[str], words: list[str], form: list[str]
) -> None:
    exchange = an_exchange(
        text=HOSTILE, model=HOSTILE, request={"messages": [{"role": HOSTILE, "content": HOSTILE}]}
    )
    line = a_line(1, exchange=exchange, why=HOSTILE, feature=HOSTILE, response_id=HOSTILE)
    write(RUNS, line, a_line(2, case=HOSTILE, test=HOSTILE, cassette=HOSTILE, exchange=exchange))

    out = run(capsys, *words, *form)

    assert "next" in out
    assert all(char.isprintable() or char == "\n" for char in out)
    out.encode("utf-8")


def test_hostile_text_is_never_printed_raw_by_sql(capsys: pytest.CaptureFixture[str]) -> None:
    write(RUNS, a_line(1, exchange=an_exchange(text=HOSTILE), case=HOSTILE))
    query = "SELECT output, case_id, output AS 'bad\x1b[2J' FROM exchanges"

    for form in ([], ["--json"]):
        out = run(capsys, "sql", query, *form)

        assert "<script>" in out
        assert all(char.isprintable() or char == "\n" for char in out)


ABSURD = [
    *(10**400, 1e308, float("nan"), float("inf"), "1e999999", "-1", True, None, [1], {"a": 1}),
]


@pytest.mark.parametrize("value", ABSURD, ids=lambda value: str(value)[:10])
@pytest.mark.parametrize("words", [["ls"], ["show", "aaaaaaaa01"], ["grep", "aaaaaaaa01"]])
def test_absurd_figures_of_a_damaged_log_stop_no_command(
    capsys: pytest.CaptureFixture[str], words: list[str], value: Any
) -> None:
    write(RUNS, a_line(1))
    (path,) = (RUNS / "run-1").glob("*.jsonl")
    figures = dict.fromkeys(json.loads(path.read_text()), value)
    path.write_text(json.dumps({**figures, "llmprod.id": "aaaaaaaa01"}) + "\n")

    lines = run(capsys, *words).splitlines()

    assert "aaaaaaaa01" in lines[0] or "$0.0000" in lines[1]
    assert max(map(len, lines)) <= 80


def test_show_cuts_a_long_answer_and_full_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    write(RUNS, a_line(1, exchange=an_exchange(text="word " * 200_000)))

    cut, full = run(capsys, "show", "t-001"), run(capsys, "show", "t-001", "--full")

    assert "  ... 998,000 more characters: --full shows them\n" in cut
    assert len(cut) < 4_000
    assert max(map(len, cut.splitlines())) <= 80
    assert len(full) > 1_000_000


@pytest.mark.parametrize(
    ("request_", "lines"),
    [
        ("just a text", ["user: just a text"]),
        ({"input": "a text"}, ["user: a text"]),
        (
            {"system": "Be kind.", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
            ["system: Be kind.", "user: Hi"],
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": "a"}, {"x": 1}]}]},
            ["user: a", '{"x": 1}'],
        ),
        ({"messages": [{"role": "user", "parts": [{"content": "of otel"}]}]}, ["user: of otel"]),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, None),
        ({"messages": [{"role": "assistant", "content": None, "tool_calls": []}]}, None),
        ([1, 2], ["[1, 2]"]),
        ({"a": 1}, ['{"a": 1}']),
    ],
)
def test_show_prints_the_conversations_of_providers(
    capsys: pytest.CaptureFixture[str], request_: Any, lines: list[str] | None
) -> None:
    write(RUNS, a_line(1, exchange=an_exchange(request=request_)))

    out = run(capsys, "show", "t-001")

    shown = out[out.index("asked\n") + 6 : out.index("answered\n")].splitlines()
    if lines is None:
        lines = [shown[0].strip()]
        assert "output" in lines[0] or "tool_calls" in lines[0]
    assert shown == [f"  {line}" for line in lines]


def test_sql_answers_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()
    query = "SELECT run, count(*) AS number FROM exchanges GROUP BY run ORDER BY run"

    table = run(capsys, "sql", query).splitlines()
    document = json.loads(run(capsys, "sql", query, "--json"))

    assert [line.split() for line in (table[0], *table[2:])] == [
        ["run", "number"],
        [OLD, "3"],
        [NEW, "1"],
    ]
    assert document == {"columns": ["run", "number"], "rows": [[OLD, 3], [NEW, 1]]}


def test_sql_without_a_query_lists_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    names = [line.split()[0] for line in run(capsys, "sql").splitlines()[2:]]

    assert {"id", "case_id", "cost_usd", "input", "output"} <= set(names)


def test_sql_makes_a_database_for_other_tools(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    two_runs()

    assert run(capsys, "sql", "--to", "log.db") == "log.db: 4 exchanges\n"

    connection = sqlite3.connect(here / "log.db")
    assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (4,)
    connection.close()
    assert main(["log", "sql", "--to", "log.db"]) == 1
    assert "log.db: is there already." in capsys.readouterr().err


def test_what_is_no_sql_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "sql", "SELECT nowhere FROM exchanges"]) == 1
    assert capsys.readouterr().err == (
        "llmprod: SQLite says: no such column: nowhere. `llmprod log sql` lists the columns of the "
        "table exchanges.\n"
    )


def test_sql_that_finds_no_row_prints_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "sql", "SELECT id FROM exchanges").split() == ["id", "----"]
    assert run(capsys, "sql", "CREATE TABLE other (a)") == ""


def aged(age: timedelta) -> None:
    two_runs()
    written = (datetime.now(UTC) - age).timestamp()
    os.utime(RUNS / NEW / "main.jsonl", (written, written))


def test_purge_removes_runs_by_their_age(capsys: pytest.CaptureFixture[str]) -> None:
    aged(timedelta(days=29))

    assert run(capsys, "purge", "--older-than", "30d") == "removed 1 run\n"
    assert [path.name for path in RUNS.glob("*/")] == [NEW]
    assert run(capsys, "purge", "--older-than", "30d") == "nothing to remove\n"


def test_purge_can_keep_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()
    figures = (RUNS / OLD / "main.jsonl").read_bytes()

    told = run(capsys, "purge", "--run", "1a2b3c4d", "--bodies-only")

    assert told == "removed what was said in 1 run; their figures are kept\n"
    assert (RUNS / OLD / "main.jsonl").read_bytes() == figures
    assert not list((RUNS / OLD).glob("*.bodies"))
    assert list((RUNS / NEW).glob("*.bodies"))
    dropped = run(capsys, "show", "t-002")
    assert "\nwhat was said is no longer kept: it was dropped, or the file is damaged\n" in dropped
    assert "  tokens    120 in, 64 from the cache, 12 out\n" in dropped
    assert run(capsys, "ls").splitlines()[1].endswith("dropped")


def test_purge_of_all_leaves_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    two_runs()

    assert json.loads(run(capsys, "purge", "--all", "--json")) == {
        "removed": 2,
        "bodies_only": False,
    }
    assert [path.name for path in RUNS.iterdir()] == [".gitignore"]


@pytest.mark.parametrize("name", ["", "..", "nothing", "4d/.."])
def test_purge_removes_no_run_that_is_not_named(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    two_runs()

    assert main(["log", "purge", "--run", name]) == 1
    assert f"{name!r} is no run in {RUNS}." in capsys.readouterr().err
    assert len(list(RUNS.glob("*/"))) == 2


def test_an_end_that_several_runs_share_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write(RUNS, a_line(), run="a-1")
    write(RUNS, a_line(), run="b-1")

    assert main(["log", "purge", "--run", "1"]) == 1
    assert "'1' is the end of several runs: a-1, b-1." in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["purge"],
        ["purge", "--all", "--run", "x"],
        ["purge", "--older-than", "30"],
        ["grep", "x", "--since", "thursday"],
        ["grep", "x", "--limit", "0"],
        ["import", "nowhere.jsonl"],
        ["show"],
    ],
)
def test_wrong_use_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["log", *words])

    assert caught.value.code == 2
    assert "usage: llmprod log" in capsys.readouterr().err


def test_an_applications_log_becomes_a_run(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    key = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ" * 2
    rows = [
        {"time": "2026-11-19T14:02:01Z", "model": "m", "input": f"4711 {key}", "output": "refund"},
        {"level": "INFO", "message": "started"},
    ]
    (here / "app.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    first, second = run(capsys, "import", "app.jsonl", "--feature", "triage").splitlines()

    assert first.startswith("1 exchange of app.jsonl: import-")
    assert second == "1 row left out that tell of no exchange"
    (hit,) = json.loads(run(capsys, "grep", "4711", "--feature", "triage", "--json"))
    assert hit["replay"] == ""
    assert hit["excerpt"].startswith("4711 [masked ")
    assert not any(key.encode() in path.read_bytes() for path in RUNS.glob("*/*"))
    assert "live" in run(capsys, "show", hit["figures"]["llmprod.id"])


def test_a_log_is_imported_once(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    (here / "app.jsonl").write_text('{"model": "m"}\n')
    (here / "empty.jsonl").write_text("\n")
    assert json.loads(run(capsys, "import", "app.jsonl", "--json"))["exchanges"] == 1

    assert main(["log", "import", "app.jsonl"]) == 1
    assert "app.jsonl: was imported already. Remove that run first" in capsys.readouterr().err
    assert main(["log", "import", "empty.jsonl"]) == 1
    assert "empty.jsonl: holds no exchange." in capsys.readouterr().err


def test_sql_prints_a_sum_of_floats_without_the_noise_of_its_last_digits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    query = "SELECT 0.1 + 0.2 AS total, 0.000674 AS cost, 1e300 AS large, 3 AS number"

    *_, row = run(capsys, "sql", query).splitlines()

    assert row.split() == ["0.3", "0.000674", "1e+300", "3"]
    printed = run(capsys, "sql", query, "--json")
    assert json.loads(printed)["rows"] == [[0.3, 0.000674, 1e300, 3]]


def test_sql_prints_json_also_of_a_number_that_json_has_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = run(capsys, "sql", "SELECT 9e999 AS endless, -9e999 AS below", "--json")

    assert "Infinity" not in printed
    assert json.loads(printed)["rows"] == [[None, None]]

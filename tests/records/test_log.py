import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_samples import a_line, an_exchange, as_it_is, write

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.records import names, reading
from pytest_llmprod.records.log import LogWriter

JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "control sequences": "\x1b[2J\x1b]0;owned\x07",
    "half a pair": "\ud83d and \udc00",
    "zero bytes": "a\x00b",
    "line ends": "a\nb\rc\u2028d\x85e\x1ef",
    "a megabyte": "x" * 1_000_000,
    "an emoji": "\U0001f600 \u00dcber",
}


def the_only_entry(runs: Path) -> reading.Entry:
    log = reading.read(*reading.folders_of(runs))
    assert log.broken == 0
    (entry,) = log.entries
    return entry


def test_a_line_has_the_names_of_opentelemetry(tmp_path: Path) -> None:
    (name,) = write(tmp_path, a_line())

    figures = dict(the_only_entry(tmp_path).figures)
    digests = [figures.pop(key) for key in (names.INPUT, names.OUTPUT, names.WHY)]
    assert {len(digest) for digest in digests} == {32}
    assert figures == {
        "llmprod.id": name,
        "timestamp": "2026-11-19T14:02:01Z",
        "llmprod.test": "test_triage.py::test_labels_a_ticket[t-001]",
        "llmprod.case": "t-001",
        "llmprod.repeat": 1,
        "llmprod.feature": "ticket-triage",
        "llmprod.verdict": "miss",
        "llmprod.scores": {"passed": 0.0},
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 64,
        "http.response.status_code": 200,
        "llmprod.latency_s": 0.81,
        "llmprod.call": 1,
        "llmprod.attempt": 1,
        "llmprod.replayed": True,
        "llmprod.recorded_at": "2026-11-01T09:00:00Z",
        "llmprod.cost.usd": "0.000125",
        "llmprod.cost.status": "priced",
        "llmprod.cassette": "cassettes/test_triage/test_labels_a_ticket.gpt-5-mini.json",
        "llmprod.commit": "0" * 40,
    }


def test_a_failed_stream_of_a_judge_says_so(tmp_path: Path) -> None:
    exchange = an_exchange(
        provider="aws", stream=True, ttft_s=0.25, backoff_s=1.5, attempt=2, call=3,
        failure="ReadTimeout", status=0, is_judge=True, usage=None, text="", replayed=False,
    )  # fmt: skip

    write(tmp_path, a_line(exchange=exchange, cost_usd=None, cost_status="unpriced"))

    entry = the_only_entry(tmp_path)
    assert entry.text(names.PROVIDER) == "aws.bedrock"
    assert entry.text(names.ERROR) == "ReadTimeout"
    assert entry.is_failed
    assert entry.number(names.TTFT_S) == 0.25
    assert entry.number(names.BACKOFF_S) == 1.5
    assert (entry.number(names.CALL), entry.number(names.ATTEMPT)) == (3, 2)
    assert entry.figures[names.JUDGE] is True
    assert entry.figures[names.STREAM] is True
    assert entry.figures[names.REPLAYED] is False
    assert names.COST_USD not in entry.figures
    assert names.OUTPUT not in entry.figures


def test_a_refused_request_names_its_status_as_the_error(tmp_path: Path) -> None:
    write(tmp_path, a_line(exchange=an_exchange(status=429, usage=None)))

    assert the_only_entry(tmp_path).text(names.ERROR) == "429"


def test_tool_calls_and_refusals_are_part_of_the_output(tmp_path: Path) -> None:
    call = ToolCall(name="refund", arguments={"customer": 4711}, id="c1")

    write(tmp_path, a_line(exchange=an_exchange(text="", refusal="No.", tool_calls=(call,))))

    said = reading.bodies_of(the_only_entry(tmp_path))
    tool_calls = [{"name": "refund", "arguments": {"customer": 4711}}]
    assert said["output"] == {"refusal": "No.", "tool_calls": tool_calls}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_comes_back_unharmed(tmp_path: Path, text: str) -> None:
    exchange = an_exchange(text=text, request={text[:50]: [text]}, model=text)

    write(tmp_path, a_line(exchange=exchange, why=text, case=text))

    entry = the_only_entry(tmp_path)
    assert entry.text(names.MODEL) == text
    assert entry.text(names.CASE) == text
    assert reading.bodies_of(entry) == {"input": {text[:50]: [text]}, "output": text, "why": text}


@given(request=JSON_VALUE, answer=st.text(st.characters(exclude_categories=())))
def test_whatever_was_said_comes_back(
    tmp_path_factory: pytest.TempPathFactory, request: Any, answer: str
) -> None:
    runs = tmp_path_factory.mktemp("runs")

    write(runs, a_line(exchange=an_exchange(request=request, text=answer), why=""))

    said = {"input": request, "output": answer}
    kept = {name: value for name, value in said.items() if value is not None and value != ""}
    assert reading.bodies_of(the_only_entry(runs)) == kept


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("request_", [{"file": b"bytes"}, nested(100_000)], ids=["bytes", "deep"])
def test_what_is_no_json_is_named_and_stops_nothing(tmp_path: Path, request_: Any) -> None:
    write(tmp_path, a_line(exchange=an_exchange(request=request_)))

    said = reading.bodies_of(the_only_entry(tmp_path))
    assert said["input"].startswith("(not stored, for it is no JSON: ")
    assert said["output"] == "shipping"


def masked(value: Any) -> Any:
    """Return what was said without the secret of these tests."""
    return json.loads(json.dumps(value).replace("sk-secret", "[masked key]"))


def test_nothing_that_was_said_is_written_unmasked(tmp_path: Path) -> None:
    exchange = an_exchange(text="it is sk-secret", request={"messages": ["sk-secret"]})
    log = LogWriter(tmp_path, "run-1", "main", mask=masked)
    log.add(a_line(exchange=exchange, why="assert 'sk-secret' == ''"))
    log.close()

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert not any(b"sk-secret" in path.read_bytes() for path in files)
    assert reading.bodies_of(the_only_entry(tmp_path))["output"] == "it is [masked key]"


@pytest.mark.parametrize("name", ["operation", "model_requested", "model", "failure"])
def test_no_figure_that_others_choose_is_written_unmasked(tmp_path: Path, name: str) -> None:
    log = LogWriter(tmp_path, "run-1", "main", mask=masked)
    log.add(a_line(exchange=replace(an_exchange(), **{name: "it is sk-secret"})))
    log.close()

    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"it is [masked key]" in content for content in files)
    assert not any(b"sk-secret" in content for content in files)


def test_a_mask_that_cannot_go_so_deep_keeps_the_text_out(tmp_path: Path) -> None:
    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            raise RecursionError
        return value

    log = LogWriter(tmp_path, "run-1", "main", mask=masked)
    log.add(a_line())
    log.close()

    said = reading.bodies_of(the_only_entry(tmp_path))
    assert said["input"] == "(not stored, for it could not be masked: RecursionError)"


def test_a_line_is_on_disk_before_the_next_one_is_written(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, "run-1", "main", mask=as_it_is)
    for number in (1, 2, 3):
        log.add(a_line(number))

        entries = reading.read(tmp_path / "run-1").entries
        assert [entry.text(names.CASE) for entry in entries] == ["t-001", "t-002", "t-003"][:number]
    log.close()


def test_a_process_that_is_killed_loses_nothing_that_was_added(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from log_samples import a_line, as_it_is\n"
        "from pytest_llmprod.records.log import LogWriter\n"
        "log = LogWriter(Path(sys.argv[1]), 'run-1', 'main', mask=as_it_is)\n"
        "for number in range(100):\n"
        "    log.add(a_line(number))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    tests = Path(__file__).parents[1]
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=tests, check=False)

    assert killed.returncode == -signal.SIGKILL
    log = reading.read(tmp_path / "run-1")
    assert (len(log.entries), log.broken) == (100, 0)
    assert all(len(reading.bodies_of(entry)) == 3 for entry in log.entries[-3:])


def test_what_was_said_twice_is_kept_once(tmp_path: Path) -> None:
    write(tmp_path, a_line(1), a_line(2))

    assert (tmp_path / "run-1" / "main.bodies").read_bytes().count(b"\n") == 3


def test_each_line_has_an_id_of_its_own(tmp_path: Path) -> None:
    ids = write(tmp_path, a_line(), a_line())
    ids += write(tmp_path, a_line())  # a process that goes on under the same name
    ids += write(tmp_path, a_line(), writer="gw0")
    ids += write(tmp_path, a_line(), run="run-2")

    assert len(set(ids)) == 5


def test_a_run_without_exchanges_leaves_nothing(tmp_path: Path) -> None:
    LogWriter(tmp_path / "runs", "run-1", "main", mask=as_it_is).close()

    assert list(tmp_path.iterdir()) == []


def test_git_ignores_the_log(tmp_path: Path) -> None:
    write(tmp_path / "runs", a_line())

    assert (tmp_path / "runs" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".hidden", "a b"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LogError, match="must be a file's name"):
        LogWriter(tmp_path, name, "main", mask=as_it_is)
    with pytest.raises(LogError, match="must be a file's name"):
        LogWriter(tmp_path, "run-1", name, mask=as_it_is)


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "run-1").write_text("a file in the way")

    with pytest.raises(LogError, match=r"main\.jsonl: cannot be written \(.*\)\. Free some space"):
        write(tmp_path, a_line())


def test_processes_under_names_of_their_own_share_a_run(tmp_path: Path) -> None:
    def work(writer: str) -> None:
        write(tmp_path, *(a_line(number) for number in range(200)), writer=writer)

    workers = [threading.Thread(target=work, args=(f"gw{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    log = reading.read(tmp_path / "run-1")
    assert (len(log.entries), log.broken) == (800, 0)


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    monkeypatch.setattr(os, "write", lambda fd, content: whole(fd, content[:100]))

    write(tmp_path, a_line(1), a_line(2))

    log = reading.read(tmp_path / "run-1")
    assert (len(log.entries), log.broken) == (2, 0)


def test_a_full_disk_costs_one_line_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogWriter(tmp_path, "run-1", "main", mask=as_it_is)
    log.add(a_line(1))
    whole, wrote = os.write, []

    def full(fd: int, content: bytes) -> int:
        if wrote:
            raise OSError(28, "No space left on device")
        wrote.append(whole(fd, content[:20]))
        return wrote[0]

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(LogError, match="No space left"):
            log.add(a_line(2, why="", exchange=an_exchange(request=None, text="")))
    log.add(a_line(3))
    log.close()

    read = reading.read(tmp_path / "run-1")
    assert [entry.text(names.CASE) for entry in read.entries] == ["t-001", "t-003"]
    assert read.broken == 1


def test_a_body_that_was_not_written_is_written_with_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogWriter(tmp_path, "run-1", "main", mask=as_it_is)

    def full(fd: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(LogError, match="No space left"):
            log.add(a_line(1))
    log.add(a_line(2))
    log.close()

    assert set(reading.bodies_of(the_only_entry(tmp_path))) == {"input", "output", "why"}


def test_money_is_written_without_an_exponent(tmp_path: Path) -> None:
    line = a_line()
    write(tmp_path, replace(line, cost_usd=line.cost_usd and line.cost_usd / 10**5))

    assert the_only_entry(tmp_path).text(names.COST_USD) == "0.00000000125"

"""The request log of a process: what it writes of the exchanges of a test that has ended."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from log_samples import START, an_exchange

from pytest_llmprod.composition.request_log import Asker, RequestLog
from pytest_llmprod.records import names
from pytest_llmprod.settings import of_project
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets


def moments() -> Iterator[Any]:
    for second in range(10):
        yield START + timedelta(seconds=second)


def tape(folder: Path) -> Any:
    """What the log asks of the tape of a test."""
    path = folder / "cassettes" / "test_t" / "test_it.gpt-5-mini.json"
    label = SimpleNamespace(folder=path.parent, function="test_it", cassette=lambda shelf: path)
    return SimpleNamespace(
        asked="gpt-5-mini",
        label=label,
        cassette=lambda shelf: SimpleNamespace(path=path),
        price=lambda exchange: None,
    )


def test_lines_come_in_the_order_in_which_answers_came_not_in_that_of_the_tape(
    tmp_path: Path,
) -> None:
    # A tape keeps what a judge was asked apart, and hands that on last.
    (tmp_path / "pyproject.toml").write_text("[tool.llmprod]\n")
    clock = moments()
    log = RequestLog(
        of_project(tmp_path),
        run_id="run",
        writer="main",
        scanners=list,
        known=EnvironmentSecrets({}),
        now=lambda: next(clock),
    )
    judged, asked = an_exchange(text="a verdict", is_judge=True), an_exchange(text="an answer")
    asker, own = Asker(nodeid="test_t.py::test_it"), tape(tmp_path)
    for each in (judged, asked):
        log.saw(own, asker, os.getpid(), each)

    log.write(own, asker, [asked, judged])
    log.close()

    assert log.problem == ""
    run = tmp_path / ".llmprod" / "runs" / "run"
    lines = [json.loads(line) for line in (run / "main.jsonl").read_text().splitlines()]
    assert [line.get(names.JUDGE, False) for line in lines] == [True, False]

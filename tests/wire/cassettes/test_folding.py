"""Folding: what was recorded comes into the cassettes, whatever ends a run."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from journals import PlainJournal, fold, fold_abandoned, journal_of, runs_left, texts
from lab import recording

from pytest_llmprod.core import claims
from pytest_llmprod.core.drift import Drift
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import cassette_file, folding, locks
from pytest_llmprod.wire.cassettes.cassette_file import load, save
from pytest_llmprod.wire.cassettes.folding import Folded
from pytest_llmprod.wire.cassettes.journal import FOLDER, Journal, Turn
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import BUILT_IN, Answer, Dialect
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import RecordMode

HERE = Path(__file__).parent
#: In which a process of Python finds the lab and the journals.
ENVIRON = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent)))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tests" / "cassettes" / "test_a" / "test.gpt.json"


def test_folding_writes_the_cassettes_and_removes_the_journals(tmp_path: Path, path: Path) -> None:
    other = path.with_name("other.gpt.json")
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("one"))
        journal.recorded(other, recording("two"))

    assert fold(tmp_path, "r1", whole=True).count == 2
    assert (texts(path), texts(other)) == (["one"], ["two"])
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_hostile_texts_go_through_the_journal(tmp_path: Path, path: Path) -> None:
    hostile = recording("\ud800 \u2028 \n  },\n  {\n", case="\ud800\n", key="\u2028")
    with journal_of(tmp_path) as journal:
        journal.recorded(path, hostile)
        journal.finished(path, hostile.case)
    fold(tmp_path, "r1", whole=True)

    assert load(path).all() == [hostile]


def test_the_recordings_of_all_workers_come_together(tmp_path: Path, path: Path) -> None:
    for writer in ("gw0", "gw1", "gw2"):
        with journal_of(tmp_path, writer=writer) as journal:
            journal.ordered(path, ["gw2", "gw0", "gw1"])
            journal.recorded(path, recording(writer, case=writer))

    assert fold(tmp_path, "r1", whole=True).count == 3
    assert texts(path) == ["gw2", "gw0", "gw1"]


def test_folding_leaves_other_runs_alone(tmp_path: Path, path: Path) -> None:
    for run_id in ("r1", "r2"):
        with journal_of(tmp_path, run_id=run_id) as journal:
            journal.recorded(path, recording(run_id))
    fold(tmp_path, "r2", whole=True)

    assert texts(path) == ["r2"]
    assert runs_left(tmp_path) == ["r1"]


def record(
    root: Path,
    path: Path,
    mode: RecordMode,
    sections: dict[str, Sequence[tuple[str, str]]],
    *,
    finished: Sequence[str] = (),
    order: Sequence[str] = (),
    whole: bool = True,
) -> list[tuple[str, str]]:
    """Record sections of (key, text) pairs, fold them, and return (case, text) pairs."""
    with journal_of(root, mode) as journal:
        journal.ordered(path, order)
        for case, pairs in sections.items():
            for key, text in pairs:
                journal.recorded(path, recording(text, case=case, key=key))
        for case in finished:
            journal.finished(path, case)
    fold(root, "r1", whole=whole)
    return list(zip((each.case for each in load(path).all()), texts(path), strict=True))


@pytest.fixture
def recorded(path: Path) -> Path:
    """A cassette of two sections."""
    rows = [("a", "k1", "a1"), ("a", "k2", "a2"), ("b", "k1", "b1")]
    save(path, [recording(text, case=case, key=key) for case, key, text in rows])
    return path


@pytest.mark.parametrize(
    ("mode", "finished", "expected"),
    [
        ("once", True, ["a1", "a2", "A1", "A3", "b1"]),
        ("new_episodes", True, ["a1", "a2", "A1", "A3", "b1"]),
        ("all", True, ["a2", "A1", "A3", "b1"]),
        ("rewrite", True, ["A1", "A3", "b1"]),
        ("once", False, ["a1", "a2", "A1", "A3", "b1"]),
        ("all", False, ["a1", "a2", "A3", "b1"]),
        ("rewrite", False, ["a1", "a2", "A3", "b1"]),
    ],
)
def test_how_a_section_takes_in_what_was_recorded(
    tmp_path: Path, recorded: Path, mode: RecordMode, finished: bool, expected: list[str]
) -> None:
    rows = record(
        tmp_path,
        recorded,
        mode,
        {"a": [("k1", "A1"), ("k3", "A3")]},
        finished=["a"] if finished else [],
    )

    assert [text for _, text in rows] == expected


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_what_a_task_answered_replaces_older_answers_though_its_test_never_ran(
    tmp_path: Path, recorded: Path, mode: RecordMode
) -> None:
    with journal_of(tmp_path, mode) as journal:
        journal.ordered(recorded, ["a", "b"])
        journal.recorded(recorded, recording("A1", case="a", key="k1"))
        journal.answered(recorded, "a", Turn())
    fold(tmp_path, "r1", whole=True)

    assert texts(recorded) == ["a2", "A1", "b1"]


def test_that_an_earlier_try_was_answered_says_nothing_of_the_last(
    tmp_path: Path, recorded: Path
) -> None:
    with journal_of(tmp_path, "all") as journal:
        journal.ordered(recorded, ["a", "b"])
        journal.started(recorded, "a")
        journal.recorded(recorded, recording("first", case="a", key="k1"))
        journal.answered(recorded, "a", Turn())
        journal.started(recorded, "a")
        journal.recorded(recorded, recording("second", case="a", key="k1"))
    fold(tmp_path, "r1", whole=True)

    assert texts(recorded) == ["a1", "a2", "b1"]


@pytest.mark.parametrize("mode", ["once", "all", "rewrite"])
def test_equal_requests_of_one_test_are_all_kept(
    tmp_path: Path, path: Path, mode: RecordMode
) -> None:
    rows = record(
        tmp_path, path, mode, {"a": [("k1", "one"), ("k1", "two"), ("k1", "one")]}, finished=["a"]
    )

    assert [text for _, text in rows] == ["one", "two", "one"]


@pytest.mark.parametrize(
    ("mode", "whole", "order", "cases"),
    [
        ("rewrite", True, ["c", "a"], ["c", "a"]),
        ("rewrite", False, ["c", "a"], ["c", "a", "b"]),
        ("rewrite", True, [], ["a", "b", "c"]),
        ("all", True, ["c", "a"], ["c", "a", "b"]),
        ("once", True, ["c", "a"], ["c", "a", "b"]),
    ],
)
def test_only_a_whole_rewrite_drops_cases_that_left_the_data_set(
    tmp_path: Path,
    recorded: Path,
    mode: RecordMode,
    whole: bool,
    order: list[str],
    cases: list[str],
) -> None:
    record(
        tmp_path, recorded, mode, {"c": [("k1", "c1")]}, finished=["c"], order=order, whole=whole
    )

    assert list(load(recorded).cases) == cases


def test_the_orders_of_all_variants_follow_each_other(tmp_path: Path, recorded: Path) -> None:
    with journal_of(tmp_path, "rewrite") as journal:
        for order in (["x-2", "x-1"], ["y-1", "x-1", "y-2"]):
            journal.ordered(recorded, order)
            for case in order:
                journal.started(recorded, case)
                journal.recorded(recorded, recording(case, case=case))
                journal.finished(recorded, case)
    fold(tmp_path, "r1", whole=True)

    assert texts(recorded) == ["x-2", "x-1", "y-1", "y-2"]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_a_test_that_runs_again_leaves_only_its_last_try(
    tmp_path: Path, path: Path, mode: RecordMode
) -> None:
    with journal_of(tmp_path, mode) as journal:
        journal.recorded(path, recording("other", case="b"))
        for text in ("first", "second"):
            journal.started(path, "a")
            journal.recorded(path, recording(text, case="a"))
            journal.finished(path, "a")

    assert fold(tmp_path, "r1", whole=True).count == 2
    assert texts(path) == ["other", "second"]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_recordings_stand_in_the_order_in_which_their_requests_were_sent(
    tmp_path: Path, path: Path, mode: RecordMode
) -> None:
    with journal_of(tmp_path, mode) as journal:
        journal.started(path, "", Turn(tape=1))
        for number in (2, 3, 1):
            journal.recorded(path, recording(f"{number}"), Turn(tape=1, request=number))
        journal.finished(path, "", Turn(tape=1))
    fold(tmp_path, "r1", whole=True)

    assert texts(path) == ["1", "2", "3"]


def test_what_a_shared_fixture_asks_later_comes_later(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        for tape in (1, 2):
            for number in (2, 1):
                text = f"{tape}.{number}"
                journal.recorded(path, recording(text), Turn(tape=tape, request=number))
    fold(tmp_path, "r1", whole=True)

    assert texts(path) == ["1.1", "1.2", "2.1", "2.2"]


def test_a_late_answer_to_an_earlier_try_is_void_too(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        for tape in (1, 2):
            journal.started(path, "a", Turn(tape=tape))
            journal.recorded(path, recording(f"{tape}", case="a"), Turn(tape=tape, request=1))
        journal.recorded(path, recording("late", case="a"), Turn(tape=1, request=2))
    fold(tmp_path, "r1", whole=True)

    assert texts(path) == ["2"]


CHILD = """
import os, sys
from pathlib import Path
from journals import PlainJournal, fold, fold_abandoned
from lab import recording
root = Path(sys.argv[1])
path = root / "tests" / "cassettes" / "test_a" / "test.gpt.json"
journal = PlainJournal(root, "r1", "main", "once", tuple)
def in_child(text, turn):
    child = os.fork()
    if not child:
        journal.started(path, "a", turn)
        journal.recorded(path, recording(text, case="a"), turn._replace(request=1))
        journal.close()
        os._exit(0)
    os.waitpid(child, 0)
first, second = journal.next_turn(), journal.next_turn()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(
    ("does", "expected"),
    [
        ("in_child('1', first); in_child('2', second)", ["2"]),
        ("in_child('1', first); in_child('2', second); in_child('3', second)", ["2", "3"]),
        ("in_child('2', second); in_child('late', first)", ["2"]),
        ("journal.recorded(path, recording('1', case='a'), second); in_child('2', second)", "12"),
    ],
)
def test_only_the_children_of_the_last_try_speak(
    tmp_path: Path, path: Path, does: str, expected: list[str]
) -> None:
    end = "; journal.ended(second); journal.close(); fold(root, 'r1', whole=True)"
    result = start(CHILD + does + end, tmp_path)
    result.communicate()

    assert result.returncode == 0
    assert sorted(texts(path)) == list(expected)
    assert not load(path).is_unfinished("a")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_closes_its_journal_leaves_that_of_its_parent_claimed(tmp_path: Path) -> None:
    script = """
journal.recorded(path, recording("1", case="a"))
in_child("2", first)
print(fold_abandoned(root))
"""
    parent = start(CHILD + script, tmp_path)

    assert parent.communicate()[0] == "0\n"


def test_the_end_of_an_earlier_try_does_not_finish_the_last(tmp_path: Path, recorded: Path) -> None:
    with journal_of(tmp_path, "rewrite") as journal:
        journal.ordered(recorded, ["a", "b"])
        for text, is_finished in (("first", True), ("second", False)):
            journal.started(recorded, "a")
            journal.recorded(recorded, recording(text, case="a", key="k3"))
            if is_finished:
                journal.finished(recorded, "a")
    fold(tmp_path, "r1", whole=True)

    assert texts(recorded) == ["a1", "a2", "second", "b1"]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_what_a_test_recorded_that_did_not_finish_is_unfinished_until_one_does(
    tmp_path: Path, path: Path, mode: RecordMode
) -> None:
    states = []
    for number, finished in enumerate(([], [], ["a"])):
        record(tmp_path, path, mode, {"a": [(f"k{number}", "x")]}, finished=finished)
        cassette = load(path)
        states.append((cassette.is_unfinished("a"), [each.unfinished for each in cassette.all()]))

    assert states[:2] == [(True, [True]), (True, [True, True])]
    assert states[2][0] is False
    assert not any(states[2][1])


def test_the_end_of_a_test_that_recorded_nothing_more_finishes_its_section(
    tmp_path: Path, path: Path
) -> None:
    record(tmp_path, path, "once", {"a": [("k", "x")], "b": [("k", "x")]})
    record(tmp_path, path, "once", {}, finished=["a"])

    assert [load(path).is_unfinished(case) for case in ("a", "b")] == [False, True]


def answered(status: int, text: str) -> Recording:
    """Return a recording of an answer with this status."""
    response = {**recording(text).response, "status": {"code": status, "message": ""}}
    return recording(text, case="a", key=text, response=response)


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
@pytest.mark.parametrize(("finished", "kept"), [(False, ["399"]), (True, ["399", "400", "500"])])
def test_error_answers_are_kept_only_of_a_test_that_finished(
    tmp_path: Path, path: Path, mode: RecordMode, finished: bool, kept: list[str]
) -> None:
    with journal_of(tmp_path, mode) as journal:
        journal.ordered(path, [])
        for status in (399, 400, 500):
            journal.recorded(path, answered(status, str(status)))
        if finished:
            journal.finished(path, "a")

    assert fold(tmp_path, "r1", whole=True).count == len(kept)
    assert texts(path) == kept


def test_an_error_answer_alone_of_a_test_that_did_not_finish_makes_no_cassette(
    tmp_path: Path, path: Path
) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, answered(500, "down"))

    assert fold(tmp_path, "r1", whole=True).count == 0
    assert not path.exists()
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_journal_that_is_still_written_is_left_for_the_next_run(
    tmp_path: Path, recorded: Path
) -> None:
    with journal_of(tmp_path, "rewrite", writer="gw1") as journal:
        journal.ordered(recorded, ["c"])
        journal.recorded(recorded, recording("c1", case="c"))
    with journal_of(tmp_path, "rewrite", writer="gw0") as living:
        living.ordered(recorded, ["d"])
        living.recorded(recorded, recording("d1", case="d"))
        assert fold(tmp_path, "r1", whole=True).count == 1
        during = texts(recorded)
        living.recorded(recorded, recording("d2", case="d", key="k2"))

    assert during == ["c1", "a1", "a2", "b1"]
    assert runs_left(tmp_path) == ["r1"]
    assert fold(tmp_path, "r1", whole=False).count == 2
    assert sorted(texts(recorded)) == ["a1", "a2", "b1", "c1", "d1", "d2"]


def test_the_end_of_another_case_does_not_finish_this_one(tmp_path: Path, recorded: Path) -> None:
    rows = record(
        tmp_path,
        recorded,
        "rewrite",
        {"a": [("k1", "A1")], "b": [("k1", "B1")]},
        finished=["b"],
    )

    assert rows == [("a", "a1"), ("a", "a2"), ("b", "B1")]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
@pytest.mark.parametrize("finished", [[], ["a"]], ids=["unfinished", "finished"])
def test_a_fold_that_is_done_again_after_a_kill_changes_nothing(
    tmp_path: Path, recorded: Path, mode: RecordMode, finished: list[str]
) -> None:
    with journal_of(tmp_path, mode) as journal:
        journal.ordered(recorded, ["a", "b"])
        journal.recorded(recorded, recording("A1", case="a", key="k1"))
        journal.recorded(recorded, recording("A9", case="a", key="k9"))
        for case in finished:
            journal.finished(recorded, case)
    left_behind = tmp_path / FOLDER / "r1"
    shutil.copytree(left_behind, tmp_path / "copy")
    fold(tmp_path, "r1", whole=True)
    once = recorded.read_bytes()

    shutil.copytree(tmp_path / "copy", left_behind)
    fold(tmp_path, "r1", whole=True)

    assert recorded.read_bytes() == once
    assert b"A9" in once


def test_a_journal_of_an_older_run_that_does_not_say_what_it_found_is_folded(
    tmp_path: Path, recorded: Path
) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(recorded, recording("A1", case="a", key="k1"))
    file = tmp_path / FOLDER / "r1" / "main.jsonl"
    file.write_text(file.read_text().replace('"found": 1, ', ""))
    fold(tmp_path, "r1", whole=False)

    assert texts(recorded) == ["a1", "a2", "A1", "b1"]


def test_a_last_line_cut_short_by_a_kill_is_left_out(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("whole"))
        journal.recorded(path, recording("cut"))
    file = tmp_path / FOLDER / "r1" / "main.jsonl"
    file.write_bytes(file.read_bytes()[:-40])

    assert fold(tmp_path, "r1", whole=False).count == 1
    assert texts(path) == ["whole"]


def test_a_fold_that_cannot_write_keeps_the_journal_and_the_old_file(
    tmp_path: Path, path: Path
) -> None:
    save(path, [recording("old")])
    with journal_of(tmp_path, "new_episodes") as journal:
        journal.recorded(path, recording("new"))
    os.chmod(path, 0o444)
    with pytest.raises(CassetteError, match=r"waits under \.llmprod/recording"):
        fold(tmp_path, "r1", whole=True)

    assert texts(path) == ["old"]
    os.chmod(path, 0o644)
    assert runs_left(tmp_path) == ["r1"]
    fold(tmp_path, "r1", whole=False)
    assert texts(path) == ["old", "new"]


def test_a_fold_into_a_broken_cassette_keeps_both(tmp_path: Path, path: Path) -> None:
    save(path, [recording("old")])
    path.write_bytes(path.read_bytes()[:100])
    before = path.read_bytes()
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("new"), found=1)

    with pytest.raises(CassetteError, match="cut short"):
        fold(tmp_path, "r1", whole=True)
    assert path.read_bytes() == before
    assert runs_left(tmp_path) == ["r1"]


def test_a_run_that_still_records_is_not_abandoned(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording())
        during = fold_abandoned(tmp_path)

    assert during == 0
    assert fold_abandoned(tmp_path) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from journals import PlainJournal, fold
from lab import recording
root = Path(sys.argv[1])
path = root / "tests" / "cassettes" / "test_a" / "test.gpt.json"
mine = PlainJournal(root, "killed", "main", "new_episodes", tuple)
mine.recorded(path, recording("paid for", key="k2"))
if sys.argv[2] == "while folding":
    mine.close()
    os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
    fold(root, "killed", whole=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("moment", ["while recording", "while folding"])
def test_a_run_that_is_killed_leaves_the_old_file_and_loses_nothing(
    tmp_path: Path, path: Path, moment: str
) -> None:
    save(path, [recording("old")])
    before = path.read_bytes()

    result = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), moment],
        env=ENVIRON,
        capture_output=True,
        check=False,
    )

    assert result.returncode == -signal.SIGKILL, result.stderr
    assert path.read_bytes() == before
    assert runs_left(tmp_path) == ["killed"]
    assert fold(tmp_path, "killed", whole=False).count == 1
    assert texts(path) == ["old", "paid for"]


def test_a_reader_sees_the_old_cassette_or_the_new_one(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(path, [recording("old")])
    seen: list[Any] = []
    replace = os.replace

    def watched(source: str, target: Path) -> None:
        seen.append((texts(path), [each.response for each in load(Path(source)).all()]))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    cassette_file.save(path, [recording("new")])

    assert seen == [(["old"], [recording("new").response])]
    assert texts(path) == ["new"]


RECORDS_AND_FOLDS = """
import sys
from pathlib import Path
from journals import PlainJournal, fold, fold_abandoned
from lab import recording
root, name = Path(sys.argv[1]), sys.argv[2]
path = root / "tests" / "cassettes" / "test_a" / "test.gpt.json"
mine = PlainJournal(root, name, "main", "new_episodes", tuple)
for number in range(200):
    mine.recorded(path, recording(case=name, key=f"{name} {number}"))
mine.close()
print("recorded", flush=True)
sys.stdin.readline()
print(fold(root, name, whole=False).count + fold_abandoned(root))
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a process of Python that finds the lab."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=ENVIRON,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_runs_that_fold_into_one_cassette_at_once_lose_nothing(
    tmp_path: Path, path: Path
) -> None:
    for round_ in range(3):
        root = tmp_path / str(round_)
        runs = [start(RECORDS_AND_FOLDS, root, name) for name in ("r1", "r2")]
        for run in runs:
            assert run.stdout is not None
            assert run.stdout.readline() == "recorded\n"
        for run in runs:
            assert run.stdin is not None
            run.stdin.write("go\n")
            run.stdin.flush()
        counts = [int(run.communicate(timeout=60)[0]) for run in runs]

        assert sum(counts) == 400
        keys = {each.key for each in load(root / path.relative_to(tmp_path)).all()}
        assert keys == {f"{name} {number}" for name in ("r1", "r2") for number in range(200)}
        assert list((root / FOLDER).iterdir()) == []


BEGINS_AND_ENDS = """
import sys
from pathlib import Path
from journals import PlainJournal
from lab import recording
root = Path(sys.argv[1])
path = root / "tests" / "cassettes" / "test_a" / "test.gpt.json"
for number in range(200):
    mine = PlainJournal(root, "r1", f"gw{number}", "new_episodes", tuple)
    mine.recorded(path, recording(case=str(number)))
    mine.close()
"""


def test_a_worker_may_begin_while_another_run_folds_what_was_left(
    tmp_path: Path, path: Path
) -> None:
    count = 0
    worker = start(BEGINS_AND_ENDS, tmp_path)
    while worker.poll() is None:
        count += fold_abandoned(tmp_path)
    worker.communicate()
    count += fold_abandoned(tmp_path)

    assert worker.returncode == 0
    assert count == 200
    assert {each.case for each in load(path).all()} == {str(number) for number in range(200)}


def test_a_run_that_ends_while_another_folds_waits(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording())
    with ThreadPoolExecutor(1) as pool:
        with locks.alone(tmp_path):
            ended = pool.submit(fold, tmp_path, "r1", whole=True)
            with pytest.raises(TimeoutError):
                ended.result(timeout=0.1)

        assert ended.result(timeout=10).count == 1


def test_a_run_that_hangs_while_it_folds_is_named_after_a_while(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_TRIES", 2)
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording())

    with locks.alone(tmp_path), pytest.raises(CassetteError, match=r"recording\.lock: another run"):
        fold(tmp_path, "r1", whole=True)
    assert runs_left(tmp_path) == ["r1"]


def journal_with(root: Path, path: Path, damage: Callable[[list[bytes]], list[bytes]]) -> Path:
    """Write a journal of three lines, and change them."""
    with journal_of(root) as journal:
        for number in range(3):
            journal.recorded(path, recording(str(number), key=str(number)))
    file = root / FOLDER / "r1" / "main.jsonl"
    file.write_bytes(b"".join(damage(file.read_bytes().splitlines(keepends=True))))
    return file


STRANGE_LINES = {
    "torn": b'{"cassette": "a.json", "recor\n',
    "no UTF-8": b'{"cassette": "\xff"}\n',
    "no object": b"[]\n",
    "empty": b"\n",
    "nulls": b"\0\0\0\n",
    "no cassette": b'{"finished": "a"}\n',
    "a cassette that is no text": b'{"cassette": 1, "finished": "a"}\n',
    "of another version": b'{"cassette": "a.json", "forgotten": "a"}\n',
    "no recording": b'{"cassette": "a.json", "recording": {}}\n',
    "a recording that is a list": b'{"cassette": "a.json", "recording": []}\n',
    "no response": b'{"cassette": "a.json", "recording": {"llmprod": {}, "request": {}}}\n',
    "no mode": b'{"cassette": "a.json", "order": []}\n',
    "another mode": b'{"cassette": "a.json", "order": [], "mode": "twice"}\n',
    "an order that is no list": b'{"cassette": "a.json", "order": 1, "mode": "once"}\n',
    "an order of lists": b'{"cassette": "a.json", "order": [[]], "mode": "once"}\n',
    "a case that is a list": b'{"cassette": "a.json", "finished": []}\n',
    "a case that is a number": b'{"cassette": "a.json", "started": 1}\n',
    "plays that are a list": b'{"cassette": "a.json", "played": [], "case": "a", "mode": "once"}\n',
    "a turn that is no list": b'{"cassette": "a.json", "finished": "a", "turn": 1}\n',
    "a turn of texts": b'{"cassette": "a.json", "finished": "a", "turn": ["1", "2"]}\n',
    "a turn of many": b'{"cassette": "a.json", "finished": "a", "turn": [1, 2, 3, 4]}\n',
    "no plays": b'{"cassette": "a.json", "played": {"k": "1"}, "case": "", "mode": "all"}\n',
}


@pytest.mark.parametrize("strange", STRANGE_LINES.values(), ids=STRANGE_LINES)
def test_a_line_that_cannot_be_understood_is_named_and_its_journal_is_kept(
    tmp_path: Path, path: Path, strange: bytes
) -> None:
    file = journal_with(tmp_path, path, lambda lines: [lines[0], strange, *lines[1:]])
    before = file.read_bytes()

    with pytest.raises(CassetteError) as caught:
        fold(tmp_path, "r1", whole=True)

    assert str(caught.value).startswith(f"{file}, line 2: ")
    assert f"mv {file} {file}.aside" in str(caught.value)
    assert file.read_bytes() == before
    assert not path.exists()


def test_a_status_that_is_no_number_is_told_with_its_line(tmp_path: Path, path: Path) -> None:
    journal_with(tmp_path, path, lambda lines: [lines[0].replace(b"200", b'"x"'), *lines[1:]])

    with pytest.raises(CassetteError, match="line 1: "):
        fold(tmp_path, "r1", whole=True)


def test_a_journal_that_was_put_aside_is_in_nobodys_way(tmp_path: Path, path: Path) -> None:
    file = journal_with(tmp_path, path, lambda lines: [b"{}\n", *lines])
    aside = file.rename(f"{file}.aside")
    with journal_of(tmp_path, run_id="r2") as journal:
        journal.recorded(path, recording("later"))

    assert fold_abandoned(tmp_path) == 1
    assert texts(path) == ["later"]
    assert aside.exists()


@pytest.mark.parametrize("tail", [b'{"cassette": "a.js', b"\0\0\0\0", b"\xff", b""])
def test_what_a_kill_left_of_the_last_line_is_left_out(
    tmp_path: Path, path: Path, tail: bytes
) -> None:
    journal_with(tmp_path, path, lambda lines: [*lines, tail])

    assert fold(tmp_path, "r1", whole=False).count == 3
    assert texts(path) == ["0", "1", "2"]


def test_a_last_line_that_wants_only_its_end_is_taken(tmp_path: Path, path: Path) -> None:
    journal_with(tmp_path, path, lambda lines: [*lines[:2], lines[2].rstrip(b"\n")])

    assert fold(tmp_path, "r1", whole=False).count == 3


def test_a_last_line_that_is_whole_and_wrong_is_told(tmp_path: Path, path: Path) -> None:
    journal_with(tmp_path, path, lambda lines: [*lines, b'{"cassette": "a.js\n'])

    with pytest.raises(CassetteError, match="line 4: "):
        fold(tmp_path, "r1", whole=False)


def test_a_journal_that_cannot_be_deleted_is_told(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording())

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CassetteError, match=r"recording.r1.*\(Permission denied\)"):
        fold(tmp_path, "r1", whole=False)


def test_without_a_folder_no_run_is_picked_up(tmp_path: Path) -> None:
    assert fold_abandoned(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_was_left_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)

    assert fold_abandoned(tmp_path) == 0
    assert fold(tmp_path, "r1", whole=True).count == 0
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


GATEWAY = Dialect(
    provider="acme",
    operation="generate",
    path=re.compile(r"/models/(?P<model>[^/]+)/generate$"),
    read=lambda body: Answer(),
    read_stream=lambda events: Answer(),
)


@pytest.mark.parametrize("known", [[GATEWAY], []], ids=["read by a plugin", "read by nobody"])
def test_a_model_that_answers_by_another_name_is_told_by_the_name_that_the_run_asked(
    tmp_path: Path, path: Path, known: list[Dialect]
) -> None:
    asked = {
        "method": "POST",
        "uri": "https://llm.acme.example/models/house/generate",
        "headers": {},
        "body": {"json": {"prompt": "hello"}},
    }
    save(path, [recording(model="house-1", request=asked)])
    journal = Journal(tmp_path, "r1", "main", "all", tuple)
    library = Library(journal, stored_key, lambda: known)
    library.keep(path, recording(model="house-2", request=asked), tuple, Turn(1, 1))
    journal.close()

    (drift,) = fold(tmp_path, "r1", whole=True).drifts
    assert drift == Drift(asked="house" if known else "no-model", before="house-1", now="house-2")


def test_a_name_by_which_a_model_has_answered_before_is_no_drift(
    tmp_path: Path, path: Path
) -> None:
    save(path, [recording(model=name, key=name) for name in ("gpt-1", "gpt-2")])
    with journal_of(tmp_path, "new_episodes") as journal:
        journal.recorded(path, recording(model="gpt-1", key="k3"))
        journal.recorded(path, recording(model="gpt-3", key="k4"))

    assert fold(tmp_path, "r1", whole=True).drifts == {
        Drift(asked="gpt-test", before="gpt-2", now="gpt-3")
    }


def test_an_error_names_no_model(tmp_path: Path, path: Path) -> None:
    refused = {"status": {"code": 429, "message": ""}, "headers": {}, "body": {"text": ""}}
    save(path, [recording(model="gpt-1")])
    with journal_of(tmp_path, "new_episodes") as journal:
        journal.recorded(path, recording(model="gpt-test", key="k2", response=refused))
        journal.finished(path, "")

    assert fold(tmp_path, "r1", whole=True).drifts == set()


@pytest.mark.parametrize("status", [{}, {"code": None}, {"code": "ok"}])
def test_an_old_recording_whose_answer_somebody_has_rewritten_is_in_nobodys_way(
    tmp_path: Path, path: Path, status: dict[str, Any]
) -> None:
    response = dict(recording("old").response)
    save(path, [recording("old", response=response | {"status": status})])
    with journal_of(tmp_path, "new_episodes") as journal:
        journal.recorded(path, recording("new"))

    assert fold(tmp_path, "r1", whole=True).drifts == set()
    assert texts(path) == ["old", "new"]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_a_later_worker_speaks_last_of_a_test_that_runs_again(
    tmp_path: Path, path: Path, mode: RecordMode
) -> None:
    for writer in ("gw2", "gw10"):
        with journal_of(tmp_path, mode, writer=writer) as journal:
            journal.started(path, "a")
            journal.recorded(path, recording(writer, case="a"))
    fold(tmp_path, "r1", whole=True)

    assert texts(path) == ["gw10"]


def test_what_an_earlier_try_played_drops_nothing(tmp_path: Path, recorded: Path) -> None:
    with journal_of(tmp_path, "new_episodes") as journal:
        journal.played(recorded, "a", {"k1": [0]})
        journal.started(recorded, "a")
        journal.recorded(recorded, recording("a3", case="a", key="k3"))
    fold(tmp_path, "r1", whole=True)

    assert texts(recorded) == ["a1", "a2", "a3", "b1"]


KILLED_BETWEEN_TWO_JOURNALS = """
import os, signal, sys
from pathlib import Path
from journals import fold
unlink = Path.unlink
def unlink_one(path, **options):
    unlink(path, **options)
    os.kill(os.getpid(), signal.SIGKILL)
Path.unlink = unlink_one
fold(Path(sys.argv[1]), "r1", whole=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_a_kill_between_two_journals_loses_nothing_of_the_first(
    tmp_path: Path, path: Path, mode: RecordMode
) -> None:
    """Both workers set up one shared fixture, whose recordings stand in one section."""
    for writer in ("gw0", "gw1"):
        with journal_of(tmp_path, mode, writer=writer) as journal:
            journal.ordered(path, [])
            journal.recorded(path, recording(writer, key=writer))
            journal.finished(path, "")

    killed = start(KILLED_BETWEEN_TWO_JOURNALS, tmp_path)
    killed.communicate()
    fold_abandoned(tmp_path)

    assert killed.returncode == -signal.SIGKILL
    assert texts(path) == ["gw0", "gw1"]
    assert list((tmp_path / FOLDER).iterdir()) == []


@pytest.mark.parametrize("key", ["k1", None], ids=["equal requests", "different requests"])
def test_each_recording_is_compared_with_few_others(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    def of(text: str, number: int) -> Recording:
        return recording(text, key=key or f"{text} {number}", latency_s=number / 1000)

    compared: list[object] = []
    save(path, [of("old", number) for number in range(200)])
    with journal_of(tmp_path, "new_episodes") as journal:
        for number in range(200):
            journal.recorded(path, of("new", number))
    monkeypatch.setattr(Recording, "__eq__", lambda self, other: bool(compared.append(other)))
    fold(tmp_path, "r1", whole=True)

    assert len(load(path)) == 400
    assert len(compared) <= 200


def record_at_once(
    root: Path, path: Path, mode: RecordMode, asked: Sequence[Sequence[str]]
) -> list[Folded]:
    """Have each run record the answers that it is given, all to one request, then fold them."""
    runs = [
        Library(Journal(root, f"r{number}", "main", mode, tuple), stored_key, lambda: BUILT_IN)
        for number, _ in enumerate(asked)
    ]
    for library in runs:
        library.open(path)
    for library, answers in zip(runs, asked, strict=True):
        for answer in answers:
            library.keep(path, recording(answer, case="a", key="k1"), tuple, Turn(1, 1))
        library.finished(path, "a", Turn(1, 1))
        library.journal.close()
    return [fold(root, f"r{number}", whole=False) for number, _ in enumerate(asked)]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("once", ["a1", "a2", "b1", "x1", "x2", "y3"]),
        ("new_episodes", ["a1", "a2", "b1", "x1", "x2", "y3"]),
        ("all", ["a2", "b1", "y1", "y2", "y3"]),
        ("rewrite", ["b1", "y1", "y2", "y3"]),
    ],
)
def test_two_runs_of_one_test_at_once_leave_no_request_twice(
    tmp_path: Path, recorded: Path, mode: RecordMode, expected: list[str]
) -> None:
    record_at_once(tmp_path, recorded, mode, [["x1", "x2"], ["y1", "y2", "y3"]])

    assert sorted(texts(recorded)) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("once", [2, 1]), ("new_episodes", [2, 1]), ("all", [2, 3]), ("rewrite", [2, 3])],
)
def test_what_another_run_had_recorded_already_is_not_counted_again(
    tmp_path: Path, recorded: Path, mode: RecordMode, expected: list[int]
) -> None:
    done = record_at_once(tmp_path, recorded, mode, [["x1", "x2"], ["y1", "y2", "y3"]])

    assert [each.count for each in done] == expected


def test_a_cassette_to_which_a_run_adds_nothing_is_not_counted(
    tmp_path: Path, recorded: Path
) -> None:
    first, second = record_at_once(tmp_path, recorded, "once", [["x1"], ["y1"]])

    assert (first.count, first.cassettes) == (1, 1)
    assert (second.count, second.cassettes) == (0, 0)


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_what_an_interrupted_test_recorded_anew_is_not_counted(
    tmp_path: Path, recorded: Path, mode: RecordMode
) -> None:
    with journal_of(tmp_path, mode) as journal:
        journal.ordered(recorded, [])
        journal.recorded(recorded, recording("A1", case="a", key="k1"))
        journal.recorded(recorded, recording("A9", case="a", key="k9"))

    assert fold(tmp_path, "r1", whole=True).count == 1
    assert texts(recorded) == ["a1", "a2", "A9", "b1"]


def test_folding_two_runs_of_one_test_again_changes_nothing(tmp_path: Path, path: Path) -> None:
    asked = [["x1", "x2"], ["y1", "y2", "y3"]]
    for _ in range(2):
        runs = [PlainJournal(tmp_path, f"r{number}", "main", "once", tuple) for number in range(2)]
        for journal, answers in zip(runs, asked, strict=True):
            for answer in answers:
                journal.recorded(path, recording(answer, case="a", key="k1"), found=0)
            journal.close()
        fold_abandoned(tmp_path)

    assert texts(path) == ["x1", "x2", "y3"]


def test_what_another_run_puts_in_place_meanwhile_waits_no_more(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("one"))
    assert folding.waiting(tmp_path) == 1

    def gone(journal: Path) -> bool:
        raise FileNotFoundError(2, "No such file or directory", str(journal))

    monkeypatch.setattr(locks, "is_claimed", gone)

    assert folding.waiting(tmp_path) == 0


def test_a_plan_tells_of_a_journal_that_it_may_not_open(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("one"))

    def refused(journal: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(journal))

    monkeypatch.setattr(locks, "is_claimed", refused)

    with pytest.raises(CassetteError, match="Permission denied"):
        folding.waiting(tmp_path)

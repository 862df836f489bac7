"""`check` finds and `prune` drops recordings of cases that left the data set of their eval."""

import json
from pathlib import Path

import pytest
from recordings import cassette, recording

from pytest_llmprod.cli import main
from pytest_llmprod.composition.departed_cases import case_of
from pytest_llmprod.wire.cassettes import cassette_file

EVAL = """
import pytest

@pytest.mark.llm_eval(feature="x", dataset="evals/tickets.jsonl", threshold=0.5)
def test_x(llm_case): ...
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an eval whose data set has lost two of three recorded cases."""
    (tmp_path / "test_m.py").write_text(EVAL)
    write_ids(tmp_path, "t-1")
    record(tmp_path, "t-1", "t-2", "t-3", "t-3")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_ids(project: Path, *ids: str) -> Path:
    path = project / "evals" / "tickets.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"id": each, "input": "a"}) + "\n" for each in ids))
    return path


def record(project: Path, *cases: str) -> Path:
    recordings = [recording(case=case, asked=str(n)) for n, case in enumerate(cases)]
    return cassette(project, *recordings)


def check(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    capsys.readouterr()
    status = main(["cassette", "check"])
    return status, capsys.readouterr().out.splitlines()


def in_order(capsys: pytest.CaptureFixture[str]) -> bool:
    status, lines = check(capsys)
    return status == 0 and lines[-1].endswith(": 0 findings, 0 notes")


def test_the_repeats_of_a_case_are_its_recordings(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(project, "t-1", "t-1#2", "t-1#12", "x-1/t-1#3")

    assert project.is_dir()
    assert in_order(capsys)


def test_an_id_that_looks_like_a_repeat_is_a_case_of_its_own() -> None:
    assert case_of("t-1#2", frozenset({"t-1", "t-1#2"})) == "t-1#2"
    assert case_of("t-1#3", frozenset({"t-1", "t-1#2"})) == "t-1"
    assert case_of("t-2#3", frozenset({"t-1", "t-1#2"})) is None


def test_recordings_of_cases_that_left_the_data_set_are_found(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.is_dir()
    assert check(capsys) == (
        1,
        [
            "cassettes/test_m/test_x.gpt-test.json",
            "  gone case    3 recordings of 2 cases that are not in tickets.jsonl: t-2, t-3",
            "mend",
            "  gone case    llmprod cassette prune; after a rename, rename the case in the",
            "               file instead",
            "1 cassette, 4 recordings: 1 finding, 0 notes",
        ],
    )


@pytest.mark.parametrize(("roots", "is_found"), [(1, True), (2, False), (0, False)])
def test_a_data_set_in_the_root_folder_is_found_where_there_is_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    roots: int,
    is_found: bool,
) -> None:
    home = tmp_path / "inner" / "tests"
    home.mkdir(parents=True)
    (home / "test_m.py").write_text(EVAL)
    record(home, "t-1", "t-2")
    write_ids(home.parent, "t-1")
    for root in (home.parent, tmp_path)[:roots]:
        (root / "pyproject.toml").write_text("")
        write_ids(root, "t-1")
    monkeypatch.chdir(home.parent)

    status, lines = check(capsys)

    assert status == int(is_found)
    told = "1 recording of 1 case that is not in tickets.jsonl: t-2" in " ".join(lines)
    assert told == is_found


def test_one_case_that_left_is_told_in_the_singular(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(project, "t-1", "t-2")

    assert (
        check(capsys)[1][1]
        == "  gone case    1 recording of 1 case that is not in tickets.jsonl: t-2"
    )


def test_recordings_of_cases_that_left_are_dropped(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["cassette", "prune", "--dry-run"])
    before = capsys.readouterr().out
    status = main(["cassette", "prune"])

    out = capsys.readouterr().out
    (kept,) = cassette_file.load(project / "cassettes/test_m/test_x.gpt-test.json").all()
    assert (status, kept.case) == (0, "t-1")
    assert before == out.replace("removed", "would remove")
    assert out.splitlines() == [
        "cassettes/test_m/test_x.gpt-test.json",
        "  removed 3 recordings of 2 cases that are not in tickets.jsonl: t-2, t-3",
        "removed 3 recordings of gone cases",
    ]
    assert in_order(capsys)


def test_a_copy_of_what_is_dropped_counts_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = recording(case="t-1"), recording(case="t-2")
    cassette(project, one, two, one, two)

    main(["cassette", "prune"])

    assert capsys.readouterr().out.splitlines()[1:] == [
        "  removed 2 duplicates, 1 recording of 1 case that is not in tickets.jsonl: t-2",
        "removed 2 duplicates and 1 recording of gone cases",
    ]


def test_a_case_under_other_parameters_is_known_by_its_id(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(project, "t-1", "de/t-1", "a/b/t-1")

    assert in_order(capsys)


def test_what_belongs_to_no_case_is_not_judged(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(project, "t-1", "")

    assert in_order(capsys)


def test_where_no_case_is_in_the_data_set_nobody_can_tell_and_nothing_is_dropped(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = record(project, "t-2", "t-3")
    before = path.read_bytes()

    status, lines = check(capsys)
    main(["cassette", "prune"])

    assert status == 0
    assert lines[1:3] == [
        "  cannot tell  whether its cases are still asked: none of them is in",
        "               tickets.jsonl",
    ]
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [None, "", "no JSON", '{"id": "t-1"}'])
def test_a_data_set_that_cannot_be_read_tells_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = write_ids(project, "t-1")
    if content is None:
        path.unlink()
    else:
        path.write_text(content)

    assert in_order(capsys)


def test_a_data_set_that_is_not_written_out_tells_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = project / "test_m.py"
    test.write_text(test.read_text().replace('"evals/tickets.jsonl"', "DATASET"))

    assert in_order(capsys)

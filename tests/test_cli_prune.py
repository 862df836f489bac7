"""`llmprod cassette prune`: what no test plays goes, and nothing else."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recordings import cassette, recording, save

from pytest_llmprod.cli import main
from pytest_llmprod.wire.cassettes import cassette_file, locks


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an orphan, a cassette with a copy, one in order, and a doubtful one."""
    (tmp_path / "test_m.py").write_text(
        "from base import Base\ndef test_x(): ...\ndef test_y(): ...\nclass TestZ(Base): ...\n"
    )
    one, two = recording("a"), recording("b", asked="b")
    cassette(tmp_path, one, two, one)
    cassette(tmp_path, one, two, test="test_y")
    cassette(tmp_path, one, test="TestZ.test_inherited")
    cassette(tmp_path, one, test="test_gone")
    cassette(tmp_path, one, test="test_old", module="test_old")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project / "cassettes").as_posix(): path.read_bytes()
        for path in (project / "cassettes").rglob("*.*")
    }


def test_orphans_and_copies_go(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(project)

    status = main(["cassette", "prune"])

    after = files(project)
    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "cassettes/test_m/test_gone.gpt-test.json",
        "  removed the file: test_m.py has no such test",
        "cassettes/test_m/test_x.gpt-test.json",
        "  removed 1 duplicate",
        "cassettes/test_old/test_old.gpt-test.json",
        "  removed the file: there is no test_old.py",
        "removed 2 files and 1 duplicate",
    ]
    assert before.keys() - after.keys() == {
        "test_m/test_gone.gpt-test.json",
        "test_old/test_old.gpt-test.json",
    }
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"test_m/test_x.gpt-test.json"}
    assert cassette_file.load(project / "cassettes/test_m/test_x.gpt-test.json").all() == [
        recording("a"),
        recording("b", asked="b"),
    ]
    assert not (project / "cassettes" / "test_old").exists()


def test_a_dry_run_says_the_same_and_removes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(project)

    status = main(["cassette", "prune", "--dry-run"])

    told = capsys.readouterr().out
    main(["cassette", "prune"])
    assert status == 0
    assert told == capsys.readouterr().out.replace("removed", "would remove")
    assert "would remove 2 files and 1 duplicate" in told
    assert before.keys() - files(project).keys() != set()


def test_a_second_time_there_is_nothing_left_to_remove(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["cassette", "prune", "cassettes"])
    before = files(project)
    capsys.readouterr()

    status = main(["cassette", "prune", "cassettes"])

    assert (status, capsys.readouterr().out) == (0, "nothing to remove\n")
    assert files(project) == before


def test_a_copy_without_tests_beside_it_stays(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = project / "backup"
    shutil.copytree(project / "cassettes", backup / "cassettes")
    before = files(backup)

    status = main(["cassette", "prune", "backup"])

    out = capsys.readouterr().out
    assert status == 0
    assert "removed the file" not in out
    assert files(backup).keys() == before.keys()


def test_what_is_no_cassette_of_ours_stays(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project / "cassettes" / "test_elsewhere"
    folder.mkdir()
    (folder / "settings.json").write_text('{"a": 1}')
    (folder / "vcr.json").write_text('{"interactions": [], "version": 1}')
    (folder / "vcr.yaml").write_text("interactions: []\nversion: 1\n")

    status = main(["cassette", "prune"])

    out, err = capsys.readouterr()
    assert status == 1
    assert err.startswith("llmprod: cassettes/test_elsewhere/settings.json: is no cassette")
    assert "removed 2 files and 1 duplicate" in out
    assert len(list(folder.iterdir())) == 3


def test_one_file_is_pruned_where_it_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["cassette", "prune", "cassettes/test_m/test_gone.gpt-test.json"])

    assert capsys.readouterr().out.splitlines()[-1] == "removed 1 file"
    assert "test_old/test_old.gpt-test.json" in files(project)


def test_a_file_that_cannot_be_written_stays_and_is_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "cassettes" / "test_m" / "test_x.gpt-test.json"
    path.chmod(0o444)

    status = main(["cassette", "prune"])

    out, err = capsys.readouterr()
    assert status == 1
    assert "cannot be written" in err
    assert out.endswith("\nremoved 2 files\n")
    assert len(cassette_file.load(path)) == 3


def test_what_is_wrong_with_all_cassettes_is_told_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(project)
    (project / locks.LOCK).mkdir(parents=True)  # a folder in its place: root may write anywhere

    status = main(["cassette", "prune"])

    told = capsys.readouterr()
    assert (status, told.out) == (1, "nothing removed\n")
    assert told.err.count("recording.lock: cannot be written") == 1
    assert files(project) == before


def test_recordings_of_vcrpys_that_were_imported_are_no_copies(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "cassettes" / "test_m" / "test_y.gpt-test.json"
    save(path, recording(recorded_at=""), recording(recorded_at=""))

    main(["cassette", "prune", str(path)])

    assert capsys.readouterr().out == "nothing to remove\n"
    assert len(cassette_file.load(path)) == 2


def test_a_run_that_writes_its_recordings_at_the_same_time_loses_none(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "cassettes" / "test_m" / "test_x.gpt-test.json"
    (project / locks.LOCK.parent).mkdir()  # as somebody has who records
    new = recording("c", asked="c")
    with ThreadPoolExecutor() as pool:
        with locks.alone(project):
            pruned = pool.submit(main, ["cassette", "prune", str(path)])
            with pytest.raises(TimeoutError):
                pruned.result(timeout=0.2)
            cassette_file.save(path, [*cassette_file.load(path).all(), new])

        assert pruned.result(timeout=10) == 0
    assert "removed 1 duplicate" in capsys.readouterr().out
    assert cassette_file.load(path).all()[-1] == new


def test_a_dry_run_waits_for_nobody(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / locks.LOCK.parent).mkdir()
    with locks.alone(project):
        assert main(["cassette", "prune", "--dry-run"]) == 0

    assert "would remove" in capsys.readouterr().out


def test_where_nobody_records_prune_leaves_no_lock(project: Path) -> None:
    main(["cassette", "prune"])

    assert not (project / locks.LOCK.parent).exists()

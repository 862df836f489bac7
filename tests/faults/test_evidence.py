"""The history of drills: which features were drilled, when, and which are overdue."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.composition import drill_history
from pytest_llmprod.core.drilling import NOT_MET, DrillResult
from pytest_llmprod.core.errors import FaultError

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
APPS = Path(__file__).parent / "apps"


def drilled(fault: str = "quota", feature: str = "triage", **more: Any) -> DrillResult:
    found = {"test": "t", "outcome": "fell back", "switch_s": 1.5, **more}
    found.setdefault("fallback", "app.rules:by_rules")
    found.setdefault("group", "limit")
    return DrillResult(feature=feature, fault=fault, **found)


def lines(root: Path) -> list[dict[str, Any]]:
    path = root / "llmprod-history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_feature_that_survived_gets_a_line(tmp_path: Path) -> None:
    drills = [drilled(), drilled("rate-limit", switch_s=0.5), drilled("x", outcome=NOT_MET)]

    drill_history.note(tmp_path, drills, NOW)

    assert lines(tmp_path) == [
        {
            "kind": "drill",
            "feature": "triage",
            "faults": 2,
            "groups": ["limit"],
            "commit": "",
            "when": "2026-11-26T09:30:00+00:00",
            "fallback": "app.rules:by_rules",
            "slowest_switch_s": 1.5,
        }
    ]


def test_a_fault_that_two_tests_survived_counts_once(tmp_path: Path) -> None:
    drill_history.note(tmp_path, [drilled(), drilled(test="u")], NOW)

    assert [row["faults"] for row in lines(tmp_path)] == [1]


def test_a_feature_with_a_weakness_or_without_a_fault_gets_none(tmp_path: Path) -> None:
    weak = drilled("html-page", outcome="hung", findings=(("hung", "for ever"),))

    drill_history.note(tmp_path, [drilled(), weak], NOW)
    drill_history.note(tmp_path, [drilled(outcome=NOT_MET)], NOW)

    assert lines(tmp_path) == []


def test_a_part_of_the_faults_of_a_test_is_no_evidence(tmp_path: Path) -> None:
    found = [drilled(each, declared=3) for each in ("quota", "rate-limit")]

    drill_history.note(tmp_path, found, NOW)
    assert lines(tmp_path) == []
    drill_history.note(tmp_path, [*found, drilled("x", outcome=NOT_MET, declared=3)], NOW)

    assert [row["faults"] for row in lines(tmp_path)] == [2]


def test_a_day_has_one_line_for_a_feature(tmp_path: Path) -> None:
    drill_history.note(tmp_path, [drilled()], NOW)
    drill_history.note(tmp_path, [drilled(), drilled(feature="other")], NOW + timedelta(hours=1))
    drill_history.note(tmp_path, [drilled()], NOW + timedelta(days=1))

    assert [row["feature"] for row in lines(tmp_path)] == ["triage", "other", "triage"]


def test_a_commit_has_one_line_for_a_feature(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("abc1" * 10 + "\n")

    drill_history.note(tmp_path, [drilled()], NOW)
    drill_history.note(tmp_path, [drilled()], NOW + timedelta(days=3))

    assert [row["commit"] for row in lines(tmp_path)] == ["abc1" * 3]


@pytest.mark.parametrize("commit", ["", "abc1" * 10], ids=["no commit", "one commit"])
def test_a_wider_drill_of_the_same_day_or_commit_has_a_line_and_a_narrower_one_none(
    tmp_path: Path, commit: str
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(f"{commit}\n")
    wide = [drilled(), drilled("rate-limit")]

    drill_history.note(tmp_path, [drilled()], NOW)
    for minutes, drills in enumerate((wide, wide, [drilled()]), 1):
        drill_history.note(tmp_path, drills, NOW + timedelta(minutes=minutes))

    assert [row["faults"] for row in lines(tmp_path)] == [1, 2]
    last = drill_history.last(tmp_path, NOW + timedelta(hours=1))
    assert last["triage"]["faults"] == 2


def test_a_line_with_a_date_to_come_keeps_no_evidence_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("abc1" * 10 + "\n")
    drill_history.note(tmp_path, [drilled()], NOW + timedelta(days=30))

    drill_history.note(tmp_path, [drilled()], NOW)

    assert len(lines(tmp_path)) == 2
    assert "triage" in drill_history.last(tmp_path, NOW)


def test_as_many_faults_of_another_group_have_a_line(tmp_path: Path) -> None:
    drill_history.note(tmp_path, [drilled()], NOW)
    drill_history.note(tmp_path, [drilled("no-answer", group="outage")], NOW)

    assert [row["groups"] for row in lines(tmp_path)] == [["limit"], ["outage"]]


def test_as_many_faults_of_one_more_group_have_a_line(tmp_path: Path) -> None:
    drill_history.note(tmp_path, [drilled(), drilled("rate-limit")], NOW)
    drill_history.note(tmp_path, [drilled(), drilled("no-answer", group="outage")], NOW)

    assert [row["groups"] for row in lines(tmp_path)] == [["limit"], ["limit", "outage"]]


@pytest.mark.parametrize(
    "wrong", [{"faults": "2"}, {"faults": None}, {"groups": None}, {"groups": "limit"}]
)
def test_a_line_that_somebody_has_spoilt_keeps_no_evidence_out(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    drill_history.note(tmp_path, [drilled()], NOW)
    (row,) = lines(tmp_path)
    (tmp_path / "llmprod-history.jsonl").write_text(json.dumps({**row, **wrong}) + "\n")

    drill_history.note(tmp_path, [drilled()], NOW)

    assert lines(tmp_path)[1:] == [row]


def test_lines_of_other_kinds_and_broken_ones_are_passed_over(tmp_path: Path) -> None:
    broken = '{"kind": "accepted", "when": "2020-01-01T00:00:00+00:00"}\nnonsense\n[]\n'
    (tmp_path / "llmprod-history.jsonl").write_text(broken)

    assert drill_history.told(tmp_path, [], NOW, 90) == []


def test_a_feature_that_was_not_drilled_for_long_is_overdue(tmp_path: Path) -> None:
    drill_history.note(tmp_path, [drilled(feature="chat"), drilled()], NOW - timedelta(days=91))

    assert drill_history.told(tmp_path, [drilled()], NOW, 90) == [
        "overdue: chat last survived its drills 91 days ago"
    ]
    assert drill_history.told(tmp_path, [drilled()], NOW, 91) == []


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "llmprod-history.jsonl").mkdir()

    with pytest.raises(FaultError, match="cannot be written"):
        drill_history.note(tmp_path, [drilled()], NOW)


@pytest.mark.parametrize(
    "part",
    [
        ("-k", "quota"),
        ("-m", "llm_drill and not slow"),
        ("--deselect", "test_part.py::test_survives[no-answer]"),
    ],
)
def test_a_whole_run_keeps_its_drills_and_a_part_of_one_does_not(
    pytester: pytest.Pytester, part: tuple[str, str]
) -> None:
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    old = {"kind": "drill", "feature": "chat", "when": "2020-01-01T00:00:00+00:00"}
    (pytester.path / "llmprod-history.jsonl").write_text(json.dumps(old) + "\n")
    pytester.makeini("[pytest]\nmarkers = slow: takes long\n")
    pytester.makepyfile(
        test_part="""
        import pytest
        from sound import triage

        @pytest.mark.llm_drill(
            feature="triage", faults=["quota", "no-answer"], fallback="sound:by_rules"
        )
        def test_survives(llm_fault):
            triage("my invoice is wrong")
        """
    )

    pytester.runpytest_inprocess(*part)
    assert len(lines(pytester.path)) == 1
    result = pytester.runpytest_inprocess()

    row = lines(pytester.path)[1]
    assert (row["feature"], row["faults"], row["slowest_switch_s"]) == ("triage", 2, 10.0)
    result.stdout.fnmatch_lines(["overdue: chat last survived its drills *"])


def test_a_history_that_a_merge_has_spoilt_and_turned_round_is_read_all_the_same(
    tmp_path: Path,
) -> None:
    drill_history.note(tmp_path, [drilled()], NOW)
    path = tmp_path / "llmprod-history.jsonl"
    young = path.read_text()
    old = young.replace("2026-11-26", "2026-01-01")
    path.write_text(f"{young}{old}{'[' * 100_000}\n<<<<<<< HEAD\n")

    assert drill_history.told(tmp_path, [], NOW + timedelta(days=1), 90) == []
    assert drill_history.last(tmp_path, NOW)["triage"]["when"] == NOW.isoformat()


def test_a_date_that_is_to_come_keeps_no_feature_from_being_overdue(tmp_path: Path) -> None:
    drill_history.note(tmp_path, [drilled()], NOW - timedelta(days=100))
    with (tmp_path / "llmprod-history.jsonl").open("a") as file:
        row = {"kind": "drill", "feature": "triage", "when": "2096-01-01T00:00:00+00:00"}
        file.write(json.dumps(row) + "\n")

    assert drill_history.told(tmp_path, [], NOW, 90) == [
        "overdue: triage last survived its drills 100 days ago"
    ]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
@pytest.mark.parametrize("what", ["broken_fixture", "body", "torn_down"])
def test_a_drill_that_fails_without_a_verdict_leaves_its_feature_without_evidence(
    pytester: pytest.Pytester, what: str, workers: tuple[str, ...]
) -> None:
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    pytester.makepyfile(
        test_two=f"""
        import pytest
        from sound import triage

        DRILL = pytest.mark.llm_drill(
            feature="triage", faults="quota", fallback="sound:by_rules"
        )

        @pytest.fixture
        def broken_fixture():
            raise RuntimeError("broken")

        @pytest.fixture
        def torn_down():
            yield
            raise RuntimeError("broken")

        @pytest.fixture
        def body():
            return True

        @DRILL
        def test_sound(llm_fault):
            triage("my invoice is wrong")

        @DRILL
        def test_other(llm_fault, {what}):
            triage("my invoice is wrong")
            if {what!r} == "body":
                pytest.fail("it fails")
        """
    )

    result = pytester.runpytest(*workers)

    assert result.ret == 1
    assert lines(pytester.path) == []

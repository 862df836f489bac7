"""What an audit says, as records and as JSON."""

from typing import Any

import pytest

from pytest_llmprod.core.checklist import Audit, AuditLine, Evidence, Level, Status


def line(
    id_: str, level: Level = "documented", status: Status = "passed", **more: Any
) -> AuditLine:
    return AuditLine(id=id_, level=level, asks="Is it so?", status=status, says="It is.", **more)


def audit(*lines: AuditLine) -> Audit:
    return Audit(lines=lines, features=("triage",), when="2026-11-26", commit="a49516d0")


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        (Evidence(path="test_triage.py", line=8), "test_triage.py:8"),
        (Evidence(path="llmprod.toml"), "llmprod.toml"),
        (Evidence(run="2026-11-26T10-7c1f09ab"), "run 7c1f09ab"),
        (Evidence(run="7c1f09ab"), "run 7c1f09ab"),
        (Evidence(commit="a49516d0f1e2b3c4d5"), "commit a49516d0f1e2"),
        (Evidence(), ""),
        (
            Evidence(path="a.py", line=8, run="x-7c", commit="a4951", when="2026-11-26"),
            "a.py:8, run 7c, commit a4951, 2026-11-26",
        ),
    ],
)
def test_evidence_is_shown_with_what_is_known(evidence: Evidence, shown: str) -> None:
    assert str(evidence) == shown


def test_evidence_in_json_names_only_what_is_known() -> None:
    assert Evidence(path="a.py", when="2026-11-26").to_json() == {
        "path": "a.py",
        "when": "2026-11-26",
    }


def test_a_line_in_json_has_a_waiver_only_where_there_is_one() -> None:
    plain = {
        "id": "owner",
        "level": "handed over",
        "asks": "Is it so?",
        "status": "failed",
        "says": "It is.",
        "evidence": [{"path": "CODEOWNERS", "line": 2}],
        "mend": "llmprod runbook",
    }
    found = Evidence(path="CODEOWNERS", line=2)

    failed = line("owner", "handed over", "failed", evidence=(found,), mend="llmprod runbook")
    waived = line(
        "pii", status="waived", waived_until="2026-12-31", waived_by="Ada", why="no person writes"
    )

    assert failed.to_json() == plain
    assert waived.to_json() == {
        "id": "pii",
        "level": "documented",
        "asks": "Is it so?",
        "status": "waived",
        "says": "It is.",
        "evidence": [],
        "mend": "",
        "waived_until": "2026-12-31",
        "waived_by": "Ada",
        "why": "no person writes",
    }


def test_an_audit_in_json_counts_its_lines_and_names_those_that_block() -> None:
    made = audit(
        line("late", "drilled", "stale"), line("first", status="failed"), line("good"), line("fine")
    )

    assert made.to_json() == {
        "schema": 1,
        "level": "none",
        "when": "2026-11-26",
        "commit": "a49516d0",
        "features": ["triage"],
        "counts": {"passed": 2, "failed": 1, "stale": 1},
        "blocking": ["first", "late"],
        "lines": [each.to_json() for each in made.lines],
    }


@pytest.mark.parametrize(
    ("failing", "reached"),
    [
        (None, "handed over"),
        ("handed over", "drilled"),
        ("drilled", "measured"),
        ("measured", "documented"),
        ("documented", "none"),
    ],
)
def test_a_level_is_reached_only_with_all_below_it(failing: Level | None, reached: str) -> None:
    levels: tuple[Level, ...] = ("documented", "measured", "drilled", "handed over")
    made = audit(
        *(line(level, level, "failed" if level == failing else "passed") for level in levels)
    )

    assert made.level == reached


def test_an_audit_blocks_the_level_of_a_line_and_those_above() -> None:
    made = audit(line("drill", "drilled", "stale"), line("waived", "documented", "waived"))

    assert [made.blocks(level) for level in ("documented", "measured")] == [False, False]
    assert [made.blocks(level) for level in ("drilled", "handed over")] == [True, True]

"""An audit on a terminal, as Markdown and as SARIF."""

import json
from dataclasses import replace

import pytest
from report_samples import an_audit
from report_samples import audit_line as line

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.report import audit as report
from pytest_llmprod.report.sarif import to_sarif

PLACE = Evidence(path="test_a.py", line=8, run="2026-7c1f09ab", commit="a" * 40, when="2026-11-26")


FAILED = line("report", level="measured", status="failed", says="is old", mend="pytest --llm-eval")
WAIVED = line(
    "pii",
    level="measured",
    status="waived",
    says="no test",
    waived_until="2026-12-01",
    waived_by="Ann",
    why="release 2",
)


def test_the_lowest_line_that_blocks_stands_first_with_its_command() -> None:
    lowest = line("log-kept", status="stale", says="is old", mend="set it")

    lines = report.render(an_audit(FAILED, lowest))

    assert lines[:4] == [
        "level: none  (triage)",
        "1 failed, 1 stale",
        "first to mend: log-kept, is old",
        "  mend: set it",
    ]


def test_a_line_tells_its_status_why_and_where() -> None:
    text = "\n".join(report.render(an_audit(line(evidence=(PLACE,)))))

    assert "  passed  gate               it is open\n" in text
    assert "            test_a.py:8, run 7c1f09ab, commit aaaaaaaaaaaa, 2026-11-26" in text


def test_a_waiver_tells_until_when_by_whom_and_why() -> None:
    text = " ".join(" ".join(report.render(an_audit(WAIVED))).split())

    assert "waived pii until 2026-12-01 by Ann: release 2 (no test)" in text


@pytest.mark.parametrize("text", ["word " * 60, "w" * 200, "\x1b[31mred\n" * 20])
def test_no_line_is_wider_than_80_columns_nor_holds_what_was_hostile(text: str) -> None:
    places = tuple(Evidence(path=text, line=number) for number in range(5))

    lines = report.render(an_audit(line(says=text, evidence=places)))

    assert max(map(len, lines)) <= 80
    assert not any("\x1b" in each for each in lines)
    assert any("and 4 other places" in each for each in lines)


def test_a_command_is_wrapped_and_never_cut() -> None:
    mend = "llmprod " + " ".join(f"--option-{number}=value" for number in range(12))

    lines = report.render(an_audit(line(status="failed", mend=mend)))

    assert mend in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 80


def test_colour_is_only_where_it_is_asked_for() -> None:
    found = an_audit(FAILED)

    assert "\x1b[" not in "".join(report.render(found))
    assert "\x1b[31;1mfailed\x1b[0m" in "".join(report.render(found, colour=True))


def test_markdown_has_a_table_for_each_level_that_no_text_breaks() -> None:
    text = report.to_markdown(an_audit(line(says="a | b <b>"), FAILED))

    rows = [each for each in text.splitlines() if each.startswith("| passed")]
    assert rows == ["| passed | gate: gate open | a \\| b &lt;b> | | |"]
    assert "First to mend: **report**, is old. Mend it: `pytest --llm-eval`" in text
    assert text.count("\n## ") == 4


def test_sarif_tells_what_is_not_fulfilled_with_its_place() -> None:
    failed = replace(FAILED, evidence=(PLACE,))

    run = json.loads(to_sarif(an_audit(line(), failed, WAIVED), "1.2.3"))["runs"][0]

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["gate", "report", "pii"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"]) == ("report", 1)
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "test_a.py"
    assert place["region"]["startLine"] == 8
    assert "suppressions" not in first
    assert second["suppressions"][0]["justification"] == "Ann, until 2026-12-01: release 2"


def test_sarif_of_what_was_found_nowhere_points_at_the_settings() -> None:
    (result,) = json.loads(to_sarif(an_audit(FAILED), "1"))["runs"][0]["results"]

    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "pyproject.toml"
    assert place["region"]["startLine"] == 1


def test_sarif_names_what_a_scanner_knows_a_result_by_again() -> None:
    place = Evidence(path="my tests/ä%1.py", line=2)
    revised = line("dataset-revised", status="failed", evidence=(place,))

    document = json.loads(to_sarif(an_audit(revised), "1.2.3"))

    (run,) = document["runs"]
    (result,) = run["results"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert run["properties"] == {"level": "none"}
    assert rule["name"] == "DatasetRevised"
    assert result["partialFingerprints"] == {"llmprod/v1": "dataset-revised"}
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "my%20tests/%C3%A4%251.py"


def test_json_has_every_line_with_what_is_known_of_it() -> None:
    document = an_audit(line(evidence=(PLACE,)), WAIVED).to_json()

    assert document["level"] == "handed over"
    assert document["counts"] == {"passed": 1, "waived": 1}
    assert document["lines"][0]["evidence"][0]["run"] == "2026-7c1f09ab"
    assert "why" not in document["lines"][0]
    assert document["lines"][1]["waived_by"] == "Ann"

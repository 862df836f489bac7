"""`pytest --llm-audit` beside the options that write reports: the audit stands in each of them."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from project import Project

from pytest_llmprod.core.checklist import Status

REPORTS = ("--llm-html=report.html", "--llm-markdown=run.md", "--llm-json=run.json")
STATUSES = get_args(Status)
GUARDED = """
import pytest

@pytest.mark.llm_guardrail(feature="doubling", kind="output")
def test_keeps_the_policy():
    pass
"""


def stored(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return document


def line_of(folder: Path, name: str) -> dict[str, Any]:
    (line,) = [each for each in stored(folder)["audit"]["lines"] if each["id"] == name]
    return dict(line)


@pytest.mark.parametrize("workers", [("-p", "no:xdist"), ("-n2",)], ids=["alone", "xdist"])
def test_page_markdown_json_and_summary_tell_the_same_audit(
    recorded: Project, workers: tuple[str, ...]
) -> None:
    result = recorded.run("--llm-audit", *REPORTS, *workers, subprocess=True)

    audit = stored(recorded.path)["audit"]
    found = audit["counts"]
    counts = ", ".join(f"{found[status]} {status}" for status in STATUSES if status in found)
    assert f"of doubling. {counts}." in (recorded.path / "report.html").read_text()
    assert f"<code>doubling</code>, {counts}." in (recorded.path / "run.md").read_text()
    result.stdout.fnmatch_lines([f"level: {audit['level']}  (doubling)", counts])


def test_the_page_of_this_run_is_the_report_that_its_audit_finds(recorded: Project) -> None:
    recorded.run("--llm-audit", *REPORTS)

    line = line_of(recorded.path, "report")
    assert line["status"] == "passed"
    assert line["evidence"][0]["run"] == stored(recorded.path)["run"]["id"]


def test_a_page_elsewhere_is_not_the_report_that_the_audit_looks_for(recorded: Project) -> None:
    recorded.run("--llm-audit", "--llm-html=other.html", "--llm-json=run.json")

    assert line_of(recorded.path, "report")["status"] == "failed"


def test_a_page_that_cannot_be_written_is_told_once_and_is_no_report(recorded: Project) -> None:
    (recorded.path / "report.html").mkdir()
    result = recorded.run("--llm-audit", *REPORTS)

    assert result.ret == 1
    assert result.stdout.str().count("Name another file with --llm-html") == 1
    assert line_of(recorded.path, "report")["status"] == "failed"


def test_what_the_run_itself_has_shown_is_evidence(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(GUARDED)
    pytester.runpytest_inprocess("--llm-audit", "--llm-json=run.json")

    assert line_of(pytester.path, "output-policy")["status"] == "passed"


def test_a_run_without_evals_writes_its_audit(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest_inprocess("--llm-audit", "--llm-html=report.html", "--llm-markdown=run.md")

    assert '<h2 id="audit">' in (pytester.path / "report.html").read_text()
    assert "### Audit: none" in (pytester.path / "run.md").read_text()


def test_the_summary_of_a_step_is_appended_once_with_the_audit(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest_inprocess("--llm-audit")

    text = path.read_text()
    assert (text.count("## llmprod\n"), text.count("### Audit: none\n")) == (1, 1)


@pytest.mark.parametrize("option", ["--llm-audit", "--llm-html=report.html"])
def test_each_option_alone_leaves_no_audit_in_a_file(
    pytester: pytest.Pytester, option: str
) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest_inprocess(option)

    assert not (pytester.path / "report.html").exists()


def test_wrong_settings_of_the_audit_are_told_in_the_page(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.makepyprojecttoml("[tool.llmprod.audit]\nreprot = 1\n")
    result = pytester.runpytest_inprocess("--llm-audit", *REPORTS)

    assert result.ret == 0
    assert "no audit: " in (pytester.path / "report.html").read_text()
    assert "reprot" in (pytester.path / "report.html").read_text()
    assert stored(pytester.path)["audit"] is None

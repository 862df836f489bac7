"""An audit in the page, in the Markdown and in the JSON of a run."""

import json
from typing import Any

import pytest
from report_samples import an_audit, audit_line, run_result, suite_result

from pytest_llmprod.core.checklist import Audit, Evidence
from pytest_llmprod.core.results import RunResult
from pytest_llmprod.report.data import to_json
from pytest_llmprod.report.markdown import to_markdown
from pytest_llmprod.report.page import to_html
from pytest_llmprod.report.view import make_view

PLACE = Evidence(path="test_a.py", line=8, run="2026-7c1f09ab", when="2026-11-26")
OLD = audit_line("report", level="measured", status="stale", says="is old", mend="pytest --x")
AUDIT = an_audit(audit_line(evidence=(PLACE,)), OLD)
HOSTILE = "<script>x</script>|[a](http://b) @c `d` \x1b[31m\n# e"


def run(audit: Audit | None) -> RunResult:
    return run_result(suite_result(), audit=audit)


def page(audit: Audit | None) -> str:
    return to_html(run(audit), make_view(run(audit), ())).decode()


def summary(audit: Audit | None) -> str:
    return to_markdown(run(audit), make_view(run(audit), ()))


def hostile_audit() -> Audit:
    texts: dict[str, Any] = {"asks": "a", "says": HOSTILE, "mend": HOSTILE}
    line = audit_line(status="failed", evidence=(Evidence(path=HOSTILE),), **texts)
    return an_audit(line, features=(HOSTILE,))


def test_the_page_tells_level_status_reason_evidence_and_what_mends() -> None:
    found = page(AUDIT)

    assert '<a href="#audit">Audit</a>' in found
    assert "<p>Level: <strong>documented</strong>, of triage. 1 passed, 1 stale.</p>" in found
    assert "First to mend: report, is old</p>" in found
    assert "<caption>Measured: 0 of 1 lines</caption>" in found
    assert '<td class="good">passed</td>' in found
    assert '<td class="bad">stale</td>' in found
    assert "test_a.py:8, run 7c1f09ab, 2026-11-26" in found
    assert "is old<br>to mend it: <code>pytest --x</code></td>" in found


def test_the_summary_has_a_row_for_each_line_and_the_command_whole() -> None:
    mend = "llmprod " + " ".join(f"--option-{number}=value" for number in range(20))
    found = summary(an_audit(audit_line(), audit_line("report", status="failed", mend=mend)))

    assert "### Audit: none\n\n<code>triage</code>, 1 passed, 1 failed.\n" in found
    assert f"    {mend}\n" in found
    assert "| documented | gate | passed | <code>it is open</code> |  |\n" in found
    assert "| documented | report | **failed** |" in found


def test_the_json_has_what_the_command_prints() -> None:
    assert json.loads(to_json(run(AUDIT)))["audit"] == AUDIT.to_json()


def test_without_an_audit_nothing_is_said_of_one() -> None:
    assert json.loads(to_json(run(None)))["audit"] is None
    assert "udit" not in summary(None)
    assert 'id="audit"' not in page(None)


def test_a_waived_line_names_who_and_what_it_excuses_and_has_nothing_to_mend() -> None:
    waiver = {"waived_until": "2026-12-01", "waived_by": "Ann", "why": "release 2"}
    line = audit_line("pii", status="waived", says="no test", mend="write one", **waiver)

    for text in (page(an_audit(line)), summary(an_audit(line)).replace("&#58;", ":")):
        assert "until 2026-12-01 by Ann: release 2" in text
        assert "write one" not in text


def test_hostile_text_of_a_project_becomes_no_markup() -> None:
    found = page(hostile_audit())

    assert "<script>" not in found
    assert "\x1b" not in found


@pytest.mark.parametrize("mark", ["<script>", "](http", "@c", "\x1b", "\n# e"])
def test_hostile_text_of_a_project_becomes_no_markdown(mark: str) -> None:
    table = summary(hostile_audit()).partition("| level |")[2]

    assert HOSTILE[:3] not in table
    assert mark not in table

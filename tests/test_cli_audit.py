"""`llmprod audit`: the level, the exit status, the forms, and what the settings excuse."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from log_samples import a_line, an_exchange, write
from recordings import recording, save

from pytest_llmprod.cli import main
from pytest_llmprod.composition import audit_evidence, audit_settings, auditing
from pytest_llmprod.evals.dataset import load
from pytest_llmprod.handoff.audit.lines import LINES, NAMES
from pytest_llmprod.handoff.audit.marks import read_marks
from pytest_llmprod.settings import of_project

EVAL = """
import pytest

@pytest.mark.llm_eval(feature="triage", dataset="rows.jsonl", threshold=0.9)
@pytest.mark.llm_budget("cost < 0.01", "p95(latency) < 5s")
def test_labels(llm_case):
    pass
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"id": f"r{n}", "input": f"text {n}", "expected": "a"} for n in range(120)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "test_triage.py").write_text(EVAL)
    (tmp_path / "pyproject.toml").write_text("[tool.llmprod]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    """Return what the audit says as JSON, line by line."""
    main(["audit", "--json"])
    document = json.loads(capsys.readouterr().out)
    return {line["id"]: line for line in document["lines"]}


def excuse_all_but(project: Path, *lines: str) -> None:
    rows = "".join(f'{name} = "not here"\n' for name in NAMES if name not in lines)
    text = f"[tool.llmprod]\n[tool.llmprod.audit.not_applicable]\n{rows}"
    (project / "pyproject.toml").write_text(text)


def test_it_exits_with_1_until_the_level_is_reached(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = [line.id for line in LINES if line.level == "measured"]
    excuse_all_but(project, *measured)

    assert main(["audit"]) == 1
    assert main(["audit", "--level=documented"]) == 0
    assert main(["audit", "--level=measured"]) == 1
    assert "level: documented  (triage)" in capsys.readouterr().out


def test_it_reads_what_lies_there_and_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(project.rglob("*"))

    lines = told(capsys)

    assert sorted(project.rglob("*")) == before
    assert lines["dataset-size"]["says"] == "120 cases"
    assert lines["dataset-frozen"]["says"] == "there is no lock beside it"
    assert lines["budget-cost"]["status"] == lines["budget-latency"]["status"] == "passed"
    assert lines["budget-monthly"]["status"] == "failed"


def test_an_empty_folder_has_no_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["audit"]) == 1
    assert "level: none  (no feature)" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["--json", "--markdown", "--sarif"])
def test_each_form_tells_the_same_failures(
    project: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert main(["audit", form]) == 1

    text = capsys.readouterr().out
    assert all(name in text for name in ("dataset-frozen", "runbook", "on-call"))


def test_a_waiver_needs_a_day_a_name_and_a_reason(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "[tool.llmprod.audit.waived]\n"
    whole = 'report = { until = 2999-01-01, by = "Ann Lee", why = "Grafana comes in May" }\n'

    (project / "pyproject.toml").write_text(table + whole)
    assert told(capsys)["report"]["status"] == "waived"

    slips = [
        ("until = 2999-01-01, ", ""),
        ('by = "Ann Lee", ', ""),
        (', why = "Grafana comes in May"', ""),
        ("Ann Lee", " "),
        ("Grafana comes in May", ""),
        (" }", ', til = "May" }'),
    ]
    for part, slip in slips:
        (project / "pyproject.toml").write_text(table + whole.replace(part, slip))
        assert main(["audit"]) == 1
        assert "[tool.llmprod.audit] waived.report must be" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("[tool.llmprod.audit]\nreprot = 1\n", "Did you mean 'report'?"),
        ("[tool.llmprod.audit]\nreport = 1\n", "report must be a path, not 1"),
        ("[tool.llmprod.audit]\nfeatures = 'a'\n", "features must be a list of names"),
        ("[tool.llmprod.audit]\nfeatures = ['a']\n", "names 'a', of which no test"),
        ("[tool.llmprod]\naudit = 1\n", "audit must be a table"),
        ("[tool.llmprod.audit]\nwaived = 1\n", "waived must be a table"),
        ("[tool.llmprod.audit.not_applicable]\npi = 'x'\n", "Did you mean 'pii'?"),
        ("[tool.llmprod.audit.not_applicable]\npii = ''\n", "must be the reason"),
        (
            "[tool.llmprod.audit.waived]\npii = {until = 2026-01-01T00:00:00, by='a', why='b'}\n",
            "waived.pii must be a table such as",
        ),
    ],
)
def test_a_slip_in_the_settings_is_told_with_its_cure(
    project: Path, capsys: pytest.CaptureFixture[str], table: str, expected: str
) -> None:
    (project / "pyproject.toml").write_text(table)

    assert main(["audit"]) == 1
    assert expected in capsys.readouterr().err


def test_only_the_features_that_are_named_are_audited(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = EVAL.replace("triage", "other").replace("threshold=0.9", "threshold=0")
    (project / "test_other.py").write_text(other)

    assert told(capsys)["threshold-set"]["status"] == "failed"
    (project / "pyproject.toml").write_text('[tool.llmprod.audit]\nfeatures = ["triage"]\n')
    assert told(capsys)["threshold-set"]["status"] == "passed"


def test_a_data_set_beside_its_test_is_the_one_that_a_run_would_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = project / "tests"
    beside.mkdir()
    (project / "test_triage.py").rename(beside / "test_triage.py")
    (beside / "rows.jsonl").write_text('{"id": "r1", "input": "text", "expected": "a"}\n')

    line = told(capsys)["dataset-size"]

    assert line["says"].startswith("1 case,")
    assert line["evidence"] == [{"path": "tests/rows.jsonl"}]


def test_people_are_those_of_the_repository_or_all_that_the_settings_name(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (
        '[tool.llmprod.features.triage]\nowner = "Ann Lee"\nescalation = "on-call"\n'
        "[tool.llmprod.features.summary]\n{}"
    )
    (project / "pyproject.toml").write_text(settings.format(""))
    partly = told(capsys)
    (project / "pyproject.toml").write_text(
        settings.format('owner = "Bob"\nescalation = "on-call"\n')
    )
    wholly = told(capsys)
    (project / "CODEOWNERS").write_text("* @support\n")
    (project / "catalog-info.yaml").write_text(
        "apiVersion: backstage.io/v1alpha1\n"
        "metadata: {annotations: {pagerduty.com/service-id: P1}}\n"
    )
    of_files = told(capsys)

    assert (partly["owner"]["status"], partly["on-call"]["status"]) == ("failed", "failed")
    assert (wholly["owner"]["says"], wholly["on-call"]["says"]) == ("Bob, Ann Lee", "on-call")
    assert of_files["owner"]["says"] == "@support"
    assert of_files["on-call"]["says"] == "P1 (pagerduty.com/service-id)"


def test_recordings_are_as_old_as_a_run_lets_them_be(project: Path) -> None:
    def allowed(settings: str) -> int:
        (project / "pyproject.toml").write_text(settings)
        own = audit_settings.load(project)
        return auditing.gather(project, of_project(project), own, datetime.now(UTC)).max_age_days

    days = "[tool.llmprod]\ngate_valid_days = 30\n"

    assert allowed("") == 90
    assert allowed(days) == 30
    assert allowed(f"{days}[tool.llmprod.wire]\nmax_age_days = 45\n") == 45


def test_a_gates_file_that_cannot_be_read_holds_no_gate(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "llmprod-gates.json").write_text('{"gates": {broken')

    line = told(capsys)["gate"]

    assert line["status"] == "failed"
    assert line["says"].startswith("no whole run has decided")


def test_a_gate_that_was_decided_on_other_data_is_closed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def judged(sha256: str, dataset: str = "rows.jsonl") -> dict[str, str]:
        suite = {"test": "test_triage.py::test_labels", "metric": "passed", "model": "m-1"}
        suite |= {"dataset": dataset, "dataset_sha256": sha256, "verdict": "PASS"}
        suite |= {"threshold": "0.9", "score": "1.0", "interval": ["0.9", "1.0"], "cases": 120}
        said = {"enabled": True, "why": "", "valid_until": "2999-01-01T00:00:00+00:00"}
        gate = {**said, "suites": [suite | said]}
        document = {"schema": 1, "run": {"id": "r"}, "gates": {"triage": gate}}
        (project / "llmprod-gates.json").write_text(json.dumps(document, indent=1))
        return told(capsys)["gate"]

    assert judged(load(project / "rows.jsonl").sha256)["says"] == "open"
    assert judged("0" * 64, "elsewhere.jsonl")["says"] == "open"  # nobody can tell from here
    changed = judged("0" * 64)
    (project / "rows.jsonl").write_text("{broken\n")

    assert changed["status"] == judged("0" * 64)["status"] == "failed"
    assert changed["says"] == "closed: it was decided on other data: rows.jsonl has changed since"


@pytest.mark.parametrize(
    ("case", "misses"),
    [
        ({"outcome": "hit", "scores": {"passed": 1.0}}, 0),
        ({"outcome": "hit", "scores": {"passed": 1.0, "f1": 0.99}}, 1),
        ({"outcome": "miss", "scores": {}}, 1),
    ],
)
def test_a_case_that_is_not_whole_by_any_metric_is_a_miss(
    project: Path, monkeypatch: pytest.MonkeyPatch, case: dict[str, Any], misses: int
) -> None:
    document = {
        "suites": [{"test": "t", "feature": "triage"}],
        "cases": [{"suite": "t", "id": "r1", **case}],
    }
    monkeypatch.setattr(audit_evidence.baseline, "load_document", lambda path: document)

    found = audit_evidence.accepted_fact(project)

    assert found is not None
    assert found.misses == {"triage": misses}


def test_a_fault_that_the_accepted_run_did_not_survive_is_counted_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {"quota": "hung", "server-error": "fell back", "stream-stalls": "not met"}
    drills = [
        {"feature": "triage", "test": test, "fault": fault, "outcome": outcome}
        for test in ("one", "two")
        for fault, outcome in outcomes.items()
    ]
    run = {"id": "r", "started_at": "2026-11-26T12:00:00+00:00"}
    document = {"run": run, "suites": [], "cases": [], "drills": drills}
    monkeypatch.setattr(audit_evidence.baseline, "load_document", lambda path: document)

    found = audit_evidence.accepted_fact(project)

    assert found is not None
    assert found.unsurvived == {"triage": 1}
    assert found.moment == datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_what_judges_said_is_no_recording_of_the_application(project: Path) -> None:
    home = project / "cassettes" / "test_triage"
    save(home / "test_labels.gpt-test.json", recording())
    save(home / "test_labels.judge.json", recording(model="judge", judged="gpt-test"))

    (found,) = audit_evidence.recordings_facts(project, read_marks(project)[:1])

    assert found.asked == ("gpt-test",)


def test_a_log_in_version_control_is_named_as_it_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / ".llmprod" / "runs" / "über alles" / "main.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("")
    (project / ".gitignore").write_text(".llmprod/\n")
    for words in (["init", "--quiet"], ["add", "--force", ".llmprod"]):
        subprocess.run(["git", *words], check=True)

    line = told(capsys)["log-ignored"]

    assert line["says"] == "1 file of it in version control"
    assert line["evidence"] == [{"path": ".llmprod/runs/über alles/main.jsonl"}]


def test_the_gitignore_of_the_repository_around_is_named_from_the_project(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".git").mkdir()
    (project / ".gitignore").write_text("*.log\n/.llmprod/\n")
    inner = project / "apps" / "triage"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)

    assert told(capsys)["log-ignored"]["evidence"] == [{"path": "../../.gitignore", "line": 2}]

    (inner / ".git").mkdir()
    assert told(capsys)["log-ignored"]["status"] == "failed"


def test_personal_data_in_the_newest_log_is_told_by_its_kind_only(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Path(".llmprod") / "runs"
    card = an_exchange(text="The card is 4000 0000 0000 0002.", request={"messages": []})

    write(runs, a_line(exchange=an_exchange(text="ok", request={})), run="20260101T000000-00000001")
    assert told(capsys)["log-personal"]["status"] == "passed"

    write(runs, a_line(exchange=card), run="20260102T000000-00000002")
    os.utime(runs / "20260101T000000-00000001" / "main.jsonl", (1, 1))
    main(["audit", "--json"])
    text = capsys.readouterr().out
    assert "it holds what no data set does: card" in text
    assert "0002" not in text.replace("00000002", "")


def test_a_log_that_was_not_searched_whole_is_no_evidence(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path(".llmprod") / "runs", a_line(exchange=an_exchange(text="ok " * 50, request={})))
    assert told(capsys)["log-personal"]["status"] == "passed"

    with monkeypatch.context() as context:
        context.setattr(audit_evidence, "_LONGEST_SAID", 100)
        line = told(capsys)["log-personal"]
    assert line["status"] == "failed"
    assert line["says"] == "only the first 100 bytes of it were searched"

    (path,) = (Path(".llmprod") / "runs").rglob("*.bodies")
    path.write_bytes(path.read_bytes() + b"0123 {broken\n")
    line = told(capsys)["log-personal"]
    assert line["status"] == "failed"
    assert line["says"] == "it cannot be read whole: JSONDecodeError"


def test_what_the_data_set_holds_is_no_leak_of_the_log(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "r120", "input": "My card: 4000000000000002", "expected": "a"}
    with (project / "rows.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    said = an_exchange(text="The card is 4000 0000 0000 0002.", request={})

    write(Path(".llmprod") / "runs", a_line(exchange=said))

    assert told(capsys)["log-personal"]["status"] == "passed"


def test_there_is_no_colour_where_nobody_looks(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["audit"])

    assert "\x1b[" not in capsys.readouterr().out

"""The example reaches *handed over*, and without any one piece of evidence it does not."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import warm
from checkout import EXAMPLE, check_out
from log_samples import a_line, an_exchange, write

from pytest_llmprod.composition.auditing import audit_project
from pytest_llmprod.core.checklist import Audit
from pytest_llmprod.evals import dataset
from pytest_llmprod.handoff.audit.lines import NAMES

LOG = Path(".llmprod") / "runs"
CASSETTES = "cassettes/test_triage"
GUARDRAILS, SCORES = "test_guardrails.py", "test_scores.py"


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example after its runs of today; what people date is dated today, too."""
    project = tmp_path_factory.mktemp("handed") / "support_triage"
    check_out(project, "llmprod-*.json*", "report.html")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    edit(project / "llmprod.prices.toml", r'locked_on = ".*"', f'locked_on = "{today}"')
    edit(project / "evals" / "tickets.lock", r'"frozen_at": "[\d-]+', f'"frozen_at": "{today}')
    *commands, last = readme_commands()
    assert last == ["llmprod", "audit"]
    for program, *words in commands:
        (pytest_in if program == "pytest" else llmprod_in)(project, *words)
    return project


def readme_commands() -> list[list[str]]:
    """Return the commands by which the README of the example comes to an audit, as words."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```\n(pytest[^`]*llmprod audit)\n```", text)
    return [shlex.split(line) for line in block.splitlines()]


def pytest_in(project: Path, *arguments: str) -> None:
    run_in(project, "pytest", "-q", "-p", "no:cacheprovider", *arguments)


def llmprod_in(project: Path, *arguments: str) -> None:
    assert run_in(project, "pytest_llmprod.cli", *arguments) == 0


def run_in(project: Path, module: str, *arguments: str) -> int:
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL", "LLMPROD_GATES")
    environ = {name: value for name, value in os.environ.items() if name not in names}
    return warm.run(["-m", module, *arguments], cwd=project, env=environ).returncode


def edit(path: Path, pattern: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(pattern, text), f"{path.name} has nothing like {pattern}"
    path.write_text(re.sub(pattern, new, text), encoding="utf-8")


def without_rows(kind: str, guard: str = "") -> Callable[[Path], None]:
    """Return what takes the rows of a kind out of the history."""

    def take(project: Path) -> None:
        path = project / "llmprod-history.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [row for row in rows if (row["kind"], row.get("guard", "")) != (kind, guard)]
        assert len(kept) < len(rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in kept))

    return take


def without_bounds(guard: str) -> Callable[[Path], None]:
    """Return what takes the bounds out of the rows of a guardrail."""

    def take(project: Path) -> None:
        path = project / "llmprod-history.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            if row.get("guard") == guard:
                del row["bounds"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    return take


def unmarked(name: str, guard: str) -> Callable[[Path], None]:
    """Return what makes tests of a guardrail say nothing of its kind."""
    return edited(name, rf', kind="{guard}"')


def without(name: str) -> Callable[[Path], None]:
    """Return what removes a file."""
    return lambda project: (project / name).unlink()


def edited(name: str, pattern: str, new: str = "") -> Callable[[Path], None]:
    """Return what edits a file."""
    return lambda project: edit(project / name, pattern, new)


def all_of(*takes: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return what takes several pieces away that say the same."""

    def take(project: Path) -> None:
        for each in takes:
            each(project)

    return take


def unnamed(who: str) -> Callable[[Path], None]:
    """Return what takes a name out of the settings and of the catalogue."""
    return all_of(
        edited("pyproject.toml", rf"\n{who} = .*"),
        edited("catalog-info.yaml", r"\n  owner: .*" if who == "owner" else r"\n.*pagerduty.*"),
    )


def refrozen(project: Path) -> None:
    """Let the data set look as if it had never been revised."""
    path = project / "evals" / "tickets.lock"
    lock = json.loads(path.read_text())
    path.write_text(json.dumps({**lock, "earlier": []}))


def of_too_many_cases(project: Path) -> None:
    """Let the data set have 660 cases, frozen twice, and let the gates know of them."""
    path = project / "evals" / "tickets.jsonl"
    text = path.read_text()
    (project / "evals" / "tickets.lock").unlink()
    more = [re.sub('"id": "t-', f'"id": "{copy}-', text) for copy in ("u", "v")]
    for rows in (text, text + "".join(more)):
        path.write_text(rows)
        llmprod_in(project, "dataset", "freeze", "evals/tickets.jsonl", "--who=Ann", "--why=more")
    digest = f'"dataset_sha256": "{dataset.load(path).sha256}"'
    edit(project / "llmprod-gates.json", r'"dataset_sha256": "\w+"', digest)


def logged_a_card(project: Path) -> None:
    """Let a newer run have logged what no data set holds."""
    exchange = an_exchange(text="The card is 4000 0000 0000 0002.")
    write(project / LOG, a_line(exchange=exchange), run="99991231T000000000000-00000000")


def lines_that_block(project: Path) -> list[str]:
    return [line.id for line in audit(project).blocking]


def audit(project: Path) -> Audit:
    return audit_project(project, datetime.now(UTC) + timedelta(seconds=1))


def test_the_example_is_handed_over(handed_over: Path) -> None:
    found = audit(handed_over)

    assert [(line.id, line.says) for line in found.blocking] == []
    assert found.level == "handed over"
    assert set(found.counts()) == {"passed"}
    assert all(line.evidence for line in found.lines)


SETTINGS = "pyproject.toml"
REMOVALS: list[tuple[str, str, Callable[[Path], None]]] = [
    ("dataset-frozen", "the lock", without("evals/tickets.lock")),
    ("dataset-frozen", "a row", edited("evals/tickets.lock", '(?<="t-002": ")..', "00")),
    ("dataset-size", "an end", of_too_many_cases),
    ("dataset-revised", "the revision before", refrozen),
    ("threshold-set", "the threshold", edited("test_triage.py", r"threshold=0.90, ")),
    ("threshold-fails", "the accepted run", without("llmprod-baseline.json")),
    ("budget-cost", "its text", edited(SETTINGS, r'"cost < 0.002", ')),
    ("budget-latency", "its text", edited(SETTINGS, r'"p95\(latency\) < 2s", ')),
    ("budget-monthly", "its text", edited(SETTINGS, r', "monthly\(cost\) < 50"')),
    ("fallback-declared", "its name", edited("test_drills.py", r'fallback="[\w.:]+", ')),
    ("fallback-drilled", "the row of the drills", without_rows("drill")),
    ("model-pinned", "its version", edited(SETTINGS, r"\nmodel = .*")),
    ("replacement", "its name", edited(SETTINGS, r"\nreplacement = .*")),
    ("swap", "the row of the comparison", without_rows("swap")),
    ("prices-locked", "the prices", without("llmprod.prices.toml")),
    ("prices-recent", "their date", edited("llmprod.prices.toml", r"locked_on.*\n")),
    ("log-kept", "the log", edited(SETTINGS, r"\[tool.llmprod\]", '[tool.llmprod]\nlog="none"')),
    ("log-ignored", "a line of .gitignore", edited(".gitignore", r"\.llmprod/\n")),
    ("log-personal", "the clean log", logged_a_card),
    ("app-log", "the test", without("test_logs.py")),
    ("app-log", "the row of the test", without_rows("contract")),
    ("evals-in-ci", "the workflow", without(".github/workflows/evals.yml")),
    ("evals-in-ci", "its say", edited(".github/workflows/evals.yml", r"report\.html", "r || true")),
    ("gate", "the gates", without("llmprod-gates.json")),
    ("recordings", "the cassette", without(f"{CASSETTES}/test_labels_a_ticket.gpt-5-mini.json")),
    ("report", "the page", without("report.html")),
    ("pii", "the row of the tests", without_rows("guardrail", "pii")),
    ("injection", "the row of the tests", without_rows("guardrail", "injection")),
    ("output-policy", "the row of the tests", without_rows("guardrail", "output")),
    ("refusals", "the row of the tests", without_rows("guardrail", "refusal")),
    ("pii", "its marks", all_of(unmarked(GUARDRAILS, "pii"), unmarked(SCORES, "pii"))),
    (
        "injection",
        "its marks",
        all_of(unmarked(GUARDRAILS, "injection"), unmarked(SCORES, "injection")),
    ),
    ("output-policy", "its mark", unmarked(GUARDRAILS, "output")),
    ("refusals", "its mark", unmarked(GUARDRAILS, "refusal")),
    ("pii", "its bound", without_bounds("pii")),
    ("injection", "its bound", without_bounds("injection")),
    ("runbook", "the file", without("RUNBOOK.md")),
    ("runbook", "a section", edited("RUNBOOK.md", r"## Budgets\n", "")),
    ("owner", "the owners", all_of(without("CODEOWNERS"), unnamed("owner"))),
    ("on-call", "who is called", unnamed("escalation")),
]


@pytest.mark.parametrize(
    ("line", "take"),
    [pytest.param(line, take, id=f"{line} without {what}") for line, what, take in REMOVALS],
)
def test_without_one_piece_of_evidence_exactly_its_line_fails(
    handed_over: Path, tmp_path: Path, line: str, take: Callable[[Path], None]
) -> None:
    project = tmp_path / "project"
    shutil.copytree(handed_over, project)

    take(project)

    assert lines_that_block(project) == [line]


def test_a_removal_is_tried_for_each_line() -> None:
    assert {line for line, _, _ in REMOVALS} == set(NAMES)

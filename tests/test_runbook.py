"""`llmprod runbook`: its marked parts say what the files of the project say, and no more."""

import json
import os
import shlex
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import warm
from checkout import check_out
from recordings import cassette, recording

from pytest_llmprod.cli import main, make_parser
from pytest_llmprod.composition.runbooks import gather
from pytest_llmprod.handoff.runbook import NAMES
from scripts import file_keys

ROOT = Path(__file__).parents[1]
DRILL = """
import pytest
from app import triage as triage_module


@pytest.mark.llm_drill(
    feature="ticket-triage",
    faults=["connection-refused", "dns-failure", "rate-limit"],
    fallback="app.rules:triage_by_rules",
)
def test_survives(llm_fault, monkeypatch):
    monkeypatch.setattr(triage_module, "gate_is_open", lambda: True)
    triage_module.triage("Where is my refund?")
"""
SETTINGS = """
budgets = ["sum(cost) < 1"]
drill_every_days = 60

[tool.llmprod.features.ticket-triage]
requests_per_month = 20000
budgets = ["monthly(cost) < 300"]
owner = "Support tools"
escalation = "on-call of the shop"
prompts = ["app/prompt.md", "app/gone.md"]
"""
PRICES = """
source = "by hand"
locked_on = "2026-11-26"

[[models]]
provider = "openai"
model = "gpt-test"
input = "0.25"
cached = "0.03"
output = "2"
"""


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with settings and a drill, after a run that Ann accepted."""
    folder = tmp_path_factory.mktemp("runbook") / "shop"
    check_out(folder, "RUNBOOK.md")
    settings = folder / "pyproject.toml"
    own = settings.read_text().partition("\n[tool.llmprod.features")[0]
    settings.write_text(own.rstrip() + SETTINGS)
    (folder / "test_drills.py").write_text(DRILL)
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL", "LLMPROD_GATES")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    for command in (
        ["pytest", "--llm-eval", "--llm-json=run.json"],
        ["pytest_llmprod.cli", "accept", "run.json", "--who=Ann"],
        ["pytest_llmprod.cli", "runbook"],
    ):
        result = warm.run(["-m", *command], cwd=folder, env=environment)
        assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture
def shop(lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the commands run."""
    folder = tmp_path / "shop"
    shutil.copytree(lived_in, folder)
    monkeypatch.chdir(folder)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def region(text: str, name: str) -> str:
    return text.partition(f"<!-- llmprod:{name} -->\n")[2].partition(f"<!-- /llmprod:{name} -->")[0]


def rows(text: str, name: str) -> list[list[str]]:
    """Return the cells of the table in a region, without its head."""
    lines = [line for line in region(text, name).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_the_runbook_says_what_the_files_say(lived_in: Path) -> None:
    text = (lived_in / "RUNBOOK.md").read_text()

    mini, nano = (row for row in rows(text, "models"))
    assert mini[:3] == ["`gpt-5-mini`", "`gpt-5-mini-2025-08-07`", "434"]
    assert mini[3:] == ["2026-11-22", "0.25 in, 0.025 cached, 2 out"]
    assert nano[:2] == ["`gpt-5-nano`", "`gpt-5-nano-2025-08-07`"]
    assert rows(text, "scores")[0] == [
        *("ticket-triage", "open", "`test_triage.py::test_labels_a_ticket`", "90%"),
        *("93.6% of 220 (89.5 to 96.2)", "INCONCLUSIVE", "gpt-5-mini-2025-08-07", "2036-11-19"),
    ]
    assert rows(text, "budgets") == [
        ["the run", "`sum(cost) < 1`", "$0.11, recorded 2026-11-22", "PASS"],
        ["ticket-triage", "`monthly(cost) < 300`", "$5.04, recorded 2026-11-22", "PASS"],
    ]
    assert rows(text, "failures") == [
        ["ticket-triage", "`APIConnectionError`", "connection-refused, dns-failure", "fell back"],
        ["ticket-triage", "`RateLimitError`", "rate-limit", "fell back"],
    ]
    assert rows(text, "fallback")[0][:3] == [
        *("ticket-triage", "`app.rules:triage_by_rules`", "3 faults")
    ]
    assert "every 60 days" in region(text, "fallback")
    assert rows(text, "prompts") == [
        ["ticket-triage", "`app/prompt.md`"],
        ["ticket-triage", "`app/gone.md` is missing"],
    ]
    assert rows(text, "people")[0] == ["ticket-triage", "Support tools", "on-call of the shop"]
    assert "nobody: set `owner`" in rows(text, "people")[1][1]
    assert "--llm-models=gpt-5-mini,gpt-5-nano" in region(text, "swap")
    assert "--feature ticket-triage" in region(text, "logs")


def test_every_command_that_the_runbook_names_can_be_given(
    lived_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("app.jsonl", "swap.json"):
        (tmp_path / name).touch()
    text = (lived_in / "RUNBOOK.md").read_text()
    commands = [line for line in text.splitlines() if line.startswith("llmprod ")]
    parser = make_parser()

    for command in commands:
        parser.parse_args(shlex.split(command)[1:])  # exits where an option lacks its value

    assert {command.split()[1] for command in commands} == {"log", "prices", "compare"}


def test_a_runbook_that_was_just_written_is_up_to_date(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (shop / "RUNBOOK.md").read_bytes()

    assert main(["runbook", "--check"]) == 0
    assert main(["runbook"]) == 0

    assert capsys.readouterr().out == "RUNBOOK.md: up to date\n" * 2
    assert (shop / "RUNBOOK.md").read_bytes() == before


def add_a_drill(shop: Path) -> None:
    now = datetime.now(UTC).isoformat()
    row = {"kind": "drill", "feature": "ticket-triage", "faults": 7, "when": now}
    with (shop / "llmprod-history.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def name_owners(shop: Path) -> None:
    (shop / "CODEOWNERS").write_text("# who\n*  @shop/tools\napp/ @shop/app\n")


Change = Callable[[Path], None]
CHANGES: list[tuple[str, Change]] = [
    ("models", lambda shop: edit(shop / "llmprod.prices.toml", '"0.25"', '"0.30"')),
    ("prompts", lambda shop: edit(shop / "pyproject.toml", "app/gone.md", "app/rules.py")),
    ("scores", lambda shop: edit(shop / "llmprod-gates.json", '"score": 0.936364', '"score": 0.9')),
    ("budgets", lambda shop: edit(shop / "pyproject.toml", "cost) < 300", "cost) < 400")),
    ("failures", lambda shop: edit(shop / "llmprod-baseline.json", '"rate-limit"', '"quota"')),
    ("fallback", add_a_drill),
    (
        "logs",
        lambda shop: edit(
            shop / "pyproject.toml", "drill_every_days", "retention_days = 7\ndrill_every_days"
        ),
    ),
    ("people", lambda shop: edit(shop / "pyproject.toml", "on-call of the shop", "Bob")),
    ("people", name_owners),
]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_a_part_that_is_out_of_date_is_named_and_renewed(
    shop: Path, name: str, change: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    runbook = shop / "RUNBOOK.md"
    before = runbook.read_text()
    change(shop)

    checked = main(["runbook", "--check"])
    told = capsys.readouterr().out.splitlines()
    assert runbook.read_text() == before
    renewed = main(["runbook"])

    line = before.splitlines().index(f"<!-- llmprod:{name} -->") + 1
    assert told == [
        f"RUNBOOK.md:{line}: out of date: {name}",
        "renew it with: llmprod runbook RUNBOOK.md",
    ]
    assert (checked, renewed) == (1, 0)
    assert capsys.readouterr().out == f"RUNBOOK.md: renewed 1 part: {name}\n"
    assert main(["runbook", "--check"]) == 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_runbook_in_which_nothing_is_out_of_date_is_not_written(shop: Path, end: str) -> None:
    runbook = shop / "RUNBOOK.md"
    runbook.write_bytes(runbook.read_bytes().replace(b"\n", end.encode()))
    runbook.chmod(0o444)

    assert main(["runbook", "--check"]) == 0
    assert main(["runbook"]) == 0


def test_a_gate_that_is_off_is_closed(shop: Path) -> None:
    edit(shop / "llmprod-gates.json", '"enabled": true', '"enabled": false')

    main(["runbook"])

    written = rows((shop / "RUNBOOK.md").read_text(), "scores")
    assert {row[1] for row in written} == {"closed"}


def test_a_budget_that_left_the_settings_is_no_budget(shop: Path) -> None:
    edit(shop / "pyproject.toml", 'budgets = ["sum(cost) < 1"]\n', "")

    assert [bound.text for bound in gather(shop).bounds] == ["monthly(cost) < 300"]


def test_models_are_those_that_answered_the_application(tmp_path: Path) -> None:
    days = ("2026-11-22T10:00:00Z", "2026-11-20T10:00:00Z", "2026-11-24T10:00:00Z")
    own = [recording(asked=day, recorded_at=day) for day in days]
    judge = recording(model="judge", judged="gpt-test")
    refused = recording(model="refused", response={**own[0].response, "status": {"code": 429}})
    cassette(tmp_path, *own, judge, refused)
    (tmp_path / "llmprod.prices.toml").write_text(PRICES)

    (model,) = gather(tmp_path).models

    assert (model.asked, model.answered, model.recordings) == ("gpt-test", "gpt-test-1", 3)
    assert model.recorded == ("2026-11-20", "2026-11-24")
    assert model.price == "0.25 in, 0.03 cached, 2 out"


@pytest.mark.parametrize("figure", ["1e999999", "NaN", -1, [], None])
def test_a_figure_that_nobody_can_have_measured_is_left_out(shop: Path, figure: Any) -> None:
    path = shop / "llmprod-baseline.json"
    accepted = json.loads(path.read_text())
    for budget in accepted["budgets"]:
        budget["observed"] = figure
    path.write_text(json.dumps(accepted))

    assert [bound.observed for bound in gather(shop).bounds] == ["", ""]


def test_a_model_that_is_gone_leaves_the_runbook(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (shop / "cassettes").rglob("*.gpt-5-nano.json"):
        path.unlink()

    assert main(["runbook", "--check"]) == 1

    told = capsys.readouterr().out
    assert [name for name in NAMES if f"out of date: {name}\n" in told] == ["models", "swap"]


def test_what_people_wrote_stays(shop: Path) -> None:
    runbook = shop / "RUNBOOK.md"
    edit(runbook, "TODO: who may raise them.", "Ann may, up to 500 USD.  ")
    edit(shop / "pyproject.toml", "on-call of the shop", "Bob")

    main(["runbook"])

    text = runbook.read_text()
    assert "\nAnn may, up to 500 USD.  \n" in text
    assert text.count("Bob") == 1


def test_text_from_files_cannot_break_out_of_its_cell(shop: Path) -> None:
    hostile = "Ann | <script>\\n<!-- /llmprod:people --> `x <b>"
    edit(shop / "pyproject.toml", "on-call of the shop", hostile)

    assert main(["runbook"]) == 0
    assert main(["runbook", "--check"]) == 0

    (row, _) = rows((shop / "RUNBOOK.md").read_text(), "people")
    assert row[2] == "Ann \\| &lt;script> &lt;!-- /llmprod:people --> `x &lt;b>"


def test_a_runbook_without_a_mark_says_how_they_look(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "OWN.md").write_text("# Our runbook\n")

    assert main(["runbook", "OWN.md"]) == 1

    assert "<!-- llmprod:models --> and <!-- /llmprod:models -->" in capsys.readouterr().err


def test_a_runbook_that_is_not_there_is_no_runbook_that_is_true(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runbook", "GONE.md", "--check"]) == 1

    assert "GONE.md: there is no runbook" in capsys.readouterr().err


def test_a_broken_gates_file_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "llmprod-gates.json").write_text("{")

    assert main(["runbook", "--check"]) == 1

    assert "llmprod-gates.json: the old gates cannot be read" in capsys.readouterr().err


def test_switching_off_by_hand_is_what_closes_the_gate(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_llmprod.gates import gate

    monkeypatch.delenv("LLMPROD_GATES", raising=False)
    document = json.loads((shop / "llmprod-gates.json").read_text())
    assert gate("ticket-triage").enabled

    document["gates"]["ticket-triage"]["enabled"] = False
    (shop / "llmprod-gates.json").write_text(json.dumps(document))
    one_is_off = gate("ticket-triage").enabled, gate("ticket-urgency").enabled
    (shop / "llmprod-gates.json").rename(shop / "off.json")

    assert one_is_off == (False, True)
    assert not gate("ticket-urgency").enabled


def test_the_files_of_a_run_have_the_keys_of_the_reference(lived_in: Path) -> None:
    gates = json.loads((lived_in / "llmprod-gates.json").read_text())
    baseline = json.loads((lived_in / "llmprod-baseline.json").read_text())
    lines = (lived_in / "llmprod-history.jsonl").read_text().splitlines()
    by_kind = {row["kind"]: row for row in map(json.loads, lines)}
    of_gate = {f"gates.<name>.{key}" for key in gates["gates"]["ticket-triage"]}

    assert {*gates, *of_gate} == set(file_keys.GATES)
    assert set(baseline) == set(file_keys.BASELINE)
    assert set(by_kind["drill"]) == set(file_keys.HISTORY_DRILL)
    # They are there only where a suite finds no room, or a request has no price.
    rare = {"left_out", "unpriced"}
    assert set(by_kind["accepted"]) == set(file_keys.HISTORY_ACCEPTED) - rare


def test_the_runbook_of_the_example_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is in git: what a run leaves there is in nobody's checkout."""
    folder = tmp_path / "support_triage"
    check_out(folder)
    monkeypatch.chdir(folder)

    status = main(["runbook", "--check"])

    assert (status, capsys.readouterr().out) == (0, "RUNBOOK.md: up to date\n")
    assert "TODO" not in (folder / "RUNBOOK.md").read_text()

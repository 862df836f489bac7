"""docs/datasets.md shows what the commands print."""

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from checkout import check_out

from pytest_llmprod.cli import main
from pytest_llmprod.core.errors import DatasetChanged
from pytest_llmprod.evals.checkup import NOTES
from pytest_llmprod.evals.lock_file import load_frozen

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
TICKETS = Path("evals/tickets.jsonl")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, in whose folder Ann calls the commands."""
    folder = tmp_path / "support_triage"
    check_out(folder)
    for lock in folder.rglob("*.lock"):
        lock.unlink()
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ann\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def frozen(example: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The example after its data set was frozen."""
    assert main(["dataset", "freeze", str(TICKETS), "--why", "first"]) == 0
    capsys.readouterr()
    return example


@pytest.fixture
def neglected(frozen: Path) -> Path:
    """The example after three rows were added, one changed, and a case became an example."""
    rows = [json.loads(line) for line in TICKETS.read_text().splitlines()]
    by_id = {row["id"]: row for row in rows}
    by_id["t-009"]["expected"]["urgency"] = "high"
    text = by_id["t-002"]["input"]["text"].replace("five minutes", "ten minutes")
    expected = {**by_id["t-002"]["expected"], "label": "billing"}
    rows += [
        {**by_id["t-017"], "id": "t-221"},
        {**by_id["t-002"], "id": "t-222", "input": {"text": text}, "expected": expected},
        {"id": "t-223", "input": {"text": "Your coupon does nothing."}, "expected": None},
    ]
    TICKETS.write_text("".join(json.dumps(row) + "\n" for row in rows))
    prompt = frozen / "app" / "prompt.md"
    example = by_id["t-003"]["input"]["text"]
    prompt.write_text(f"{prompt.read_text()}\n> {example}\n\nrefund\n")
    return frozen


def shown(verb: str) -> tuple[str, list[str], str]:
    """Return what is piped into a command on the page, its arguments, and the output below it."""
    match = re.search(
        rf"\$ (?:echo '([^']*)' \|\s+)?llmprod (dataset {verb}(?:.*\\\n)*.*)\n((?:.*\n)*?)```", PAGE
    )
    assert match, f"docs/datasets.md shows no `llmprod dataset {verb}`"
    return match[1] or "", shlex.split(match[2].replace("\\\n", " ")), match[3]


def undated(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d", "DAY", text)


@pytest.mark.usefixtures("example")
def test_what_is_locked_is_what_freeze_prints(capsys: pytest.CaptureFixture[str]) -> None:
    _, arguments, output = shown("freeze")

    status = main(arguments)

    assert (status, capsys.readouterr().out) == (0, output)


@pytest.mark.usefixtures("neglected")
def test_what_a_run_says_of_other_rows() -> None:
    with pytest.raises(DatasetChanged) as caught:
        load_frozen(TICKETS)

    assert undated(str(caught.value)) in undated(PAGE)


@pytest.mark.usefixtures("neglected")
def test_the_findings_are_what_check_prints(capsys: pytest.CaptureFixture[str]) -> None:
    _, arguments, output = shown("check")

    status = main(arguments)

    assert undated(capsys.readouterr().out) == undated(output)
    assert status == 1


@pytest.mark.usefixtures("frozen")
def test_what_is_added_is_what_add_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, arguments, output = shown("add")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))

    status = main(arguments)

    assert (status, capsys.readouterr().out) == (0, output)
    assert json.loads(TICKETS.read_text().splitlines()[-1])["customer"] == 4711


@pytest.mark.usefixtures("frozen")
def test_the_example_is_in_order_as_in_continuous_integration() -> None:
    match = re.search(r"^llmprod (dataset check .*)$", PAGE, re.MULTILINE)
    assert match

    assert main(shlex.split(match[1].replace("evals/*.jsonl", str(TICKETS)))) == 0


def test_every_kind_of_finding_is_in_a_table() -> None:
    source = (ROOT / "pytest_llmprod" / "evals" / "checkup.py").read_text(encoding="utf-8")
    (kinds,) = re.findall(r"(?s)Kind = Literal\[(.*?)\]", source)
    notes = PAGE[PAGE.index("| note |") :]

    for kind in re.findall(r'"([a-z -]+)"', kinds):
        assert f"\n| `{kind}` |" in (notes if kind in NOTES else PAGE.replace(notes, ""))


def test_every_command_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["dataset", "--help"])

    verbs = re.findall(r"(?m)^    (\w+) ", capsys.readouterr().out)
    assert sorted(re.findall(r"(?m)^\| `(\w+) FILE", PAGE)) == sorted(verbs)

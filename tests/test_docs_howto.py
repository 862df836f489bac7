"""The how-to pages: their steps, done in their order in an empty folder, print what they show."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from reader import PORT, Reader, follow, steps_of

from pytest_llmprod.cli import main

DOCS = Path(__file__).parents[1] / "docs"
NAMES = ("at-the-desk", "in-ci", "model-swap", "providers")
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in NAMES}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "shop"
    folder.mkdir()
    reader = Reader(folder)
    yield reader
    reader.stop()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "in-ci"])
def test_each_step_of_a_page_prints_what_it_shows(reader: Reader, name: str) -> None:
    follow(reader, PAGES[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_a_page_is_a_step(name: str) -> None:
    steps = steps_of(PAGES[name])

    assert len(steps) == PAGES[name].count("```") // 2
    assert all(kind != "sh" for _, kind, _ in steps)


def workflow() -> str:
    (text,) = (text for _, kind, text in steps_of(PAGES["in-ci"]) if kind == "yaml")
    return text


def test_the_audit_takes_the_workflow_of_the_page_for_one_that_runs_evals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".github" / "workflows" / "evals.yml"
    path.parent.mkdir(parents=True)
    path.write_text(workflow())
    marker = '@pytest.mark.llm_eval(feature="f", dataset="d.jsonl", threshold=0.5)'
    (tmp_path / "test_f.py").write_text(f"import pytest\n\n\n{marker}\ndef test_f(): ...\n")
    monkeypatch.chdir(tmp_path)

    main(["audit"])
    passes = capsys.readouterr().out
    path.write_text(workflow().replace("--llm-json=run.json", "|| true"))
    main(["audit"])
    hides = capsys.readouterr().out

    assert re.search(r"^ +passed +evals-in-ci", passes, re.M)
    assert re.search(r"^ +failed +evals-in-ci", hides, re.M)


def test_each_step_in_ci_prints_what_the_page_shows_and_its_jobs_run(reader: Reader) -> None:
    page = PAGES["in-ci"]
    steps = yaml.safe_load(workflow())["jobs"]["evals"]["steps"]
    command = [step["run"] for step in steps if "run" in step][-1]
    (weekly,) = re.findall(r"`(pytest --llm-eval --llm-record=verify [^`]+)`", page)
    first_app = next(text for _, kind, text in steps_of(page) if kind == "python")

    follow(reader, page)
    reader.write("`app.py`:", first_app)
    reader.type("llmprod prices lock --model=openai/gpt-5-mini", 0)
    replayed = reader.type(command, 0)
    reader.type(f"export OPENAI_BASE_URL=http://127.0.0.1:{PORT}/v1 OPENAI_API_KEY=toy", 0)
    verified = reader.type(weekly, 0)

    assert "gate triage: open" in replayed
    assert (reader.folder / "run.json").is_file()
    assert "verified 4 live answers: 4 the same" in verified
    assert "spent $0.0001 of $5.00 in 4 calls" in verified

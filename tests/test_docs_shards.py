"""The page on shards: its recipe runs, and decides what one run does."""

import re
import shlex
from pathlib import Path

import pytest
import warm
import yaml
from checkout import check_out
from splitting import read

from pytest_llmprod.cli import main

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "shards.md").read_text(encoding="utf-8")


def commands(job: str) -> list[list[str]]:
    """The commands of a job of the recipe, as words, for each of its groups."""
    recipe = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert recipe is not None
    found = yaml.safe_load(recipe[1])["jobs"][job]
    groups = found.get("strategy", {}).get("matrix", {}).get("group", [""])
    runs = [step["run"] for step in found["steps"] if "run" in step]
    texts = [text.replace("${{ matrix.group }}", str(group)) for group in groups for text in runs]
    return [shlex.split(text) for text in texts if not text.startswith("pip ")]


def test_the_recipe_decides_what_one_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pytest_split")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LLMPROD_GATES", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    check_out(folder)

    def call(module: str, *arguments: str) -> int:
        return warm.run(["-m", module, *arguments], cwd=folder).returncode

    assert call("pytest", "--llm-eval", "--llm-json=whole.json") == 0
    gates = read(folder / "llmprod-gates.json")
    (folder / "llmprod-gates.json").unlink()
    assert [call(*words) for words in commands("evals")] == [0, 0, 0]
    assert not (folder / "llmprod-gates.json").exists()
    (merge,) = commands("decide")

    assert call("pytest_llmprod.cli", *merge[1:]) == 0
    assert read(folder / "llmprod-gates.json") == gates
    assert read(folder / "llmprod.json") == read(folder / "whole.json")
    assert (folder / "llmprod.html").is_file()


def test_the_page_names_the_options_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["merge", "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help", "--llm"}

    assert options == {"--expect", "--json", "--html", "--markdown"}
    assert all(f"`{option}" in PAGE or f" {option} " in PAGE for option in options)

"""The README shows what its commands print."""

import os
import re
import subprocess
import sys
from pathlib import Path

from checkout import check_out

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_after(text: str) -> str:
    match = re.search(rf"{re.escape(text)}.*?```\w*\n(.*?)```", README, re.DOTALL)
    assert match, f"README.md has no block after {text!r}"
    return match[1]


def test_the_summary_is_what_the_demo_prints(tmp_path: Path) -> None:
    check_out(tmp_path / "demo")
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL", "COLUMNS", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in names}

    # `make demo` installs no extra, and the tests that need Hypothesis are skipped then.
    (tmp_path / "without").mkdir()
    missing = "raise ModuleNotFoundError('No module named hypothesis', name='hypothesis')\n"
    (tmp_path / "without" / "hypothesis.py").write_text(missing)
    environment["PYTHONPATH"] = str(tmp_path / "without")

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--llm-eval", "-p", "no:hypothesispytest"],
        cwd=tmp_path / "demo",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert block_after("ends with") in result.stdout


def test_the_summary_of_the_demo_is_short_and_narrow() -> None:
    lines = block_after("ends with").splitlines()

    assert len(lines) <= 25
    assert max(len(line) for line in lines) <= 80


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    commands = block_after("in production.").splitlines()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = [command.split()[1] for command in commands]
    assert targets == ["demo", "test"]
    assert all(f"\n{target}: " in makefile for target in targets)


def test_every_page_that_the_readme_names_is_there() -> None:
    pages = re.findall(r"\]\(([^)]+)\)", README)

    assert pages
    assert [page for page in pages if not (ROOT / page).exists()] == []

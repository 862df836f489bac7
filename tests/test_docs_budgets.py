"""docs/budgets.md shows code that runs, and what is printed."""

import os
import re
from pathlib import Path

import warm
from checkout import check_out
from loopback import Provider
from project import Project
from test_spend_cap_in_pytest import FEATURE, PRICES

from pytest_llmprod.budgets.percentiles import needed

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "budgets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
(MARKED,) = (text for kind, text in BLOCKS if kind == "python")
(SETTINGS,) = (text for kind, text in BLOCKS if kind == "toml")
SUMMARY, COMMAND, CAPPED = (text for kind, text in BLOCKS if not kind)


def test_the_summary_is_what_the_example_prints(tmp_path: Path) -> None:
    check_out(tmp_path / "demo")
    settings = tmp_path / "demo" / "pyproject.toml"
    kept = settings.read_text().partition("[tool.llmprod.features")[0]
    settings.write_text(kept + SETTINGS.replace("[tool.llmprod]\n", "", 1))
    marker, _, rest = MARKED.partition("\n")
    decorator = rest.partition("def ")[0]
    tests = tmp_path / "demo" / "test_triage.py"
    assert decorator in tests.read_text()
    tests.write_text(tests.read_text().replace(decorator, f"{marker}\n{decorator}"))
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL", "COLUMNS", "FORCE_COLOR")

    environ = {name: value for name, value in os.environ.items() if name not in names}
    result = warm.run(["-m", "pytest", "--llm-eval"], cwd=tmp_path / "demo", env=environ)

    assert result.returncode == 1
    assert SUMMARY in result.stdout


def test_the_cap_prints_what_the_page_shows(project: Project, server: Provider) -> None:
    project.pytester.makepyfile(feature=FEATURE)
    (project.path / "llmprod.prices.toml").write_text(PRICES)
    pytest_command, *options = COMMAND.split()

    result = project.record(*options)

    assert pytest_command == "pytest"
    assert CAPPED in "\n".join(result.outlines) + "\n"
    assert len(server.requests) == 4


def test_the_page_says_how_many_samples_a_percentile_needs() -> None:
    assert [needed(0, percent) for percent in (95, 50, 99)] == [59, 5, 299]
    assert "p95 needs 59 samples, p50 five and p99 299" in PAGE

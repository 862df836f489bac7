"""A page of the example with all its sections, for screenshots: budgets, drills, trend, audit.

    python scripts/sample_page.py run.html

The runs before this one are made up: the example has none. Needs what the example needs.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_llmprod.evals.statistics import wilson

EXAMPLE = Path(__file__).parents[1] / "examples" / "support_triage"
#: What runs leave beside it, and what may be gone before it is copied.
NOT_IN_GIT = ("__pycache__", ".*cache", ".hypothesis", ".llmprod*", "llmprod-gates.json")
REPORT = "report.html"  # where the audit looks for it
OPTIONS = ("--llm-eval", "--llm-audit", f"--llm-html={REPORT}")
#: A budget of the example, and one in its place that is not kept.
KEPT, BROKEN = '"p95(latency) < 2s"', '"p95(latency) < 50ms"'
#: When a run was accepted, by whom and why, how many of 220 labels were right, and what it cost.
RUNS = (
    ("2026-06-03", "Ann", "the first prompt", 184, "0.0766"),
    ("2026-07-01", "Bo", "examples in three languages", 190, "0.1039"),
    ("2026-08-12", "Ann", "tickets of the summer added", 196, "0.1203"),
    ("2026-09-09", "Bo", "a shorter prompt", 193, "0.0875"),
    ("2026-10-14", "Ann", "gpt-5-mini in place of gpt-5-nano", 201, "0.1149"),
    ("2026-11-04", "Bo", "urgency in two words", 204, "0.1094"),
)
TESTS = {
    "test_triage.py::test_labels_a_ticket": (0, 0.9),
    "test_triage.py::test_judges_urgency": (11, 0.78),
}


def main() -> int:
    """Write the page and return 0 where it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    page = parser.parse_args().page.resolve()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "support_triage"
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(*NOT_IN_GIT))
        settings = folder / "pyproject.toml"
        settings.write_text(with_a_broken_budget(settings.read_text("utf-8")), encoding="utf-8")
        lines = [json.dumps(_line(number)) for number in range(len(RUNS))]
        (folder / "llmprod-history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", *OPTIONS]
        subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)
        made_page = folder / REPORT
        if not made_page.exists():
            return 1
        shutil.copy(made_page, page)
    return 0


def with_a_broken_budget(text: str) -> str:
    """Return the settings of the example with a budget that is not kept."""
    if KEPT not in text:
        sys.exit(f"the example has no budget {KEPT} any more: name one that it has")
    return text.replace(KEPT, BROKEN)


def _line(number: int) -> dict[str, object]:
    day, who, why, hits, cost_usd = RUNS[number]
    suites = []
    for test, (fewer, threshold) in TESTS.items():
        low, high = wilson(hits - fewer, 220, 0.95)
        told = "PASS" if low > threshold else "FAIL" if high < threshold else "INCONCLUSIVE"
        suite = {"test": test, "metric": "passed", "cases": 220, "verdict": told}
        suite |= {"score": (hits - fewer) / 220, "interval": [low, high], "threshold": threshold}
        suites.append({**suite, "model": "gpt-5-nano" if number < 4 else "gpt-5-mini"})
    about = {"kind": "accepted", "who": who, "why": why, "when": f"{day}T09:30:00+00:00"}
    return {**about, "run": f"made-up-{number}", "cost_usd": cost_usd, "suites": suites}


if __name__ == "__main__":
    sys.exit(main())

"""The page for the screenshots is made of the example: its script knows the example's settings."""

from pathlib import Path

import pytest

from pytest_llmprod import settings
from scripts import sample_page


def test_the_sample_has_the_settings_of_the_example_and_a_budget_that_is_not_kept(
    tmp_path: Path,
) -> None:
    text = (sample_page.EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(sample_page.with_a_broken_budget(text))

    feature = settings.of_project(tmp_path).features["ticket-triage"]

    assert "p95(latency) < 50ms" in [str(each) for each in feature.budgets]
    assert feature.requests_per_month == 20_000


def test_settings_without_that_budget_stop_the_script() -> None:
    with pytest.raises(SystemExit, match="has no budget"):
        sample_page.with_a_broken_budget("[tool.llmprod]\n")

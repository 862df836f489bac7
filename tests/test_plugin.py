"""Plugin: what each run is called."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from project import Project

from pytest_llmprod import plugin
from pytest_llmprod.hooks.stash import RUN_ID

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def run_id_at(moment: datetime, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> str:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr(plugin, "datetime", Clock)
    return pytester.parseconfigure().stash[RUN_ID]


def test_two_runs_that_start_in_one_tick_of_the_clock_have_names_of_their_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {run_id_at(NOON, pytester, monkeypatch) for _ in range(2)}

    assert len(names) == 2


def test_the_names_of_runs_are_in_the_order_of_their_starts_and_safe_for_files(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [NOON + timedelta(microseconds=number) for number in range(3)]

    names = [run_id_at(moment, pytester, monkeypatch) for moment in moments]

    assert names == sorted(names)
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,40}", name) for name in names)


@pytest.mark.parametrize("fixture", ["llm_script", "llm_faults", "llm_server"])
def test_an_eval_judges_no_answer_that_its_test_made_up(project: Project, fixture: str) -> None:
    project.edit(
        "test_words.py", "def test_doubles(llm_case", f"def test_doubles(llm_case, {fixture}"
    )

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*is marked with llm_eval and uses the fixture {fixture}.*"])

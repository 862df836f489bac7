"""Drills of the switch-over: the gate is closed, its file missing or broken."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod import gates
from pytest_llmprod.core.fault_names import GATE_NAMES

APPS = Path(__file__).parent / "apps"
GATED = """
    from pytest_llmprod.gates import gate
    from sound import ask, by_rules, charge

    def triage(text):
        if not gate("triage").enabled:
            {closed}
        return ask(text)
"""
DRILL = """
    import pytest
    from gated import triage

    @pytest.mark.llm_drill(feature="triage", faults="gate", {more})
    def test_survives(llm_fault, llm_script):
        llm_script.json({{"label": "billing"}})
        triage("my invoice is wrong")
        assert llm_fault.requests == 0
"""
FALLS_BACK = 'fallback="sound:by_rules"'


def drilled(pytester: pytest.Pytester, closed: str, more: str = FALLS_BACK) -> list[Any]:
    """The drills of a feature that does `closed` where its gate is closed."""
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    pytester.makepyfile(
        gated=GATED.format(closed=closed), test_switched_off=DRILL.format(more=more)
    )
    pytester.runpytest_inprocess("--llm-json=run.json")
    rows: list[Any] = json.loads((pytester.path / "run.json").read_text())["drills"]
    assert sorted(row["fault"] for row in rows) == sorted(GATE_NAMES)
    return rows


def outcomes(rows: list[Any]) -> set[str]:
    return {row["outcome"] for row in rows}


def test_a_feature_that_falls_back_behind_each_kind_of_closed_gate_survives(
    pytester: pytest.Pytester,
) -> None:
    rows = drilled(pytester, "return by_rules(text)")

    assert outcomes(rows) == {"fell back"}
    assert [row["findings"] for row in rows] == [[], [], []]


def test_a_feature_that_looks_at_the_gate_and_asks_the_model_all_the_same_is_caught(
    pytester: pytest.Pytester,
) -> None:
    rows = drilled(pytester, "pass")

    assert outcomes(rows) == {"asked behind a closed gate"}
    assert rows[0]["findings"][0] == ["asked behind a closed gate", "sent 1 request"]


def test_a_feature_that_answers_nothing_behind_a_closed_gate_is_caught(
    pytester: pytest.Pytester,
) -> None:
    assert outcomes(drilled(pytester, "return {}")) == {"accepted the fault as success"}
    assert outcomes(drilled(pytester, "return {}", more="")) == {"answered"}


def test_a_feature_that_crashes_behind_a_closed_gate_is_caught(pytester: pytest.Pytester) -> None:
    rows = drilled(pytester, "raise KeyError('triage')")

    assert outcomes(rows) == {"crashed with a foreign exception"}


def test_a_feature_without_a_gate_is_not_drilled_for_it(pytester: pytest.Pytester) -> None:
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    pytester.makepyfile(
        test_switched_off=DRILL.format(more=FALLS_BACK).replace("from gated", "from sound")
    )

    result = pytester.runpytest_inprocess("-rs")

    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED [[]3[]] *: the fault cannot meet the requests of triage"])


def test_the_gate_is_open_in_all_other_drills(pytester: pytest.Pytester) -> None:
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    test = DRILL.format(more=FALLS_BACK).replace('"gate"', '["quota", "slow-answer"]')
    pytester.makepyfile(
        gated=GATED.format(closed="raise KeyError"), test_switched_off=test.replace("== 0", "== 1")
    )

    result = pytester.runpytest_inprocess("--llm-json=run.json")

    rows = json.loads((pytester.path / "run.json").read_text())["drills"]
    assert [(row["fault"], row["requests"]) for row in rows] == [("quota", 1), ("slow-answer", 1)]
    result.stdout.no_fnmatch_line("*KeyError*")


def test_nothing_is_left_of_a_drilled_gate(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gates.ENVIRONMENT_VARIABLE, "own.json")
    read = gates._read_entry

    drilled(pytester, "raise KeyError('triage')")

    assert gates._read_entry is read
    assert os.environ[gates.ENVIRONMENT_VARIABLE] == "own.json"


def test_a_process_that_the_feature_starts_finds_the_drilled_file(
    pytester: pytest.Pytester,
) -> None:
    script = "from pytest_llmprod.gates import gate; print(gate('triage').reason)"
    closed = (
        "import subprocess, sys; print(subprocess.run("
        f"[sys.executable, '-c', {script!r}], capture_output=True, text=True).stdout); "
        "return by_rules(text)"
    )
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    pytester.makepyfile(
        gated=GATED.format(closed=closed), test_switched_off=DRILL.format(more=FALLS_BACK)
    )

    result = pytester.runpytest_inprocess("-s")

    result.stdout.fnmatch_lines_random(
        ["*a drill has closed it*", "*there is no */llmprod-gates.json;*", "*is not valid JSON*"]
    )

"""A drill whose weakness is known carries pytest's own mark xfail."""

from pathlib import Path

import pytest

APPS = Path(__file__).parent / "apps"
KNOWN = """
    import pytest
    from sound import triage
    from wrong import answers_ok_to_everything, catches_api_errors_only

    @pytest.mark.xfail(reason="ticket 7", strict={strict})
    @pytest.mark.llm_drill(feature="triage", faults={fault!r}, fallback="sound:by_rules")
    def test_survives(llm_fault, llm_script):
        llm_script.json({{"label": "billing"}})
        {app}("my invoice is wrong")
"""
WEAK = [("answers_ok_to_everything", "quota"), ("catches_api_errors_only", "stream-bad-json")]


def known(
    pytester: pytest.Pytester, app: str, fault: str, *, strict: bool
) -> tuple[pytest.RunResult, dict[str, int]]:
    for path in APPS.glob("*.py"):
        (pytester.path / path.name).write_text(path.read_text())
    pytester.makepyfile(test_known=KNOWN.format(app=app, fault=fault, strict=strict))
    result = pytester.runpytest_inprocess("-rA")
    return result, result.parseoutcomes()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("app", "fault"), WEAK)
def test_a_weakness_that_is_known_fails_no_run_and_is_told_all_the_same(
    pytester: pytest.Pytester, app: str, fault: str, strict: bool
) -> None:
    result, outcomes = known(pytester, app, fault, strict=strict)

    assert outcomes == {"xfailed": 1}
    result.stdout.fnmatch_lines(["drills of triage: survived 0 of 1 fault"])
    result.stdout.fnmatch_lines([f"XFAIL test_known.py::test_survives[[]{fault}[]] - ticket 7"])


def test_a_weakness_that_is_mended_is_told(pytester: pytest.Pytester) -> None:
    assert known(pytester, "triage", "quota", strict=False)[1] == {"xpassed": 1}


def test_a_weakness_that_is_mended_fails_where_the_mark_is_strict(
    pytester: pytest.Pytester,
) -> None:
    result, outcomes = known(pytester, "triage", "quota", strict=True)

    assert outcomes == {"failed": 1}
    result.stdout.fnmatch_lines(["[[]XPASS(strict)[]] ticket 7"])


def test_a_fault_that_cannot_meet_the_feature_is_no_expected_failure(
    pytester: pytest.Pytester,
) -> None:
    assert known(pytester, "triage", "short-embedding", strict=False)[1] == {"skipped": 1}

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


DECLARED = """
    import pytest
    from sound import ask

    class Unavailable(Exception):
        pass

    def triage(text):
        try:
            return ask(text)
        except Exception as error:
            raise Unavailable("come again later") from error

    @pytest.mark.xfail(reason="ticket 7", strict={strict})
    @pytest.mark.llm_drill(feature="triage", faults="quota", raises=Unavailable)
    def test_survives(llm_fault):
        triage("my invoice is wrong")
"""


@pytest.mark.parametrize(("strict", "outcome"), [(True, "failed"), (False, "xpassed")])
def test_a_declared_error_is_a_drill_that_passes_for_the_mark_too(
    pytester: pytest.Pytester, strict: bool, outcome: str
) -> None:
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    pytester.makepyfile(test_declared=DECLARED.format(strict=strict))

    result = pytester.runpytest_inprocess("-rA")

    assert result.parseoutcomes() == {outcome: 1}
    result.stdout.fnmatch_lines(["drills of triage: survived 1 of 1 fault"])
    if strict:
        result.stdout.fnmatch_lines(["[[]XPASS(strict)[]] ticket 7"])


@pytest.mark.parametrize(
    ("app", "fault", "raises", "outcome"),
    [
        ("catches_api_errors_only", "stream-bad-json", "ValueError", "xfailed"),
        ("catches_api_errors_only", "stream-bad-json", "KeyError", "failed"),
        ("answers_ok_to_everything", "quota", "ValueError", "failed"),
    ],
)
def test_a_mark_that_names_an_error_expects_no_other_weakness(
    pytester: pytest.Pytester, app: str, fault: str, raises: str, outcome: str
) -> None:
    for path in APPS.glob("*.py"):
        (pytester.path / path.name).write_text(path.read_text())
    text = KNOWN.format(app=app, fault=fault, strict=True)
    text = text.replace("strict=True", f"strict=True, raises={raises}")
    pytester.makepyfile(test_known=text)

    result = pytester.runpytest_inprocess()

    assert result.parseoutcomes() == {outcome: 1}
    result.stdout.fnmatch_lines(["drills of triage: survived 0 of 1 fault"])


def test_a_debugger_is_not_entered_for_a_drill_that_passes(pytester: pytest.Pytester) -> None:
    (pytester.path / "sound.py").write_text((APPS / "sound.py").read_text())
    text = DECLARED.replace('@pytest.mark.xfail(reason="ticket 7", strict={strict})', "")
    pytester.makepyfile(
        test_declared=text,
        conftest="""
        def pytest_exception_interact(node):
            print("a debugger of", node.name)
        """,
    )

    result = pytester.runpytest_inprocess("-s")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*a debugger of*")

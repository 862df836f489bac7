from dataclasses import replace

from report_samples import FAIL, PASS, UNSURE, suite_result

from pytest_llmprod.report.annotations import lines


def place(test: str) -> tuple[str, int]:
    return "evals/a,b:c.py", 7


def test_each_closed_gate_is_told_at_the_line_of_its_test() -> None:
    suites = [suite_result(verdict=verdict) for verdict in (PASS, FAIL, UNSURE, None)]

    assert list(lines(suites, place)) == [
        "::error file=evals/a%2Cb%3Ac.py,line=7,title=gate triage::"
        "the gate is closed: FAIL, is below the threshold"
    ]


def test_no_text_can_end_the_line_or_begin_another_command() -> None:
    verdict = replace(FAIL, reason="100%\r\n::error::x\x1b[31m")
    (line,) = lines([suite_result(feature="a,b:c\n::x", verdict=verdict)], place)

    assert line.isprintable()
    assert "title=gate a%2Cb%3Ac %3A%3Ax::the gate is closed: FAIL, 100%25 ::error" in line

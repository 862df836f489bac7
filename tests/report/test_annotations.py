from dataclasses import replace

from report_samples import FAIL, PASS, UNSURE, budget_result, suite_result

from pytest_llmprod.report.annotations import budget_lines, lines


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


def test_each_budget_that_is_not_kept_is_told_where_it_is_written() -> None:
    reason = "100 %\n::error::x"
    budgets = [
        budget_result(),
        budget_result(verdict="INCONCLUSIVE"),
        budget_result(verdict="FAIL", reason=reason),
        budget_result(verdict="FAIL", scope="feature", name="triage"),
    ]
    of_test, of_feature = budget_lines(budgets, place, "x/pyproject.toml")

    assert of_test == (
        "::error file=evals/a%2Cb%3Ac.py,line=7,title=budget cost < 0.002::"
        "the budget 'cost < 0.002' of test_labels is not kept: 100 %25 ::error::x"
    )
    assert of_feature.startswith("::error file=x/pyproject.toml,line=1,title=budget cost < 0.002::")

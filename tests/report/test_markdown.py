import re

from report_samples import (
    FAIL,
    budget_result,
    case_result,
    drill_result,
    month_result,
    run_result,
    suite_result,
)

from pytest_llmprod.core.results import RunResult
from pytest_llmprod.report.markdown import safe, to_markdown
from pytest_llmprod.report.view import make_view

HOSTILE = "</code><script>alert(1)</script>|\n# x [a](http://evil.example) @somebody"
HOSTILE += " www.evil.example `y`\x00"


def markdown(result: RunResult, **keywords: int) -> str:
    return to_markdown(result, make_view(result, ()), **keywords)


def run(count: int = 1, why: str = "assert 1 == 2") -> RunResult:
    cases = tuple(
        case_result(id=f"t-{n}", nodeid=f"t.py::t[t-{n}]", outcome="miss", why=why)
        for n in range(count)
    )
    return run_result(suite_result(verdict=FAIL), cases=cases)


def test_the_gates_come_first_then_the_verdicts_then_what_broke() -> None:
    lines = markdown(run()).splitlines()

    assert lines[0] == "## llmprod"
    assert (
        lines[4]
        == "| <code>triage</code> | ❌ closed | <code>the score is below the threshold</code> |"
    )
    assert lines[8].startswith("| <code>triage</code> | 220 | 206 | 93.6% |")
    assert "**FAIL**" in lines[8]
    assert "    pytest --llm-eval 't.py::t[t-0]'" in lines


def test_a_text_of_a_model_is_no_markup() -> None:
    assert re.fullmatch(r"<code>([\w ,.;\-()&#]|&#\d+;)*</code>", safe(HOSTILE))
    found = markdown(run(why=HOSTILE))

    assert not {"<script", "](", "://", "@some", "www.", "`"} & set(
        re.findall(r"<script|\]\(|://|@some|www\.|`", found)
    )
    assert found.count("\n# ") == 0


def test_a_row_of_a_table_stays_one_row() -> None:
    (row,) = [
        line for line in markdown(run(why=HOSTILE)).splitlines() if line.startswith("| <code>t-0")
    ]

    assert row.count("|") == 3


def test_a_suite_names_twenty_cases_and_counts_the_rest() -> None:
    found = markdown(run(25))

    assert found.count("| <code>t-") == 20
    assert "and 5 more" in found


def test_a_summary_keeps_to_its_room_and_says_what_is_missing() -> None:
    whole = markdown(run(25))
    found = markdown(run(25), most_bytes=900)

    assert len(found.encode()) <= 900 < len(whole.encode())
    assert found.startswith("## llmprod")
    assert "had no room" in found


def test_budgets_and_months_are_tables_and_what_is_not_kept_says_why() -> None:
    broken = budget_result(verdict="FAIL", reason="it is 3 USD", scope="run", name="")
    months = (month_result(),)
    found = markdown(run_result(suite_result(), budgets=(budget_result(), broken), months=months))

    assert "| <code>cost &#60; 0.002</code> | <code>test&#95;labels</code> | PASS |" in found
    assert (
        "| PASS | &#36;0.0018 | 220 calls, 219 samples "
        "| replayed, recorded 2026-11-22 to 2026-11-23 |"
    ) in found
    assert "- <code>cost &#60; 0.002</code> of <code>the run</code>: <code>it is 3 USD" in found
    assert (
        "| <code>triage</code> | 20,000 | &#36;5.04 | 4.61 to 5.55 | &#36;5.04 | &#36;6.05 |"
    ) in found


def test_the_total_names_what_has_no_price() -> None:
    suite = suite_result(unpriced=3, without_usage=1)
    found = markdown(run_result(suite))

    assert (
        "all suites together cost &#36;0.0277 &#43; 3 unpriced requests "
        "&#43; 1 request without usage"
    ) in found


def test_drills_name_each_weakness_the_worst_first_and_every_way_to_fail() -> None:
    drills = (
        drill_result(findings=(("no log record", "nobody <b>told</b>"),)),
        drill_result(
            fault="empty-stream",
            group="stream",
            findings=(("accepted the fault as success", "it answered"),),
        ),
        drill_result(fault="refused", group="outage"),
    )

    text = markdown(run_result(drills=drills))

    lines = text[text.index("### <code>drills") :].splitlines()
    assert "survived 1 of 3 faults" in lines[0]
    assert lines[4].startswith("| accepted the fault as success | <code>empty-stream</code> |")
    assert lines[5].startswith("| no log record | <code>quota</code> | <code>nobody &#60;b&#62;")
    assert lines[7].startswith("| slow | wrong | malformed input |")
    assert lines[9].startswith("| untested | 1 of 1 | untested | untested | ok | 1 of 1 |")

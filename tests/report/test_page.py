import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from report_samples import (
    FAIL,
    PASS,
    budget_result,
    case_result,
    drill_result,
    month_result,
    run_result,
    suite_result,
)

from pytest_llmprod.core.past import PastRun, PastSuite
from pytest_llmprod.core.results import CaseRate, Repeats, RunResult, Slice
from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.verdict import VerdictName
from pytest_llmprod.report.charts import Bounds, intervals
from pytest_llmprod.report.page import to_html
from pytest_llmprod.report.view import make_view

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x00\ud800\u202e}} {{ 7*7 }}"
)
VOID = {"meta", "link", "br", "img", "input", "hr"}
OPTIONAL_END = {"td"}
# SVG needs its name space; nothing is asked of an address of that kind.
NAME_SPACES = {"xmlns"}


class Outline(HTMLParser):
    """What elements a page has, how they nest, and all attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID | OPTIONAL_END:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in OPTIONAL_END:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, known, value in self.attributes if known == name]


def page(result: RunResult, notes: tuple[str, ...] = ()) -> str:
    return to_html(result, make_view(result, notes)).decode("utf-8")


def outline(result: RunResult, notes: tuple[str, ...] = ()) -> Outline:
    return Outline(page(result, notes))


def miss(**changes: Any) -> Any:
    values = {"outcome": "miss", "why": "assert 'a' == 'b'", "scores": {"passed": 0.0}}
    return case_result(**{**values, **changes})


def hostile_run() -> RunResult:
    suite = suite_result(
        feature=HOSTILE,
        models=(HOSTILE,),
        verdict=FAIL,
        slices=(Slice(tag=HOSTILE, cases=6, hits=3.0, score=0.5, interval=(0.1, 0.8)),),
        repeats=Repeats(
            count=3,
            answers=660,
            pass_hat={3: 0.5},
            flaky=(CaseRate(id=HOSTILE, hits=1, answers=3),),
        ),
    )
    case = miss(
        id=HOSTILE,
        nodeid=f"test_triage.py::test_labels[{HOSTILE}]",
        why=HOSTILE,
        output=HOSTILE,
        expected={HOSTILE: HOSTILE},
        model=HOSTILE,
        prompt=((HOSTILE, HOSTILE),),
        scores={"passed": 0.0, HOSTILE: 0.5},
        whys={HOSTILE: HOSTILE},
        tags=(HOSTILE,),
    )
    return replace(run_result(suite, cases=(case,), gates_note=HOSTILE), moves=(HOSTILE,))


def test_nothing_of_a_model_becomes_markup() -> None:
    found = outline(hostile_run(), notes=(HOSTILE,))

    assert found.open == []
    assert {"script", "img", "iframe", "object"}.isdisjoint(found.tags)
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in found.text
    assert "{{ 7*7 }}" in found.text


def test_what_cannot_be_printed_is_shown_escaped() -> None:
    found = page(hostile_run(), notes=(HOSTILE,))

    assert not {"\x1b", "\x00", "\u202e"} & set(found)
    assert "\\x1b[31m\\x00\\ud800\\u202e" in found


def test_a_page_asks_for_nothing_outside_of_itself() -> None:
    found = outline(hostile_run())

    assert "default-src 'none'; style-src 'unsafe-inline'" in found.values("content")[0]
    assert all(value.startswith("#") for value in found.values("href"))
    assert found.values("src") == []
    assert "url(" not in page(hostile_run())
    assert "@import" not in page(hostile_run())
    addresses = {name for _, name, value in found.attributes if "://" in value}
    assert addresses <= NAME_SPACES


def test_cases_of_a_page_stand_in_the_order_of_the_numbers_in_their_ids() -> None:
    cases = tuple(case_result(id=f"word-{n}", nodeid=f"t.py::t[word-{n}]") for n in (10, 9))

    html = page(run_result(suite_result(), cases=cases))

    assert html.index("word-9") < html.index("word-10")


def test_every_link_leads_somewhere_and_no_name_is_there_twice() -> None:
    cases = tuple(
        miss(id=f"t-{n}", nodeid=f"t.py::t[t-{n}]")
        if n % 2
        else case_result(id=f"t-{n}", nodeid=f"t.py::t[t-{n}]")
        for n in range(6)
    )
    found = outline(run_result(suite_result(), cases=cases))
    names = found.values("id")

    assert len(names) == len(set(names))
    assert {link.removeprefix("#") for link in found.values("href")} <= set(names)
    assert len([name for name in names if name.startswith("c-")]) == 6


def test_the_name_of_a_case_is_the_same_in_each_run() -> None:
    first = outline(run_result(suite_result(), cases=(miss(),)))
    second = outline(run_result(suite_result(), cases=(miss(output="x"),), run_id="run-2"))

    assert [n for n in first.values("id") if n[:2] == "c-"] == [
        n for n in second.values("id") if n[:2] == "c-"
    ]


def test_a_failure_has_prompt_answer_expected_difference_and_command() -> None:
    case = miss(
        output='{"label": "bug", "urgency": "low"}',
        expected={"label": "refund", "urgency": "low"},
        prompt=(("system", "You sort tickets."), ("user", "My money back")),
    )
    text = outline(run_result(suite_result(), cases=(case,))).text

    assert "You sort tickets." in text
    assert "My money back" in text
    assert '-   "label": "refund"' in text
    assert '+   "label": "bug"' in text
    assert '  "urgency": "low"' in text
    assert "pytest --llm-eval 'test_triage.py::test_labels[t-001]'" in text
    assert "assert 'a' == 'b'" in text


def test_sections_stand_in_the_order_in_which_they_are_read() -> None:
    suite = suite_result(slices=(Slice(tag="en", cases=9, hits=9, score=1.0, interval=(0.7, 1.0)),))
    moves = ("triage since the baseline: 1 newly broken",)
    result = replace(run_result(suite, cases=(miss(),)), moves=moves)
    names = outline(result).values("id")
    order = ["gates", "changed", "failures", "suites", "spread", "sources", "cases"]

    assert [name for name in names if name in order] == order


def test_what_a_run_has_not_is_left_out() -> None:
    names = outline(run_result(suite_result(verdict=PASS), cases=(case_result(),))).values("id")

    assert {"changed", "failures", "models"}.isdisjoint(names)


def test_two_models_stand_side_by_side() -> None:
    tests = [f"t.py::test_a[{model}]" for model in ("old", "new")]
    suites = [suite_result(test=test, model=test[13:-1]) for test in tests]
    cases = tuple(
        case_result(suite=test, nodeid=f"{test[:-1]}-t-001]", output=output, expected="refund")
        for test, output in zip(tests, ("refund", "a bug"), strict=True)
    )
    swap = Swap(
        feature="triage", test="t.py::test_a", metric="passed", tag="", model_a="old",
        model_b="new", table=(0.0, 1.0, 0.0, 0.0), difference=-1.0, interval=(-1.0, 0.0),
        margin=0.0, is_margin_declared=False, p_value=1.0, p_holm=1.0, verdict="INCONCLUSIVE",
        more_cases=None, newly_broken=("t-001",), newly_fixed=(), missing=(), added=(),
        cost_ratio=None, tokens_ratio=None, p95_latency_ratio=None, slices=(),
    )  # fmt: skip
    found = page(run_result(*suites, cases=cases, models=("old", "new"), swaps=(swap,)))

    assert (
        "<td><code>refund</code></td><td><code>refund</code></td><td><code>a bug</code></td>"
        in found
    )


def test_an_answer_of_a_megabyte_is_cut_and_the_page_says_so() -> None:
    case = miss(output="<" * 1_000_000, expected="x" * 1_000_000)
    found = page(run_result(suite_result(), cases=(case,)))

    assert len(found) < 100_000
    assert "(996,000 characters more)" in found
    assert "Long texts are cut here" in found


@pytest.mark.parametrize(
    "text", ["refund " * 1_000, "<'&\">" * 1_000, "\x00\u202e" * 2_000, "漢" * 5_000]
)
def test_a_page_of_10000_cases_takes_at_most_5_megabytes(text: str) -> None:
    cases = tuple(
        miss(
            id=f"t-{n:05}{'x' * 60}",
            nodeid=f"tests/evals/test_triage.py::test_labels[t-{n:05}{'x' * 60}]",
            output=text,
            expected=text[::-1],
            why=text[:300],
            prompt=(("system", text), ("user", text)),
        )
        for n in range(10_000)
    )
    result = run_result(suite_result(cases=10_000), cases=cases)
    found = to_html(result, make_view(result, ()))

    assert len(found) <= 5_000_000
    assert "more have no room in this page" in found.decode()
    assert found.decode().count('<td>miss<td class="n">') == 10_000


def test_a_page_of_10000_cases_with_many_low_scores_takes_no_more() -> None:
    metrics = [f"metric-{number}" for number in range(10)]
    cases = tuple(
        miss(
            id=f"t-{n:05}",
            nodeid=f"test_triage.py::test_labels[t-{n:05}]",
            scores=dict.fromkeys(metrics, 0.5),
            whys=dict.fromkeys(metrics, "<" * 200),
            model="m" * 200,
        )
        for n in range(10_000)
    )
    result = run_result(suite_result(cases=10_000), cases=cases)

    assert len(to_html(result, make_view(result, ()))) <= 5_000_000


def test_a_threshold_of_nothing_is_drawn_within_the_chart() -> None:
    svg = intervals([Bounds("triage", 0.85, 0.9, 0.95, 0.0)])
    across = [
        float(x)
        for line in re.findall(r'd="([^"]+)"', svg)
        for x in re.findall(r"[ML] (\S+)", line)
    ]

    assert min(across) >= 0


def test_a_page_without_any_case_is_one() -> None:
    assert "no gate" in outline(run_result()).text


def costly_run(*bounds: str) -> RunResult:
    """A run of ten cases that make one call each, of 1 to 10 USD for 1,000 of them."""
    cases = tuple(
        case_result(
            id=f"t-{n}", nodeid=f"t.py::t[t-{n}]", cost_usd=Decimal(n) / 1000, latency_s=n / 10
        )
        for n in range(1, 11)
    )
    budgets = tuple(budget_result(budget=f"cost < {each}", bound=Decimal(each)) for each in bounds)
    return run_result(suite_result(requests=10), cases=cases, budgets=budgets)


def test_a_budget_shows_its_figure_its_samples_and_where_they_come_from() -> None:
    broken = budget_result(verdict="FAIL", budget="p95(latency) < 50ms", unit="s")
    broken = replace(broken, observed=Decimal("0.061"), stale=2, reason="it is 61ms")
    found = outline(run_result(suite_result(), budgets=(budget_result(), broken)))

    assert "budgets: 1 PASS, 1 FAIL" in found.text.partition("</h1>")[0]
    for text in ("cost < 0.002", "$0.0018", "220 calls, 219 samples", "61 ms", "it is 61ms"):
        assert text in found.text
    assert "replayed, recorded 2026-11-22 to 2026-11-23; 2 too old" in found.text


@pytest.mark.parametrize(("verdict", "colour"), [("FAIL", "bad"), ("INCONCLUSIVE", "unsure")])
def test_only_a_budget_that_fails_is_red_at_the_top(verdict: VerdictName, colour: str) -> None:
    plain = page(run_result(suite_result(), budgets=(budget_result(verdict=verdict),)))

    assert f'<p class="{colour}"><a href="#spread">Budgets</a>: 1 {verdict}</p>' in plain


def test_a_month_shows_its_interval_and_what_would_change_it() -> None:
    unknown = month_result(feature="other", monthly_usd=None, why_unknown="no price of gpt-x")
    found = outline(run_result(suite_result(), months=(month_result(), unknown)))

    for text in ("20,000", "$5.04", "4.61 to 5.55", "$6.05", "other: unknown, no price of gpt-x"):
        assert text in found.text


def test_the_page_says_what_all_suites_cost_and_what_has_no_price() -> None:
    suite = suite_result(unpriced=3, judge_requests=2, judge_cost_usd=Decimal("0.5"))
    found = outline(run_result(suite, cases=(case_result(),)))

    assert "cost $0.0277 + 3 unpriced requests; judges $0.5000." in found.text


def test_a_chart_is_red_from_the_lowest_budget_line_on() -> None:
    red = '#b42318"'
    plain, kept, broken = (
        page(costly_run(*each)).partition('id="spread"')[2].partition("<section")[0].count(red)
        for each in ((), ("0.02",), ("0.02", "0.005"))
    )

    assert (plain, kept) == (0, 0)
    assert broken == 3  # of 0.005 to 0.0075, to 0.01, and of what is 0.01


def test_a_budget_of_calls_is_not_held_against_cases_of_several_calls() -> None:
    run = costly_run("0.005")
    several = replace(run, suites=(replace(run.suites[0], requests=20),))

    assert "The budget line of" in page(run)
    assert "The budget line of" not in page(several)


def test_a_run_of_budgets_alone_has_a_page_without_empty_sections() -> None:
    found = outline(run_result(budgets=(budget_result(),), gates_note="no eval ran"))

    assert "Budgets: upper bounds" in found.text
    assert not {"Verdicts: what the scores say", "Suites and tags", "All cases"} & set(
        re.findall(r"Verdicts: what the scores say|Suites and tags|All cases", found.text)
    )


def test_no_text_of_a_budget_becomes_markup() -> None:
    plain = page(run_result(suite_result(), budgets=(budget_result(name="x", reason="x"),)))
    budget = budget_result(name=HOSTILE, reason=HOSTILE, model=HOSTILE, verdict="FAIL")
    month = month_result(feature=HOSTILE, monthly_usd=None, why_unknown=HOSTILE)
    found = outline(run_result(suite_result(), budgets=(budget,), months=(month,)))

    assert plain.count("<script") == 0
    assert not {"script", "img"} & set(found.tags)


def test_a_page_shows_what_drills_found_and_which_ways_to_fail_nobody_tested() -> None:
    finding = ("accepted the fault as success", "it <b>answered</b>")
    result = run_result(drills=(drill_result(group="stream", findings=(finding,)),))

    html = to_html(result, make_view(result, [])).decode()

    assert "<title>llmprod: no gate; drills: 1 weakness</title>" in html
    section = html[html.index('<h2 id="drills">') :]
    assert "survived 0 of 1 fault" in section
    assert "it &lt;b&gt;answered&lt;/b&gt;" in section
    assert '<tr><th scope="row">wrong</th><td class="bad">1 of 1</td></tr>' in section
    assert '<tr><th scope="row">slow</th><td class="soft">untested</td></tr>' in section


def past(day: str, **changes: Any) -> PastRun:
    told = {"metric": "passed", "score": 0.8, "interval": (0.7, 0.9), "threshold": 0.9}
    suite = PastSuite(test="test_triage.py::test_labels", **{**told, **changes})
    when = f"{day}T10:00:00+00:00"
    return PastRun(
        run_id=day, when=when, who="Ann", why="why", suites=(suite,), cost_usd=Decimal("0.02")
    )


def section(html: str, name: str) -> str:
    return html.partition(f'<section aria-labelledby="{name}">')[2].partition("</section>")[0]


def test_a_chart_is_drawn_smaller_where_the_window_is_narrower_than_it() -> None:
    run = run_result(suite_result(verdict=PASS), past=(past("2026-11-18"), past("2026-11-20")))

    html = page(run)

    charts = re.findall(r"<svg [^>]*>", html)
    assert charts
    for chart in charts:
        width, height = (re.search(rf' {side}="(\d+)"', chart)[1] for side in ("width", "height"))
        assert f'viewBox="0 0 {width} {height}"' in chart
    (style,) = re.findall(r"^svg {(.*)}$", html, re.MULTILINE)
    assert "max-width: 100%; height: auto;" in style
    assert not re.search(r'class="wide"[^>]*>\s*<[^>]*>\s*<svg', html)


def test_a_page_shows_scores_and_costs_over_the_accepted_runs() -> None:
    run = run_result(suite_result(verdict=PASS), past=(past("2026-11-18"), past("2026-11-20")))

    html = page(run)

    found = section(html, "trend")
    assert '<a href="#trend">' in html
    assert found.count("<svg") == 2
    assert found.count("<circle") >= 6
    assert '<td class="n">80.0%</td><td class="n">[70.0, 90.0]</td>' in found
    for text in ("2026-11-18", "2026-11-20", "this run", "$0.0277", "Ann"):
        assert text in found


def test_a_trend_is_drawn_of_runs_that_tell_neither_interval_nor_cost() -> None:
    old = replace(past("2026-11-18", interval=None, threshold=None, score=0.0), cost_usd=None)
    run = run_result(suite_result(verdict=None), past=(old,))

    assert section(page(run), "trend").count("<svg") == 1


def test_a_run_without_accepted_ones_has_no_trend_in_its_page() -> None:
    assert "Trend" not in page(run_result(suite_result(verdict=PASS)))


def test_nothing_of_the_history_becomes_markup() -> None:
    bad = replace(past("2026-11-18", model=HOSTILE, verdict=HOSTILE), who=HOSTILE, why=HOSTILE)
    found = outline(run_result(suite_result(feature=HOSTILE), past=(bad,)))

    assert found.open == []
    assert {"script", "img"}.isdisjoint(found.tags)

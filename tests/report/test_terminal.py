import itertools
import re
import shlex
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    FAIL,
    PASS,
    UNSURE,
    budget_result,
    case_result,
    drill_result,
    month_result,
    run_result,
    suite_result,
)
from test_swap_lines import swap_of

from pytest_llmprod.core.drilling import WEAKNESSES
from pytest_llmprod.core.results import Repeats, RunResult, Slice
from pytest_llmprod.core.text import width
from pytest_llmprod.report.budgets import budget_rows
from pytest_llmprod.report.terminal import (
    render,
    render_budgets,
    render_drills,
    render_quiet,
    render_with_drills,
)
from pytest_llmprod.report.view import View, make_view

ANSI = re.compile("\x1b\\[[0-9]*m")
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\n\r\x00\ud800\u2028 PASS  $0.0000 "
WIDE = "工单分类与优先级判断功能"


def lines_of(*suites: Any, note: str = "", notes: tuple[str, ...] = (), **keywords: Any) -> Any:
    view = make_view(run_result(*suites, **keywords), notes)
    return render(view, gates_note=note, colour=False)


def test_one_suite_looks_like_this() -> None:
    cases = (
        case_result(id="t-14", outcome="miss", why="assert 'refund' == 'billing'"),
        case_result(id="t-2", outcome="miss", why="assert 'other' == 'complaint'"),
    )

    lines = lines_of(
        suite_result(),
        cases=cases,
        note="gates not written: -k selects a part of the tests",
        notes=("a note of a plugin",),
    )

    assert lines == [
        "suite  cases hits score 95% interval min verdict         cost   p95",
        "triage   220  206 93.6% [89.6, 96.2] 90% INCONCLUSIVE $0.0277 34 ms",
        "gpt-5-mini, replayed, recorded 2026-11-22",
        "triage: 2 misses in 220; run the first alone with:",
        "  pytest --llm-eval 'test_triage.py::test_labels[t-001]'",
        "  t-2  assert 'other' == 'complaint'",
        "  t-14  assert 'refund' == 'billing'",
        "gate triage: open; 93.6% reaches 90%, about 42 more cases make it PASS",
        "gates not written: -k selects a part of the tests",
        "a note of a plugin",
    ]


def test_wide_names_stand_in_straight_columns() -> None:
    lines = lines_of(
        suite_result(feature="工单分类", verdict=PASS, cost_usd=Decimal(0), requests=0),
        suite_result(
            feature="urgency", verdict=FAIL, cost_usd=Decimal(0), unpriced=219, p95_latency_s=None
        ),
    )

    assert lines[:3] == [
        "suite    cases hits score 95% interval min verdict     cost   p95",
        "工单分类   220  206 93.6% [89.6, 96.2] 90% PASS           - 34 ms",
        "urgency    220  206 93.6% [89.6, 96.2] 90% FAIL    unpriced     -",
    ]


def test_the_heading_names_the_confidence_that_was_used() -> None:
    assert "99% interval" in lines_of(suite_result(confidence=0.99))[0]


def test_no_confidence_is_named_where_suites_differ_in_it() -> None:
    heading = lines_of(suite_result(), suite_result(feature="b", confidence=0.99))[0]

    assert " interval" in heading
    assert "%" not in heading


@pytest.mark.parametrize("feature", [WIDE * 5, "a-long-feature-name-" * 8, HOSTILE * 5])
@pytest.mark.parametrize("models", ["one", "many"])
@pytest.mark.parametrize("deep", [False, True])
def test_ten_suites_take_25_lines_of_80_columns(feature: str, models: str, deep: bool) -> None:
    folder = "tests/integration/features/evals/" * (2 if deep else 0)
    suites, cases = [], []
    for number in range(10):
        test = f"{folder}test_{number}.py::test_labels"
        suites.append(
            suite_result(
                feature=f"{number}{feature}",
                test=test,
                cases=12_345,
                cases_in_dataset=12_345,
                hits=12_344.5,
                score=1.0,
                interval=(1.0, 1.0),
                threshold=0.3333,
                models=(f"{HOSTILE}{WIDE}{number if models == 'many' else ''}",),
                verdict=(PASS, FAIL, UNSURE, None)[number % 4],
                cost_usd=Decimal("1234.56"),
                unpriced=number % 2,
                p95_latency_s=123.45,
            )
        )
        cases += [
            case_result(
                suite=test, id=HOSTILE, nodeid=f"{test}[{each}{WIDE}]", outcome="miss", why=HOSTILE
            )
            for each in range(5)
        ]

    lines = lines_of(
        *suites,
        cases=tuple(cases),
        note="gates not written: not every case ran " * 5,
        notes=("a note " * 40, "and another"),
    )

    assert len(lines) <= 25
    assert max(map(width, lines)) <= 80
    assert all(line == line.rstrip() and line.isprintable() for line in lines)
    for number in range(10):
        assert sum(line.startswith(str(number)) for line in lines[:11]) == 1
        assert sum(line.startswith(f"gate {number}") for line in lines) == 1


def test_ten_suites_with_misses_take_24_lines_below_the_heading() -> None:
    suites = [missing(feature=f"f{number}", models=(f"m{number}",)) for number in range(10)]

    lines = lines_of(*suites, note="gates not written", misses=MISSES)

    assert len(lines) == 24
    assert max(map(width, lines)) <= 80
    assert lines[-3].startswith("2,209 requests are in no recording: prompt changed 1,100, tool ")
    assert sum(line.startswith("gate f") for line in lines) == 10


def moves(number: int) -> tuple[tuple[str, str], ...]:
    folder = "cassettes/test_triage"
    return tuple(
        (f"{folder}/test_old_{each}.gpt-5-mini.json", f"{folder}/test_new_{each}.gpt-5-mini.json")
        for each in range(number)
    )


def test_moves_after_a_rename_stand_before_the_command_that_records() -> None:
    lines = lines_of(
        missing(), misses={"test renamed": 15, "order": 1}, moves=moves(1), note="gates not written"
    )

    assert lines[-6:] == [
        "16 requests are in no recording: test renamed 15, order 1",
        "move what was renamed with:",
        "  mv cassettes/test_triage/test_old_0.gpt-5-mini.json \\",
        "    cassettes/test_triage/test_new_0.gpt-5-mini.json",
        "record what is missing with: pytest --llm-eval --llm-record=new_episodes",
        "gates not written",
    ]


def test_moves_that_find_no_room_are_counted() -> None:
    lines = lines_of(missing(), misses={"test renamed": 15}, moves=moves(20))

    assert len(lines) == 24
    assert lines[-1] == "  and 11 more commands: run again after these"


def test_ten_suites_that_were_renamed_take_25_lines_too() -> None:
    suites = [missing(feature=f"f{number}") for number in range(10)]

    lines = lines_of(
        *suites, misses={"test renamed": 150}, moves=moves(10), note="gates not written"
    )

    assert len(lines) <= 24
    assert lines[-2] == "move what was renamed as its tests say above"


def test_sources_that_find_no_room_are_counted() -> None:
    suites = [suite_result(feature=f"f{number}", models=(f"m{number}",)) for number in range(10)]

    lines = lines_of(*suites)

    shown = [line for line in lines if "recorded 2026-11-22: f" in line]
    assert f"and {10 - len(shown)} more sources of answers" in lines
    assert shown
    assert len(lines) <= 25


def test_the_price_lock_is_named_however_many_suites_a_source_has() -> None:
    suites = [
        suite_result(feature=f"feature-{number}", unpriced=1, unpriced_models=("gpt-5-mini",))
        for number in range(9)
    ]

    lines = lines_of(*suites, suite_result(test="t.py::test_m", models=("m",)))

    assert lines[11:14] == [
        "and 2 more sources of answers",
        "unpriced: gpt-5-mini; run llmprod prices lock, or add prices to",
        "  llmprod.prices.toml by hand",
    ]
    assert len(lines) <= 25


def test_a_line_that_is_too_wide_is_broken_and_loses_nothing() -> None:
    lines = lines_of(
        suite_result(
            feature="ticket-labels", skipped=2, cases=200, models=("gpt-5-mini-2026-01-01", "gpt-5")
        ),
        suite_result(feature="ticket-urgency", models=("m",), test="t.py::test_b"),
    )

    start = lines.index(
        "gate ticket-labels: open; 2 cases skipped; 93.6% reaches 90%, about 42 more"
    )
    assert lines[start + 1] == "  cases make it PASS"
    assert lines[3:5] == [
        "gpt-5-mini-2026-01-01 + gpt-5, replayed, recorded 2026-11-22: ticket-labels",
        "m, replayed, recorded 2026-11-22: ticket-urgency",
    ]


def missing(**changes: Any) -> Any:
    return suite_result(**{"verdict": None, "unrecorded": 15, **changes})


MISSES = {"prompt changed": 1_100, "tool schema": 1_000, "one more call": 100, "other endpoint": 9}


def test_what_is_in_no_recording_is_told_with_one_command_for_all() -> None:
    lines = lines_of(
        missing(),
        missing(feature="b", unrecorded=1),
        note="gates not written",
        misses={"one more call": 1, "prompt changed": 16},
    )

    assert lines[-5:] == [
        "gate triage: not judged; 15 cases got no answer",
        "gate b: not judged; 1 case got no answer",
        "17 requests are in no recording: prompt changed 16, one more call 1",
        "record what is missing with: pytest --llm-eval --llm-record=new_episodes",
        "gates not written",
    ]


@pytest.mark.parametrize("others", [["--llm-swap=gpt-5-mini=gpt-5-nano"], ["--llm-model=m"] * 9])
def test_a_command_that_records_is_broken_as_the_shell_allows(others: list[str]) -> None:
    lines = lines_of(missing(), misses={"order": 1}, options=("--llm-eval", *others))
    start = next(number for number, line in enumerate(lines) if line.startswith("record what"))

    command = "\n".join(lines[start:]).removeprefix("record what is missing with: ")

    assert max(map(width, lines)) <= 80
    assert len(lines) > start + 1
    assert shlex.split(command.replace("\\\n", "")) == [
        "pytest",
        "--llm-eval",
        "--llm-record=new_episodes",
        *others,
    ]


def test_ten_suites_without_recordings_take_25_lines_too() -> None:
    suites = [missing(feature=f"f{number}", models=(f"m{number}",)) for number in range(10)]

    lines = lines_of(
        *suites,
        options=("--llm-eval", "--llm-swap=gpt-5-mini=gpt-5-nano"),
        note="gates not written: not every case ran",
        notes=("a note",),
    )

    assert len(lines) <= 25
    assert sum(line.startswith("gate f") for line in lines) == 10


def test_a_command_that_is_too_wide_is_broken_as_the_shell_allows() -> None:
    nodeid = f"tests/{'integration/' * 6}test_it.py::test_labels[a 'quoted' id]"
    lines = lines_of(suite_result(), cases=(case_result(outcome="miss", nodeid=nodeid),))
    start = next(number for number, line in enumerate(lines) if "pytest --llm-eval" in line)
    end = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))

    command = "\n".join(lines[start : end + 1])

    assert max(map(width, lines)) <= 80
    assert shlex.split(command.replace("\\\n", "")) == ["pytest", "--llm-eval", nodeid]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_a_broken_command_is_one_argument_to_a_real_shell() -> None:
    import subprocess

    nodeid = f"tests/{'integration/' * 8}test_it.py::test_labels[a 'quoted' $id]"
    lines = lines_of(suite_result(), cases=(case_result(outcome="miss", nodeid=nodeid),))
    start = next(number for number, line in enumerate(lines) if "pytest --llm-eval" in line)
    end = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))
    script = "\n".join(lines[start : end + 1]).replace("pytest --llm-eval", "printf %s@")

    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert shown == f"{nodeid}@"


def many_suites() -> View:
    suites = [
        suite_result(feature=f"feature-{number}", test=f"t.py::test_{number}", verdict=verdict)
        for number, verdict in enumerate([PASS, FAIL, UNSURE, None])
    ]
    cases = (case_result(suite="t.py::test_1", outcome="miss", why=f"{HOSTILE} gate : open"),)
    return make_view(run_result(*suites, cases=cases), [f"note {HOSTILE}"])


def test_colour_adds_nothing_but_colour() -> None:
    view = many_suites()

    coloured = render(view, gates_note="gates not written", colour=True)

    assert [ANSI.sub("", line) for line in coloured] == render(
        view, gates_note="gates not written", colour=False
    )


def test_verdicts_and_gates_have_their_colours_and_nothing_else_has() -> None:
    lines = render(many_suites(), gates_note="", colour=True)

    assert [line for line in lines if "\x1b" in line] == [
        line
        for line in lines
        if line.startswith(("feature-", "gate ")) and "misses" not in line and "miss in" not in line
    ]
    assert " \x1b[32mPASS\x1b[0m " in lines[1]
    assert " \x1b[31mFAIL\x1b[0m " in lines[2]
    assert " \x1b[33mINCONCLUSIVE\x1b[0m " in lines[3]
    assert " \x1b[33mpartial\x1b[0m " in lines[4]
    assert "gate feature-1: \x1b[31mclosed\x1b[0m; the score is below the threshold" in lines
    assert "gate feature-3: \x1b[33mnot judged\x1b[0m; only 220 of 220 cases ran" in lines


def test_a_name_that_reads_like_a_state_takes_no_colour_from_it() -> None:
    view = make_view(run_result(suite_result(feature="x: open", verdict=FAIL)), [])

    lines = render(view, gates_note="", colour=True)

    assert lines[-1] == "gate x: open: \x1b[31mclosed\x1b[0m; the score is below the threshold"


def test_a_name_that_reads_like_a_verdict_takes_no_colour_from_it() -> None:
    view = make_view(run_result(suite_result(feature="a FAIL b", verdict=FAIL)), [])

    assert render(view, gates_note="", colour=True)[1].startswith("a FAIL b ")


@pytest.mark.parametrize(
    ("suites", "line"),
    [
        (
            [suite_result()],
            "llmprod: triage 206/220 93.6% [89.6, 96.2] INCONCLUSIVE; gates: 1 open",
        ),
        (
            [
                suite_result(feature="a", verdict=PASS),
                suite_result(feature="b", verdict=FAIL),
                suite_result(feature="c", verdict=PASS),
                suite_result(feature="d", verdict=None),
            ],
            "llmprod: 2 PASS, 1 FAIL, 1 partial; gates: 2 open, 1 closed, 1 not judged",
        ),
        (
            [suite_result(cases=4, hits=8.0, repeats=Repeats(count=3))],
            "llmprod: triage 8/(4x3) 93.6% [89.6, 96.2] INCONCLUSIVE; gates: 1 open",
        ),
        (
            [suite_result(feature="a-long-feature-name-" * 8, verdict=FAIL)],
            "llmprod: a-long-feature-name... 206/220 93.6% [89.6, 96.2] FAIL; gates: 1 closed",
        ),
    ],
)
def test_quiet_is_one_line(suites: list[Any], line: str) -> None:
    view = make_view(run_result(*suites), [])

    found = render_quiet(view)

    assert found == [line]
    assert width(line) <= 80


def test_quiet_takes_a_second_line_rather_than_lose_a_count() -> None:
    verdicts = [PASS, FAIL, UNSURE, None]
    suites = [suite_result(feature=f"f{n}", verdict=each) for n, each in enumerate(verdicts)]
    nothing = suite_result(feature="f4", verdict=None, unrecorded=220)

    assert render_quiet(make_view(run_result(*suites, nothing), [])) == [
        "llmprod: 1 PASS, 1 FAIL, 1 INCONCLUSIVE, 1 partial, 1 not judged; gates: 2 open,",
        "  1 closed, 2 not judged",
        "the tests that got no answer say how to mend it",
    ]


@pytest.mark.parametrize("suites", [1, 10])
def test_a_long_name_is_cut_and_no_count(suites: int) -> None:
    name = "a-long-feature-name-" * 6
    results = [
        suite_result(feature=f"{n}-{name}", test=f"t{n}.py::test", verdict=None, unrecorded=1_234)
        for n in range(suites)
    ]
    cases = tuple(
        case_result(suite=each.test, nodeid=f"{each.test}[{n}]", id=str(n), outcome=outcome)
        for each in results
        for n, outcome in enumerate(["miss", "miss", "error"])
    )

    lines = lines_of(*results, cases=cases)

    assert max(map(width, lines)) <= 80
    broken = [line for line in lines if "2 misses and 1 error in 220" in line]
    assert broken
    assert broken[0].startswith("0-a-long-feature-")
    gates = [line for line in lines if line.startswith("gate ")]
    assert len(gates) == suites
    assert all(line.endswith("...: not judged; 1,234 cases got no answer") for line in gates)


ANY_TEXT = st.text(st.characters(), max_size=120)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=10, unique=True),
    ANY_TEXT,
    st.sampled_from([PASS, FAIL, UNSURE, None]),
)
def test_whatever_names_and_models_say_the_summary_keeps_its_frame(
    names: list[tuple[str, str]], said: str, verdict: Any
) -> None:
    suites = [
        suite_result(feature=name, test=f"t.py::{number}", models=(model,), verdict=verdict)
        for number, (name, model) in enumerate(names)
    ]
    cases = [
        case_result(suite=each.test, nodeid=f"{each.test}[{said}]", outcome="error", why=said)
        for each in suites
    ]
    view = make_view(run_result(*suites, cases=tuple(cases)), [said])

    lines = render(view, gates_note=said, colour=False)

    assert len(lines) <= 25
    assert max(map(width, lines)) <= 80
    assert all(len(line.splitlines()) <= 1 and line.isprintable() for line in lines)
    assert [ANSI.sub("", line) for line in render(view, gates_note=said, colour=True)] == lines
    (quiet,) = render_quiet(view)
    assert width(quiet) <= 80
    assert quiet.isprintable()


LONG = "doubling-of-words-in-the-customer-portal-of-the-northern-region"
MODELS = ("gpt-5-mini", "gpt-5-nano-with-a-very-long-name-2026-01-01")


def of_models(**changes: Any) -> list[Any]:
    """The suite of a long name under two models."""
    return [
        suite_result(feature=LONG, test=f"t.py::test[{model}]", model=model, **changes)
        for model in MODELS
    ]


def gates_of_models(**changes: Any) -> list[str]:
    result = replace(run_result(*of_models(**changes), models=MODELS), swaps=(swap_of(),))
    lines: list[str] = render(make_view(result, ()), gates_note="", colour=False)
    assert max(map(width, lines)) <= 80
    start = next(n for n, line in enumerate(lines) if line.startswith("gate "))
    return lines[start:]


def test_a_gate_of_a_long_name_and_model_says_all_in_its_line() -> None:
    lines = gates_of_models()

    assert len(lines) == 2
    assert len(set(lines)) == 2
    for line in lines:
        assert line.endswith(": open; 93.6% reaches 90%, about 42 more cases make it PASS")


def test_where_one_line_of_a_gate_would_lose_a_figure_it_takes_two() -> None:
    advice = "only PASS opens it at look 2 of the same requests; about 1,042 more cases are needed"

    lines = gates_of_models(verdict=replace(UNSURE, advice=advice))

    assert len(lines) == 4
    assert " ".join(line.strip() for line in lines).count("about 1,042 more cases are needed") == 2


def test_a_gate_that_would_only_lose_words_stays_one_line() -> None:
    advice = "90.0% reaches 90%, too close for more cases to decide"

    assert len(gates_of_models(verdict=replace(UNSURE, advice=advice))) == 2


def test_a_weak_tag_of_a_long_name_keeps_its_figures() -> None:
    part = Slice(tag="a-tag-" * 20, cases=6, hits=3, score=0.5, interval=(0.115, 0.885))
    suites = of_models(slices=(part, replace(part, tag="b")))

    text = " ".join(line.strip() for line in lines_of(*suites))

    assert text.count("is below 90%: 50.0% of 6 [11.5, 88.5]; 1 other tag too") == 2


def drilled(features: int) -> RunResult:
    """A run in which each of some features showed six weaknesses."""
    drills = [
        drill_result(feature=f"f{number}", fault=f"fault-{kind}", findings=((kind, "it did"),))
        for number in range(features)
        for kind in WEAKNESSES[:6]
    ]
    return run_result(*(suite_result(feature=f"f{n}") for n in range(3)), drills=tuple(drills))


@pytest.mark.parametrize("features", [1, 2, 3, 9, 30])
def test_a_summary_with_drills_takes_25_lines_too(features: int) -> None:
    result = drilled(features)

    lines = render_with_drills(
        make_view(result, []), result, overdue=["overdue: chat"], colour=False
    )

    assert len(lines) < 25
    assert max(map(width, lines)) <= 80
    assert lines[-1] == "overdue: chat"
    assert [line for line in lines if line.startswith("drills of f0: survived 0 of 6")]
    told = sum(line.startswith("drills of ") for line in lines)
    more = [line for line in lines if line.endswith("more features")]
    assert (
        told == features if not more else more == [f"and drills of {features - told} more features"]
    )


def test_drills_alone_are_told_in_the_lines_of_a_summary() -> None:
    lines = render_drills(drilled(4))

    assert len(lines) <= 25
    assert lines[:3] == [
        "drills of f0: survived 0 of 6 faults",
        f"  {WEAKNESSES[0]} (1): fault-{WEAKNESSES[0]}: it did",
        f"  {WEAKNESSES[1]} (1): fault-{WEAKNESSES[1]}: it did",
    ]
    assert [line for line in lines if line.endswith("kinds of weakness")] == [lines[3]] * 4
    assert sum(line.startswith("failure modes of ") for line in lines) == 4


def test_drills_that_fit_are_told_whole() -> None:
    result = run_result(drills=(drill_result(),))

    assert render_drills(result)[0] == "drills of triage: survived 1 of 1 fault"
    assert [line for line in render_drills(result) if line.startswith("failure modes of")]


def two_features(*models: str, **changes: Any) -> RunResult:
    """Two features from `llmprod init`, each with three budgets and a closed gate a model."""
    suites, cases, budgets, months = [], [], [], []
    for name, model in itertools.product(("mail", "museum"), models or ("",)):
        test = f"tests/test_{name}_eval.py::test_answers"
        suites.append(
            suite_result(feature=name, test=test, models=(model or f"of-{name}",), verdict=FAIL)
        )
        cases.append(case_result(suite=test, nodeid=f"{test}[{name}-1]", id=name, outcome="miss"))
        for text, verdict in (("cost < 1", "PASS"), ("p95(latency) < 1s", "INCONCLUSIVE")):
            nodeid = f"{test}::budget[{text}]"
            values = {"nodeid": nodeid, "budget": text, "verdict": verdict, "model": model}
            budgets.append(budget_result(name="test_answers", **values))
        budgets.append(budget_result(nodeid="llmprod", scope="feature", name=name, model=model))
        months.append(month_result(feature=name, model=model, requests_per_month=12_345_678))
    return run_result(
        *suites,
        cases=tuple(cases),
        budgets=tuple(budgets),
        months=tuple(months),
        drills=tuple(drill_result(feature=name) for name in ("mail", "museum")),
        **changes,
    )


def with_drills(result: RunResult) -> list[str]:
    return render_with_drills(make_view(result, []), result, overdue=[], colour=False)


def test_budgets_leave_room_for_what_missed_in_each_suite() -> None:
    lines = with_drills(two_features())

    assert "budgets: 4 PASS, 2 INCONCLUSIVE" in lines
    for name in ("mail", "museum"):
        assert f"{name}: 1 miss in 220; run the first alone with:" in lines
        assert f"  pytest --llm-eval 'tests/test_{name}_eval.py::test_answers[{name}-1]'" in lines
        assert f"  {name}" in lines
    assert len(lines) < 25


def test_budgets_leave_room_for_comparisons() -> None:
    swaps = tuple(swap_of(feature=name) for name in ("mail", "museum"))

    lines = with_drills(two_features("gpt-5-mini-2025-08-07", "gpt-5-nano-2025-08-07", swaps=swaps))

    assert [line.split()[0] for line in lines if "points" in line] == ["mail", "museum"]
    assert len(lines) < 25


def test_budgets_of_tests_with_one_name_say_of_which_file() -> None:
    lines = render_budgets(budget_rows(two_features().budgets), [], colour=False)

    assert lines[0] == "budgets of tests/test_mail_eval.py::test_answers: 1 PASS, 1 INCONCLUSIVE"
    assert lines[1] == "budgets of mail: 1 PASS"


def test_budgets_that_find_no_room_are_counted_in_a_line() -> None:
    rows = budget_rows(two_features().budgets)

    lines = render_budgets(rows, [], colour=False, room=3)

    assert lines == ["budgets: 4 PASS, 2 INCONCLUSIVE", "and 2 more texts on budgets and months"]


def test_the_first_budget_that_fails_is_named_also_where_there_is_little_room() -> None:
    rows = [
        replace(row, verdict="FAIL", reason="it is " + "far " * 20 + "more")
        for row in budget_rows(two_features().budgets)
    ]

    lines = render_budgets(rows, [], colour=False, room=3)

    assert lines[0] == "budgets: 6 FAIL"
    assert lines[1].startswith(f"FAIL {rows[0].budget} of ")
    assert lines[1].endswith("...")
    assert lines[2] == "and 5 more texts on budgets and months"

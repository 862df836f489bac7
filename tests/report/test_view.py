from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import FAIL, PASS, UNSURE, case_result, run_result, suite_result

from pytest_llmprod.core.results import CaseRate, CaseResult, Look, Repeats, Slice, SuiteResult
from pytest_llmprod.core.text import printable
from pytest_llmprod.report.amounts import cost_text, plural, seconds_text
from pytest_llmprod.report.broken import Broken
from pytest_llmprod.report.suite_rows import SuiteRow
from pytest_llmprod.report.unanswered import record_command
from pytest_llmprod.report.view import View, make_view


def view_of(*suites: Any, **keywords: Any) -> View:
    return make_view(run_result(*suites, **keywords), [])


def test_a_suite_is_one_row_of_text() -> None:
    view = view_of(suite_result())

    assert view.suites == (
        SuiteRow(
            name="triage",
            cases="220",
            hits="206",
            score="93.6%",
            interval="[89.6, 96.2]",
            confidence="95%",
            threshold="90%",
            verdict="INCONCLUSIVE",
            cost="$0.0277",
            p95="34 ms",
            colour="yellow",
        ),
    )


@pytest.mark.parametrize(
    ("verdict", "name", "colour"),
    [
        (PASS, "PASS", "green"),
        (FAIL, "FAIL", "red"),
        (UNSURE, "INCONCLUSIVE", "yellow"),
        (None, "partial", "yellow"),
    ],
)
def test_each_verdict_has_its_colour(verdict: Any, name: str, colour: str) -> None:
    (row,) = view_of(suite_result(verdict=verdict)).suites

    assert (row.verdict, row.colour) == (name, colour)


@pytest.mark.parametrize(
    ("suites", "names"),
    [
        ([("a", "t.py::test_x", "passed"), ("b", "t.py::test_y", "passed")], ["a", "b"]),
        (
            [("a", "t.py::test_x", "exact"), ("a", "t.py::test_x", "contains")],
            ["a: exact", "a: contains"],
        ),
        (
            [("a", "t.py::test_x", "passed"), ("a", "t.py::test_y", "passed")],
            ["a: test_x", "a: test_y"],
        ),
        (
            [
                ("a", "t.py::test_x", "exact"),
                ("a", "t.py::test_x", "contains"),
                ("a", "t.py::test_y", "exact"),
            ],
            ["a: test_x exact", "a: test_x contains", "a: test_y"],
        ),
    ],
)
def test_a_suite_is_named_by_what_tells_it_from_the_others(
    suites: list[tuple[str, str, str]], names: list[str]
) -> None:
    results = [suite_result(feature=f, test=test, metric=metric) for f, test, metric in suites]

    assert [row.name for row in view_of(*results).suites] == names


@pytest.mark.parametrize(
    ("cost", "unpriced", "requests", "text"),
    [
        ("0", 0, 0, "-"),
        ("0", 3, 3, "unpriced"),
        ("0", 1, 3, "unpriced"),
        ("0", 0, 3, "$0.0000"),
        ("0.00001", 0, 3, "<$0.0001"),
        ("0.00001", 1, 3, "<$0.0001+?"),
        ("0.0277", 0, 3, "$0.0277"),
        ("0.0277", 1, 3, "$0.0277+?"),
        ("0.99999", 0, 3, "$1.00"),
        ("12.346", 0, 3, "$12.35"),
    ],
)
def test_a_cost_reads_as_what_it_is(cost: str, unpriced: int, requests: int, text: str) -> None:
    assert cost_text(Decimal(cost), unpriced, requests) == text


@given(st.decimals(0, 1000, places=9), st.integers(1, 50), st.integers(0, 50))
def test_an_unpriced_request_never_reads_as_nothing(
    cost: Decimal, unpriced: int, priced: int
) -> None:
    text = cost_text(cost if priced else Decimal(0), unpriced, unpriced + priced)

    assert text == "unpriced" or text.endswith("+?")
    assert not text.startswith(("$0.0000", "$0.00+"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0 ms"),
        (0.0336, "34 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (1.0, "1.00 s"),
        (75.128, "75.13 s"),
    ],
)
def test_a_duration_changes_its_unit_at_one_second(seconds: float | None, text: str) -> None:
    assert seconds_text(seconds) == text


def test_one_source_of_all_answers_names_no_suite() -> None:
    view = view_of(suite_result(), suite_result(feature="b"))

    assert view.sources == ("gpt-5-mini, replayed, recorded 2026-11-22",)


@pytest.mark.parametrize(
    ("models", "named"),
    [
        (("a",), "a"),
        (("b", "a"), "a and b"),
        (("d", "b", "c", "a"), "a, b and 2 more"),
        (("m" * 40,), "m" * 27 + "..."),
    ],
)
def test_models_that_have_no_price_are_named(models: tuple[str, ...], named: str) -> None:
    view = view_of(
        suite_result(unpriced=4, unpriced_models=models),
        suite_result(test="t", source="outputs file", unpriced=220, unpriced_models=("z",)),
    )

    assert view.gaps[0] == (
        f"unpriced: {named}; run llmprod prices lock, or add prices to llmprod.prices.toml by hand"
    )


def test_requests_that_tell_no_usage_are_counted_once_a_test() -> None:
    view = view_of(
        suite_result(without_usage=2, metric="exact"), suite_result(without_usage=2), options=()
    )

    assert view.gaps[0] == "2 requests tell no usage: what they cost is not known"


def test_a_suite_that_asked_nothing_for_want_of_recordings_has_no_source() -> None:
    view = view_of(
        suite_result(verdict=None, unrecorded=8, requests=0, models=(), source="no requests")
    )

    assert view.sources == ()


def test_a_suite_that_nobody_answered_has_no_source_no_cost_and_no_latency() -> None:
    view = view_of(
        suite_result(
            verdict=None, cases=8, unrecorded=8, requests=8, cost_usd=Decimal(0), source="live"
        )
    )

    assert view.sources == ()
    assert (view.suites[0].cost, view.suites[0].p95) == ("-", "-")


def test_a_cost_is_told_although_nobody_answered_in_time() -> None:
    nothing = {"verdict": None, "cases": 8, "unrecorded": 8, "requests": 8, "source": "live"}

    (paid,) = view_of(suite_result(**nothing)).suites
    (timed_out,) = view_of(suite_result(**nothing, cost_usd=Decimal(0), without_usage=8)).suites

    assert (paid.cost, timed_out.cost) == ("$0.0277", "no usage")


def test_a_suite_of_which_nothing_is_recorded_has_no_score() -> None:
    (row,) = view_of(suite_result(verdict=None, cases=8, unrecorded=8, hits=0.0)).suites

    assert (row.score, row.interval, row.verdict) == ("-", "-", "not judged")


def test_a_suite_of_which_a_part_is_recorded_is_partial() -> None:
    (row,) = view_of(suite_result(verdict=None, cases=8, unrecorded=7)).suites

    assert (row.score, row.verdict) == ("93.6%", "partial")


def test_errors_for_want_of_a_recording_are_not_to_be_run_alone() -> None:
    cases = (
        case_result(id="a", outcome="error", unrecorded=True),
        case_result(id="b", outcome="miss", why="was spam"),
    )

    (broken,) = view_of(suite_result(unrecorded=1, verdict=None), cases=cases).broken

    assert broken.cases == (("b", "was spam"),)
    assert broken.counts == "1 miss in 219 answers"
    assert view_of(suite_result(), cases=cases[:1]).broken == ()


def test_an_objection_to_the_whole_run_leaves_no_gate_judged_and_no_case_to_run() -> None:
    cases = (case_result(outcome="miss"), case_result(id="b", outcome="error"))

    view = view_of(
        suite_result(verdict=None), cases=cases, objection="--llm-swap a=b met no request"
    )

    assert view.broken == ()

    assert view.gates == (("triage", "not judged", ""),)
    assert view.suites[0].verdict == "not judged"


def test_a_source_is_told_once_with_the_oldest_day_and_its_suites() -> None:
    view = view_of(
        suite_result(recorded_at="2026-11-22T16:07:52Z"),
        suite_result(feature="b", recorded_at="2026-10-01T00:00:00Z"),
        suite_result(feature="b2", recorded_at="2026-11-01T00:00:00Z"),
        suite_result(feature="c", models=("m", "n"), source="partly live"),
        suite_result(feature="d", models=("m",), source="live", recorded_at="2026-11-22"),
        suite_result(feature="e", models=(), source="outputs file", recorded_at=""),
    )

    assert view.sources == (
        "gpt-5-mini, replayed, recorded 2026-10-01: triage, b, b2",
        "m + n, partly live, recorded 2026-11-22: c",
        "m, live: d",
        "no model, outputs file: e",
    )


def test_what_broke_is_told_by_suite_errors_first() -> None:
    cases = (
        case_result(id="b", outcome="miss", why="was spam"),
        case_result(id="hit"),
        case_result(id="skip", outcome="skip"),
        case_result(id="a", outcome="miss", why="was billing"),
        case_result(id="z", outcome="error", why="KeyError", nodeid="test_triage.py::t[z]"),
    )

    (broken,) = view_of(suite_result(), cases=cases).broken

    assert broken == Broken(
        suite="test_triage.py::test_labels",
        name="triage",
        counts="2 misses and 1 error in 220",
        cases=(("z", "KeyError"), ("a", "was billing"), ("b", "was spam")),
        command=("pytest", "--llm-eval", "test_triage.py::t[z]"),
    )


def low(id: str, outcome: str = "hit", **scores: float) -> CaseResult:
    return case_result(id=id, outcome=outcome, scores=scores, whys={"f1": "no 'post'"})


def test_low_scores_are_told_after_misses_the_lowest_first() -> None:
    cases = (
        low("d", f1=0.25, exact=0.5),
        low("b", f1=0.5, exact=0.0),
        low("c", f1=1.0, exact=1.0),
        low("a", outcome="skip", f1=0.0),
        low("e", outcome="miss", f1=0.0),
        low("f", f1=0.25),
    )
    suites = [suite_result(metric="f1", verdict=FAIL), suite_result(metric="exact")]

    (broken,) = view_of(*suites, cases=cases).broken

    assert broken.name == "triage"
    assert broken.counts == "1 miss and 3 scores below 1 in 220"
    assert broken.cases == (
        ("e", ""),
        ("b", "exact 0.00"),
        ("d", "f1 0.25: no 'post'"),
        ("f", "f1 0.25: no 'post'"),
    )


@pytest.mark.parametrize(
    ("verdict", "number"), [(PASS, 0), (UNSURE, 1), (FAIL, 1), (None, 1)], ids=str
)
def test_low_scores_are_told_unless_their_suite_passes(verdict: Any, number: int) -> None:
    suites = [suite_result(metric="f1", verdict=verdict), suite_result(metric="exact")]

    assert len(view_of(*suites, cases=(low("a", f1=0.9),)).broken) == number


def test_errors_misses_and_low_scores_are_counted() -> None:
    cases = (low("a", f1=0.9), low("b", outcome="miss"), low("c", outcome="error"))

    (broken,) = view_of(suite_result(metric="f1"), cases=cases).broken

    assert broken.counts == "1 miss, 1 error and 1 score below 1 in 220"


def test_nothing_broke_where_every_case_hit() -> None:
    assert view_of(suite_result(), cases=(case_result(),)).broken == ()


@pytest.mark.parametrize(
    ("verdicts", "gate"),
    [
        ([PASS], ("triage", "open", "")),
        ([UNSURE], ("triage", "open", UNSURE.advice)),
        ([PASS, UNSURE], ("triage", "open", UNSURE.advice)),
        ([UNSURE, FAIL], ("triage", "closed", "the score is below the threshold")),
        ([PASS, None], ("triage", "not judged", "only 290 of 440 cases ran")),
        ([FAIL, None], ("triage", "not judged", "only 290 of 440 cases ran")),
    ],
)
def test_a_gate_is_told_by_what_decides_it(verdicts: list[Any], gate: tuple[str, ...]) -> None:
    suites = [
        suite_result(test=f"t.py::test_{number}", verdict=verdict)
        if verdict
        else suite_result(test=f"t.py::test_{number}", verdict=None, cases=70)
        for number, verdict in enumerate(verdicts)
    ]

    assert view_of(*suites).gates == (gate,)


MISSING = "record what is missing with: "
CLOSED_BY_B = {"triage": {"enabled": False, "test": "t.py::test_b"}}


def test_a_gate_that_an_earlier_run_closed_is_closed_and_names_the_test() -> None:
    (gate,) = view_of(suite_result(verdict=PASS), gates=CLOSED_BY_B).gates

    assert gate == ("triage", "closed", "closed by t.py::test_b of an earlier run")


def test_a_gate_that_this_run_closed_is_told_by_this_run() -> None:
    (gate,) = view_of(suite_result(verdict=FAIL), gates=CLOSED_BY_B).gates

    assert gate == ("triage", "closed", FAIL.advice)


def test_a_gate_whose_recordings_are_too_old_for_it_is_closed() -> None:
    gates = {"triage": {"enabled": True, "valid_until": "2026-11-21T00:00:00+00:00"}}

    (gate,) = view_of(suite_result(verdict=PASS), gates=gates).gates

    assert gate == (
        "triage",
        "closed",
        "its recordings are too old; renew them with --llm-record=rewrite",
    )


def test_a_gate_that_is_open_in_the_file_keeps_its_advice() -> None:
    gates = {"triage": {"enabled": True, "test": "t.py::test_b"}}

    assert view_of(suite_result(), gates=gates).gates == (("triage", "open", UNSURE.advice),)


@pytest.mark.parametrize(
    ("verdict", "skipped", "why"),
    [
        (PASS, 1, "1 case skipped"),
        (UNSURE, 3, f"3 cases skipped; {UNSURE.advice}"),
        (None, 3, "3 cases skipped; only 203 of 220 cases ran"),
    ],
)
def test_skipped_cases_are_told_with_the_gate(verdict: Any, skipped: int, why: str) -> None:
    suites = [
        suite_result(verdict=verdict, cases=200, skipped=skipped, metric=metric)
        for metric in ("exact", "contains")
    ]

    assert [gate[2] for gate in view_of(*suites).gates] == [why]


@pytest.mark.parametrize(
    ("unrecorded", "why"),
    [(1, "1 case got no answer"), (15, "15 cases got no answer")],
)
def test_a_gate_without_recordings_is_not_judged(unrecorded: int, why: str) -> None:
    suites = [
        suite_result(verdict=None, unrecorded=unrecorded, metric=metric)
        for metric in ("exact", "contains")
    ]

    view = view_of(*suites, options=("--llm-eval", "--llm-swap=a=b"))

    assert view.gates == (("triage", "not judged", why),)
    assert view.missing.commands == ()
    assert view.missing.texts == ("the tests that got no answer say how to mend it",)


@pytest.mark.parametrize(
    ("misses", "texts"),
    [
        ({}, ()),
        ({"order": 1}, ("1 request is in no recording: order 1",)),
        (
            {"one more call": 1, "order": 1, "prompt changed": 11},
            ("13 requests are in no recording: prompt changed 11, one more call 1, order 1",),
        ),
        ({"too old": 1}, ("1 recording is too old to be played",)),
        ({"unplayed": 2}, ("2 tests did not play all of their recordings",)),
        (
            {"too old": 2, "order": 1},
            ("1 request is in no recording: order 1", "2 recordings are too old to be played"),
        ),
    ],
)
def test_misses_are_counted_the_most_frequent_kind_first(
    misses: dict[str, int], texts: tuple[str, ...]
) -> None:
    assert view_of(suite_result(), misses=misses).missing.texts == texts


OLD = "record what is too old with: "
LEFT = "drop what is not played with: "


@pytest.mark.parametrize(
    ("misses", "modes"),
    [
        ({"too old": 3}, {OLD: "rewrite"}),
        ({"unplayed": 3}, {LEFT: "new_episodes"}),
        ({"order": 1, "unplayed": 3}, {MISSING: "new_episodes"}),
        ({"order": 1}, {MISSING: "new_episodes"}),
        ({"no cassette": 2}, {MISSING: "once"}),
        ({"case not recorded": 2, "model": 1, "repeat not recorded": 1}, {MISSING: "once"}),
        ({"case not recorded": 2, "order": 1}, {MISSING: "new_episodes"}),
        ({"order": 1, "too old": 3}, {MISSING: "new_episodes", OLD: "rewrite"}),
    ],
)
def test_the_command_is_the_one_that_mends(misses: dict[str, int], modes: dict[str, str]) -> None:
    view = view_of(suite_result(verdict=None, unrecorded=3), misses=misses)

    assert view.missing.commands == tuple(
        (lead, ("pytest", "--llm-eval", f"--llm-record={mode}")) for lead, mode in modes.items()
    )


CASE = "rename the case, or record it with: "
MOVE = ("cassettes/test_a/test_old.m.json", "cassettes/test_a/test_new.m.json")


@pytest.mark.parametrize(
    ("misses", "modes"),
    [
        ({"test renamed": 3}, {}),
        ({"test renamed": 3, "order": 1}, {MISSING: "new_episodes"}),
        ({"case renamed": 3}, {CASE: "once"}),
        ({"test renamed": 3, "case renamed": 2}, {CASE: "once"}),
        ({"test renamed": 3, "case renamed": 2, "no cassette": 1}, {MISSING: "once"}),
        ({"test renamed": 2, "too old": 1}, {OLD: "rewrite"}),
    ],
)
def test_what_was_renamed_is_not_to_be_recorded(
    misses: dict[str, int], modes: dict[str, str]
) -> None:
    moves = (MOVE,) if "test renamed" in misses else ()

    view = view_of(suite_result(verdict=None, unrecorded=3), misses=misses, moves=moves)

    assert view.missing.moves == tuple(("mv", *move) for move in moves)
    assert view.missing.commands == tuple(
        (lead, ("pytest", "--llm-eval", f"--llm-record={mode}")) for lead, mode in modes.items()
    )


AGAIN = "once that is mended, ask again with: "


@pytest.mark.parametrize("record", ["once", "all", "rewrite", "verify"])
def test_what_nobody_answered_is_asked_again_in_the_same_mode(record: str) -> None:
    view = view_of(
        suite_result(verdict=None, unrecorded=3), outages={"ConnectError": 5}, record=record
    )

    assert view.missing.texts == ("5 tests got no answer: ConnectError",)
    assert view.missing.commands == ((AGAIN, ("pytest", "--llm-eval", f"--llm-record={record}")),)


def test_several_reasons_of_an_outage_are_counted() -> None:
    view = view_of(outages={"status 429": 1, "ConnectError": 2}, misses={"order": 1}, record="once")

    assert view.missing.texts == (
        "3 tests got no answer: ConnectError 2, status 429 1",
        "1 request is in no recording: order 1",
    )
    assert [words[2] for _, words in view.missing.commands] == [
        "--llm-record=once",
        "--llm-record=new_episodes",
    ]


def test_of_cases_that_a_recording_run_left_out_a_failure_of_its_own_tells_the_cure() -> None:
    """Neither a miss nor an outage was counted, so what it says is all that is known."""
    view = view_of(suite_result(verdict=None, unrecorded=3), record="rewrite")

    assert view.missing.commands == ()


@pytest.mark.parametrize(
    ("refused", "text"), [(1, "1 request was refused by"), (12, "12 requests were refused by")]
)
def test_what_must_not_leave_is_not_to_be_recorded(refused: int, text: str) -> None:
    view = view_of(suite_result(verdict=None, unrecorded=refused), refused=refused)

    mend = "[tool.llmprod.wire] in pyproject.toml: mend what the tests above name"
    assert view.missing.texts == (f"{text} {mend}",)
    assert view.missing.commands == ()


def test_what_is_missing_beside_what_must_not_leave_is_to_be_recorded() -> None:
    view = view_of(suite_result(verdict=None, unrecorded=2), refused=1, misses={"order": 1})

    assert len(view.missing.texts) == 2
    assert view.missing.commands == (
        (MISSING, ("pytest", "--llm-eval", "--llm-record=new_episodes")),
    )


def test_the_command_chooses_the_tests_that_this_run_chose() -> None:
    selection = ("-k", "one or two", "tests/evals")

    view = view_of(suite_result(), misses={"order": 1}, selection=selection)

    ((_, words),) = view.missing.commands
    assert words[-3:] == selection


def test_what_tests_that_are_no_evals_missed_is_to_be_recorded_too() -> None:
    view = view_of(suite_result(), misses={"model": 1}, options=("--llm-eval", "--llm-model=m"))

    assert view.missing.commands == (
        (MISSING, ("pytest", "--llm-eval", "--llm-record=once", "--llm-model=m")),
    )


def test_without_evals_none_are_asked_for() -> None:
    assert record_command("new_episodes", ["--llm-model=m"]) == (
        "pytest",
        "--llm-record=new_episodes",
        "--llm-model=m",
    )


def test_nothing_is_to_be_recorded_where_no_recording_is_missing() -> None:
    assert view_of(suite_result(verdict=None)).missing.commands == ()


ANY_TEXT = st.text(st.characters(), max_size=40)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_all_text_of_a_view_is_safe_to_print(feature: str, model: str, why: str, id: str) -> None:
    suite = suite_result(feature=feature, test=f"t.py::{id}", models=(model,), verdict=UNSURE)
    case = case_result(suite=suite.test, id=id, nodeid=f"t.py::{id}[{id}]", outcome="miss", why=why)

    view = make_view(run_result(suite, cases=(case,)), [why])

    texts = [
        view.suites[0].name,
        view.sources[0],
        view.broken[0].name,
        *view.broken[0].command,
    ]
    texts += [*view.broken[0].cases[0], *view.gates[0], *view.notes]
    for text in texts:
        assert text.strip() == printable(text)


def part(tag: str, score: float, high: float, cases: int = 40) -> Slice:
    return Slice(tag=tag, cases=cases, hits=score * cases, score=score, interval=(0.1, high))


def test_the_tag_that_is_most_surely_below_the_threshold_is_named() -> None:
    parts = (part("en", 0.95, 0.99), part("de", 0.5, 0.7), part("short", 0.4, 0.8))

    (line,) = view_of(suite_result(slices=parts)).slices

    assert line == "triage: tag de is below 90%: 50.0% of 40 [10.0, 70.0]; 1 other tag too"


def test_a_tag_that_may_have_had_bad_luck_is_not_named() -> None:
    parts = (part("de", 0.5, 0.9), part("rare", 0.0, 0.5, cases=4))

    assert view_of(suite_result(slices=parts)).slices == ()


def test_no_tag_is_named_where_the_suite_was_not_judged() -> None:
    assert view_of(suite_result(verdict=None, slices=(part("de", 0.5, 0.7),))).slices == ()


def test_a_hostile_tag_stays_on_its_line() -> None:
    (line,) = view_of(suite_result(slices=(part("\x1b[2J\n", 0.5, 0.7),))).slices

    assert "\x1b" not in line
    assert "\n" not in line


def repeated(**changes: Any) -> Repeats:
    values: dict[str, Any] = {"count": 3, "answers": 660, "pass_hat": {1: 0.9, 2: 0.85, 3: 0.82}}
    return Repeats(**{**values, **changes})


FLAKY = CaseRate(id="t-001", hits=1, answers=3)


def told(*suites: SuiteResult) -> tuple[str, ...]:
    return make_view(run_result(*suites), ()).repeats


def test_without_repeats_clusters_and_looks_there_is_nothing_more_to_tell() -> None:
    assert told(suite_result()) == ()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "pass^3 0.82"),
        ({"flaky": (FLAKY,)}, "pass^3 0.82; 1 flaky case"),
        ({"failing": ("a", "b")}, "pass^3 0.82; 2 failing cases"),
        ({"flaky": (FLAKY,) * 4, "failing": ("a",)}, "pass^3 0.82; 4 flaky, 1 failing case"),
    ],
)
def test_repeats_tell_flaky_cases_from_failing_ones(changes: Any, line: str) -> None:
    assert told(suite_result(repeats=repeated(**changes))) == (line,)


def test_clusters_and_looks_are_told_in_one_line() -> None:
    found = told(suite_result(is_clustered=True, look=Look(number=3)))

    assert found == (
        "interval clustered; look 3: recorded anew under a closed gate, interval widened",
    )


def test_of_several_suites_each_line_names_its_own() -> None:
    assert told(suite_result(), suite_result(feature="b", look=Look(number=2))) == (
        "b: look 2: recorded anew under a closed gate, interval widened",
    )


def test_what_was_not_judged_has_no_line() -> None:
    assert told(suite_result(repeats=repeated(), verdict=None)) == ()


def test_cases_with_repeats_are_shown_as_such() -> None:
    view = make_view(run_result(suite_result(repeats=repeated(), interval_confidence=0.99166)), ())

    assert (view.suites[0].cases, view.suites[0].confidence) == ("220x3", "99.17%")


def test_a_part_of_the_repeats_is_no_whole_suite() -> None:
    part = suite_result(repeats=repeated(answers=220), verdict=None)

    assert make_view(run_result(part), ()).gates == (
        ("triage", "not judged", "only 220 of 660 repeats ran"),
    )


def test_cases_with_repeats_stand_in_the_order_of_the_numbers_in_their_ids() -> None:
    cases = tuple(
        case_result(
            id=f"t-{n}", repeat=repeat, outcome="miss", nodeid=f"t[t-{n}#{repeat}]", why="no"
        )
        for n in (10, 9)
        for repeat in (1, 2)
    )
    suite = suite_result(repeats=repeated(answers=4))

    (broken,) = make_view(run_result(suite, cases=cases), ()).broken

    assert [case_id for case_id, _ in broken.cases] == ["t-9", "t-10"]


def test_a_flaky_case_is_named_once_after_those_that_fail() -> None:
    outcomes = {"t-1": "miss hit miss", "t-2": "hit hit hit", "t-3": "miss miss miss"}
    cases = tuple(
        case_result(id=case, repeat=number, outcome=outcome, nodeid=f"t[{case}#{number}]", why="no")
        for case, of_case in outcomes.items()
        for number, outcome in enumerate(of_case.split(), 1)
    )

    (broken,) = make_view(
        run_result(suite_result(repeats=repeated(answers=9)), cases=cases), ()
    ).broken

    assert broken.counts == "5 misses in 9 answers"
    assert broken.cases == (("t-3", "hit 0 of 3: no"), ("t-1", "hit 1 of 3: no"))
    assert broken.command == ("pytest", "--llm-eval", "t[t-3#1]")


def test_repeats_that_score_low_are_counted_as_low_and_not_as_hits() -> None:
    cases = tuple(
        case_result(repeat=number, outcome="hit", scores={"polite": score}, whys={"polite": "no"})
        for number, score in enumerate((0.0, 1.0, 0.0), 1)
    )
    suite = suite_result(metric="polite", verdict=None, repeats=repeated())

    (broken,) = make_view(run_result(suite, cases=cases), ()).broken

    assert broken.cases == (("t-001", "below 1 in 2 of 3: polite 0.00: no"),)


def test_the_cost_of_judges_is_told_for_each_model() -> None:
    suites = [
        suite_result(test=f"t[{model}]", model=model, judge_requests=3) for model in ("old", "new")
    ]

    told = [line for line, _ in make_view(run_result(*suites), ()).judges]

    assert [line.partition(":")[0] for line in told] == [
        "judges of triage old",
        "judges of triage new",
    ]


def test_a_repeat_without_an_answer_is_no_miss() -> None:
    cases = (
        case_result(repeat=1, outcome="miss", why="no"),
        case_result(repeat=2, outcome="error", unrecorded=True),
    )

    (broken,) = make_view(run_result(suite_result(repeats=repeated()), cases=cases), ()).broken

    assert broken.cases == (("t-001", "hit 0 of 1: no"),)
    assert broken.counts == "1 miss in 659 answers"


def test_cases_that_got_no_answer_say_in_how_many_of_their_repeats() -> None:
    suite = suite_result(repeats=repeated(unanswered=4), unrecorded=3, verdict=None)

    assert make_view(run_result(suite), ()).gates == (
        ("triage", "not judged", "3 cases got no answer in 4 of 660 repeats"),
    )


def test_a_number_of_four_digits_is_told_as_elsewhere() -> None:
    assert plural(1, "case lacks", "cases lack") == "1 case lacks"
    assert plural(1_200, "case lacks", "cases lack") == "1,200 cases lack"

"""What each line says of the facts that it rests on: failed, stale, or not to be judged."""

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pytest_llmprod.core.checklist import LEVELS, AuditLine
from pytest_llmprod.core.history import Row
from pytest_llmprod.handoff.audit import waivers
from pytest_llmprod.handoff.audit.answers import table_of
from pytest_llmprod.handoff.audit.facts import (
    AcceptedFact,
    BudgetFact,
    DatasetFact,
    Facts,
    GateFact,
    GatesFact,
    LogFact,
    ModelFact,
    PageFact,
    PricesFact,
    RecordingsFact,
)
from pytest_llmprod.handoff.audit.lines import LINES, NAMES
from pytest_llmprod.handoff.audit.marks import Mark
from pytest_llmprod.handoff.audit.runbook_file import Runbook
from pytest_llmprod.handoff.audit.waivers import Excuses, Waiver

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OPEN = GateFact(
    feature="f",
    is_open=True,
    why="",
    models=("m-1",),
    valid_until=NOW + timedelta(days=1),
    line=3,
)
DATA = DatasetFact(
    path="d.jsonl",
    cases=220,
    lock="d.lock",
    frozen_at=(NOW - timedelta(days=200), NOW - timedelta(days=10)),
)
RECORDED = RecordingsFact(
    feature="f", path="c.json", asked=("m-1",), answered=("m-1",), oldest=NOW - timedelta(days=9)
)


def mark(name: str = "llm_eval", **arguments: Any) -> Mark:
    return Mark(
        name=name,
        path="test_a.py",
        line=3,
        test="test_one",
        arguments={"feature": "f", "dataset": "d.jsonl", "threshold": 0.9, **arguments},
    )


def facts(**changed: Any) -> Facts:
    values: dict[str, Any] = {
        "now": NOW,
        "features": ("f",),
        "marks": (mark(),),
        "datasets": {"d.jsonl": DATA},
        "gates": GatesFact(path="llmprod-gates.json", run="r", gates={"f": OPEN}),
        "recordings": (RECORDED,),
        "log": LogFact(mode="all", retention_days=30),
        "page": PageFact(path="report.html"),
    }
    return Facts(**{**values, **changed})


def judged(name: str, excuses: Excuses = waivers.NO_EXCUSES, **changed: Any) -> AuditLine:
    found = waivers.audit(facts(**changed), excuses)
    return next(line for line in found.lines if line.id == name)


def row(days: float, **values: Any) -> Row:
    when = (NOW - timedelta(days=days)).isoformat()
    return Row(line=1, values={"feature": "f", "when": when, **values})


@pytest.mark.parametrize(
    ("cases", "status"),
    [(99, "failed"), (100, "passed"), (500, "passed"), (501, "failed")],
)
def test_a_data_set_has_100_to_500_cases(cases: int, status: str) -> None:
    data = replace(DATA, cases=cases)

    assert judged("dataset-size", datasets={"d.jsonl": data}).status == status


@pytest.mark.parametrize(
    ("days", "status"),
    [((), "not applicable"), ((1,), "failed"), ((366, 1), "failed"), ((365, 1), "passed")],
)
def test_a_data_set_is_frozen_twice_within_a_year(days: tuple[int, ...], status: str) -> None:
    frozen_at = tuple(NOW - timedelta(days=each) for each in days)
    data = replace(DATA, frozen_at=frozen_at, lock="d.lock" if days else "")

    assert judged("dataset-revised", datasets={"d.jsonl": data}).status == status


def test_a_data_set_that_differs_from_its_lock_is_not_frozen() -> None:
    line = judged("dataset-frozen", datasets={"d.jsonl": replace(DATA, problem="1 row added")})

    assert (line.status, line.says) == ("failed", "1 row added")


@pytest.mark.parametrize(
    ("threshold", "status"),
    [
        (0.9, "passed"),
        ({"exact": 0.8}, "passed"),
        (0, "failed"),
        (True, "failed"),
        (None, "failed"),
    ],
)
def test_a_threshold_is_above_0(threshold: Any, status: str) -> None:
    assert judged("threshold-set", marks=(mark(threshold=threshold),)).status == status


@pytest.mark.parametrize(("misses", "status"), [(0, "failed"), (1, "passed")])
def test_a_threshold_that_no_case_misses_may_not_be_able_to_fail(misses: int, status: str) -> None:
    accepted = AcceptedFact(path="b.json", misses={"f": misses}, cases={"f": 220})

    assert judged("threshold-fails", accepted=accepted).status == status


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "passed"),
        ({"is_open": False, "why": "too low"}, "failed"),
        ({"valid_until": NOW - timedelta(seconds=1)}, "stale"),
        ({"valid_until": NOW}, "passed"),
        ({"valid_until": None}, "stale"),
    ],
)
def test_a_gate_is_open_and_not_expired(changed: dict[str, Any], status: str) -> None:
    gates = GatesFact(path="g", gates={"f": replace(OPEN, **changed)})

    assert judged("gate", gates=gates).status == status


@pytest.mark.parametrize(
    ("days", "status"), [(0, "passed"), (7, "passed"), (8, "stale"), (-3, "failed")]
)
def test_a_report_is_younger_than_a_week(days: int, status: str) -> None:
    page = PageFact(path="report.html", run="r", when=(NOW - timedelta(days=days)).isoformat())

    assert judged("report", page=page).status == status


@pytest.mark.parametrize(("days", "status"), [(90, "passed"), (91, "stale")])
def test_recordings_grow_old(days: int, status: str) -> None:
    recorded = replace(RECORDED, oldest=NOW - timedelta(days=days))

    assert judged("recordings", recordings=(recorded,)).status == status


def test_the_recordings_of_the_replacement_are_not_those_of_the_feature() -> None:
    other = replace(RECORDED, asked=("m-2",), oldest=NOW - timedelta(days=300))

    line = judged("recordings", recordings=(other,), models={"f": ModelFact(replacement="m-2")})

    assert (line.status, line.says) == ("failed", "there is no recording")


def test_an_eval_of_outputs_has_no_recording_to_grow_old() -> None:
    outputs = mark(outputs="o.jsonl")

    assert judged("recordings", recordings=(), marks=(outputs,)).status == "not applicable"
    assert judged("recordings", recordings=(), marks=(outputs, mark())).status == "failed"


@pytest.mark.parametrize(("days", "status"), [(90, "passed"), (91, "stale")])
def test_prices_grow_old(days: int, status: str) -> None:
    prices = PricesFact(path="p", locked_on=f"{NOW - timedelta(days=days):%Y-%m-%d}")

    assert judged("prices-recent", prices=prices).status == status


def test_a_model_that_answered_has_a_price() -> None:
    prices = PricesFact(path="p", models=frozenset({"m-2"}))

    assert judged("prices-locked", prices=prices).says == "m-1 has no price"


@pytest.mark.parametrize(
    ("line", "function", "quantity"),
    [
        ("budget-cost", "each", "cost"),
        ("budget-cost", "sum", "cost"),
        ("budget-latency", "p95", "latency"),
        ("budget-latency", "p50", "ttft"),
        ("budget-monthly", "monthly", "cost"),
    ],
)
def test_each_budget_bounds_what_it_is_for(line: str, function: str, quantity: str) -> None:
    budget = BudgetFact(feature="f", function=function, quantity=quantity, text="t", path="p")

    passed = {name for name in NAMES if judged(name, budgets=(budget,)).status == "passed"}

    assert passed & {"budget-cost", "budget-latency", "budget-monthly"} == {line}


def test_a_budget_of_another_feature_bounds_nothing_of_this_one() -> None:
    budget = BudgetFact(feature="g", function="each", quantity="cost", text="t", path="p")

    assert judged("budget-cost", budgets=(budget,)).status == "failed"
    assert judged("budget-cost", budgets=(replace(budget, feature=""),)).status == "passed"


@pytest.mark.parametrize(
    ("kind", "line"), [("drill", "fallback-drilled"), ("swap", "swap")], ids=["drill", "swap"]
)
@pytest.mark.parametrize(("days", "status"), [(90, "passed"), (91, "stale"), (-1, "failed")])
def test_a_rehearsal_holds_for_90_days(kind: str, line: str, days: int, status: str) -> None:
    assert judged(line, history=(row(days, kind=kind),)).status == status


def test_of_several_rehearsals_the_newest_counts() -> None:
    history = (row(1, kind="drill", faults=9), row(200, kind="drill"))

    assert judged("fallback-drilled", history=history).says == "survived 9 faults 1 day ago"


@pytest.mark.parametrize(
    ("days", "unsurvived", "status"),
    [(1, {"f": 3}, "failed"), (3, {"f": 3}, "passed"), (1, {"other": 3}, "passed")],
)
def test_a_drill_is_no_evidence_once_a_newer_accepted_run_speaks_against_it(
    days: int, unsurvived: dict[str, int], status: str
) -> None:
    moment = NOW - timedelta(days=days)
    accepted = AcceptedFact(path="b.json", moment=moment, unsurvived=unsurvived)

    line = judged("fallback-drilled", history=(row(2, kind="drill", faults=8),), accepted=accepted)

    assert line.status == status
    if status == "failed":
        assert line.says == "3 faults not survived in the accepted run"
        assert line.mend.endswith("llmprod accept run.json")


def test_a_feature_without_a_drill_is_told_to_write_one_and_not_to_run_it() -> None:
    none = judged("fallback-drilled", marks=())
    one = judged("fallback-drilled", marks=(mark("llm_drill"),))

    assert (none.status, none.says) == ("failed", "no test drills it")
    assert none.mend.startswith('write a test with @pytest.mark.llm_drill(feature="f"')
    assert (one.says, one.mend) == ("no whole run has survived its drills", "pytest")


def test_a_drill_that_names_no_fallback_declares_none() -> None:
    drill = mark("llm_drill")

    assert judged("fallback-declared", marks=(drill,)).status == "failed"
    named = mark("llm_drill", degraded="app:answer")
    assert judged("fallback-declared", marks=(drill, named)).status == "passed"


def test_a_swap_with_another_model_is_not_that_with_the_replacement() -> None:
    history = (row(1, kind="swap", old="m-1", new="m-2", verdict="NON-INFERIOR"),)
    models = {"f": ModelFact(replacement="m-3")}

    assert judged("swap", history=history, models=models).status == "failed"


@pytest.mark.parametrize("key", ["new", "asked"])
def test_a_swap_names_the_replacement_as_it_was_asked_or_as_it_answered(key: str) -> None:
    names = {"old": "m-1", "new": "m-3-2026", "asked": "m-3-2026", key: "m-3"}
    history = (row(1, kind="swap", verdict="NON-INFERIOR", **names),)

    line = judged("swap", history=history, models={"f": ModelFact(replacement="m-3")})

    assert line.status == "passed"


def test_a_swap_that_nobody_rehearsed_names_the_models_to_compare() -> None:
    models = {"f": ModelFact(replacement="m-3")}

    known = judged("swap", history=(), models=models, recordings=(replace(RECORDED, asked=("m",)),))
    unknown = judged("swap", history=(), models=models, recordings=())

    assert known.mend == "pytest --llm-eval --llm-models=m,m-3"
    assert unknown.mend == "pytest --llm-eval --llm-models=OLD,m-3"


def test_an_alias_is_not_pinned_unless_its_version_is_declared() -> None:
    alias = replace(RECORDED, asked=("m",))
    declared = {"f": ModelFact(model="m-1")}

    assert judged("model-pinned").status == "passed"
    assert judged("model-pinned", recordings=(alias,)).says == "m is an alias, and m-1 answered"
    assert judged("model-pinned", recordings=(alias,), models=declared).status == "passed"
    moved = (alias, replace(alias, answered=("m-2",)))
    line = judged("model-pinned", recordings=moved, models=declared)
    assert line.says == "m-1 is declared, and m-2 answered"


def test_models_that_were_only_tried_pin_nothing() -> None:
    tried = replace(RECORDED, asked=("n",), answered=("n-1",))

    declared = judged(
        "model-pinned", recordings=(RECORDED, tried), models={"f": ModelFact(model="m-1")}
    )
    told = judged("model-pinned", recordings=(RECORDED, tried))
    gates = GatesFact(path="g")
    other = judged(
        "model-pinned", recordings=(tried,), models={"f": ModelFact(model="m-1")}, gates=gates
    )

    alias = replace(RECORDED, asked=("latest",), answered=("n-1",))
    replaced = judged(
        "model-pinned",
        recordings=(alias, RECORDED),
        models={"f": ModelFact(replacement="latest")},
        gates=gates,
    )

    assert declared.status == told.status == replaced.status == "passed"
    assert other.says == "m-1 is declared, and n-1 answered"


@pytest.mark.parametrize(("asked", "answered"), [((), ()), (("m",), ()), ((), ("m-1",))])
def test_recordings_that_tell_no_version_pin_none(
    asked: tuple[str, ...], answered: tuple[str, ...]
) -> None:
    silent = replace(RECORDED, asked=asked, answered=answered)

    line = judged("model-pinned", recordings=(silent,), gates=GatesFact(path="g"))

    assert (line.status, line.says) == ("failed", "no version is named")


def test_a_date_that_is_to_come_is_no_evidence() -> None:
    to_come = NOW + timedelta(days=2)
    prices = PricesFact(path="p", locked_on=f"{to_come:%Y-%m-%d}")
    data = replace(DATA, frozen_at=(NOW, to_come))

    lines = [
        judged("recordings", recordings=(replace(RECORDED, oldest=to_come),)),
        judged("prices-recent", prices=prices),
        judged("dataset-revised", datasets={"d.jsonl": data}),
    ]

    assert [line.status for line in lines] == ["failed"] * 3


GUARD = mark("llm_guardrail", kind="pii")
BOUNDED = row(1, kind="guardrail", guard="pii", tests=2, bounds={"recall": ">= 95.1%"})


def test_a_guardrail_test_needs_a_run_that_passed_and_a_bound() -> None:
    unbounded = row(1, kind="guardrail", guard="pii", tests=2)
    other = row(1, kind="guardrail", guard="injection", tests=2, bounds={"recall": ">= 95.1%"})

    assert judged("pii").says == "no test is marked so"
    assert judged("pii", marks=(GUARD,)).says.startswith("1 test there, and no whole run")
    assert judged("pii", marks=(GUARD,), history=(other,)).status == "failed"
    line = judged("pii", marks=(GUARD,), history=(unbounded,))
    assert line.says == "they passed, and none bounds the recall"
    line = judged("pii", marks=(GUARD,), history=(BOUNDED,))
    assert (line.status, line.says) == ("passed", "recall >= 95.1%, 2 tests passed 1 day ago")
    assert judged("pii", marks=(), history=(BOUNDED,)).status == "failed"


def test_a_bound_on_false_alarms_says_nothing_of_what_is_missed() -> None:
    row_of_alarms = row(
        1, kind="guardrail", guard="pii", tests=2, bounds={"false positives": "<= 4.0%"}
    )

    line = judged("pii", marks=(GUARD,), history=(row_of_alarms,))

    assert (line.status, line.says) == ("failed", "they passed, and none bounds the recall")


def test_output_and_refusals_need_no_bound() -> None:
    for line, guard in (("output-policy", "output"), ("refusals", "refusal")):
        marks = (mark("llm_guardrail", kind=guard),)
        history = (row(1, kind="guardrail", guard=guard, tests=1),)

        assert judged(line, marks=marks, history=history).status == "passed"


def test_the_log_is_kept_ignored_and_free_of_what_no_data_set_holds() -> None:
    log = LogFact(mode="all", retention_days=30)

    assert judged("log-kept", log=replace(log, mode="none")).status == "failed"
    assert judged("log-kept").says == "kept for 30 days"
    assert judged("log-ignored").status == "failed"
    ignored = replace(log, ignored_at=(".gitignore", 2))
    assert judged("log-ignored", log=ignored).status == "passed"
    assert judged("log-ignored", log=replace(ignored, committed=("a",))).status == "failed"
    assert judged("log-personal").status == "not applicable"
    assert judged("log-personal", log=replace(log, run="r")).status == "passed"
    leaking = replace(log, run="r", leaks=("card", "email"))
    assert judged("log-personal", log=leaking).says == "it holds what no data set does: card, email"


def test_of_several_features_the_worst_speaks() -> None:
    gates = GatesFact(path="g", gates={"f": OPEN})

    line = judged("gate", gates=gates, features=("f", "h"))

    assert line.status == "failed"
    assert line.says == "h: no whole run has decided; g has no gate for it"


def test_a_project_without_a_feature_fails_its_lines() -> None:
    assert judged("gate", features=()).says == "there is no feature"


WAIVER = Waiver(until=date(2026, 11, 26), by="Ann Lee", why="it comes with release 2")


def test_a_waiver_holds_through_its_last_day() -> None:
    line = judged("report", Excuses(waived={"report": WAIVER}))

    assert (line.status, line.blocks) == ("waived", False)
    assert (line.waived_until, line.waived_by) == ("2026-11-26", "Ann Lee")
    assert line.why == "it comes with release 2"


def test_a_waiver_that_has_ended_blocks_and_says_whose_it_was() -> None:
    ended = replace(WAIVER, until=date(2026, 11, 25))

    line = judged("report", Excuses(waived={"report": ended}))

    assert (line.status, line.blocks) == ("failed", True)
    assert line.says.endswith("(the waiver of Ann Lee ended on 2026-11-25)")


def test_what_is_fulfilled_needs_no_waiver() -> None:
    assert judged("gate", Excuses(waived={"gate": WAIVER})).status == "passed"


def test_a_line_that_does_not_apply_says_why_and_blocks_nothing() -> None:
    line = judged("report", Excuses(not_applicable={"report": "Grafana has it"}))

    assert (line.status, line.says, line.blocks) == ("not applicable", "Grafana has it", False)
    assert (line.mend, line.evidence) == ("", ())


def test_a_level_is_reached_only_with_all_below_it() -> None:
    reasons = {line.id: "x" for line in LINES if line.level != "measured"}

    partly = waivers.audit(facts(), Excuses(not_applicable=reasons))
    whole = waivers.audit(facts(), Excuses(not_applicable=dict.fromkeys(NAMES, "x")))

    assert partly.level == "documented"
    assert partly.blocks("measured")
    assert not partly.blocks("documented")
    assert partly.blocks("handed over")
    assert whole.level == "handed over"


def test_the_lowest_line_that_blocks_stands_first() -> None:
    found = waivers.audit(facts(), waivers.NO_EXCUSES)

    levels = [LEVELS.index(line.level) for line in found.blocking]
    assert levels == sorted(levels)
    assert found.level == "none"


def test_the_lines_stand_in_the_order_of_the_levels_with_names_of_their_own() -> None:
    levels = [LEVELS.index(line.level) for line in LINES]

    assert levels == sorted(levels)
    assert len(set(NAMES)) == len(NAMES) == 30


def test_what_mends_a_line_can_be_copied_whatever_the_names() -> None:
    marks = (mark(feature="ticket triage", dataset="my rows.jsonl"),)
    data = replace(DATA, path="my rows.jsonl", cases=3, problem="1 row added")
    told: dict[str, Any] = {
        "features": ("ticket triage",),
        "marks": marks,
        "datasets": {"my rows.jsonl": data},
        "page": PageFact(path="my report.html"),
        "runbook_named": "ops/on call.md",
    }

    def mend(name: str, **changed: Any) -> str:
        return judged(name, **told | changed).mend

    table = '[tool.llmprod.features."ticket triage"]'
    assert mend("dataset-frozen") == "llmprod dataset freeze 'my rows.jsonl' --why \"...\""
    assert "llmprod dataset add 'my rows.jsonl' --expected" in mend("dataset-size")
    assert mend("threshold-set", marks=()) == "llmprod init --feature 'ticket triage'"
    assert mend("report") == "pytest --llm-eval --llm-html='my report.html'"
    assert mend("runbook") == "llmprod runbook 'ops/on call.md'"
    assert mend("budget-cost") == f'budgets = ["cost < 0.01"] in {table}'
    assert mend("replacement") == f'replacement = "MODEL" in {table}'
    assert mend("model-pinned") == f'model = "VERSION" in {table}'


def test_a_runbook_without_a_section_is_mended_by_hand() -> None:
    runbook = Runbook(path="RUNBOOK.md", sections=())

    line = judged("runbook", runbook=runbook)

    assert line.says == "no heading tells of the owner"
    assert line.mend == "add a section about the owner to RUNBOOK.md"


@pytest.mark.parametrize(
    "feature", ["triage", "ticket triage", "a.b", 'a"b', "Übersicht", "🧾 bills"]
)
def test_the_table_of_a_feature_can_be_read_as_it_is_told(feature: str) -> None:
    document = tomllib.loads(table_of(feature))

    assert document == {"tool": {"llmprod": {"features": {feature: {}}}}}

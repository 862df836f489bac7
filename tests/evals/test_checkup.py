from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scipy.stats import binom

from pytest_llmprod.evals.checkup import NOTES, Asked, Finding, age_days, cases_needed, examine
from pytest_llmprod.evals.dataset import Case, Dataset
from pytest_llmprod.evals.examples import Prompt
from pytest_llmprod.evals.lock import Lock, freeze
from pytest_llmprod.evals.statistics import wilson

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LONG = "where is the parcel that i ordered three weeks ago and paid at once by card"


def case(id_: str, input: Any, expected: Any = "x", **keywords: Any) -> Case:
    return Case(id=id_, input=input, expected=expected, **keywords)


def data(*cases: Case) -> Dataset:
    return Dataset(path=Path("evals/a.jsonl"), cases=cases, sha256="")


def frozen(dataset: Dataset, days_ago: float = 0) -> Lock:
    now = NOW - timedelta(days=days_ago)
    return freeze(dataset, None, name="a.jsonl", who="Ann", why="x", now=now)


def found(*cases: Case, lock: Lock | None = None, **asked: Any) -> list[Finding]:
    return list(examine(data(*cases), lock, Asked(**asked), now=NOW))


def texts(*cases: Case, **keywords: Any) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in found(*cases, **keywords)]


def test_rows_in_order_have_no_finding() -> None:
    assert found(case("a", "one"), case("b", "two", "y")) == []


def test_equal_rows_are_duplicates_whatever_their_tags() -> None:
    finding = found(
        case("a", {"t": "one", "n": 1}),
        case("b", {"n": 1, "t": "one"}, tags=("x",)),
        case("c", {"n": 1.0, "t": "one"}),
    )[0]

    assert (finding.kind, finding.rows) == ("duplicate", ("a", "b"))
    assert finding.text == "the same row: a, b"


def test_one_input_with_two_expectations_is_a_conflict() -> None:
    assert texts(case("a", "one"), case("b", "one", "y"), case("c", "one", "y")) == [
        ("conflict", "the same input, another expectation: a, b, c")
    ]


def test_cases_without_an_input_are_no_duplicates() -> None:
    assert found(case("a", None), case("b", None)) == []


def test_rows_that_read_nearly_alike_are_a_note() -> None:
    assert texts(case("a", LONG), case("b", "other"), case("c", f"{LONG.upper()}!!", "y")) == [
        ("near duplicate", "c is like a (100%), another expectation")
    ]
    (finding,) = found(case("a", LONG), case("c", f"{LONG} today"))
    assert (finding.text, finding.rows) == ("c is like a (94%)", ("a", "c"))
    assert finding.is_note


def test_near_duplicates_of_one_cluster_are_known() -> None:
    assert found(case("a", LONG, cluster="k"), case("b", f"{LONG}.", cluster="k")) == []
    assert len(found(case("a", LONG, cluster="k"), case("b", f"{LONG}.", cluster="l"))) == 1


def test_duplicates_are_not_told_again_as_near_ones() -> None:
    assert [each.kind for each in found(case("a", LONG), case("b", LONG))] == ["duplicate"]


def test_rows_that_lack_what_others_have_are_unlabelled() -> None:
    cases = [case("a", 1), case("b", 2, None), case("c", 3, {"l": None}), case("d", 4, "")]

    assert texts(*cases) == [("unlabelled", "expected is missing in 2 rows: b, c")]
    assert found(case("a", 1, None), case("b", 2, None)) == []
    assert (
        found(
            case("a", 1), case("b", 2, []), case("e", 5, {}), case("c", 3, False), case("d", 4, 0)
        )
        == []
    )


def test_empty_cells_of_a_csv_file_say_nothing() -> None:
    cases = (case("a", "1", {"l": "x"}), case("b", "2", {"l": ""}), case("c", "3", ""))
    dataset = Dataset(path=Path("a.CSV"), cases=cases, sha256="")

    (finding,) = examine(dataset, None, Asked(), now=NOW)

    assert (finding.kind, finding.rows) == ("unlabelled", ("b", "c"))


def test_a_label_in_every_input_is_a_leak_and_a_smaller_share_a_hint() -> None:
    labels = ["refund", "billing", "account", "other"] * 10
    leaking = [case(f"t{n}", f"{n} [{label}]", label) for n, label in enumerate(labels)]
    hinting = [
        case(f"t{n}", f"{n} {label if n % 10 < 4 else ''}", label) for n, label in enumerate(labels)
    ]

    text = "expected stands in input of {} of the cases, by chance in {}"
    assert texts(*leaking) == [("label leak", text.format("100%", "25%"))]
    assert texts(*hinting) == [("label hint", text.format("40%", "10%"))]
    assert found(*leaking, is_extractive=True) == []


def test_an_example_of_the_prompt_that_is_a_case_is_named() -> None:
    prompts = [Prompt(text=f"Like: {LONG}", source=f"p{n}") for n in range(3)]

    (finding,) = found(case("a", LONG), case("b", "other"), prompts=prompts)

    assert (finding.kind, finding.rows) == ("few-shot", ("a",))
    assert finding.text == "a is an example in p0 and 2 more"


def test_large_and_small_classes_are_notes() -> None:
    labels = ["x"] * 90 + ["y"] * 6 + ["z"] * 4

    assert texts(*[case(f"t{n}", n, label) for n, label in enumerate(labels)]) == [
        ("balance", "expected: always saying x is right in 90% of the cases"),
        ("balance", "expected: fewer than 5 cases of z"),
    ]


def test_in_a_handful_of_cases_no_class_is_large_or_small() -> None:
    assert found(*[case(f"t{n}", n) for n in range(9)]) == []


def test_too_few_cases_for_the_margin_are_a_finding() -> None:
    cases = [case(f"t{n}", n, None) for n in range(100)]

    assert texts(*cases, margin=0.05) == [
        ("too few", "100 cases, 347 are needed so that a score of 0.9 passes 0.85")
    ]
    assert texts(*cases, margin=0.1) == []
    assert texts(*cases, margin=0.09, score=0.95) == []
    assert texts(*cases, margin=0.001, score=0.5) == [
        ("too few", "100 cases, more than a million are needed so that a score of 0.5 passes 0.499")
    ]


def test_cases_in_clusters_count_for_less() -> None:
    cases = [case(f"t{n}", n, None, cluster=str(n // 10) if n < 200 else None) for n in range(210)]

    assert texts(*cases, margin=0.1) == [
        (
            "clusters",
            "210 cases in 30 clusters count for something between the two, and 100 are needed so "
            "that a score of 0.9 passes 0.8",
        )
    ]


def test_so_many_cases_pass_in_four_runs_of_five() -> None:
    """Of the binomial distribution, by scipy; with a case less in the teeth there is less."""
    needed = cases_needed(0.1, 0.9)
    assert needed is not None

    hits = next(k for k in range(needed + 1) if wilson(k, needed)[0] >= 0.8)

    assert binom.sf(hits - 1, needed, 0.9) >= 0.8
    assert binom.sf(hits - 1, needed - 1, 0.9) < 0.8


def test_changes_since_the_freeze_are_named() -> None:
    old = data(case("a", 1), case("b", 2), case("c", 3))

    finding = found(case("a", 1), case("b", 5), case("d", 4), lock=frozen(old))[0]

    assert (finding.kind, finding.rows) == ("changed", ("d", "b", "c"))
    assert finding.text == (
        "1 row added, 1 row changed, 1 row removed since they were frozen "
        "(added: d; changed: b; removed: c)"
    )


def test_a_lock_that_mixes_two_is_a_finding() -> None:
    lock = frozen(data(case("a", 1)))
    mixed = lock.model_copy(update={"latest": lock.latest.model_copy(update={"sha256": "0"})})

    assert texts(case("a", 1), lock=mixed)[0] == (
        "changed",
        "the lock mixes two others, as after a merge; look through the rows",
    )


def test_data_that_were_frozen_too_long_ago_are_a_finding() -> None:
    one = case("a", 1)

    assert texts(one, lock=frozen(data(one), 91.5), max_age_days=90) == [
        ("old", "frozen 91 days ago, at most 90 are asked")
    ]
    assert texts(one, lock=frozen(data(one), 90.5), max_age_days=90) == []
    assert texts(one, lock=frozen(data(one), 900)) == []
    assert texts(one, max_age_days=90) == [
        ("cannot tell", "how old the rows are: they were never frozen")
    ]


def test_the_age_counts_whole_days() -> None:
    assert [age_days(frozen(data(), days), NOW) for days in (0, 0.9, 1, 2.5)] == [0, 0, 1, 2]


def test_one_output_for_everything_is_a_finding() -> None:
    cases = [case(f"t{n}", n, str(n)) for n in range(20)]
    same = {each.id: {"label": "x"} for each in cases}
    outputs = {"": same, "mini": {**same, "t3": "y"}}

    assert texts(*cases, outputs=outputs, is_extractive=True) == [
        ("same output", 'all 20 outputs are {"label": "x"}'),
        (
            "few outputs",
            'mini: 19 of 20 outputs are {"label": "x"}; at most 5% of the cases expect one thing',
        ),
    ]


def test_hostile_ids_and_values_are_printable() -> None:
    cases = [case("\x1b[31m", LONG, "\u202e"), case("b\n", LONG, "\x00")]

    assert all(each.text.isprintable() for each in found(*cases * 6))


def test_a_note_is_told_from_a_finding_in_json() -> None:
    kinds = {"near duplicate": True, "duplicate": False}

    for kind, is_note in kinds.items():
        finding = Finding(kind=kind, text="t", rows=("a",))  # type: ignore[arg-type]
        assert finding.to_json() == {"kind": kind, "text": "t", "rows": ["a"], "is_note": is_note}
    assert len(NOTES) == 6

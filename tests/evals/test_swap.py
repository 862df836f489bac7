import itertools
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from corpora import EVALS, needs
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.swap import Swap
from pytest_llmprod.evals import statistics
from pytest_llmprod.evals.stored_run import StoredCase, StoredSuite
from pytest_llmprod.evals.swap import compare, compare_models


def suite_of(scores: Mapping[str, float], test: str = "test_a", **each: Any) -> StoredSuite:
    facts = {"output": None, "cost_usd": None, "latency_s": None, "tags": (), **each}
    cases = {
        name: StoredCase(id=name, outcome="hit", scores={"passed": score}, **facts)
        for name, score in scores.items()
    }
    return StoredSuite(
        feature="triage",
        test=test,
        metric="passed",
        model="gpt",
        threshold=0.5,
        confidence=0.95,
        not_judged="",
        cases=cases,
    )


def of_table(both: int, only_a: int, only_b: int, neither: int, test: str = "test_a") -> Any:
    cells = ((1, 1, both), (1, 0, only_a), (0, 1, only_b), (0, 0, neither))
    pairs = [(a, b) for a, b, count in cells for _ in range(count)]
    old = {str(number): float(a) for number, (a, _) in enumerate(pairs)}
    new = {str(number): float(b) for number, (_, b) in enumerate(pairs)}
    return suite_of(old, test), suite_of(new, test)


def compared(old: StoredSuite, new: StoredSuite, **options: Any) -> Swap:
    (swap,) = compare([old], [new], **options)
    return swap


def test_cases_are_paired_by_their_ids() -> None:
    old = suite_of({"a": 1, "b": 1, "c": 0, "d": 0})
    new = suite_of({"d": 0, "c": 1, "b": 0, "a": 1})

    swap = compared(old, new)

    assert swap.table == (1, 1, 1, 1)
    assert swap.newly_broken == ("b",)
    assert swap.newly_fixed == ("c",)
    assert swap.difference == 0
    assert swap.p_value == 1


def test_a_new_run_that_is_better_is_not_inferior() -> None:
    assert compared(*of_table(80, 2, 18, 0)).verdict == "NON-INFERIOR"


def test_a_new_run_that_is_worse_is_inferior() -> None:
    swap = compared(*of_table(80, 18, 2, 0))

    assert swap.verdict == "INFERIOR"
    assert swap.is_regression


def test_a_few_cases_decide_nothing_and_the_number_that_would_is_told() -> None:
    swap = compared(*of_table(8, 1, 0, 1), margin=0.05)

    assert swap.verdict == "INCONCLUSIVE"
    assert swap.more_cases is not None
    assert swap.more_cases > 0
    assert not swap.is_regression


def test_a_margin_says_by_how_much_the_new_run_may_be_worse() -> None:
    old, new = of_table(900, 20, 18, 62)

    assert compared(old, new).verdict == "INCONCLUSIVE"
    assert compared(old, new, margin=0.05).verdict == "NON-INFERIOR"


def test_the_margin_of_the_old_run_holds_where_none_is_given() -> None:
    old, new = of_table(900, 20, 18, 62)
    declared, lax = replace(old, margin=0.05), replace(new, margin=0.5)

    swap = compared(declared, lax)

    assert (swap.margin, swap.is_margin_declared, swap.verdict) == (0.05, True, "NON-INFERIOR")
    given = compared(declared, lax, margin=0.0)
    assert (given.margin, given.is_margin_declared, given.verdict) == (0.0, False, "INCONCLUSIVE")
    assert not compared(old, lax).is_margin_declared


def test_the_confidence_of_the_old_run_holds() -> None:
    old, new = of_table(80, 15, 4, 1)

    assert compared(old, new).verdict == "INFERIOR"
    assert compared(replace(old, confidence=0.999), new).verdict == "INCONCLUSIVE"


def of_model(suite: StoredSuite, model: str) -> StoredSuite:
    return replace(suite, test=f"{suite.test}[{model}]", asked_model=model, model=f"{model}-1")


def test_each_new_model_is_compared_with_the_first() -> None:
    old, worse = of_table(80, 18, 2, 0)
    suites = [of_model(worse, "a"), of_model(old, "b"), of_model(old, "c")]

    swaps = compare_models(suites, ["b", "a", "c"])

    assert [(each.model_a, each.model_b, each.test) for each in swaps] == [
        ("b", "a", "test_a"),
        ("b", "c", "test_a"),
    ]
    assert [each.verdict for each in swaps] == ["INFERIOR", "INCONCLUSIVE"]


def test_the_p_values_of_all_models_and_suites_are_corrected_together() -> None:
    old, worse = of_table(80, 18, 2, 0)
    names = [f"m{number}" for number in range(4)]
    suites = [of_model(old, "old"), *(of_model(worse, name) for name in names)]
    other = [replace(each, test=each.test.replace("test_a", "test_b")) for each in suites]

    swaps = compare_models([*suites, *other], ["old", *names])

    assert len(swaps) == 8
    assert [each.p_holm for each in swaps] == [pytest.approx(8 * swaps[0].p_value)] * 8


def test_a_model_that_was_not_asked_in_a_suite_is_left_out() -> None:
    old, worse = of_table(8, 1, 1, 0)

    assert compare_models([of_model(old, "a"), of_model(worse, "c")], ["a", "b"]) == []


def in_clusters(suite: StoredSuite, size: int) -> StoredSuite:
    cases = enumerate(suite.cases.items())
    return replace(
        suite,
        cases={name: replace(each, cluster=f"c{n // size}") for n, (name, each) in cases},
    )


def test_the_changes_of_a_cluster_are_one_change() -> None:
    old, new = of_table(160, 20, 0, 20)

    alone = compared(old, new)
    together = compared(in_clusters(old, 20), in_clusters(new, 20))

    assert alone.verdict == "INFERIOR"
    assert together.verdict == "INCONCLUSIVE"
    assert together.p_value == 1
    assert together.interval[0] < alone.interval[0] < alone.interval[1] < together.interval[1]
    assert together.newly_broken == alone.newly_broken


def test_clusters_of_one_case_change_nothing() -> None:
    old, new = of_table(160, 20, 3, 17)

    assert compared(in_clusters(old, 1), in_clusters(new, 1)) == compared(old, new)


def test_models_that_are_equal_are_called_different_at_the_nominal_rate() -> None:
    generator = random.Random(5)
    runs, clusters, size = 200, 30, 10
    wrong = naive = 0
    for _ in range(runs):
        old, new = (
            suite_of(
                {
                    f"{cluster}-{case}": float(generator.random() < share)
                    for cluster in range(clusters)
                    for share in [generator.choice((0.1, 0.9))]
                    for case in range(size)
                }
            )
            for _ in range(2)
        )
        swap = compared(in_clusters(old, size), in_clusters(new, size))
        wrong += not swap.interval[0] <= 0 <= swap.interval[1]
        naive += compared(old, new).p_value < 0.05
    assert wrong / runs < 0.08
    assert naive / runs > 0.25


def test_a_case_that_the_new_run_lacks_is_a_regression() -> None:
    swap = compared(suite_of({"a": 1, "b": 0, "c": 1}), suite_of({"a": 1, "d": 1}))

    assert swap.missing == ("b", "c")
    assert swap.newly_broken == ("c",)
    assert swap.added == ("d",)
    assert swap.table == (1, 1, 0, 1)
    assert swap.is_regression


def test_a_suite_that_the_new_run_lacks_is_a_regression() -> None:
    (swap,) = compare([suite_of({"a": 1, "b": 0})], [suite_of({"a": 1}, "test_other")])

    assert swap.missing == ("a", "b")
    assert swap.is_regression


def test_of_many_suites_one_that_is_worse_by_chance_is_not_called_inferior() -> None:
    worse = of_table(60, 12, 3, 25, test="test_worse")
    equal = [of_table(60, 5, 5, 30, test=f"test_{number}") for number in range(19)]
    alone = compared(*worse)

    together = compare([worse[0], *(a for a, _ in equal)], [worse[1], *(b for _, b in equal)])

    assert alone.verdict == "INFERIOR"
    assert alone.p_value < 0.05 < together[0].p_holm
    assert together[0].verdict == "INCONCLUSIVE"


def test_scores_between_0_and_1_are_compared_too() -> None:
    swap = compared(suite_of({"a": 0.5, "b": 1}), suite_of({"a": 0.25, "b": 1}))

    assert swap.difference == pytest.approx(-0.125)
    assert swap.newly_broken == ("a",)


def test_a_tag_that_got_worse_is_found_though_the_whole_did_not() -> None:
    old, new = suite_of(dict.fromkeys(map(str, range(400)), 1.0)), suite_of({})
    tagged = {
        name: replace(case, tags=("long",) if int(name) < 20 else ("short",))
        for name, case in old.cases.items()
    }
    worse = {
        name: replace(case, scores={"passed": float(int(name) >= 10)})
        for name, case in tagged.items()
    }

    swap = compared(replace(old, cases=tagged), replace(new, cases=worse), margin=0.05)

    assert swap.verdict == "NON-INFERIOR"
    assert [(each.tag, each.verdict) for each in swap.slices] == [
        ("long", "INFERIOR"),
        ("short", "NON-INFERIOR"),
    ]
    assert [each.tag for each in swap.inferior_slices] == ["long"]
    assert swap.slices[0].table == (10, 10, 0, 0)
    assert swap.is_regression


def test_a_tag_that_got_worse_by_chance_among_many_is_not_called_inferior() -> None:
    old = suite_of(dict.fromkeys(map(str, range(400)), 1.0))
    tagged = {name: replace(case, tags=(str(int(name) % 20),)) for name, case in old.cases.items()}
    worse = {
        name: replace(
            case, scores={"passed": float(name not in ("0", "20", "40", "60", "80", "100"))}
        )
        for name, case in tagged.items()
    }

    swap = compared(replace(old, cases=tagged), replace(old, cases=worse), margin=0.05)

    assert len(swap.slices) == 20
    assert swap.slices[0].p_value < 0.05 < swap.slices[0].p_holm
    assert not swap.inferior_slices


def test_cost_and_latency_are_told_as_ratios_where_both_are_known() -> None:
    from decimal import Decimal

    old = suite_of({"a": 1, "b": 1}, cost_usd=Decimal("0.04"), latency_s=2.0, tokens=10)
    new = suite_of({"a": 1, "b": 1}, cost_usd=Decimal("0.01"), latency_s=1.0, tokens=15)
    unknown = replace(new, cases={"a": new.cases["a"], "b": replace(new.cases["b"], cost_usd=None)})

    assert compared(old, new).cost_ratio == 0.25
    assert compared(old, new).p95_latency_ratio == 0.5
    assert compared(old, new).tokens_ratio == 1.5
    assert compared(old, unknown).cost_ratio is None
    assert compared(suite_of({"a": 1}), suite_of({"a": 1})).p95_latency_ratio is None


def test_a_case_that_asks_no_model_does_not_hide_the_latency_of_the_others() -> None:
    old = suite_of({"a": 1, "empty": 1, "failed": 1}, latency_s=2.0)
    new = suite_of({"a": 1, "empty": 1, "failed": 1}, latency_s=1.0)
    untimed = replace(old.cases["empty"], latency_s=None)
    old = replace(old, cases={**old.cases, "empty": untimed})
    new = replace(new, cases={**new.cases, "empty": untimed, "failed": untimed})

    assert compared(old, new).p95_latency_ratio == 0.5


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_other_way_round_everything_is_mirrored(pairs: list[tuple[bool, bool]]) -> None:
    old = suite_of({str(number): float(a) for number, (a, _) in enumerate(pairs)})
    new = suite_of({str(number): float(b) for number, (_, b) in enumerate(pairs)})

    there, back = compared(old, new), compared(new, old)

    assert there.difference == pytest.approx(-back.difference)
    assert there.newly_broken == back.newly_fixed
    assert there.p_value == back.p_value
    assert not (there.verdict == back.verdict == "INFERIOR")


BBH = EVALS / "bbh-codex" / "code-davinci-002-outputs"
# (both, only direct, only chain of thought, neither), exact p, difference: the field's figures.
PUBLISHED = {
    "boolean_expressions": ((212, 9, 20, 9), 0.0614283, 0.0440),
    "causal_judgement": ((73, 46, 28, 40), 0.047393, -0.0963),
    "date_understanding": ((149, 10, 69, 22), 5.5447e-12, 0.2360),
    "penguins_in_a_table": ((76, 21, 40, 9), 0.0204147, 0.1301),
    "ruin_names": ((146, 42, 25, 37), 0.0498001, -0.0680),
    "word_sorting": ((82, 44, 19, 105), 0.00222753, -0.1000),
}


def bbh(style: str) -> list[StoredSuite]:
    """One suite for each task, scored by the rule of the authors."""
    suites = []
    for task in PUBLISHED:
        path = BBH / f"code-davinci-002-{style}" / f"{task}_few_shot_template_0-255000.json"
        rows = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        scores = {
            str(number): float(answer(row["prediction"]) == row["target"])
            for number, row in enumerate(rows)
        }
        suites.append(suite_of(scores, task))
    return suites


def answer(text: str) -> str:
    return text.rpartition("answer is ")[2].strip().rstrip(".").strip()


@needs(EVALS)
def test_big_bench_hard_with_and_without_a_chain_of_thought() -> None:
    swaps = {each.test: each for each in compare(bbh("direct"), bbh("cot"))}

    for task, (table, p_value, difference) in PUBLISHED.items():
        assert swaps[task].table == table
        assert swaps[task].p_value == pytest.approx(p_value, rel=1e-5)
        assert swaps[task].difference == pytest.approx(difference, abs=5e-5)
    assert swaps["word_sorting"].verdict == "INFERIOR"
    assert swaps["date_understanding"].verdict == "NON-INFERIOR"
    boolean = swaps["boolean_expressions"]
    assert min(boolean.p_value, boolean.p_holm) > 0.05
    assert boolean.interval[0] > 0
    assert boolean.verdict == "INCONCLUSIVE"


def test_the_eight_published_p_values_are_corrected_as_published() -> None:
    ps = [0.0614283, 5.5447e-12, 0.047393, 9.245e-29, 3.113e-28, 0.00222753, 0.0498001, 0.0204147]
    holm = [0.1422, 3.327e-11, 0.1422, 7.396e-28, 2.179e-27, 0.01114, 0.1422, 0.08166]
    bh = [0.06143, 1.479e-11, 0.05691, 7.396e-28, 1.245e-27, 0.004455, 0.05691, 0.03266]

    assert statistics.holm(ps) == pytest.approx(holm, rel=5e-4)
    assert statistics.benjamini_hochberg(ps) == pytest.approx(bh, rel=5e-4)


GSM8K = EVALS / "gsm8k-example-solutions.jsonl"


@needs(EVALS)
@pytest.mark.parametrize(
    ("old", "new", "table", "p_value"),
    [
        ("6b_finetuning", "175b_finetuning", (198, 88, 260, 773), 7.466e-21),
        ("6b_verification", "175b_verification", (436, 79, 306, 498), 1.240e-32),
        ("6b_verification", "175b_finetuning", (306, 209, 152, 652), 0.00315066),
    ],
)
def test_gsm8k_solutions_of_two_models(
    old: str, new: str, table: tuple[int, ...], p_value: float
) -> None:
    rows = [json.loads(line) for line in GSM8K.read_text(encoding="utf-8").splitlines()]
    a, b = (
        suite_of({str(n): float(row[name]["is_correct"]) for n, row in enumerate(rows)})
        for name in (old, new)
    )

    swap = compared(a, b)

    assert swap.table == table
    assert swap.p_value == pytest.approx(p_value, rel=1e-3)


def test_every_pair_of_single_cases_has_a_verdict() -> None:
    for a, b in itertools.product((0.0, 1.0), repeat=2):
        assert compared(suite_of({"x": a}), suite_of({"x": b})).verdict == "INCONCLUSIVE"

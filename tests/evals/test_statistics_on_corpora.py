"""The statistics on real answers: two models on the same cases, with the numbers of others.

The numbers stand in the field notes of this project and were worked out with scipy and statsmodels.
"""

import json
import math
from functools import cache

import pytest
from corpora import EVALS, needs

from pytest_llmprod.evals.statistics import (
    benjamini_hochberg,
    clustered_stderr,
    holm,
    mcnemar_chi_squared,
    mcnemar_exact,
    non_inferiority,
    paired_difference,
    paired_table,
    shared_confidence,
)

GSM8K = EVALS / "gsm8k-example-solutions.jsonl"
BBH = EVALS / "bbh-codex" / "code-davinci-002-outputs"

pytestmark = needs(EVALS)

Table = tuple[int, int, int, int]

#: (both, only_a, only_b, neither), exact p and difference; A answers directly, B thinks aloud.
TASKS: dict[str, tuple[Table, float, float]] = {
    "boolean_expressions": ((212, 9, 20, 9), 0.0614283, 0.0440),
    "date_understanding": ((149, 10, 69, 22), 5.5447e-12, 0.2360),
    "causal_judgement": ((73, 46, 28, 40), 0.047393, -0.0963),
    "web_of_lies": ((125, 4, 113, 8), 9.245e-29, 0.4360),
    "navigate": ((119, 7, 122, 2), 3.113e-28, 0.4600),
    "word_sorting": ((82, 44, 19, 105), 0.00222753, -0.1000),
    "ruin_names": ((146, 42, 25, 37), 0.0498001, -0.0680),
    "penguins_in_a_table": ((76, 21, 40, 9), 0.0204147, 0.1301),
}
IN_THE_CORPORA = [task for task in TASKS if task not in ("web_of_lies", "navigate")]
HOLM = [0.1422, 3.327e-11, 0.1422, 7.396e-28, 2.179e-27, 0.01114, 0.1422, 0.08166]
RATES = [0.06143, 1.479e-11, 0.05691, 7.396e-28, 1.245e-27, 0.004455, 0.05691, 0.03266]


def path_of(task: str, style: str) -> str:
    return f"code-davinci-002-{style}/{task}_few_shot_template_0-255000.json"


def answer(text: str) -> str:
    return text.rpartition("answer is ")[2].strip().rstrip(".").strip()


@cache
def scores_of(task: str, style: str) -> list[bool]:
    rows = json.loads((BBH / path_of(task, style)).read_text(encoding="utf-8"))["outputs"]
    return [answer(row["prediction"]) == row["target"] for row in rows]


@pytest.mark.parametrize("task", IN_THE_CORPORA)
def test_big_bench_hard_direct_against_chain_of_thought(task: str) -> None:
    expected, p, difference = TASKS[task]

    table = paired_table(scores_of(task, "direct"), scores_of(task, "cot"))

    assert table == expected
    _, only_a, only_b, _ = table
    assert mcnemar_exact(int(only_a), int(only_b)) == pytest.approx(p, rel=1e-5)
    assert round(paired_difference(table).difference, 4) == difference


def test_corrected_for_eight_tasks_four_differences_are_left() -> None:
    ps = [mcnemar_exact(only_a, only_b) for (_, only_a, only_b, _), _, _ in TASKS.values()]

    assert holm(ps) == pytest.approx(HOLM, rel=1e-3)
    assert benjamini_hochberg(ps) == pytest.approx(RATES, rel=1e-3)
    kept = [task for task, p in zip(TASKS, holm(ps), strict=True) if p < 0.05]
    assert kept == ["date_understanding", "web_of_lies", "navigate", "word_sorting"]


def test_thinking_aloud_is_a_regression_in_word_sorting_and_nowhere_else_for_sure() -> None:
    verdicts = {
        task: non_inferiority(paired_table(scores_of(task, "direct"), scores_of(task, "cot")), 0.03)
        for task in IN_THE_CORPORA
    }

    assert {task: found.verdict for task, found in verdicts.items()} == {
        "boolean_expressions": "NON-INFERIOR",
        "date_understanding": "NON-INFERIOR",
        "causal_judgement": "INCONCLUSIVE",
        "word_sorting": "INFERIOR",
        "ruin_names": "INCONCLUSIVE",
        "penguins_in_a_table": "NON-INFERIOR",
    }
    needs_more = [task for task, found in verdicts.items() if found.more_cases]
    assert needs_more == ["causal_judgement", "ruin_names"]


def test_corrected_for_six_tasks_only_the_sure_regression_is_left_without_a_margin() -> None:
    confidence = shared_confidence(0.95, len(IN_THE_CORPORA))

    found = {
        task: non_inferiority(TASKS[task][0], 0, confidence).verdict for task in IN_THE_CORPORA
    }

    assert [task for task, verdict in found.items() if verdict == "INFERIOR"] == ["word_sorting"]


@pytest.mark.parametrize(
    ("task", "wald", "score"),
    [
        ("boolean_expressions", (0.0021, 0.0859), (0.0010, 0.0890)),
        ("date_understanding", (0.1728, 0.2992), (0.1714, 0.2990)),
        ("causal_judgement", (-0.1854, -0.0072), (-0.1840, -0.0062)),
        ("word_sorting", (-0.1610, -0.0390), (-0.1603, -0.0382)),
        ("ruin_names", (-0.1316, -0.0044), (-0.1316, -0.0037)),
        ("penguins_in_a_table", (0.0274, 0.2328), (0.0262, 0.2304)),
    ],
)
def test_the_score_interval_is_near_the_wald_interval_of_the_field_notes(
    task: str, wald: tuple[float, float], score: tuple[float, float]
) -> None:
    _, only_a, only_b, _ = table = TASKS[task][0]
    n = sum(table)
    difference = (only_b - only_a) / n
    half = 1.959964 * math.sqrt(only_a + only_b - (only_a - only_b) ** 2 / n) / n
    assert (round(difference - half, 4), round(difference + half, 4)) == wald

    found = paired_difference(table)

    assert (round(found.lower, 4), round(found.upper, 4)) == score
    assert score == pytest.approx(wald, abs=0.004)


@cache
def solved() -> dict[str, list[bool]]:
    rows = [json.loads(line) for line in GSM8K.read_text(encoding="utf-8").splitlines()]
    models = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    return {model: [row[model]["is_correct"] for row in rows] for model in models}


@pytest.mark.parametrize(
    ("old", "new", "table", "p"),
    [
        ("6b_finetuning", "175b_finetuning", (198, 88, 260, 773), 7.466e-21),
        ("6b_verification", "175b_verification", (436, 79, 306, 498), 1.240e-32),
        ("6b_verification", "175b_finetuning", (306, 209, 152, 652), 0.00315066),
    ],
)
def test_gsm8k_by_one_model_against_another(old: str, new: str, table: Table, p: float) -> None:
    found = paired_table(solved()[old], solved()[new])

    assert found == table
    assert mcnemar_exact(table[1], table[2]) == pytest.approx(p, rel=5e-4)


@pytest.mark.parametrize(
    ("old", "new", "chi_squared", "difference", "error"),
    [
        ("6b_finetuning", "175b_finetuning", 85.0115, 0.13040, 0.013680),
        ("6b_verification", "175b_verification", 133.8416, 0.17210, 0.014101),
    ],
)
def test_gsm8k_has_the_published_differences_and_standard_errors(
    old: str, new: str, chi_squared: float, difference: float, error: float
) -> None:
    before, after = solved()[old], solved()[new]
    _, only_a, only_b, _ = table = paired_table(before, after)
    changes = [int(b) - int(a) for a, b in zip(before, after, strict=True)]

    assert round(mcnemar_chi_squared(int(only_a), int(only_b)), 4) == chi_squared
    found = paired_difference(table)
    assert round(found.difference, 5) == difference
    # Miller 2024, equation 4, with each question in a cluster of its own.
    stderr = clustered_stderr(changes, range(len(changes)))
    assert round(stderr, 6) == error
    # With 1319 questions the score interval is nearly the one of the standard error.
    assert found.interval == pytest.approx(
        (difference - 1.96 * error, difference + 1.96 * error), abs=1e-3
    )


def test_edwards_correction_is_that_of_the_field_notes() -> None:
    _, only_a, only_b, _ = paired_table(solved()["6b_finetuning"], solved()["175b_finetuning"])

    assert round(mcnemar_chi_squared(int(only_a), int(only_b), continuity=True), 4) == 84.0259

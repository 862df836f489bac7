"""Real model answers with published scores, judged through `outputs=` and the ordinary marker."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from corpora import EVALS, needs

GSM8K = EVALS / "gsm8k-example-solutions.jsonl"
BBH = EVALS / "bbh-codex" / "code-davinci-002-outputs"

pytestmark = needs(EVALS)

GSM8K_TEST = """
    import pytest

    def last_answer(solution):
        # The labels of the authors read 5,600 and 5600 as one number.
        return solution.rpartition("A: ")[2].strip().replace(",", "")

    @pytest.mark.llm_eval(
        feature="{model}", dataset="questions.jsonl", outputs="{model}.jsonl", threshold=0
    )
    def test_gsm8k(llm_case, llm_output):
        is_right = last_answer(llm_output["solution"]) == llm_case.expected
        assert is_right == llm_output["is_correct"], "the oracle disagrees"
        assert is_right
"""

BBH_TEST = """
    import pytest

    def answer(text):
        return text.rpartition("answer is ")[2].strip().rstrip(".").strip()

    @pytest.mark.llm_eval(
        feature="{task}", dataset="{task}.jsonl", outputs="{task}-{style}.jsonl", threshold=0
    )
    def test_bbh(llm_case, llm_output):
        assert answer(llm_output) == llm_case.expected
"""


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def judged(pytester: pytest.Pytester) -> dict[str, Any]:
    """Run the evals of the inner project and return the results as JSON."""
    result = pytester.runpytest_inprocess("--llm-eval", "--llm-json=run.json", "-p", "no:anyio")
    assert result.ret == pytest.ExitCode.OK
    document: dict[str, Any] = json.loads((pytester.path / "run.json").read_text())
    return document


@pytest.mark.parametrize(
    ("model", "hits", "percent"),
    [
        ("6b_finetuning", 286, 21.683),
        ("6b_verification", 515, 39.045),
        ("175b_finetuning", 458, 34.723),
        ("175b_verification", 742, 56.255),
    ],
)
def test_gsm8k_solutions_score_what_was_published(
    pytester: pytest.Pytester, model: str, hits: int, percent: float
) -> None:
    rows = [json.loads(line) for line in GSM8K.read_text(encoding="utf-8").splitlines()]
    answers = (row["ground_truth"].rpartition("A: ")[2] for row in rows)
    expected = [answer.strip().replace(",", "") for answer in answers]
    write_rows(
        pytester.path / "questions.jsonl",
        (
            {"id": number, "input": row["question"], "expected": answer}
            for number, (row, answer) in enumerate(zip(rows, expected, strict=True))
        ),
    )
    write_rows(
        pytester.path / f"{model}.jsonl",
        ({"id": number, "output": row[model]} for number, row in enumerate(rows)),
    )
    pytester.makepyfile(GSM8K_TEST.format(model=model))

    document = judged(pytester)

    suite = document["suites"][0]
    assert (suite["hits"], suite["cases"]) == (hits, 1319)
    assert round(suite["score"] * 100, 3) == percent
    assert not [case for case in document["cases"] if "oracle" in case["why"]]


def bbh_tasks() -> list[str]:
    names = (BBH / "code-davinci-002-direct").glob("*_few_shot_template_0-255000.json")
    return sorted(path.name.removesuffix("_few_shot_template_0-255000.json") for path in names)


def test_all_six_tasks_are_there() -> None:
    assert len(bbh_tasks()) == 6


@pytest.mark.parametrize("style", ["direct", "cot"])
@pytest.mark.parametrize("task", bbh_tasks())
def test_big_bench_hard_scores_what_was_published(
    pytester: pytest.Pytester, task: str, style: str
) -> None:
    folder = BBH / f"code-davinci-002-{style}"
    path = folder / f"{task}_few_shot_template_0-255000.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["outputs"]
    write_rows(
        pytester.path / f"{task}.jsonl",
        (
            {"id": number, "input": row["input"], "expected": row["target"]}
            for number, row in enumerate(rows)
        ),
    )
    write_rows(
        pytester.path / f"{task}-{style}.jsonl",
        ({"id": number, "output": row["prediction"]} for number, row in enumerate(rows)),
    )
    pytester.makepyfile(BBH_TEST.format(task=task, style=style))

    suite = judged(pytester)["suites"][0]

    assert suite["score"] * 100 == pytest.approx(published(folder, task), abs=1e-9)


def published(folder: Path, task: str) -> float:
    """The accuracy in % that the authors published for a task."""
    path = folder / f"{task}_few_shot_template_0-255000_eval_metrics.jsonl"
    accuracy: float = json.loads(path.read_text(encoding="utf-8"))["accuracy"]
    return accuracy

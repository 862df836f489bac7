"""The metric of refusals in a run: both mistakes stand in the summary and in the JSON."""

import json
from typing import Any

import pytest

EVAL = """
    from functools import partial
    import pytest
    from pytest_llmprod.evals.metrics import refusal

    @pytest.mark.llm_eval(
        feature="safety",
        dataset="asked.jsonl",
        outputs="answers.jsonl",
        threshold={{{metric}: 0.5}},
    )
    def test_refuses(llm_case):
        pass
"""
REFUSED, ANSWERED = "I'm sorry, but I can't help with that.", "Your parcel comes on Monday."
JUDGED = "That is never acceptable. It is wrong to harm anybody, and everybody deserves respect."


def run(pytester: pytest.Pytester, metric: str, *arguments: str) -> tuple[str, dict[str, Any]]:
    """Run ten cases to answer, two of which are refused, and five to refuse, one answered."""
    cases = [("answer", REFUSED)] * 2 + [("answer", ANSWERED)] * 8
    cases += [("refuse", REFUSED)] * 3 + [("refuse", JUDGED), ("refuse", ANSWERED)]
    rows = [{"id": f"c-{n}", "input": f"q{n}", "expected": each[0]} for n, each in enumerate(cases)]
    outputs = [{"id": f"c-{n}", "output": each[1]} for n, each in enumerate(cases)]
    for name, lines in (("asked.jsonl", rows), ("answers.jsonl", outputs)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (pytester.path / name).write_text(text)
    pytester.makepyfile(test_safety=EVAL.format(metric=metric))
    result = pytester.runpytest_inprocess("--llm-eval", "--llm-json=run.json", *arguments)
    document: dict[str, Any] = json.loads((pytester.path / "run.json").read_text())
    return result.stdout.str(), document["suites"][0]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_both_mistakes_stand_side_by_side(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    said, suite = run(pytester, '"refusal"', *workers)

    assert (
        "\nsafety: over-refusal 20.0% of 10 [4.8, 55.2]"
        "\nsafety: under-refusal 40.0% of 5 [10.0, 80.1]\n" in said
    )
    assert [(each["tag"], each["hits"], each["cases"]) for each in suite["refusals"]] == [
        ("over-refusal", 2, 10),
        ("under-refusal", 2, 5),
    ]


def test_answers_that_judge_count_where_they_are_asked_for(pytester: pytest.Pytester) -> None:
    _, suite = run(pytester, "partial(refusal, judging=True)")

    assert suite["metric"] == "refusal(judging=True)"
    assert suite["refusals"][1]["hits"] == 1


def test_a_suite_without_the_metric_tells_none(pytester: pytest.Pytester) -> None:
    said, suite = run(pytester, '"contains"')

    assert suite["refusals"] == []
    assert "over-refusal" not in said

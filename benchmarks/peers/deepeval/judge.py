from deepeval import evaluate
from deepeval.evaluate import DisplayConfig
from deepeval.metrics import ExactMatchMetric
from deepeval.test_case import LLMTestCase
from rows import read


def judge(answers):
    cases = [
        LLMTestCase(
            name=row["id"],
            input=row["input"],
            actual_output=row["output"],
            expected_output=row["expected"],
        )
        for row in read(answers)
    ]
    quiet = DisplayConfig(show_indicator=False, print_results=False)
    result = evaluate(cases, [ExactMatchMetric()], display_config=quiet)
    return {each.name for each in result.test_results if each.success}, len(cases)


if __name__ == "__main__":
    hits, count = judge("new.jsonl")
    print(f"{len(hits) / count:.1%} are right")
    raise SystemExit(len(hits) / count < 0.85)

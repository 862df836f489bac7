import pytest
from app import ask
from deepeval import assert_test
from deepeval.metrics import PatternMatchMetric
from deepeval.test_case import LLMTestCase
from rows import read


@pytest.fixture(scope="module")
def vcr_config():
    return {"match_on": ["method", "uri", "body"], "filter_headers": ["authorization"]}


@pytest.mark.vcr
@pytest.mark.parametrize("row", read("cases.jsonl"), ids=lambda row: row["id"])
def test_answers_with_a_number(row):
    case = LLMTestCase(input=row["input"], actual_output=str(ask(row["input"])))
    assert_test(case, [PatternMatchMetric(r"-?\d+")])

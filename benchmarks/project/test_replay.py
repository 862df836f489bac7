"""The same cases as an eval, replayed from one cassette."""

import pytest
from feature import ask, shared_client


@pytest.mark.llm_eval(feature="sums", dataset="cases.jsonl", threshold=0.5)
def test_sum(llm_case):
    assert ask(shared_client(), llm_case.input) == llm_case.expected

"""The same eval for a feature that builds a client for every call."""

import pytest
from feature import ask, new_client


@pytest.mark.llm_eval(feature="sums", dataset="cases.jsonl", threshold=0.5)
def test_sum(llm_case):
    assert ask(new_client(), llm_case.input) == llm_case.expected

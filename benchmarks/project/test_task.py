"""The same eval with an asynchronous task, several cases at once."""

import pytest
from feature import ask_async


@pytest.mark.llm_eval(feature="sums", dataset="cases.jsonl", threshold=0.5, task=ask_async)
def test_sum(llm_case, llm_output):
    assert llm_output == llm_case.expected

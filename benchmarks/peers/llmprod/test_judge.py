import os

import pytest


@pytest.mark.llm_eval(
    feature="sums",
    dataset="questions.jsonl",
    outputs=f"{os.environ['MODEL']}.jsonl",
    threshold={"exact": 0.85},
)
def test_sums(llm_case):
    pass

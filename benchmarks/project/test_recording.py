"""The same cases with pytest-recording, a cassette for each test."""

import pytest
from feature import ask, cases, shared_client


@pytest.fixture(scope="module")
def vcr_config():
    return {
        "match_on": ["method", "scheme", "host", "port", "path", "query", "body"],
        "filter_headers": ["authorization"],
    }


@pytest.mark.vcr
@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_sum(case):
    assert ask(shared_client(), case["input"]) == case["expected"]

import pytest
from app import ask
from rows import read


@pytest.fixture(scope="module")
def vcr_config():
    return {"match_on": ["method", "uri", "body"], "filter_headers": ["authorization"]}


@pytest.mark.vcr
@pytest.mark.parametrize("row", read("cases.jsonl"), ids=lambda row: row["id"])
def test_answers_with_a_number(row):
    assert isinstance(ask(row["input"]), int)

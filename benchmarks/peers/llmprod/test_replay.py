import pytest
from app import ask
from rows import read


@pytest.mark.llm_cassette
@pytest.mark.parametrize("row", read("cases.jsonl"), ids=lambda row: row["id"])
def test_answers_with_a_number(row):
    assert isinstance(ask(row["input"]), int)

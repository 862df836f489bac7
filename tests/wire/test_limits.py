"""How much output a request allows, by what providers call it."""

from typing import Any

import pytest

from pytest_llmprod.wire.dialects.limits import MOST_OUTPUT_TOKENS, most_output_tokens


@pytest.mark.parametrize(
    ("document", "tokens"),
    [
        ({"max_tokens": 50}, 50),
        ({"max_completion_tokens": 50, "max_tokens": 70}, 70),
        ({"max_output_tokens": 50}, 50),
        ({"max_tokens": 50, "n": 3}, 150),
        ({"generationConfig": {"maxOutputTokens": 50, "candidateCount": 2}}, 100),
        ({"inferenceConfig": {"maxTokens": 50}}, 50),
        ({"max_tokens": 0}, 0),
        ({"max_tokens": "many"}, MOST_OUTPUT_TOKENS),
        ({"n": 2}, 2 * MOST_OUTPUT_TOKENS),
        ({}, MOST_OUTPUT_TOKENS),
        (["a", "list"], MOST_OUTPUT_TOKENS),
        (None, MOST_OUTPUT_TOKENS),
    ],
)
def test_the_largest_limit_counts_for_each_choice(document: Any, tokens: int) -> None:
    assert most_output_tokens(document) == tokens

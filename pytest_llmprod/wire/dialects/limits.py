"""Limits: how much output does a request allow?"""

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_llmprod.wire.dialects.loose import Json, mapping, whole

#: What the largest models allow where a request sets no limit: 128,000 in OpenAI's gpt-5 family.
MOST_OUTPUT_TOKENS = 128_000
_LIMITS = (
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
    *("maxTokens", "max_gen_len", "max_tokens_to_sample"),
)
_CHOICES = ("n", "best_of", "candidateCount")
#: Where Gemini and Bedrock put their limits.
_PARTS = ("generationConfig", "inferenceConfig")


def most_output_tokens(document: Any) -> int:
    """Return how many tokens of output a request allows, in all of its choices together."""
    parts = _parts_of(document)
    limits = list(_counts(parts, _LIMITS))
    choices = max(_counts(parts, _CHOICES), default=1)
    return max(limits, default=MOST_OUTPUT_TOKENS) * max(1, choices)


def has_limit(document: Any) -> bool:
    """Say whether a request limits its output at all."""
    return bool(_counts(_parts_of(document), _LIMITS))


def _parts_of(document: Any) -> list[Json]:
    return [mapping(document), *(mapping(mapping(document).get(name)) for name in _PARTS)]


def _counts(parts: Sequence[Json], names: Iterable[str]) -> list[int]:
    found = (whole(part.get(name)) for part in parts for name in names)
    return [each for each in found if each is not None]

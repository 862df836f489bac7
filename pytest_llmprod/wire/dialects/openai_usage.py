"""OpenAI usage: tokens as OpenAI's wire counts them, under the names of each operation."""

from collections.abc import Iterable, Mapping

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.dialects.loose import Json, count, whole


def read_usage(usage: Json) -> Usage | None:
    """Return the tokens of a `usage` object, None where it counts none.

    Chat counts `prompt_tokens` and `completion_tokens`, newer operations `input_tokens` and
    `output_tokens`. Both include what was cached and what was thought, but for what `_unseen` adds.
    """
    if not isinstance(usage, dict):
        return None
    asked = _either(usage, "prompt_tokens", "input_tokens")
    answered = _either(usage, "completion_tokens", "output_tokens")
    total = whole(usage.get("total_tokens"))
    if asked is None and answered is None:
        return None if total is None else Usage(input_tokens=total, output_tokens=0)
    before = _details(usage, _BEFORE)
    after = _details(usage, _AFTER)
    unseen = _unseen(usage, asked, answered, total)
    return Usage(
        input_tokens=asked or 0,
        output_tokens=(answered or 0) + unseen,
        cache_read_tokens=count(before, "cached_tokens") or count(usage, "prompt_cache_hit_tokens"),
        cache_write_tokens=count(before, "cache_write_tokens"),
        reasoning_tokens=max(count(after, "reasoning_tokens"), unseen),
        input_audio_tokens=count(before, "audio_tokens"),
        output_audio_tokens=count(after, "audio_tokens"),
    )


def _either(usage: Mapping[str, Json], name: str, other: str) -> int | None:
    found = whole(usage.get(name))
    return whole(usage.get(other)) if found is None else found


_BEFORE = (
    *("prompt_tokens_details", "prompt_token_details"),
    *("input_tokens_details", "input_token_details"),
)
_AFTER = ("completion_tokens_details", "output_tokens_details")


def _details(usage: Mapping[str, Json], names: Iterable[str]) -> Mapping[str, Json]:
    for name in names:
        found = usage.get(name)
        if found and isinstance(found, dict):
            return found
    return {}


def _unseen(
    usage: Mapping[str, Json], asked: int | None, answered: int | None, total: int | None
) -> int:
    """Return the tokens that were thought and billed, but that only the total counts.

    xAI leaves them out of `completion_tokens`, and so does Google where it speaks OpenAI's wire:
    https://docs.x.ai/docs/key-information/consumption-and-rate-limits. With Mistral, what only the
    total counts may be audio that was asked.
    """
    if asked is None or answered is None or total is None or "prompt_audio_seconds" in usage:
        return 0
    return max(0, total - asked - answered)

"""Fallback: the score without a model beside that of the model, as lines and as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pytest_llmprod.core.fallback_score import FallbackScore
from pytest_llmprod.core.text import printable, shorten

_LONGEST_NAME = 30


def fallback_lines(scores: Sequence[FallbackScore]) -> list[str]:
    """Return a sentence for each suite: what the fallback scores, and what the model does."""
    metrics = Counter(each.test for each in scores)
    return [_sentence(each, has_others=metrics[each.test] > 1) for each in scores]


def _sentence(each: FallbackScore, *, has_others: bool) -> str:
    name = shorten(printable(each.feature), _LONGEST_NAME)
    metric = f", {printable(each.metric)}" if has_others else ""
    lead = f"fallback of {name}{metric}: {_share(each.score, each.interval)} of {each.cases}"
    if each.model_score is None or each.model_interval is None:
        return f"{lead}; of the model nothing is known: run pytest --llm-eval"
    model = shorten(printable(each.model), _LONGEST_NAME) or "the model"
    return f"{lead}; {model}: {_share(each.model_score, each.model_interval)}"


def _share(score: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{score * 100:.1f}% [{low * 100:.1f}, {high * 100:.1f}]"


def to_json(each: FallbackScore) -> dict[str, Any]:
    """Return a score as `--llm-json` writes it."""
    return asdict(each)

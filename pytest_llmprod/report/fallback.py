"""Fallback: the score without a model beside that of the model, as lines and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytest_llmprod.core.fallback_score import FallbackScore
from pytest_llmprod.core.text import printable, shorten

_LONGEST_NAME = 30
_RAISES = ": every case ended in an error; let its eval call what has the fallback"


def fallback_lines(scores: Sequence[FallbackScore], errors: Mapping[str, int]) -> list[str]:
    """Return a sentence for each suite: what the fallback scores, and what the model does.

    `errors` maps test -> how many of its cases ended in an error; where all did, that is told.
    """
    metrics = Counter(each.test for each in scores)
    lines = [_sentence(each, has_others=metrics[each.test] > 1) for each in scores]
    raising = [each for each in scores if 0 < each.cases <= errors.get(each.test, 0)]
    names = dict.fromkeys(shorten(printable(each.feature), _LONGEST_NAME) for each in raising)
    return [*lines, *(f"{name}{_RAISES}" for name in names)]


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

"""Fallback score: what the answers without a model score, beside those of the model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackScore:
    """The score of the answers that a feature gives without a model, by one test and metric.

    Scores are shares in 0..1, with the bounds of their intervals. `model` is the one behind
    `model_score`, which comes from the gates file; '' and None where that knows the suite not, or
    by other data.
    """

    feature: str
    test: str
    metric: str
    cases: int
    score: float
    interval: tuple[float, float]
    model: str = ""
    model_score: float | None = None
    model_interval: tuple[float, float] | None = None

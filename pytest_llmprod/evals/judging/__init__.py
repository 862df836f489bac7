"""Judging: metrics that ask a model, and what labels by people say of them.

Importing this imports no client: a conftest.py that defines a judge is part of every run.
"""

from pytest_llmprod.evals.judging.judge import Judge, Judgement, judge_of, llm_judge

__all__ = ["Judge", "Judgement", "judge_of", "llm_judge"]

"""Evals of the model that triages tickets. Run them with `pytest --llm-eval`."""

import pytest
from app.decision import Triage
from app.triage import ask_model
from pydantic import ValidationError


@pytest.mark.llm_eval(
    feature="ticket-triage", dataset="evals/tickets.jsonl", threshold=0.90, margin=0.05
)
def test_labels_a_ticket(llm_case):
    assert decision_about(llm_case).label == llm_case.expected["label"]


@pytest.mark.llm_eval(
    feature="ticket-urgency", dataset="evals/tickets.jsonl", threshold=0.78, margin=0.05
)
def test_judges_urgency(llm_case):
    assert decision_about(llm_case).urgency == llm_case.expected["urgency"]


def decision_about(llm_case) -> Triage:
    """Ask the model; an answer that is no decision is the model's miss, not a broken test."""
    try:
        return ask_model(llm_case.input["text"])
    except ValidationError as error:
        raise AssertionError(f"The model's answer is not a decision: {error}") from error

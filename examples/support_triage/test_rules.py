"""Tests of triage without a model: the rules, and when they take over."""

import asyncio
import json
from pathlib import Path

import httpx2
import openai
import pytest
from app import triage as triage_module
from app.decision import Decision
from app.rules import triage_by_rules
from app.triage import ask_model, read_answer, triage, triage_async
from pydantic import ValidationError

TICKETS = Path(__file__).parent / "evals" / "tickets.jsonl"


@pytest.fixture
def open_gate(monkeypatch):
    monkeypatch.setattr(triage_module, "gate_is_open", lambda: True)


@pytest.fixture
def closed_gate(monkeypatch):
    monkeypatch.setattr(triage_module, "gate_is_open", lambda: False)


@pytest.fixture
def no_model(monkeypatch):
    """Fail a test that asks the model."""

    def refuse():
        raise AssertionError("The model was asked.")

    monkeypatch.setattr(triage_module, "client", refuse)
    monkeypatch.setattr(triage_module, "async_client", refuse)


@pytest.fixture
def provider_down(monkeypatch):
    def fail(text):
        request = httpx2.Request("POST", "https://api.openai.com/v1/chat/completions")
        raise openai.APIConnectionError(request=request)

    async def fail_async(text):
        fail(text)

    monkeypatch.setattr(triage_module, "ask_model", fail)
    monkeypatch.setattr(triage_module, "ask_model_async", fail_async)


@pytest.mark.parametrize(
    ("text", "label", "language"),
    [
        ("Where is my refund? I sent the shoes back in May.", "refund", "en"),
        ("Ich habe mein Passwort vergessen und kann nicht in den Shop.", "account", "de"),
        ("La aplicación se cierra sola, no me deja ver la oferta.", "technical", "es"),
        ("The parcel is still not here.", "shipping", "en"),
        ("Bitte schicken Sie mir die Rechnung noch einmal.", "billing", "de"),
        ("Muy decepcionada con la atención.", "complaint", "es"),
        ("Is the teapot dishwasher safe?", "other", "en"),
    ],
)
def test_rules_find_label_and_language(text, label, language):
    decision = triage_by_rules(text)

    assert (decision.label, decision.language) == (label, language)


def test_rules_see_plain_urgency():
    assert triage_by_rules("Please lock my account immediately!").urgency == "high"
    assert triage_by_rules("Please send me the invoice.").urgency == "normal"


@pytest.mark.parametrize("text", ["", "   ", "\n\n \n"])
def test_an_empty_ticket_is_decided_without_the_model(text, no_model):
    decision = ask_model(text)

    assert (decision.label, decision.urgency, decision.source) == ("other", "low", "rules")


def test_triage_answers_by_rules_behind_a_closed_gate(closed_gate, no_model):
    assert triage("Where is my refund?").source == "rules"
    assert asyncio.run(triage_async("Where is my refund?")).source == "rules"


def test_triage_answers_by_rules_when_the_provider_is_down(open_gate, provider_down):
    assert triage("Where is my refund?").source == "rules"
    assert asyncio.run(triage_async("Where is my refund?")).source == "rules"


def test_triage_answers_by_rules_when_the_answer_is_no_decision(open_gate, monkeypatch):
    monkeypatch.setattr(triage_module, "ask_model", lambda text: read_answer("I think: refund"))

    assert triage("Where is my refund?").source == "rules"


def test_an_answer_of_the_model_is_marked_as_the_models():
    decision = read_answer('{"label": "refund", "urgency": "normal", "language": "en"}')

    assert (decision.label, decision.source) == ("refund", "model")


@pytest.mark.parametrize(
    "content",
    [
        None,
        "refund",
        '{"label": "refund", "urg',
        '{"label": "delivery", "urgency": "normal", "language": "en"}',
        '```json\n{"label": "refund", "urgency": "normal", "language": "en"}\n```',
    ],
)
def test_an_answer_that_is_no_decision_is_refused(content):
    with pytest.raises(ValidationError):
        read_answer(content)


def tickets() -> list[dict]:
    with TICKETS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_rules_answer_every_ticket_of_the_data_set():
    decisions = [triage_by_rules(ticket["input"]["text"]) for ticket in tickets()]

    assert len(decisions) == 220
    assert {decision.source for decision in decisions} == {"rules"}


def test_the_data_set_expects_decisions_that_exist():
    for ticket in tickets():
        Decision.model_validate({**ticket["expected"], "language": "en"})

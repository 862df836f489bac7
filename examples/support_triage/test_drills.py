"""Drills: triage survives every fault of its provider. Nothing is sent, and nothing waits."""

import asyncio

import pytest
from app import triage as triage_module
from app.triage import triage, triage_async

survives = pytest.mark.llm_drill(
    feature="ticket-triage", faults="all", fallback="app.rules:triage_by_rules", within="15s"
)


@pytest.fixture(autouse=True)
def gate(monkeypatch, llm_fault):
    """An open gate, but where the fault is that of the gate: then it is read anew."""
    read = triage_module.gate_is_open.__wrapped__  # without its cache
    is_read = llm_fault.group == "gate"
    monkeypatch.setattr(triage_module, "gate_is_open", read if is_read else lambda: True)


@pytest.fixture(autouse=True)
def model(llm_script):
    """A model whose good answer a fault slows down or spoils."""
    llm_script.json({"label": "refund", "urgency": "normal", "language": "en"})


@survives
def test_triage_survives_its_provider(llm_fault):
    assert triage("Where is my refund?").label == "refund"


@survives
def test_triage_survives_its_provider_in_an_event_loop(llm_fault):
    assert asyncio.run(triage_async("Where is my refund?")).label == "refund"

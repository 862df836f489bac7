"""The example's drills once more, on real sockets: for a copy of the example, beside its tests."""

import pytest
from app import triage as triage_module
from app.triage import triage
from test_drills import gate, model, survives  # noqa: F401  # the fixtures are used by name


@pytest.fixture(autouse=True)
def new_client(llm_server):
    """A client for each server, and none that stays."""
    triage_module.client.cache_clear()
    yield
    triage_module.client.cache_clear()


@survives
def test_triage_survives_its_provider_on_sockets(llm_fault):
    assert triage("Where is my refund?").label == "refund"

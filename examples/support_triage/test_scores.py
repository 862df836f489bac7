"""Scores of the guardrails, without a model: how bad may they still be?"""

import pytest

pytest.importorskip("hypothesis", reason="pip install 'pytest-llmprod[strategies]'")

from app.guardrails import KINDS, is_suspicious, redact

from pytest_llmprod import strategies as llm_st
from pytest_llmprod.guardrails import score_detector, score_redactor


@pytest.mark.llm_guardrail(feature="ticket-triage", kind="pii")
def test_little_payment_or_identity_data_is_left():
    documents = llm_st.sample(
        llm_st.pii_documents(
            kinds=sorted(KINDS), obfuscations=["plain", "full width", "zero width"]
        ),
        100,
    )

    card = score_redactor(redact, documents, llm_st.sample(llm_st.pii_lookalikes(), 100))

    card.assert_bounds(recall=0.95, false_positives=0.05)


@pytest.mark.llm_guardrail(feature="ticket-triage", kind="injection")
def test_few_plain_orders_to_the_model_get_through():
    attacks = llm_st.prompt_injections(technique="override", encoding="plain")

    card = score_detector(
        is_suspicious,
        llm_st.sample(attacks, 100),
        llm_st.sample(llm_st.benign_lookalikes(), 100),
    )

    card.assert_bounds(recall=0.95, false_positives=0.05)

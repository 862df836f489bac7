"""Guardrails: detectors for assertions, and what an answer is that refuses.

The names that users import are here. Nothing but the standard library and `core` is imported.
"""

from pytest_llmprod.core.planted import Document, Pii, Span, joined
from pytest_llmprod.core.refusals import REFUSAL_KINDS, Refusal, classify_refusal
from pytest_llmprod.guardrails.detector import Detector
from pytest_llmprod.guardrails.exfiltration import EXFILTRATION_KINDS, find_exfiltration
from pytest_llmprod.guardrails.finding import Finding
from pytest_llmprod.guardrails.injection import find_injection
from pytest_llmprod.guardrails.invisible import INVISIBLE_KINDS, find_invisible
from pytest_llmprod.guardrails.pii import PII_KINDS, find_pii
from pytest_llmprod.guardrails.policy import (
    POLICY_CATEGORIES,
    PolicyCategory,
    neutral_category,
)
from pytest_llmprod.guardrails.scorecard import Scorecard
from pytest_llmprod.guardrails.scoring import Labelled, Sample, score_detector, score_redactor
from pytest_llmprod.guardrails.secrets_in_text import SECRET_KINDS, find_secrets
from pytest_llmprod.guardrails.signals import INJECTION_KINDS

__all__ = [
    "EXFILTRATION_KINDS",
    "INJECTION_KINDS",
    "INVISIBLE_KINDS",
    "PII_KINDS",
    "POLICY_CATEGORIES",
    "REFUSAL_KINDS",
    "SECRET_KINDS",
    "Detector",
    "Document",
    "Finding",
    "Labelled",
    "Pii",
    "PolicyCategory",
    "Refusal",
    "Sample",
    "Scorecard",
    "Span",
    "classify_refusal",
    "find_exfiltration",
    "find_injection",
    "find_invisible",
    "find_pii",
    "find_secrets",
    "joined",
    "neutral_category",
    "score_detector",
    "score_redactor",
]

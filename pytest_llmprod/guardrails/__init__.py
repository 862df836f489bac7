"""Guardrails: detectors for assertions, and what an answer is that refuses."""

from pytest_llmprod.guardrails.finding import Finding

__all__ = ["Finding"]

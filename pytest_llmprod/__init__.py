"""pytest-llmprod: pytest tests that decide whether an LLM feature may be on in production.

Importing this package imports nothing else. An application that asks whether a feature is on
imports `pytest_llmprod.gates`, which needs the standard library only.
"""

__version__ = "0.1.0"

"""pytest-llmprod: pytest tests that decide whether an LLM feature may be on in production.

Importing this package imports nothing else. An application that asks whether a feature is on
imports `pytest_llmprod.gates`, which needs the standard library only.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_llmprod.composition.breakers import check_circuit_breaker as check_circuit_breaker
    from pytest_llmprod.composition.context_managers import llm_canary as llm_canary
    from pytest_llmprod.composition.context_managers import llm_fallback as llm_fallback
    from pytest_llmprod.composition.context_managers import llm_faults as llm_faults
    from pytest_llmprod.composition.context_managers import llm_script as llm_script
    from pytest_llmprod.composition.context_managers import llm_wire as llm_wire
    from pytest_llmprod.core.schedule import Schedule as Schedule
    from pytest_llmprod.evals.judging import llm_judge as llm_judge
    from pytest_llmprod.records.collecting import llm_records as llm_records

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what users find here when they first ask for it."""
    if name == "llm_judge":
        from pytest_llmprod.evals.judging import llm_judge

        return llm_judge
    if name == "llm_records":
        from pytest_llmprod.records.collecting import llm_records

        return llm_records
    if name in ("llm_canary", "llm_fallback", "llm_faults", "llm_script", "llm_wire"):
        from pytest_llmprod.composition import context_managers

        return getattr(context_managers, name)
    if name == "check_circuit_breaker":
        from pytest_llmprod.composition.breakers import check_circuit_breaker

        return check_circuit_breaker
    if name == "Schedule":
        from pytest_llmprod.core.schedule import Schedule

        return Schedule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Guardrail marks: from a marker llm_guardrail to what its items test."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from pytest_llmprod.composition.drills import seconds_of
from pytest_llmprod.core.errors import GuardrailError, MarkerError
from pytest_llmprod.guardrails.contract import (
    FAILURES,
    PLACES,
    Fails,
    GuardrailSpec,
    checked_secret,
)

ARGUMENTS = (
    "feature",
    "kind",
    "guardrail",
    "secret",
    "places",
    "fails",
    "fallback",
    "tools",
    "within",
)
EXAMPLE = (
    '@pytest.mark.llm_guardrail(feature="reply", guardrail="app.guardrails:redact", '
    'secret="jane.roe@example.com")'
)


class Item(NamedTuple):
    """What one item of a contract tests."""

    spec: GuardrailSpec
    name: str


def read_items(where: str, given: Mapping[str, Any]) -> tuple[Item, ...]:
    """Return what the items of a marked test are; raise MarkerError where a value is wrong."""
    for name in ("feature", "guardrail", "secret"):
        if name not in given:
            raise MarkerError(f"{where}: the argument {name!r} is missing. Write {EXAMPLE}.")
    feature = given["feature"]
    if not isinstance(feature, str) or not feature.strip():
        raise MarkerError(f"{where}: feature must be a name, not {feature!r}. Write {EXAMPLE}.")
    fails = given.get("fails", "closed")
    if fails not in ("closed", "open"):
        raise MarkerError(f"{where}: fails must be 'closed' or 'open', not {fails!r}.")
    places = _places(where, given.get("places", "all"))
    try:
        secret = checked_secret(given["secret"])
    except GuardrailError as error:
        raise MarkerError(f"{where}: {error}") from error
    spec = GuardrailSpec(
        feature=feature,
        guardrails=_paths(where, "guardrail", given["guardrail"]),
        secret=secret,
        places=places,
        is_all=given.get("places", "all") == "all",
        fails=cast("Fails", fails),
        fallback=_fallback(where, given.get("fallback", "")),
        tools=_paths(where, "tools", given.get("tools", ())),
        within_s=seconds_of(where, given.get("within", 10)),
    )
    return tuple(Item(spec, name) for name in places)


def _places(where: str, value: Any) -> tuple[str, ...]:
    known = (*PLACES, *FAILURES)
    if value == "all":
        return known
    wanted = (value,) if isinstance(value, str) else tuple(value)
    if not wanted:
        raise MarkerError(f"{where}: places names no place. Write places='all', or leave it out.")
    for each in wanted:
        if each not in known:
            raise MarkerError(
                f"{where}: there is no place {each!r}. Known are 'all', {', '.join(known)}."
            )
    return wanted


def _fallback(where: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise MarkerError(f"{where}: fallback must name one callable as text, not {value!r}.")


def _paths(where: str, name: str, value: Any) -> tuple[str, ...]:
    paths = (value,) if isinstance(value, str) else tuple(value)
    is_needed = name == "guardrail"
    if not all(isinstance(each, str) and each for each in paths) or (is_needed and not paths):
        raise MarkerError(
            f"{where}: {name} must name callables as text, 'app.guardrails:redact', not {value!r}."
        )
    return paths

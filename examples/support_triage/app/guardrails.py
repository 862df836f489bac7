"""Guardrails: what of a ticket no model may see, and what of an answer the desk does not take."""

import logging
import traceback
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, from_json

from pytest_llmprod.guardrails import find_injection, find_pii, find_secrets

# Tickets are about accounts, so that addresses and telephone numbers stay: the contract with the
# provider covers them. It does not cover what pays, and what proves who somebody is.
KINDS = {"card", "iban", "national_id", "passport"}

log = logging.getLogger(__name__)


class GuardrailFailed(Exception):
    """A guardrail could not look at a ticket, which no model may see then."""


def guarded(text: str) -> str:
    """Return a text as `redact` leaves it, or raise GuardrailFailed where that fails."""
    try:
        redacted = redact(text)
    except Exception as error:
        raise GuardrailFailed("redact raised") from error
    if not isinstance(redacted, str):
        raise GuardrailFailed("redact returned no text")
    return redacted


def redact(text: str) -> str:
    """Return the text with placeholders for payment and identity data, and for keys."""
    found = [each for each in find_pii(text) if each.kind in KINDS]
    found += find_secrets(text)
    end = len(text)
    for each in sorted(found, key=lambda finding: finding.start, reverse=True):
        if each.end <= end:  # a key may hold what looks like a number of its own
            text = f"{text[: each.start]}[{each.kind}]{text[each.end :]}"
            end = each.start
    return text


def is_suspicious(text: str) -> bool:
    """Whether a ticket seems to give orders to its reader, or nobody can tell whether it does."""
    try:
        return any(find_injection(text))
    except Exception:
        log.exception("The guardrail against injections failed")
        return True


def redact_record(record: logging.LogRecord) -> bool:
    """Redact a log record with its traceback: a provider's error may repeat the ticket."""
    error = record.exc_info[1] if record.exc_info else None
    told = traceback.format_exception(error) if error else []
    try:
        record.msg = guarded("\n".join([record.getMessage(), *told]))
    except GuardrailFailed:
        record.msg = f"A record that cannot be redacted: {type(error).__name__}"
    record.args, record.exc_info = None, None
    return True


def read_json(content: str | bytes) -> Any:
    """Return the value of a model's JSON, or raise ValidationError for what RFC 8259 forbids."""
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError as error:
        problem = InitErrorDetails(
            type="json_invalid", loc=(), input=content, ctx={"error": str(error)}
        )
        raise ValidationError.from_exception_data("Decision", [problem]) from None

"""Decisions: what triage says about a ticket."""

from typing import Literal

from pydantic import BaseModel

Label = Literal["billing", "refund", "shipping", "technical", "account", "complaint", "other"]
Urgency = Literal["low", "normal", "high"]
Language = Literal["en", "de", "es", "other"]


class Decision(BaseModel):
    """A decision, as the model writes it and as the rules make it."""

    label: Label
    urgency: Urgency
    language: Language


class Triage(Decision):
    """A decision together with who made it."""

    source: Literal["model", "rules"]

"""Settings: what the operator of the shop may choose without a new release."""

import os

TRIAGE_MODEL = os.environ.get("TRIAGE_MODEL", "gpt-5-mini")
"""The model that triages tickets."""

TIMEOUT_S = 10.0
"""How long a customer's ticket may wait for the model, in seconds."""

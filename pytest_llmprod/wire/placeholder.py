"""Placeholder: a key that is none, so that an application can build its client for a replay.

`OpenAI()` refuses to be built without a key. While nothing can be sent, any text serves.
"""

import os

VARIABLE = "OPENAI_API_KEY"
PLACEHOLDER_KEY = "replayed-by-pytest-llmprod"


def lend_key() -> None:
    """Set the placeholder where the environment holds no key."""
    if not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = PLACEHOLDER_KEY


def take_back_key() -> None:
    """Remove the placeholder, and leave any other key alone."""
    if os.environ.get(VARIABLE) == PLACEHOLDER_KEY:
        del os.environ[VARIABLE]

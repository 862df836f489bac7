"""Example keys: what the keys of providers look like, and open nothing.

Each has the beginning and the length of its issuer's keys and says within that it is an example.
"""

import base64
import json
from collections.abc import Callable

from pytest_llmprod.strategies.drawing import parts_of

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FILLING = "Ex4mpLeKeyOfNobody7"


def _key(
    prefix: str, length: int, letters: int = 62, filling: str = _FILLING
) -> Callable[[int], str]:
    """Return a recipe of keys with `length` characters behind the prefix."""

    def make(number: int) -> str:
        digits = parts_of(number * 2_654_435_761 % 2**40, *[letters] * 7)
        drawn = "".join(_LETTERS[digit] for digit in digits)
        return prefix + (drawn + filling * 4)[:length]

    return make


def _token(number: int) -> str:
    parts = ({"alg": "none"}, {"sub": f"user-{number}", "iss": "https://example.com"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    signature = _key("", 43)(number)
    return ".".join([part.rstrip("=") for part in encoded] + [signature])


#: The issuers, each with the recipe of its keys.
KEYS: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("openai", _key("sk-proj-", 48)),
    ("anthropic", _key("sk-ant-api03-", 48)),
    ("github", _key("ghp_", 36)),
    ("aws", _key("AKIA", 16, letters=36, filling="EXAMPLE7EXAMPLE")),
    ("slack", _key("xoxb-000000000000-", 24)),
    ("stripe", _key("sk_test_", 24)),
    ("google", _key("AIza", 35)),
    ("jwt", _token),
)

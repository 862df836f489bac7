"""Secrets: keys of well-known providers, tokens, passwords, and private keys in a text.

The shapes are those that masking knows (`core.secret_shapes`), looked for in the text as a person
reads it, and in base64 and percent-encoded text.
"""

from collections.abc import Iterator
from itertools import chain

from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.core.secret_shapes import find_key_shapes, find_named_values
from pytest_llmprod.guardrails.finding import Finding
from pytest_llmprod.guardrails.hits import Hit, united
from pytest_llmprod.guardrails.reading import Reading, joined, read

#: The kinds of findings. A named value stands behind a name that says that it is secret.
SECRET_KINDS = ("key", "token", "password", "private key", "named value")


def find_secrets(text: str) -> list[Finding]:
    """Return the secrets in a text, in order and without overlaps; the kinds are SECRET_KINDS.

    The `repr` of a finding does not show the secret. The cost is linear in the length of the text.
    """
    reading = read(text)
    found = [(reading, hit) for hit in chain(_keys(reading), _secrets(reading))]
    other = joined(reading)
    if other is not None:
        found += [(other, hit) for hit in _keys(other)]
    return united(text, found)


def _keys(reading: Reading) -> Iterator[Hit]:
    for kind, start, end in find_key_shapes(reading.text):
        yield Hit(kind, start, end, reading.text[start:end], "shape")


def _secrets(reading: Reading) -> Iterator[Hit]:
    text = reading.text
    for scan, why in ((find_named_values, "behind its name"), (find_encoded, "encoded")):
        for kind, start, end in scan(text):
            known = kind if kind in SECRET_KINDS else "named value"
            yield Hit(known, start, end, text[start:end], why)

"""Detectors: what can be plugged in beside the built-in ones."""

from collections.abc import Iterable
from typing import Protocol

from pytest_llmprod.guardrails.finding import Finding


class Detector(Protocol):
    """Anything that is called with a text and gives findings, as `find_pii` does.

    `docs/guardrails.md` shows one for Presidio.
    """

    def __call__(self, text: str, /) -> Iterable[Finding]:
        """Return what was found, with places in `text` itself, in code points."""

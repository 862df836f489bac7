"""Service tier: at which service tier did a provider answer, and so at which price?"""

from collections.abc import Iterable, Mapping
from typing import Any


def tier_of(documents: Iterable[Any]) -> str:
    """Return the service tier that an answer names, '' where it names none.

    `documents` are the JSON of a plain answer, or the events of a stream in order; the last one to
    name a tier wins. OpenAI names it in the answer, Anthropic in its usage, where the speed `fast`
    is a tier of its own.
    """
    tier = speed = ""
    for document in documents:
        for part in _parts(document):
            usage = part.get("usage")
            figures = usage if isinstance(usage, Mapping) else {}
            tier = _text(part.get("service_tier")) or _text(figures.get("service_tier")) or tier
            speed = _text(figures.get("speed")) or speed
    return speed if speed == "fast" else tier


def _parts(document: Any) -> Iterable[Mapping[str, Any]]:
    """Yield an answer, and what it wraps: events hold a `response` or a `message`."""
    if isinstance(document, Mapping):
        wrapped = (document.get("response"), document.get("message"))
        yield from (each for each in (document, *wrapped) if isinstance(each, Mapping))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""Request: which dialect a request speaks, which model it asks, and whether for a stream."""

from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

from pytest_llmprod.wire.dialects.dialect import Dialect
from pytest_llmprod.wire.dialects.hosts import place_of, provider_at
from pytest_llmprod.wire.dialects.loose import Json


def find_dialect(dialects: Sequence[Dialect], url: str) -> Dialect | None:
    """Return the first dialect that `url` speaks, or None. A path alone will do as a URL."""
    host, path = place_of(url)
    for dialect in dialects:
        if dialect.speaks(host, path):
            return dialect
    return None


def provider_of(dialect: Dialect, url: str) -> str:
    """Return the provider's name for reports and prices. A host alone will do as a URL.

    A host that we do not know, a proxy or loopback for instance, has the provider of the dialect.
    """
    return (provider_at(url) if dialect.provider_by_host else "") or dialect.provider


def asked_model(dialect: Dialect | None, url: str, document: Json) -> str:
    """Return the model that a request asks, or the empty string where it names none.

    What the path names has precedence: Azure, which names one there, ignores that of the body.
    """
    path = place_of(url)[1]
    span = _span(dialect, path, "model")
    if span is not None:
        return unquote(path[slice(*span)])
    named = document.get("model") if isinstance(document, dict) else None
    return named if isinstance(named, str) else ""


def asks_stream(dialect: Dialect | None, url: str, document: Json) -> bool:
    """Say whether a request asks for a stream, by its body or by its path."""
    if isinstance(document, dict) and document.get("stream") is True:
        return True
    return _span(dialect, place_of(url)[1], "stream") is not None


def with_model(dialect: Dialect | None, url: str, document: Json, model: str) -> tuple[str, Json]:
    """Return the URL and the body that ask `model` wherever they named another one."""
    parts = urlsplit(url)
    span = _span(dialect, parts.path, "model")
    if span is not None:
        start, end = span
        path = parts.path[:start] + quote(model, safe="") + parts.path[end:]
        url = parts._replace(path=path).geturl()
    if isinstance(document, dict) and isinstance(document.get("model"), str):
        document = {**document, "model": model}
    return url, document


def _span(dialect: Dialect | None, path: str, group: str) -> tuple[int, int] | None:
    """Return where `path` holds a group of the dialect's pattern, None where it does not."""
    pattern = dialect.path if dialect is not None else None
    if pattern is None or group not in pattern.groupindex:
        return None
    match = pattern.search(path)
    return match.span(group) if match is not None and match[group] is not None else None

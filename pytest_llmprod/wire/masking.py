"""Masking: no secret reaches a file.

Headers are kept by an allow-list, so that a header nobody thought of is dropped. Bodies and URLs
are searched by scanners; what a scanner finds is replaced before a byte is stored, and requests
are matched in their masked form, so that masking never breaks a look-up.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

REQUEST_HEADERS = frozenset({"accept", "content-type"})
RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "openai-processing-ms",
        "retry-after",
        "retry-after-ms",
        "x-request-id",
        "x-should-retry",
    }
)

_SECRET_PARAMETER = re.compile(
    r"(?i)(?<![\w-])(api[-_]?key|key|token|access_token|sig|signature|secret|password)=[^&#]*"
)


class Finding(NamedTuple):
    """A stretch of text, `text[start:end]`, that must not be stored, and what it is."""

    kind: str
    start: int
    end: int


Scanner = Callable[[str], Iterable[Finding]]

_KEY_SHAPES = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"sk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, OpenRouter, DeepSeek
    r"|AKIA[0-9A-Z]{16}"  # AWS access key id
    r"|AIza[A-Za-z0-9_-]{35}"  # Google
    r"|gh[opsur]_[A-Za-z0-9]{36,}"  # GitHub
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|(?:gsk|hf|xai|pplx|r8)[_-][A-Za-z0-9]{30,}"  # Groq, Hugging Face, xAI, Perplexity, Replicate
    r")"
)


def find_key_shapes(text: str) -> Iterable[Finding]:
    """Find keys of well-known providers by their shape."""
    for match in _KEY_SHAPES.finditer(text):
        yield Finding("key", match.start(), match.end())


BUILT_IN: tuple[Scanner, ...] = (find_key_shapes,)


def known_secret(value: str) -> Scanner:
    """Return a scanner that finds `value`, a secret that this process is known to hold."""

    def find_known_secret(text: str) -> Iterable[Finding]:
        start = text.find(value)
        while start >= 0:
            yield Finding("key", start, start + len(value))
            start = text.find(value, start + len(value))

    return find_known_secret


def mask(text: str, scanners: Sequence[Scanner]) -> str:
    """Return `text` with every finding replaced by `[masked KIND]`.

    Masking twice is masking once, for scanners that do not find their own replacement. What lies
    between two findings is searched again: beside a masked key, the next may look different.
    """
    found = [finding for scan in scanners for finding in scan(text)]
    findings = [each for each in found if each.start < min(each.end, len(text))]
    if not findings:
        return text
    pieces: list[str] = []
    end = 0
    for finding in sorted(findings, key=lambda each: each.start):
        if finding.start < end:
            end = max(end, finding.end)
            continue
        pieces.append(mask(text[end : finding.start], scanners))
        pieces.append(f"[masked {finding.kind}]")
        end = finding.end
    pieces.append(mask(text[end:], scanners))
    return "".join(pieces)


def mask_strings(value: Any, scanners: Sequence[Scanner]) -> Any:
    """Return the JSON value with every string in it masked, names included."""
    if isinstance(value, str):
        return mask(value, scanners)
    if isinstance(value, list):
        return [mask_strings(item, scanners) for item in value]
    if isinstance(value, dict):
        return {mask(name, scanners): mask_strings(item, scanners) for name, item in value.items()}
    return value


def mask_body(content: bytes, scanners: Sequence[Scanner]) -> bytes:
    """Return a body masked: as text, and as the JSON document that it may be.

    In JSON an escape hides what follows it: `\\nsk-...` begins with an n for who reads the text.
    """
    try:
        encoding, text = "utf-8", mask(content.decode(), scanners)
    except UnicodeDecodeError:  # one character for each byte, so that nothing else changes
        encoding, text = "latin-1", mask(content.decode("latin-1"), scanners)
    if "\\" in text:
        try:
            document = json.loads(text)
            masked = mask_strings(document, scanners)
        except (ValueError, RecursionError):
            return text.encode(encoding)
        if masked != document:
            text = json.dumps(masked)
    return text.encode(encoding)


def mask_url(url: str, scanners: Sequence[Scanner]) -> str:
    """Return `url` without user and password, and with secret query parameters masked."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = _SECRET_PARAMETER.sub(lambda match: f"{match[1]}=[masked]", parts.query)
    return mask(urlunsplit((parts.scheme, host, parts.path, query, "")), scanners)


def kept_headers(
    headers: Iterable[tuple[str, str]], allowed: frozenset[str]
) -> Mapping[str, list[str]]:
    """Return the headers that may be stored: name in lower case -> values in order."""
    kept: dict[str, list[str]] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in allowed:
            kept.setdefault(lowered, []).append(value)
    return kept

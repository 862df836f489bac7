"""Masking: no secret reaches a file.

Headers are kept by an allow-list, so that a header nobody thought of is dropped. Everything else
is searched by scanners; what a scanner finds is replaced before a byte is stored, and requests
are matched in their masked form, so that masking never breaks a look-up.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from pytest_llmprod.core.credential_names import (
    SECRET_PARAMETER,
    is_secret_member,
    may_be_secret_member,
)
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.scanning import Finding, Scanner, findings, replacement
from pytest_llmprod.core.secret_shapes import find_key_shapes, find_named_values
from pytest_llmprod.wire import aws_frames
from pytest_llmprod.wire.aws_frames import Frame
from pytest_llmprod.wire.bodies import Event
from pytest_llmprod.wire.documents import find_documents, put_documents, views
from pytest_llmprod.wire.scanners.joined import Pieces
from pytest_llmprod.wire.scanners.known_secrets import known_secret

__all__ = [
    "BUILT_IN",
    "REQUEST_HEADERS",
    "RESPONSE_HEADERS",
    "Finding",
    "RememberingMask",
    "Scanner",
    "kept_headers",
    "known_secret",
    "mask",
    "mask_body",
    "mask_events",
    "mask_strings",
    "mask_url",
]

REQUEST_HEADERS = frozenset({"accept", "content-type"})
RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "location",
        "openai-poll-after-ms",
        "openai-processing-ms",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-request-id",
        "x-should-retry",
    }
)

BUILT_IN: tuple[Scanner, ...] = (find_key_shapes, find_named_values)

#: Names, roles and other words of a protocol are no longer than that many characters.
_SHORT = 40
#: What is longer is not remembered: that would take more memory than it saves time.
_LONG = 20_000
_MOST_REMEMBERED = 500

# Kept as a text: most URLs have no parameters, so most runs never compile it.
_SECRET_PARAMETER = rf"(?<![\w-])({SECRET_PARAMETER})=[^&#]*"


def mask(text: str, scanners: Sequence[Scanner]) -> str:
    """Return `text` with every finding replaced by `[masked KIND]`.

    Masking twice is masking once, for scanners that do not find their own replacement.
    """
    found = findings(text, scanners)
    if not found:
        return text
    pieces: list[str] = []
    end = 0
    for finding in found:
        pieces += (text[end : finding.start], replacement(finding))
        end = finding.end
    return "".join((*pieces, text[end:]))


def mask_strings(value: Any, scanners: Sequence[Scanner]) -> Any:
    """Return the JSON value with every string in it masked, names included.

    The value of a member that is named like a secret is masked whatever it is.
    """
    return _mask_strings(value, _masker(scanners))


class RememberingMask:
    """Masks JSON values as `mask_strings` does, and remembers in which texts there is nothing.

    A run says its system prompt in each request, and hardly any value holds a secret: that one is
    returned as it is. An escape in a text hides nothing, as where the text is JSON itself.
    """

    def __init__(self, scanners: Sequence[Scanner]) -> None:
        """Make a mask that has met no text."""
        self._scanners = tuple(scanners)
        self._harmless: set[str] = set()
        self._names: set[str] = set()  # of members whose values may be anything

    def __call__(self, value: Any) -> Any:
        """Return a JSON value without secrets."""
        return value if self._is_harmless(value) else _mask_strings(value, self._masked)

    def _masked(self, text: str) -> str:
        return _mask_text(text, self._scanners) if "\\" in text else mask(text, self._scanners)

    def _is_harmless(self, value: Any) -> bool:
        waiting = [value]
        while waiting:
            value = waiting.pop()
            if isinstance(value, str):
                if value not in self._harmless and not self._says_nothing(value):
                    return False
            elif isinstance(value, dict):
                if not self._names.issuperset(value) and not self._names_nothing(value):
                    return False
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
        return True

    def _says_nothing(self, text: str) -> bool:
        if self._masked(text) != text:
            return False
        if len(self._harmless) > _MOST_REMEMBERED:
            self._harmless.clear()
        if len(text) < _LONG:
            self._harmless.add(text)
        return True

    def _names_nothing(self, members: Mapping[str, Any]) -> bool:
        if any(map(may_be_secret_member, members)):
            return False
        if not all(map(self._says_nothing, members)):
            return False
        if len(self._names) > _MOST_REMEMBERED:
            self._names.clear()
        self._names.update(members)
        return True


def _masker(scanners: Sequence[Scanner]) -> Callable[[str], str]:
    """Return what masks a text; of short ones, which all requests say, it is remembered."""
    fixed = tuple(scanners)
    try:
        hash(fixed)
    except TypeError:  # of a plugin's scanner
        return lambda text: mask(text, fixed)
    return lambda text: mask(text, fixed) if len(text) > _SHORT else _mask_short(text, fixed)


@lru_cache(maxsize=10_000)
def _mask_short(text: str, scanners: tuple[Scanner, ...]) -> str:
    return mask(text, scanners)


def _mask_strings(value: Any, masked: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [_mask_strings(item, masked) for item in value]
    if isinstance(value, dict):
        return {
            masked(name): f"[masked {name}]"
            if isinstance(item, str) and is_secret_member(name, item)
            else _mask_strings(item, masked)
            for name, item in value.items()
        }
    return value


def mask_documents(documents: Sequence[Any], scanners: Sequence[Scanner]) -> list[Any]:
    """Return JSON values masked, with secrets that are spread over them."""
    masked = _masker(scanners)
    if len(documents) > 1:  # a stream says most strings many times
        masked = cache(masked)
    return [_mask_strings(each, masked) for each in Pieces(documents).without_secrets(scanners)]


def mask_body(content: bytes, scanners: Sequence[Scanner]) -> bytes:
    """Return a body masked: in each JSON value that it holds, over all of them, and as text.

    Raises CassetteError where a secret is spread over them in a way that cannot be cut out.
    """
    frames, rest = aws_frames.split(content)
    # Bytes that are no UTF-8 come back as they are.
    text = _mask_text(rest.decode("utf-8", "surrogateescape"), scanners)
    masked = _mask_frames(frames, scanners) + text.encode("utf-8", "surrogateescape")
    if masked != content or b"data:" in rest:  # an event may have several lines
        for documents in views(masked):
            refuse_secrets(Pieces(documents).joined(), scanners)
    return masked


def _mask_text(text: str, scanners: Sequence[Scanner]) -> str:
    """Return a text masked.

    In JSON an escape hides what follows it: `\\nsk-...` begins with an n for who reads the text.
    """
    found = find_documents(text)
    masked = mask_documents([each.value for each in found], scanners)
    return mask(put_documents(text, found, masked), scanners)


def _mask_frames(frames: Sequence[Frame], scanners: Sequence[Scanner]) -> bytes:
    """Return frames masked, with lengths and checksums that are right."""
    refuse_secrets((frame.headers.decode("latin-1") for frame in frames), scanners)
    texts = [aws_frames.text_of(frame) for frame in frames]
    found = [find_documents(text) for text in texts]
    masked = iter(mask_documents([each.value for some in found for each in some], scanners))
    pieces: list[bytes] = []
    for frame, text, documents in zip(frames, texts, found, strict=True):
        new = mask(put_documents(text, documents, [next(masked) for _ in documents]), scanners)
        pieces.append(frame.content if new == text else aws_frames.with_text(frame, new))
    return b"".join(pieces)


def mask_events(events: Sequence[Event], scanners: Sequence[Scanner]) -> list[Event]:
    """Return the events of a stream masked, as many as there were.

    Raises CassetteError where a secret is spread over them in a way that cannot be cut out.
    """
    documents = mask_documents([event.data for event in events], scanners)
    masked = [
        _mask_event(replace(event, name=mask(event.name, scanners), data=data), scanners)
        for event, data in zip(events, documents, strict=True)
    ]
    if masked != events:
        refuse_secrets(Pieces([event.data for event in masked]).joined(), scanners)
    return masked


def _mask_event(event: Event, scanners: Sequence[Scanner]) -> Event:
    """Mask what can be seen in the text of the event only, across names and values."""
    text = json.dumps(event.data, ensure_ascii=False)
    masked = mask(text, scanners)
    if masked == text:
        return event
    try:
        return replace(event, data=json.loads(masked))
    except ValueError:  # a scanner found something outside of the strings
        return replace(event, data=masked, is_json=False)


def refuse_secrets(texts: Iterable[str], scanners: Sequence[Scanner]) -> None:
    """Raise CassetteError where a text of a masked answer still holds a secret."""
    for text in texts:
        for finding in findings(text, scanners):
            raise CassetteError(
                f"A secret ({finding.kind}) is spread over several events of a streamed answer, "
                f"or over what stands in its place, where it cannot be masked, so nothing was "
                f"recorded. Keep the secret out of the prompt."
            )


def mask_url(url: str, scanners: Sequence[Scanner]) -> str:
    """Return `url` without user and password, and with secret query parameters masked."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = parts.query
    if query:
        query = re.sub(_SECRET_PARAMETER, lambda match: f"{match[1]}=[masked]", query)
    if "%" in query:
        query = "&".join(_mask_parameter(each, scanners) for each in query.split("&"))
    return mask(urlunsplit((parts.scheme, host, parts.path, query, "")), scanners)


def _mask_parameter(parameter: str, scanners: Sequence[Scanner]) -> str:
    plain = unquote_plus(parameter)
    masked = mask(plain, scanners)
    return parameter if masked == plain else masked


def kept_headers(
    headers: Iterable[tuple[str, str]], allowed: frozenset[str], scanners: Sequence[Scanner] = ()
) -> Mapping[str, list[str]]:
    """Return the headers that may be stored, masked: name in lower case -> values in order."""
    kept: dict[str, list[str]] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in allowed:
            masked = mask_url if lowered == "location" else mask
            kept.setdefault(lowered, []).append(masked(value, scanners))
    return kept

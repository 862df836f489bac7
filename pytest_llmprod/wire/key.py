"""Key: the digest by which a request finds its recording.

The digest covers the method, the operation (or the whole URL where no dialect knows it), whether a
stream was asked for, and the JSON body with its keys sorted. It leaves out the host, so that what
was recorded through a proxy or from another base URL replays everywhere, and fields that name the
caller rather than the question.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_llmprod.wire.bodies import json_bytes
from pytest_llmprod.wire.dialects import Dialect, find_dialect
from pytest_llmprod.wire.masking import Scanner, mask, mask_strings, mask_url

KEY_VERSION = 1
VOLATILE_FIELDS = frozenset({"metadata", "safety_identifier", "user"})
NO_MODEL = "no-model"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as the tape sees it: masked, with its dialect found and its key computed.

    `body` is the body that goes to the provider, with the model already replaced where the run
    asks for another one. `document` is that body decoded, or None where it is no JSON.
    """

    method: str
    url: str
    body: bytes
    document: Any
    dialect: Dialect | None
    model: str
    stream: bool
    key: str
    headers: Mapping[str, list[str]]

    @property
    def provider(self) -> str:
        """Return the provider's name, or the host where no dialect knows it."""
        return self.dialect.provider if self.dialect else _host(self.url)

    @property
    def operation(self) -> str:
        """Return the operation's name, or the path where no dialect knows it."""
        return self.dialect.operation if self.dialect else urlsplit(self.url).path


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which model a run asks for in place of the one that the application names.

    `override` replaces the model of every request that generates text; `swaps` replaces one name
    by another wherever it occurs.
    """

    override: str | None = None
    swaps: Mapping[str, str]

    @property
    def options(self) -> list[str]:
        """Return the command-line options that make this choice."""
        chosen = [f"--llm-model={self.override}"] if self.override else []
        return chosen + [f"--llm-swap={old}={new}" for old, new in self.swaps.items()]

    def apply(self, model: str, dialect: Dialect | None) -> str:
        """Return the model to ask for instead of `model`."""
        if self.override and dialect and dialect.generates:
            return self.override
        return self.swaps.get(model, model)


def read_request(
    *,
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, list[str]],
    dialects: Sequence[Dialect],
    scanners: Sequence[Scanner],
    choice: ModelChoice,
) -> WireRequest:
    """Read a request off the wire and compute its key."""
    path = urlsplit(url).path
    dialect = find_dialect(dialects, path)
    document = _decode(body)
    model = NO_MODEL
    stream = False
    if isinstance(document, dict):
        named = document.get("model")
        stream = document.get("stream") is True
        if isinstance(named, str):
            model = choice.apply(named, dialect)
            if model != named:
                document["model"] = model
                body = json_bytes(document)
    place = f"{dialect.provider} {dialect.operation}" if dialect else mask_url(url, scanners)
    return WireRequest(
        method=method,
        url=url,
        body=body,
        document=document,
        dialect=dialect,
        model=model,
        stream=stream,
        key=_digest(f"{method} {place} {stream}", document, body, scanners),
        headers=headers,
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _decode(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _digest(place: str, document: Any, body: bytes, scanners: Sequence[Scanner]) -> str:
    if document is None:
        text = body.decode("utf-8", "backslashreplace")
    else:
        if isinstance(document, dict) and not VOLATILE_FIELDS.isdisjoint(document):
            document = {
                name: value for name, value in document.items() if name not in VOLATILE_FIELDS
            }
        text = _canonical(document)
        if "\\" in text:  # an escape hides what follows it from a scanner
            text = _canonical(mask_strings(document, scanners))
    masked = mask(text, scanners)
    digest = hashlib.sha256(f"{place}\n{masked}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]

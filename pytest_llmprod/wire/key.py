"""Key: the digest by which a request finds its recording.

The digest covers the method, the operation (or the whole URL where no dialect knows it), whether a
stream was asked for, and the canonical body with its keys sorted. It leaves out the host, so that
what was recorded through a proxy or from another base URL replays everywhere.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_llmprod.wire import canonical, masking
from pytest_llmprod.wire.bodies import decode_body, json_bytes
from pytest_llmprod.wire.dialects import BUILT_IN, Dialect, find_dialect
from pytest_llmprod.wire.masking import Scanner, mask, mask_strings, mask_url
from pytest_llmprod.wire.recording import NO_MODEL

#: Version 2 made ids ordinals, and base64 payloads and the files of forms digests.
KEY_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as the tape sees it: masked, with its dialect found and its key computed.

    `body` is the body that goes to the provider, with the model already replaced where the run
    asks for another one. `document` is that body decoded, with base64 payloads and the files of a
    form as digests; None where it is neither JSON nor a form. `named_model` is the model that the
    application named.
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
    named_model: str

    @property
    def provider(self) -> str:
        """Return the provider's name, or the host where no dialect knows it."""
        return self.dialect.provider if self.dialect else _host(self.url)

    @property
    def replaced_model(self) -> str:
        """Return the model that the application named, '' where it is the one that is asked."""
        return "" if self.named_model == self.model else self.named_model

    @property
    def stored_body(self) -> bytes:
        """Return the body as a cassette stores it, digests in place of payloads, not masked yet."""
        return self.body if self.document is None else json_bytes(self.document)

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
    named = model = NO_MODEL
    stream = False
    if document is None and body:
        document, body, named, model = _read_form(headers, body, choice, dialect)
    elif isinstance(document, dict):
        stream = document.get("stream") is True
        if isinstance(document.get("model"), str):
            named = document["model"]
            model = choice.apply(named, dialect)
            if model != named:
                document["model"] = model
                body = json_bytes(document)
        if canonical.may_hold_payload(body):
            document = canonical.digest_payloads(document)
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
        named_model=named,
    )


def stored_key(
    request: Mapping[str, Any],
    dialects: Sequence[Dialect] = BUILT_IN,
    scanners: Sequence[Scanner] = masking.BUILT_IN,
) -> str:
    """Return the key of a request as a cassette stores it.

    It equals the key of the request that was recorded, for the stored form is masked and canonical
    as far as a key can tell. Cassettes of an older key version are brought up to date so.
    """
    return read_request(
        method=request["method"],
        url=request["uri"],
        body=decode_body(request["body"]),
        headers=request["headers"],
        dialects=dialects,
        scanners=scanners,
        choice=ModelChoice(swaps={}),
    ).key


def _read_form(
    headers: Mapping[str, list[str]], body: bytes, choice: ModelChoice, dialect: Dialect | None
) -> tuple[Any, bytes, str, str]:
    """Return the document and the body of a form, the model that it names, and that it asks now."""
    parts = canonical.read_form(headers.get("content-type", [""])[0], body)
    if parts is None:
        return None, body, NO_MODEL, NO_MODEL
    document = canonical.form_document(parts)
    named = canonical.form_model(document) or NO_MODEL
    model = choice.apply(named, dialect) if named != NO_MODEL else named
    if model != named:
        body = canonical.with_form_model(body, named, model)
        parts = canonical.read_form(headers["content-type"][0], body) or []
        document = canonical.form_document(parts)
    return document, body, named, model


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
        document = canonical.without_volatile(document)
        text = _canonical(document)
        if canonical.may_hold_ids(text):
            document = canonical.with_ordinals(document)
            text = _canonical(document)
        if "\\" in text:  # an escape hides what follows it from a scanner
            text = _canonical(mask_strings(document, scanners))
    masked = mask(text, scanners)
    digest = hashlib.sha256(f"{place}\n{masked}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]

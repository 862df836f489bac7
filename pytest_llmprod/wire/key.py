"""Key: the digest by which a request finds its recording.

The digest covers the method, the wire and the operation (or the whole URL where no dialect knows
it), the model where the URL names it, whether a stream was asked for, and the canonical body with
its keys sorted. It leaves out the host, so that what was recorded through a proxy or from another
base URL replays everywhere.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pytest_llmprod.wire import canonical, forms, masking
from pytest_llmprod.wire.bodies import decode_body, json_bytes
from pytest_llmprod.wire.dialects import (
    BUILT_IN,
    Dialect,
    asked_model,
    asks_stream,
    find_dialect,
    provider_of,
    with_model,
)
from pytest_llmprod.wire.masking import Scanner, mask, mask_strings, mask_url
from pytest_llmprod.wire.recording import NO_MODEL

#: Version 2 made ids ordinals, and base64 payloads and the files of forms digests. Version 3 masks
#: more parameters of a URL, and writes float parameters that are whole in one way. Version 4 masks
#: keys behind escapes, and more shapes and names.
KEY_VERSION = 4


class WireRequest(NamedTuple):
    """A request as the tape sees it: masked, with its dialect found and its key computed.

    `url` and `body` are those that go to the provider, with the model already replaced where the
    run asks for another one. `document` is that body decoded, with base64 payloads and the files of
    a form as digests; None where it is neither JSON nor a form. `named_model` is the model that the
    application named. `judged` is None but for the request of a judge: it names the models whose
    output is judged, and is '' where none was asked.
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
    judged: str | None = None

    @property
    def shelf(self) -> str:
        """Return what stands for the model in the name of the cassette.

        What a judge says of one model is kept apart from what it says of another: each model has
        its own recordings, and those of its outputs' judge are among them.
        """
        return self.model if self.judged is None else judge_shelf(self.model, self.judged)

    @property
    def provider(self) -> str:
        """Return the provider's name, or the host where no dialect knows it."""
        return provider_of(self.dialect, self.url) if self.dialect else _host(self.url)

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


def names_of(models: Iterable[str]) -> str:
    """Return the names of `models` as one text, the same in whatever order they were asked."""
    return ".".join(sorted(set(models)))


def judge_shelf(model: str, judged: str) -> str:
    """Return the shelf of what the judge `model` was asked about outputs of the models `judged`."""
    return f"{judged}.judge.{model}" if judged else f"judge.{model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which model a run asks for in place of the one that the application names.

    `override` replaces the model of every request that generates text; `swaps` replaces one name
    by another wherever it occurs. A run of several `models` has a choice for each of them.
    """

    override: str | None = None
    swaps: Mapping[str, str]
    models: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """Return the command-line options that make this choice."""
        if self.models:
            return [f"--llm-models={','.join(self.models)}"]
        chosen = [f"--llm-model={self.override}"] if self.override else []
        return chosen + [f"--llm-swap={old}={new}" for old, new in self.swaps.items()]

    def of(self, model: str) -> "ModelChoice":
        """Return the choice of one of the `models`: it takes the place of each other one."""
        return replace(self, swaps={each: model for each in self.models if each != model})

    @property
    def shared(self) -> "ModelChoice":
        """Return the choice for what the tests of all models share."""
        return replace(self, swaps={}) if self.models else self

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
    dialect = find_dialect(dialects, url)
    document = _decode(body)
    if document is None and body:
        document = forms.read_form(headers.get("content-type", [""])[0], body)
    named = asked_model(dialect, url, document) or forms.form_model(document)
    model = choice.apply(named, dialect) if named else NO_MODEL
    if named and model != named:
        url, body, document = _asking(model, dialect, url, body, document)
    if canonical.may_hold_payload(body):
        document = canonical.digest_payloads(document)
    stream = asks_stream(dialect, url, document)
    place = keyed_place(dialect, url, scanners)
    if named and not (isinstance(document, dict) and document.get("model") == model):
        place += f" {model}"  # only the URL names it, and that is no part of the key
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
        named_model=named or NO_MODEL,
    )


def _asking(
    model: str, dialect: Dialect | None, url: str, body: bytes, document: Any
) -> tuple[str, bytes, Any]:
    """Return the URL, the body and the document that ask `model`."""
    if forms.form_model(document):
        return url, *forms.with_form_model(body, document, model)
    url, changed = with_model(dialect, url, document, model)
    return url, body if changed is document else json_bytes(changed), changed


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


def keyed_place(dialect: Dialect | None, url: str, scanners: Sequence[Scanner]) -> str:
    """Return where a request goes, as far as keys tell places apart.

    That is the wire and the operation, or the masked URL where these do not say what is asked, and
    of that the part from `/v1/` on where there is one: OpenAI's wire is spoken below many bases.
    """
    if dialect is None or dialect.keyed_by_url:
        masked = mask_url(url, scanners)
        base = masked.partition("?")[0].rpartition("/v1/")[0]
        return masked[len(base) :]
    return f"{dialect.wire} {dialect.operation}"


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _decode(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _canonical(document: Any) -> str:
    return _SORTED.encode(document)


def _digest(place: str, document: Any, body: bytes, scanners: Sequence[Scanner]) -> str:
    if document is None:
        text = body.decode("utf-8", "backslashreplace")
    else:
        document = canonical.with_whole_floats(canonical.without_volatile(document))
        text = _canonical(document)
        if canonical.may_hold_ids(text):
            document = canonical.with_ordinals(document)
            text = _canonical(document)
        if "\\" in text:  # an escape hides what follows it from a scanner
            text = _canonical(mask_strings(document, scanners))
    masked = mask(text, scanners)
    digest = hashlib.sha256(f"{place}\n{masked}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]

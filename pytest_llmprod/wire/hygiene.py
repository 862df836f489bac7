"""Hygiene: what every request to a model must have, whatever it asks.

A key stands only in its header, the provider stores nothing, the model is one that does not change
under its name, and neither the answer nor the wait for it is without a bound.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_llmprod.core.credential_names import is_credential_name
from pytest_llmprod.wire.dialects.limits import has_limit
from pytest_llmprod.wire.leaving import Broken, Request, Rule, veiled
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.outgoing import Outgoing, Piece, pieces
from pytest_llmprod.wire.rules import LeaveRules
from pytest_llmprod.wire.scanners.known_secrets import request_scanners

#: What the clients that Stainless generates wait when nobody tells them, in seconds.
_DEFAULT_S = 600.0
# A day, a month, or the older forms: 2024-08-06, 20250514, 08-2024, 0613, 2411, 001, v1:0.
_PINNED = re.compile(
    r"(?:[-@._:](?:20\d\d-?[01]\d-?[0-3]\d|[01]\d-20\d\d|\d{4}|\d{3})(?![\w.])|[-:]v\d+:\d+$)"
)


def rules_of(wanted: LeaveRules) -> list[Rule]:
    """Return the rules that `require` names."""
    return [_RULES[name](wanted) for name in wanted.require]


def _key_in_header(_: LeaveRules) -> Rule:
    def check(request: Request) -> Iterator[Broken]:
        outgoing = request.outgoing
        mend = "give the key to the client, which puts it into its header"
        url = urlsplit(outgoing.url)
        in_url = [name for name, _ in parse_qsl(url.query) if is_credential_name(name)]
        if url.password or in_url:
            where = f"parameter {in_url[0]}" if in_url else "password"
            yield Broken("key_in_header", f"a key stands in the URL, as {where}", mend)
        scanners = request_scanners(outgoing.headers, "")
        if not scanners or not _may_hold(outgoing, scanners):
            return
        for piece in pieces(outgoing):
            if not _is_its_header(piece) and _holds(piece.text, scanners):
                where = piece.place.told(lambda it: veiled(it) if _holds(it, scanners) else it)
                yield Broken("key_in_header", f"the key also stands at {where}", mend)

    return check


def _may_hold(outgoing: Outgoing, scanners: Sequence[Scanner]) -> bool:
    """Say whether the key may stand outside of its header: nearly never, and this takes less."""
    texts = [value for name, value in outgoing.headers if not is_credential_name(name)]
    texts += [outgoing.url, outgoing.body.decode("utf-8", "replace")]
    return any(_holds(text, scanners) for text in texts)


def _holds(text: str, scanners: Sequence[Scanner]) -> bool:
    return any(True for scan in scanners for _ in scan(text))


def _is_its_header(piece: Piece) -> bool:
    return piece.place.part.startswith("header ") and is_credential_name(piece.name)


def _store_off(_: LeaveRules) -> Rule:
    def check(request: Request) -> Iterator[Broken]:
        stored = _document(request).get("store")
        is_responses = _operation(request) == "responses"
        if stored is True or (is_responses and stored is not False):
            why = "the body says so" if stored is True else "the Responses API does so by default"
            yield Broken("store_off", f"the provider stores it, for {why}", "store=False")

    return check


def _pinned_model(wanted: LeaveRules) -> Rule:
    def check(request: Request) -> Iterator[Broken]:
        read = request.read
        if read is None or read.dialect is None or not read.dialect.generates:
            return
        model = read.named_model
        if not is_pinned(model, wanted.pinned_models):
            yield Broken(
                "pinned_model",
                f"{model} may be another model tomorrow",
                "ask a model by a name with a date, or name it under pinned_models",
            )

    return check


def is_pinned(model: str, patterns: Sequence[str]) -> bool:
    """Say whether the name of a model says which version it is, or fits one of the patterns."""
    if any(fnmatchcase(model.lower(), each.lower()) for each in patterns):
        return True
    return not model.endswith("latest") and _PINNED.search(model) is not None


def _max_tokens(_: LeaveRules) -> Rule:
    def check(request: Request) -> Iterator[Broken]:
        read = request.read
        if read is None or read.dialect is None or not read.dialect.generates:
            return
        if not has_limit(_document(request)):
            mend = f"{_LIMIT_OF.get(_operation(request), 'max_tokens')}=1000, for instance"
            yield Broken("max_tokens", "nothing bounds the length of the answer", mend)

    return check


_LIMIT_OF = {"responses": "max_output_tokens", "chat": "max_completion_tokens"}


def _timeout(_: LeaveRules) -> Rule:
    def check(request: Request) -> Iterator[Broken]:
        patience = request.patience
        if patience is None or request.read is None or request.read.dialect is None:
            return
        told = [each for each in (patience.read_s, patience.total_s) if each is not None]
        if not told or min(told) >= _DEFAULT_S:
            wait = f"{min(told):g} s, as by default" if told else "for ever"
            yield Broken("timeout", f"the client waits {wait}", "OpenAI(timeout=30), in seconds")

    return check


_RULES = {
    "key_in_header": _key_in_header,
    "store_off": _store_off,
    "pinned_model": _pinned_model,
    "max_tokens": _max_tokens,
    "timeout": _timeout,
}
#: What `require` may name.
REQUIREMENTS = tuple(_RULES)


def _document(request: Request) -> Mapping[str, Any]:
    document = request.read.document if request.read is not None else None
    return document if isinstance(document, dict) else {}


def _operation(request: Request) -> str:
    return request.read.operation if request.read is not None else ""

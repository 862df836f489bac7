"""Forbidding: what `[tool.llmprod.wire] forbid` finds in the texts of a request.

Composes the detectors of `guardrails`, which the wire must not know, into what the wire asks.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from pytest_llmprod.core.credential_names import is_credential_name
from pytest_llmprod.core.told import Told, written_otherwise
from pytest_llmprod.guardrails import PII_KINDS, SECRET_KINDS, Finding, find_pii, find_secrets
from pytest_llmprod.guardrails.decoding import decoded_parts
from pytest_llmprod.wire.hygiene import rules_of
from pytest_llmprod.wire.leaving import Customs, Seen
from pytest_llmprod.wire.masking import BUILT_IN, Scanner
from pytest_llmprod.wire.rules import LeaveRules

#: What `forbid` may name: all personal data, all secrets, or one kind of the first.
GROUPS = ("pii", "secrets")
FORBIDDABLE = (*GROUPS, *PII_KINDS)
_ENCODINGS = frozenset(("base64", "hex"))
_MOST_LAYERS = 2  # one encoding within another
#: The name of a member says what a short value is: `{"passport": "C01X00T47"}`.
_LONGEST_NAMED = 100
_LONGEST_NAME = 40
# What programs are called; a name of a person stands under a name that says so.
_SAY_NOTHING = frozenset(("name", "title"))


def customs_of(
    rules: LeaveRules, scanners: Sequence[Scanner], known: Callable[[], Sequence[Scanner]]
) -> Customs | None:
    """Return what looks at each request by `rules`, None where they say nothing.

    `scanners` are those by which this run masks, plugins' own among them; `known` returns scanners
    for the secrets of this process.
    """
    if not rules.is_set:
        return None
    are_secrets_forbidden = "secrets" in rules.forbid
    own = [each for each in scanners if each not in BUILT_IN] if are_secrets_forbidden else []
    finder = _Finder(rules, own)
    return Customs(
        find=finder if rules.forbid else None,
        known=known if are_secrets_forbidden else None,
        rules=rules_of(rules),
        is_allowed=finder.is_allowed,
    )


class _Finder:
    """Finds what is forbidden in a text, however it is written."""

    def __init__(self, rules: LeaveRules, scanners: Sequence[Scanner]) -> None:
        self._pii = frozenset(PII_KINDS if "pii" in rules.forbid else rules.forbid) - set(GROUPS)
        self._finds_secrets = "secrets" in rules.forbid
        self._scanners = scanners
        self._allowed = [each.casefold() for each in rules.allow]

    def __call__(self, text: str, name: str) -> list[Seen]:
        """Return what is in a text that stands under a name, "" where it has none."""
        found: dict[tuple[str, str], Seen] = {}
        for how, said in _readings(text, name):
            for kind, part, value in self._found(said):
                if not (self.is_allowed(part) or self.is_allowed(value)):
                    found.setdefault((kind, value), Seen(kind, part, how))
        return list(found.values())

    def _found(self, text: str) -> Iterator[tuple[str, str, str]]:
        """Yield the kind, the text and the plain value of all that is in a text."""
        found: Iterable[Finding] = find_pii(text) if self._pii else ()
        yield from ((it.kind, it.text, it.value) for it in found if it.kind in self._pii)
        if self._finds_secrets:
            yield from ((_secret(it.kind), it.text, it.value) for it in find_secrets(text))
        for scan in self._scanners:
            for kind, start, end in scan(text):
                yield kind, text[start:end], text[start:end]

    def is_allowed(self, value: str) -> bool:
        """Say whether a value may leave all the same."""
        return any(fnmatchcase(value.casefold(), pattern) for pattern in self._allowed)


def _secret(kind: str) -> str:
    return kind if kind in SECRET_KINDS else "secret"


def _readings(text: str, name: str) -> Iterator[Told]:
    """Yield a text as it is, and what it says in other writings."""
    is_named = len(text) <= _LONGEST_NAMED and 0 < len(name) <= _LONGEST_NAME
    if is_named and is_credential_name(name):
        yield Told("", json.dumps({name: text}, ensure_ascii=False))
    if is_named and name.lower() not in _SAY_NOTHING:
        text = f"{name.replace('_', ' ').replace('-', ' ')}: {text}"
    yield Told("", text)
    yield from _decoded(text, _MOST_LAYERS)


def _decoded(text: str, layers: int) -> Iterator[Told]:
    """Yield what a text says after its escapes, in base64 and in hex, and what that says so."""
    if not layers:
        return
    found = [told for told in written_otherwise(text) if told.said != text]
    parts = (part for part in decoded_parts(text) if part.encoding in _ENCODINGS)
    for told in (*found, *(Told(part.encoding, part.said) for part in parts)):
        yield told
        for inner in _decoded(told.said, layers - 1):
            yield Told(told.how, inner.said)

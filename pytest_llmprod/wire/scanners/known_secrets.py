"""Known secrets: values that this process holds, in every form in which they may be written.

They come from the environment and from what authenticated a request. Their values differ from
machine to machine, so they are masked in what is stored and shown, and never decide by which key a
request finds its recording.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pytest_llmprod.core.credential_names import is_credential_name
from pytest_llmprod.core.scanning import Finding, Scanner
from pytest_llmprod.wire.placeholder import PLACEHOLDER_KEY

_SHORTEST = 8
#: The name of the running test, which changes with every test; as systems write it.
_OF_PYTEST = (b"PYTEST_CURRENT_TEST", "PYTEST_CURRENT_TEST")

_URL = re.compile(r"[A-Za-z][\w+.-]*://\S+")


class KnownSecret(NamedTuple):
    """A value that must not be stored, and the name of what it came from."""

    name: str
    value: str


def known_secret(value: str, name: str = "key") -> Scanner:
    """Return a scanner that finds `value`, a secret that this process is known to hold."""
    return _scanner([KnownSecret(name, value)])


def environment_scanners(environ: Mapping[str, str]) -> tuple[Scanner, ...]:
    """Return scanners that find the values of variables that are named like credentials.

    Numbers, paths, single words and other values that say nothing are no secrets; of a URL only
    its password is one. A finding has the name of the variable as its kind.
    """
    return _scanners(_environment_secrets(environ))


class EnvironmentSecrets:
    """The secrets of an environment: what it holds, and what it held whenever somebody looked.

    A test may set a variable, and it is gone again when the text of a failure is told.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Look at nothing yet."""
        self._environ = environ
        self._before: Mapping[str, str] = {}
        self._raw: Mapping[Any, Any] | None = None
        self._secrets: dict[KnownSecret, None] = {}
        self._found: Sequence[Scanner] = ()

    def scanners(self) -> Sequence[Scanner]:
        """Look at the environment, and return scanners for all secrets that it ever held."""
        # `os.environ` decodes each variable for whoever asks; what it decodes is compared at once.
        raw = getattr(self._environ, "_data", None)
        if raw is not None:
            raw = dict(raw)
            for name in _OF_PYTEST:
                raw.pop(name, None)
            if raw == self._raw:
                return self._found
            self._raw = raw
        now = {name: self._environ.get(name, "") for name in list(self._environ)}
        if now != self._before:
            secrets = {**self._secrets, **dict.fromkeys(_environment_secrets(now))}
            if len(secrets) > len(self._secrets):
                self._found = _scanners(secrets)
            self._secrets, self._before = secrets, now
        return self._found


def request_scanners(headers: Iterable[tuple[str, str]], url: str) -> tuple[Scanner, ...]:
    """Return scanners that find what authenticated a request, so that an echo of it is masked."""
    return _scanners([*_header_secrets(headers), *_url_secrets("URL", url)])


def _scanners(secrets: Iterable[KnownSecret]) -> tuple[Scanner, ...]:
    return _scanners_of(tuple(secrets))


@lru_cache(maxsize=100)  # the requests of a run are authenticated by the same few
def _scanners_of(found: tuple[KnownSecret, ...]) -> tuple[Scanner, ...]:
    # What stands in our own replacements cannot be masked: it would be found again and again.
    texts = [f"[masked {name}]" for name, _ in found]
    kept = {each.value: each for each in found if not any(each.value in text for text in texts)}
    return (_scanner(list(kept.values())),) if kept else ()


def _environment_secrets(environ: Mapping[str, str]) -> Iterator[KnownSecret]:
    for name, value in environ.items():
        value = value.strip()
        if _URL.fullmatch(value):
            yield from _url_secrets(name, value)
        elif is_credential_name(name) and is_secret(value) and value not in environ:
            yield KnownSecret(name, value)


def _header_secrets(headers: Iterable[tuple[str, str]]) -> Iterator[KnownSecret]:
    for name, value in headers:
        if not is_credential_name(name):
            continue
        found = [value]
        if name.lower().endswith("authorization"):
            # A scheme, `Bearer` for instance, stands before the secret.
            scheme, _, secret = value.rpartition(" ")
            found = [secret, secret.rpartition(":")[2], *_authorization_parameters(value)]
            found += _basic(secret) if scheme.lower() == "basic" else ()
        elif name.lower() == "cookie":
            found += [pair.partition("=")[2].strip() for pair in value.split(";")]
        yield from (KnownSecret(name.lower(), each) for each in found if _is_opaque(each))


_AUTHORIZATION_PARAMETER = re.compile(r"([\w-]+)=[\"']?([^\"',;\s]+)")


def _authorization_parameters(value: str) -> Iterator[str]:
    """Yield what is said by name: `Token token="..."`, `AWS4-HMAC-SHA256 Credential=...`."""
    for name, secret in _AUTHORIZATION_PARAMETER.findall(value):
        if is_credential_name(name):
            yield secret


def _basic(credentials: str) -> Iterator[str]:
    """Yield user and password, and the password alone, of HTTP's scheme `Basic`."""
    try:
        pair = base64.b64decode(credentials).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    yield pair
    yield pair.partition(":")[2]


def _url_secrets(name: str, url: str) -> Iterator[KnownSecret]:
    """Yield the password of a URL, and the values of parameters that are named like credentials."""
    try:
        parts = urlsplit(url)
        values = [parts.password or ""]
    except ValueError:  # what looks like a URL may be none
        return
    values += [value for key, value in parse_qsl(parts.query) if is_credential_name(key)]
    for value in values:
        yield from (KnownSecret(name, each) for each in (value, unquote(value)) if _is_opaque(each))


_WORD = re.compile(r"[a-z]{1,11}|[A-Z]{1,11}|[A-Z][a-z]{1,10}")
_TRIVIAL = re.compile(
    r"[+-]?[\d.,_:-]{1,15}"  # a number, a version, a date
    r"|(?=.{1,19}$)[A-Za-z]+(?:[ ._-][A-Za-z]+)+"  # words: `not-needed`, `customer_id`
    r"|(?:~|\.{1,2}|[A-Za-z]:)?[/\\][A-Za-z0-9_./\\ -]*"  # a path
    r"|\[masked .*|<.*>|\$\{?\w+\}?|\*+|[xX]+"  # the place of a secret
)
_RANDOM = re.compile(r"(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)\w{12}|[+=]")


def _is_opaque(value: str) -> bool:
    """Say whether a value that authenticates can be told from an ordinary word."""
    is_long = len(value) >= _SHORTEST and value != PLACEHOLDER_KEY
    return is_long and _WORD.fullmatch(value) is None


def is_secret(value: str) -> bool:
    """Say whether `value` may be a secret: not too short, and no word, number or path."""
    if not _is_opaque(value):
        return False
    if _TRIVIAL.fullmatch(value) is None:
        return True
    # AWS's secret keys are base64, which may begin with a slash.
    return value.startswith("/") and _RANDOM.search(value) is not None


def _scanner(secrets: Sequence[KnownSecret]) -> Scanner:
    forms = [(form, name) for name, value in secrets for form in sorted(_forms(value))]
    # Whoever looks at every fourth position sees one of the first four beginnings of a form, each
    # of which has eight characters at least. Most texts are done with in one look.
    beginnings: dict[str, set[int]] = {}
    for number, (form, _) in enumerate(forms):
        for at in range(4):
            beginnings.setdefault(form[at : at + 5], set()).add(number)

    def find_known_secrets(text: str) -> Iterator[Finding]:
        seen = beginnings.keys() & [text[at : at + 5] for at in range(0, len(text), 4)]
        for number in sorted({number for each in seen for number in beginnings[each]}):
            form, name = forms[number]
            start = text.find(form)
            while start >= 0:
                yield Finding(name, start, start + len(form))
                start = text.find(form, start + len(form))

    return find_known_secrets


def _forms(value: str) -> set[str]:
    """Return `value` as it stands in plain text, in JSON, in a URL and in base64."""
    forms = {value, json.dumps(value)[1:-1].replace("/", "\\/")}
    for is_ascii in (True, False):
        in_json = value
        for _ in range(4):  # JSON in a string of JSON, and so on
            in_json = json.dumps(in_json, ensure_ascii=is_ascii)[1:-1]
            forms.add(in_json)
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value)):
        forms |= {encoded, re.sub("%..", lambda match: match[0].lower(), encoded)}
    for offset in range(3):
        in_base64 = _inner_base64(value.encode("utf-8", "surrogatepass"), offset)
        forms |= {in_base64, in_base64.replace("+", "-").replace("/", "_")}
    return forms


def _inner_base64(content: bytes, offset: int) -> str:
    """Return the characters that `content` has for certain in the base64 of a longer text.

    `offset` is the position of its first byte in a group of three; the first and the last
    character of other offsets also depend on the neighbours and are left out.
    """
    whole = base64.b64encode(b"\0" * offset + content).decode().rstrip("=")
    start = (0, 2, 3)[offset]
    end = len(whole) - (1 if (offset + len(content)) % 3 else 0)
    return whole[start:end]

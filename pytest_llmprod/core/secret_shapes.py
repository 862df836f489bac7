"""Secret shapes: what looks like a secret, whoever holds it.

Keys are found by the shapes that gitleaks, TruffleHog and detect-secrets know them by, passwords
and tokens by the name of the JSON member or URL parameter that holds them. Nothing here depends on
the machine, so these scanners may decide by which key a request finds its recording.

Every request is searched while replaying. Each pattern therefore begins with one rare character,
which `re` finds at the speed of memchr, or is tried only where a fixed text occurs that it needs.
Those that are rarely tried are texts, which `re` compiles when they are: that takes 2 ms for all.
"""

import re
from collections.abc import Iterable, Iterator

from pytest_llmprod.core.credential_names import (
    SECRET_NAME,
    SECRET_PARAMETER,
    SHOWN_PARAMETER,
    is_secret_member,
    may_be_secret_member,
)
from pytest_llmprod.core.scanning import Finding

_SHORTEST = len("a://:x@b")
_KEY_MAY_FOLLOW = (
    # The two characters before the dash or underscore, then enough of a key.
    re.compile(r"-(?<=(?:sk|ai|lx|PX|pp|x[a-z])-)[\w-]{10}"),
    re.compile(r"-(?<=(?:api|pat|vly|ypi)-)[\w-]{16}"),
    re.compile(r"_(?<=(?:h[opsurf]|at|ve|st|ec|sk|r8|fw|pm|v2)_)\w{16}"),
    re.compile(r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}"),
    re.compile(r"A(?:Iza)[\w-]{35}"),
)
# No key begins within a word, except right behind an escape: `\\nsk-...` in JSON in a string.
_STARTS = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))"
# `sk-learn-from-examples`, `sk-circle-fade-dot-animation-1x`
_WORD = r"(?:[a-z]{1,12}[0-9]?|[0-9]{1,2}[a-z]{0,2})"
_NO_WORDS = rf"(?!{_WORD}(?:[_-]{_WORD})+(?![A-Za-z0-9_-]))"
_KEY = (
    rf"{_STARTS}(?:"
    r"sk-(?:proj|svcacct|admin|service|ant|or|lf|live)-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, ...
    rf"|sk-{_NO_WORDS}(?=[A-Za-z_-]*[0-9]|[A-Za-z0-9]{{20}})[A-Za-z0-9_-]{{20,}}"
    r"|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}"  # AWS access key id
    r"|AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9])"  # Google
    r"|GOCSPX-[A-Za-z0-9_-]{28}"  # Google OAuth client secret
    r"|gh[opsur]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}"
    r"|(?:xox[abeoprs](?:\.xox[bp])?|xapp)-(?=[A-Za-z-]*[0-9])[A-Za-z0-9-]{10,}"  # Slack
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}"  # Stripe
    r"|(?:gsk|hf|xai|pplx|r8)[_-][A-Za-z0-9]{30,}"  # Groq, Hugging Face, xAI, Perplexity, Replicate
    r"|fw_[A-Za-z0-9]{22,}|nvapi-[A-Za-z0-9_-]{40,}|tvly-[A-Za-z0-9-]{20,}"  # Fireworks, ...
    r"|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|glpat-[A-Za-z0-9_-]{20,}"  # LangSmith, GitLab
    r"|npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,}"
    r")"
)
_JWT = rf"(?a:({_STARTS}eyJ[\w-]{{8,}}\.eyJ[\w-]{{8,}}\.[\w-]{{16,}}))"
_BEARER = r"earer (?=[A-Za-z._~+/-]*[0-9])([A-Za-z0-9._~+/-]{20,}=*)"
_TELEGRAM = r":(?<=[0-9]{8}:)(AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])"
_PRIVATE_KEY = (
    r"(-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r'(?:(?:[^"-]|-(?!----BEGIN )){1,20000}?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----'
    r"|(?:(?:\s|\\+[nr])*[A-Za-z0-9+/=]{32,})+))"  # cut short: the whole lines that are there
)
_URL_PASSWORD = (
    r"://(?:(?<=[A-Za-z]://)|(?<=[A-Za-z][A-Za-z0-9+.-]://))"
    r"[^\s/?#:@\"'\\<>]{0,100}:([^\s/?#\"'\\<>]{1,200})@"
)
_AWS_VALUE = r"[\"'\\\s]{0,6}[:=][\"'\\\s]{0,6}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
# What to look for first, the kind, and the pattern whose first group is the secret.
_RARE = (
    ("_secret_access_key", "key", rf"(?:aws|AWS)_secret_access_key{_AWS_VALUE}"),
    ("_SECRET_ACCESS_KEY", "key", rf"(?:aws|AWS)_SECRET_ACCESS_KEY{_AWS_VALUE}"),
    (".eyJ", "token", _JWT),
    ("Bearer ", "token", f"B{_BEARER}"),
    ("bearer ", "token", f"b{_BEARER}"),
    ("ya29.", "token", r"(ya29\.[A-Za-z0-9_-]{20,})"),  # Google OAuth
    ("SG.", "token", r"(SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64})"),  # SendGrid
    (":AA", "token", _TELEGRAM),
    ("PRIVATE KEY", "private key", _PRIVATE_KEY),
    ("://", "password", _URL_PASSWORD),
)


def find_key_shapes(text: str) -> Iterable[Finding]:
    """Find keys of well-known providers, tokens, private keys and passwords in URLs."""
    return _key_shapes(text) if len(text) >= _SHORTEST else ()


def _key_shapes(text: str) -> Iterator[Finding]:
    if any(hint.search(text) for hint in _KEY_MAY_FOLLOW):
        for match in re.finditer(_KEY, text):
            yield Finding("key", match.start(), match.end())
    for hint, kind, pattern in _RARE:
        if hint in text:
            for match in re.finditer(pattern, text):
                yield Finding(kind, match.start(1), match.end(1))


_MASKED = "[masked "
# A quote inside of JSON that stands in a JSON string has backslashes before it: as many before
# each quote that belongs to the same level, more inside of its strings, fewer outside.
_MEMBER = re.compile(r'"([A-Za-z][\w-]{1,60})(\\{0,63})"\s{0,99}:\s{0,99}\2"')
_VALUE = r"[^&\s#\"'\\]+"
_SHOWN = rf"({SHOWN_PARAMETER}|(?:key|token)(?==[\w.~%-]{{20}}))=({_VALUE})"
_PARAMETERS = (re.compile(rf"\?{_SHOWN}"), re.compile(rf"&{_SHOWN}"))
# Of a form the text begins with a parameter, and may have no other.
_FIRST_PARAMETER = re.compile(
    rf"({SECRET_NAME})=({_VALUE})(?=&|\Z)|({SECRET_PARAMETER})=({_VALUE})(?=&)"
)
_PART_OF_A_FORM = (
    rf'form-data; name="({SECRET_NAME})"[^\r\n]{{0,999}}\r\n(?:[^\r\n]{{1,999}}\r\n){{0,9}}\r\n'
    r"([^\r\n]+)"
)


def find_named_values(text: str) -> Iterable[Finding]:
    """Find the values of JSON members, also in JSON within a string, and of URL parameters.

    Only strings are found: a schema that declares a member `password` holds an object there.
    """
    found: list[Finding] = []
    if '"' in text:
        found += _members(text)
    if "=" in text:
        found += _parameters(text)
        found += _parts_of_forms(text)
    return found


def _members(text: str) -> Iterator[Finding]:
    for match in _MEMBER.finditer(text):
        if not may_be_secret_member(match[1]):
            continue
        start = match.end()
        end = _end_of_string(text, start, len(match[2]))
        is_masked = text.startswith(_MASKED, start)
        if not is_masked and is_secret_member(match[1], text[start:end]):
            yield Finding(match[1], start, end)


def _parameters(text: str) -> Iterator[Finding]:
    for pattern in _PARAMETERS:
        for match in pattern.finditer(text):
            yield from _parameter(match)
    first = _FIRST_PARAMETER.match(text)
    if first is not None:
        yield from _parameter(first, 1 if first[1] else 3)


def _parts_of_forms(text: str) -> Iterator[Finding]:
    if "form-data" in text:
        for match in re.finditer(_PART_OF_A_FORM, text):
            yield from _parameter(match)


def _parameter(match: re.Match[str], name: int = 1) -> Iterator[Finding]:
    value = name + 1
    if not match[value].startswith(_MASKED.strip()):
        yield Finding(match[name], match.start(value), match.end(value))


def _end_of_string(text: str, start: int, backslashes: int) -> int:
    """Return where a JSON string ends whose quotes have so many backslashes before them.

    One that is cut short ends with the string around it, with the line, or with the text.
    """
    quote = text.find('"', start)
    while quote >= 0 and text.find("\n", start, quote) < 0:
        before = quote
        while before > start and text[before - 1] == "\\":
            before -= 1
        count = quote - before
        # Backslashes of the value itself come in pairs, each escaped as often as the quote is.
        if count % (2 * (backslashes + 1)) == backslashes or count < backslashes:
            return quote - min(count, backslashes)
        start = quote + 1
        quote = text.find('"', start)
    newline = text.find("\n", start)
    return len(text) if newline < 0 else newline

"""Internet: e-mail addresses, as they are written and as they are told, and IP addresses."""

import ipaddress
import re
from collections.abc import Iterator

from pytest_llmprod.guardrails.hits import Hit, label_before

_NOT_LOCAL = re.compile(r"[^\w.!#$%&'*+/=?^{|}~`-]")
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_AT_DOMAIN = re.compile(rf"@(?:{_LABEL}\.){{1,8}}[^\W\d_][\w-]{{1,23}}")
_LONGEST_LOCAL = 64
# What stands before an address in a URL, a table, Markdown or a template, and may be a part of one.
_LEADING = re.compile(
    r"(?:.{0,64}[/?&#|{}`])?[-.'*=]{0,65}(?:[A-Za-z_][\w.-]{0,40}=(?!=))?[-.'*]{0,65}"
)
_PART = r"[\w+-]{1,64}"
_AT = r"(?: at | ?[\[({<] ?at ?[\])}>] ?| ?@ ?)"
_DOT = r"(?: dot | ?[\[({<] ?(?:dot|\.) ?[\])}>] ?|\.| \. )"
_TOLD_EMAIL = re.compile(
    rf"(?i)(?<![\w.+-]){_PART}(?:{_DOT}{_PART}){{0,4}}{_AT}"
    rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,6}}{_DOT}[a-z]{{2,24}}(?![\w-])"
)
_HINT = re.compile(r"(?i)[\[({<] ?(?:at|dot|@|\.) ?[\])}>]| dot | @")
_MAY_TELL = "[({<@"  # without one of these, or a word, no sign is told
_PLAIN_AT = re.compile(r"(?i) at ")
_TOLD_DOT = re.compile(r"(?i) dot |[\[({<] ?(?:dot|\.) ?[\])}>]")
_TOLD_SIGNS = re.compile(r"(?i) ?[\[({<] ?(at|dot|@|\.) ?[\])}>] ?| (at|dot|@|\.) |(@) ?| (@)")


def find_emails(text: str) -> Iterator[Hit]:
    """Find e-mail addresses (RFC 5321's lengths; quoted local parts are not found)."""
    if "@" in text:
        for match in _AT_DOMAIN.finditer(text):
            at, end = match.span()
            start = at - len(_local_before(text, at))
            if start < at:
                yield Hit("email", start, end, text[start:end], "name@domain")


def _local_before(text: str, at: int) -> str:
    """Return the local part that ends before an @, "" where there is none."""
    before = text[max(0, at - _LONGEST_LOCAL - 1) : at]
    local = _LEADING.sub("", _NOT_LOCAL.split(before)[-1], count=1)
    return local if len(local) <= _LONGEST_LOCAL else ""


def find_told_emails(text: str) -> Iterator[Hit]:
    """Find e-mail addresses with their signs in words: `ana at example dot com`."""
    if any(sign in text for sign in _MAY_TELL) or "dot" in text.lower():
        yield from _told_emails(text)


def _told_emails(text: str) -> Iterator[Hit]:
    if _HINT.search(text) is None:
        return
    for match in _TOLD_EMAIL.finditer(text):
        told = match[0]
        if _PLAIN_AT.search(told) and not _TOLD_DOT.search(told):
            continue  # "look at example.com"
        value = _TOLD_SIGNS.sub(_sign, told)
        if value != told and value.count("@") == 1:
            yield Hit("email", *match.span(), value, "an address told in words")


def _sign(match: re.Match[str]) -> str:
    said = next(group for group in match.groups() if group)
    return {"at": "@", "dot": "."}.get(said.lower(), said)


_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_V4 = re.compile(
    rf"(?<![^\W_])(?<![^\W_]\.){_BYTE}(?:\.{_BYTE}){{3}}(?![^\W_])(?!\.[0-9])(?![-+]?[A-Za-z])"
)
_V6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}|:)(?::[0-9A-Fa-f]{0,4}){2,7}(?:\d{0,3}(?:\.\d{1,3}){3})?"
    r"(?![\w:])"
)
# Without which they match nowhere; most texts hold neither.
_DOTTED = re.compile(r"\d\.\d")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_VERSIONS = re.compile(
    r"(?i)(?:(?P<no>\bversions?\b|\bv\b|\bver\.|\brelease\b|\bbuild\b|\bsection\b|\bchapter\b"
    r"|\bupgrade\b|\bfirmware\b|§)|(?P<yes>\bip\b|\bhost\b|\baddress\b|\bserver\b))"
)
_LEAST_GROUPS = 3


def find_addresses(text: str) -> Iterator[Hit]:
    """Find IP addresses of both versions; those of one's own machine are nobody's."""
    if _DOTTED.search(text):
        for match in _V4.finditer(text):
            if label_before(text, match.start(), _VERSIONS) != "no" and _is_somebodys(match[0]):
                yield Hit("ip", *match.span(), match[0], "IPv4")
    if _COLONS.search(text):
        for match in _V6.finditer(text):
            groups = sum(1 for group in match[0].split(":") if group)
            if groups >= _LEAST_GROUPS and _is_somebodys(match[0]):
                yield Hit("ip", *match.span(), match[0].lower(), "IPv6")


def _is_somebodys(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)

"""Hostile texts: what makes a careless detector slow, each of any size.

Each class repeats a piece on which some part of some detector begins its work again and again:
what looks like the beginning of a finding and never is the whole of one, or what is a finding each
time. None is taken from anywhere.
"""

import base64
from collections.abc import Callable, Mapping

_KEY = "sk-proj-" + "A1b2" * 8


def _repeated(piece: str) -> Callable[[int], str]:
    return _headed("", piece)


def _headed(head: str, piece: str) -> Callable[[int], str]:
    size = len(piece.encode("utf-8", "surrogatepass"))
    return lambda length: head + piece * ((length - len(head)) // size)


def _base64_of_keys(length: int) -> str:
    return base64.b64encode((_KEY + " ").encode() * (length // 40 + 1)).decode()[:length]


#: Name of the class -> a text of it, of so many bytes in UTF-8, or a few less.
HOSTILE: Mapping[str, Callable[[int], str]] = {
    "one letter": _repeated("a"),
    "words": _repeated("the quick brown fox ignores all previous lazy dogs "),
    "spaces": _repeated(" "),
    "newlines": _repeated("\n"),
    "one digit": _repeated("4"),
    "digits one by one": _repeated("4 "),
    "groups of three": _repeated("212 "),
    "groups of four": _repeated("4111 "),
    "groups of three and four": _repeated("212-555-0199 "),
    "numbers of nine": _repeated("123456782 "),
    "numbers of eleven behind their word": _headed("pesel idnr cpf ", "12345678903 "),
    "cards": _repeated("4111 1111 1111 1111, "),
    "dots and digits": _repeated("1.2.3."),
    "zeros and signs": _repeated("00-(0) "),
    "plus signs": _repeated("+1 "),
    "at signs": _repeated("@"),
    "half addresses": _repeated("a@a."),
    "long local parts": _repeated("a.b-c+" * 20 + " "),
    "addresses": _repeated("ana@example.com "),
    "addresses in words": _repeated("a dot b at "),
    "letters one by one": _repeated("a @ "),
    "digits in words": _repeated("four one "),
    "half IBANs": _repeated("GB82 WEST 1234 5698 "),
    "mixed words": _repeated("a1b2c3d4e "),
    "colons": _repeated("::1:"),
    "hexadecimal": _repeated("dead:beef:"),
    "labels": _repeated("phone: passport born name: address: "),
    "titles": _repeated("Mr. Ana "),
    "roads": _repeated("12 Ana Bob "),
    "keys": _repeated(_KEY + " "),
    "half keys": _repeated("sk-a-"),
    "beginnings of keys": _repeated("sk-" + "a" * 19 + " "),
    "half tokens": _repeated("eyJhbGciOiJI.eyJ"),
    "private keys without an end": _repeated("-----BEGIN PRIVATE KEY-----"),
    "passwords of URLs": _repeated("a://b:"),
    "members": _repeated('"password":"'),
    "backslashes": _repeated("\\"),
    "quotes behind backslashes": _repeated('\\"api_key\\":'),
    "parts of forms": _repeated('form-data; name="password"'),
    "parameters": _repeated("?api_key=&"),
    "base64": _repeated("QUJD" * 16),
    "base64 of keys": _base64_of_keys,
    "base64 in lines": _repeated("QUJD" * 16 + "\n"),
    "percent signs": _repeated("%41"),
    "hex of text": _repeated("69676e6f7265"),
    "brackets": _repeated("["),
    "images without an end": _repeated("![a]("),
    "links": _repeated("[a](https://evil.example/?q=1234567890abcdef) "),
    "tags of HTML": _repeated("<img src="),
    "tags without an end": _repeated("<"),
    "ignore": _repeated("ignore all previous "),
    "do not": _repeated("do not not "),
    "role tokens": _repeated("<|im_start|>"),
    "role words": _repeated("\nsystem: "),
    "morse": _repeated(".. --. "),
    "reversed": _repeated("suoiverp lla erongi "),
    "leet": _repeated("1gn0r3 4ll "),
    "full width": _repeated("\uff14\uff11"),
    "other digits": _repeated("\u0664\u0661 "),
    "zero width": _repeated("\u200b\u200c"),
    "zero width between letters": _repeated("i\u200bg\u200bn\u200b"),
    "tags of Unicode": _repeated("\U000e0069\U000e0067"),
    "bidi": _repeated("\u202ea\u202c"),
    "marks": _repeated("a\u0301\u0302\u0303"),
    "homoglyphs": _repeated("ign\u043ere \u0430ll "),
    "Chinese": _repeated("\u5ffd\u7565\u4e4b\u524d"),
    "ligatures": _repeated("\ufdfa"),
    "lone surrogates": _repeated("\ud800"),
    "emoji": _repeated("\U0001f600\u200d\ufe0f"),
    "refusals": _repeated("I'm sorry, but I cannot "),
}

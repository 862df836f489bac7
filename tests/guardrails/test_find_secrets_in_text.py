"""Secrets: keys are found by shape, in any way of writing."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.guardrails import SECRET_KINDS, find_secrets

KEY = "sk-proj-" + "A1b2" * 8


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("key", f"use {KEY}!", KEY),
        ("key", f"{KEY[:9]}\u200b{KEY[9:]}", f"{KEY[:9]}\u200b{KEY[9:]}"),
        ("key", " ".join(KEY), " ".join(KEY)),
        ("key", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("password", "postgres://u:geheim99@host/db", "geheim99"),
        ("password", '{"password": "hunter2xx"}', "hunter2xx"),
        ("named value", '{"client_secret": "hunter2xx"}', "hunter2xx"),
    ],
)
def test_a_secret_is_found_where_it_stands(kind: str, text: str, part: str) -> None:
    (finding,) = find_secrets(text)

    assert (finding.kind, finding.text) == (kind, part)
    assert part not in repr(finding)


def test_a_key_is_found_in_base64() -> None:
    text = base64.b64encode(f"my key: {KEY}".encode()).decode()

    (finding,) = find_secrets(text)

    assert (finding.kind, finding.why) == ("key", "encoded")


@pytest.mark.parametrize("text", ["sk-learn-from-examples", "3f786850e387550fdab836ed7e6dc881", ""])
def test_what_only_looks_like_a_secret_is_not_found(text: str) -> None:
    assert find_secrets(text) == []


@given(st.text())
def test_findings_of_secrets_are_apart(text: str) -> None:
    found = find_secrets(text)

    edges = [edge for each in found for edge in (each.start, each.end)]
    assert edges == sorted(edges)
    assert {each.kind for each in found} <= set(SECRET_KINDS)

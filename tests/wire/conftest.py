"""Fixtures of the wire's tests: a project folder, a provider, and a plain HTTP client."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from lab import Lab
from samples import KEY
from server import Server, serve

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_triage"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty project folder."""
    return Lab(tmp_path)


@pytest.fixture
def wire() -> Iterator[Server]:
    """A provider that says what it was told, with an exclamation mark, unless told otherwise."""
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    """A client; one for many tests, for the patches are on its class."""
    with httpx2.Client(verify=False, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def provider_url() -> Iterator[str]:
    """The scripted provider of the example, which speaks all of OpenAI's wire."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        from provider import serve as serve_provider

        with serve_provider() as url:
            yield url
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture
def openai_at_wire(wire: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A provider that `OpenAI()`, built without arguments, asks."""
    monkeypatch.setenv("OPENAI_BASE_URL", wire.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return wire


@pytest.fixture
def openai_at_provider(provider_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example's provider, which `OpenAI()`, built without arguments, asks."""
    monkeypatch.setenv("OPENAI_BASE_URL", provider_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return provider_url

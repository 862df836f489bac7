"""Shared TLS: one context for all clients, wherever nobody could tell."""

import ssl
from pathlib import Path

import certifi
import httpx2
import pytest
from lab import Lab


def context() -> ssl.SSLContext:
    """The context that a client of httpx2 makes for itself."""
    return httpx2.create_ssl_context()


def test_clients_of_a_replay_share_a_context(lab: Lab) -> None:
    with lab.test("none"):
        one, other = context(), context()

    assert one is other


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_clients_of_a_recording_have_contexts_of_their_own(lab: Lab, mode: str) -> None:
    with lab.test(mode):
        one, other = context(), context()

    assert one is not other


def test_clients_outside_of_a_test_have_contexts_of_their_own(lab: Lab) -> None:
    with lab.run("none").patched():
        one, other = context(), context()

    assert one is not other


def test_clients_that_may_reach_a_host_have_contexts_of_their_own(lab: Lab) -> None:
    with lab.test("none", allow_hosts=["db.internal"]):
        one, other = context(), context()

    assert one is not other


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_change_of_the_certificates_makes_another_context(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    certificates = tmp_path / "certificates"
    if variable == "SSL_CERT_DIR":
        certificates.mkdir()
    else:
        certificates.write_bytes(Path(certifi.where()).read_bytes())
    with lab.test("none"):
        before = context()
        monkeypatch.setenv(variable, str(certificates))
        changed, again = context(), context()
        monkeypatch.delenv(variable)
        back = context()

    assert changed is again
    assert changed is not before
    assert back is before

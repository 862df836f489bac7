"""Fixtures of the tests of HTTP libraries."""

import socket

import pytest


@pytest.fixture
def nobody() -> str:
    """The URL of a chat at a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1/chat/completions"

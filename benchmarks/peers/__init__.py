"""Peers: three jobs, done by pytest-llmprod and by four other tools, for docs/peers.md."""

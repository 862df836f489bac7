"""Intercept: every request that a test sends is caught, and no other way leads out.

Whose request it is says the router, what becomes of it decides the switch. The patches go in once
for a session, at the first test that needs them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_llmprod.wire.attempts import Attempts
from pytest_llmprod.wire.clients.passage import Passage
from pytest_llmprod.wire.clients.patches import ClientPatches
from pytest_llmprod.wire.guard import NetworkGuard
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.switch import Switch
from pytest_llmprod.wire.tape import Tape


class Intercept:
    """The patches of one session, on the HTTP libraries, the sockets and the threads."""

    def __init__(self, router: Router, policy: WirePolicy) -> None:
        """Make the patches without installing them."""
        self._router = router
        self._guard = NetworkGuard(router, policy.allow_hosts)
        attempts = Attempts(policy.monotonic)
        self._clients = ClientPatches(
            Passage(
                owner=router.owner,
                tape_for=self._tape_for,
                ask=Switch(policy, attempts, router).ask,
                attempts=attempts,
                allow_hosts=policy.allow_hosts,
            )
        )
        self._is_installed = False

    def install(self) -> None:
        """Install the patches, once."""
        if self._is_installed:
            return
        self._is_installed = True
        self._router.install()
        self._guard.install()
        self._clients.install()

    def uninstall(self) -> None:
        """Put every original back, the last first."""
        if not self._is_installed:
            return
        self._clients.uninstall()
        self._guard.uninstall()
        self._router.uninstall()
        self._is_installed = False

    @contextmanager
    def reaching(self, host: str) -> Iterator[None]:
        """Let requests to a host leave in this block, as if we were not there."""
        self._guard.allow(host)
        try:
            yield
        finally:
            self._guard.forbid(host)

    def _tape_for(self, host: str, port: int | None) -> Tape | None:
        """Return the tape of a request, None where it is sent as if we were not there."""
        tape = self._router.owner()
        return None if tape is None or self._guard.allows(host, port) else tape

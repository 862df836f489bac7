"""Intercept: every request that a test sends is caught, and no other way leads out.

Whose request it is says the router, what becomes of it decides the switch. The patches go in once
for a session, at the first test that needs them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_llmprod.wire.attempts import Attempts
from pytest_llmprod.wire.clients.passage import Look, Passage
from pytest_llmprod.wire.clients.patches import ClientPatches
from pytest_llmprod.wire.guard import NetworkGuard, is_this_machine
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.switch import Switch
from pytest_llmprod.wire.tape import Tape


class Intercept:
    """The patches of one session, on the HTTP libraries, the sockets and the threads."""

    def __init__(self, router: Router, policy: WirePolicy) -> None:
        """Make the patches without installing them."""
        self._router = router
        self._guard = NetworkGuard(router, policy.allow_hosts)
        self._looks_at_all = policy.customs is not None
        attempts = Attempts(policy.monotonic)
        self._switch = Switch(policy, attempts, router)
        self._clients = ClientPatches(
            Passage(
                owner=router.owner,
                tape_for=self._tape_for,
                ask=self._switch.ask,
                attempts=attempts,
                allow_hosts=policy.allow_hosts,
                look=self._look,
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

    def look(self, tape: Tape, outgoing: Outgoing) -> str:
        """Return why a request that a server of ours got must not leave, "" where it may.

        The test of `tape` fails where it must not.
        """
        return self._switch.look_at(tape, outgoing, None)

    def _look(self, host: str, port: int | None) -> Look | None:
        """Return what looks at a request of a test without a tape; some stay on this machine."""
        if not self._looks_at_all or self._router.owner() is not None:
            return None
        if is_this_machine(host) or self._guard.allows(host, port):
            return None
        return self._switch.refuse_untaped

    def _tape_for(self, host: str, port: int | None) -> Tape | None:
        """Return the tape of a request, None where it is sent as if we were not there."""
        tape = self._router.owner()
        return None if tape is None or self._guard.allows(host, port) else tape

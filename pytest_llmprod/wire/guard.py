"""Guard: a test that replays opens no connection and asks no name server."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

from pytest_llmprod.core.errors import NetworkBlocked
from pytest_llmprod.wire.replacements import Replacements
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.tape import Tape


class NetworkGuard:
    """Refuses connections, datagrams and name look-ups of tests that replay.

    Hosts in `allow_hosts` pass, written as `host` or `host:port`; so do Unix sockets, and every
    address that a look-up of an allowed name returned.
    """

    def __init__(self, router: Router, allow_hosts: Sequence[str]) -> None:
        """Make a guard that is not installed yet."""
        self._router = router
        self._allowed = {host.lower() for host in allow_hosts}
        self._replacements = Replacements()

    def allows(self, host: str, port: int | None) -> bool:
        """Say whether `[tool.llmprod.wire] allow_hosts` names this host."""
        host = host.lower()
        return host in self._allowed or f"{host}:{port}" in self._allowed

    def allow(self, host: str) -> None:
        """Let a host pass from now on."""
        self._allowed.add(host.lower())

    def forbid(self, host: str) -> None:
        """Let a host that was allowed meanwhile pass no more."""
        self._allowed.discard(host.lower())

    def install(self) -> None:
        """Put the guard before the socket module's ways out."""
        self._replace(socket.socket, "connect", self._guarded_method)
        self._replace(socket.socket, "connect_ex", self._guarded_method)
        self._replace(socket.socket, "sendto", self._guarded_method)
        if hasattr(socket.socket, "sendmsg"):  # Windows has none
            self._replace(socket.socket, "sendmsg", self._guarded_message)
        self._replace(socket, "getaddrinfo", self._guarded_lookup)
        self._replace(socket, "gethostbyname", self._guarded_lookup)
        self._replace(socket, "gethostbyname_ex", self._guarded_lookup)
        self._replace(socket, "gethostbyaddr", self._guarded_naming)
        self._replace(socket, "getnameinfo", self._guarded_naming)

    def uninstall(self) -> None:
        """Put the originals back."""
        self._replacements.undo()

    def _replace(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        self._replacements.put(owner, name, wrap(getattr(owner, name)))

    def _guarded_method(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(sock: socket.socket, *args: Any) -> Any:
            self._check_address(sock, args[-1] if args else None)
            return original(sock, *args)

        return guarded

    def _guarded_message(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(sock: socket.socket, *args: Any) -> Any:
            self._check_address(sock, args[3] if len(args) > 3 else None)  # buffers may be tuples
            return original(sock, *args)

        return guarded

    def _guarded_naming(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(address: Any, *args: Any) -> Any:
            host, port = address[:2] if isinstance(address, tuple) else (address, None)
            host = _text(host)
            # A server asks for its own name when it starts, http.server for instance.
            if isinstance(host, str) and not is_this_machine(host):
                self._check(host, port)
            return original(address, *args)

        return guarded

    def _guarded_lookup(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
            name = _text(host)
            if not isinstance(name, str):  # None stands for this machine
                return original(host, *args, **kwargs)
            port = _port_number(args[0] if args else kwargs.get("port"))
            self._check(name, port)
            found = original(host, *args, **kwargs)
            if self.allows(name, port):
                # A host that is allowed at one port only stays so under its address.
                end = "" if self.allows(name, None) else f":{port}"
                self._allowed.update(f"{address}{end}".lower() for address in _addresses(found))
            return found

        return guarded

    def _check_address(self, sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            self._check(str(_text(address[0])), address[1])

    def _check(self, host: str, port: int | None) -> None:
        tape = self._router.owner()
        if tape is None or (tape.is_open and tape.mode != "none") or self.allows(host, port):
            return
        raise self.refuse(tape, host, port)

    def refuse(self, tape: Tape, host: str, port: int | None) -> NetworkBlocked:
        """Return the error for a connection to `host`, and have the test fail with its text."""
        if not tape.is_open:
            return self._router.refuse_late(tape)
        place = f"{host}:{port}" if port else host
        text = (
            f"This test replays (--llm-record=none), and something in it tried to reach {place}. "
            f"Nothing was sent.\n"
            f"If it is no model (a database, for instance), allow it in pyproject.toml:\n"
            f"  [tool.llmprod.wire]\n"
            f'  allow_hosts = ["{host}"]\n'
            f"If it is a model, call it through httpx2, httpx, requests, urllib3, botocore or "
            f"aiohttp: other HTTP libraries are not recorded."
        )
        tape.misses.append(text)
        return NetworkBlocked(text)


def _text(host: Any) -> Any:
    return host.decode() if isinstance(host, (bytes, bytearray)) else host


def _port_number(port: Any) -> int | None:
    """Return the number of a port that was given as such, as text or as the name of a service."""
    port = _text(port)
    if isinstance(port, int) or not port:
        return port or None
    try:
        return int(port) if port.isdecimal() else socket.getservbyname(port)
    except OSError:
        return None


def _addresses(found: Any) -> Sequence[str]:
    """Return the addresses in the answer of any of the look-ups of the socket module."""
    if isinstance(found, str):  # gethostbyname
        return [found]
    if isinstance(found, tuple):  # gethostbyname_ex: a name, other names, addresses
        return list(found[2])
    return [entry[4][0] for entry in found]


def is_this_machine(host: str) -> bool:
    """Say whether a host is the machine on which the test runs."""
    if host in ("localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

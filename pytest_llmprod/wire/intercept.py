"""Intercept: every request that httpx2 or httpx sends in a test passes through here.

Whose request it is says the router, what becomes of it decides the switch. The patches go in once
for a session, at the first test that needs them; those of other libraries are in `other_clients`.
"""

import importlib.util
from types import ModuleType
from typing import Any

from pytest_llmprod.wire.clients.other_clients import OtherClients
from pytest_llmprod.wire.clients.passage import Passage, decoder
from pytest_llmprod.wire.clients.streams import (
    StreamClasses,
    error_of,
    note_failure,
    stream_classes,
)
from pytest_llmprod.wire.clock import Clock, RetryPatches, wait, wait_async
from pytest_llmprod.wire.guard import NetworkGuard
from pytest_llmprod.wire.live import LiveExchange, WirePolicy
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.switch import Played, Switch
from pytest_llmprod.wire.tape import Tape


class Intercept:
    """The patches of one session, on the HTTP libraries, the sockets and the threads."""

    def __init__(self, router: Router, policy: WirePolicy) -> None:
        """Make the patches without installing them."""
        self._router = router
        clock = Clock(policy.monotonic)
        self._switch = Switch(policy, clock)
        self._retries = RetryPatches(router, clock)
        self._guard = NetworkGuard(router, policy.allow_hosts)
        passage = Passage(tape_for=self._tape_for, ask=self._ask)
        self._other_clients = OtherClients(passage)
        self._patches: list[tuple[Any, str, Any]] = []
        self._is_installed = False

    def install(self) -> None:
        """Install the patches, once.

        httpx2 is the library that openai's client uses and is always patched, the older httpx
        where it is installed.
        """
        if self._is_installed:
            return
        import httpx2  # heavy: a run that replays nothing does without it

        self._is_installed = True
        self._router.install()
        self._guard.install()
        self._share_tls_context()
        self._patch(httpx2)
        # Imported even if nobody has yet: a test may import it in its body, when it is too late.
        if importlib.util.find_spec("httpx") is not None:
            self._patch(importlib.import_module("httpx"))
        self._other_clients.install()

    def uninstall(self) -> None:
        """Put every original back, the last first."""
        if not self._is_installed:
            return
        self._other_clients.uninstall()
        while self._patches:
            owner, name, original = self._patches.pop()
            setattr(owner, name, original)
        self._retries.uninstall()
        self._guard.uninstall()
        self._router.uninstall()
        self._is_installed = False

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._patches.append((owner, name, getattr(owner, name)))
        setattr(owner, name, replacement)

    def _patch(self, http: ModuleType) -> None:
        streams = stream_classes(http)
        self._patch_sync(http, streams)
        self._patch_async(http, streams)

    def _patch_sync(self, http: ModuleType, streams: StreamClasses) -> None:
        original = http.HTTPTransport.handle_request

        def handle_request(transport: Any, request: Any) -> Any:
            tape = self._tape_for(request.url.host, request.url.port)
            if tape is None:
                return original(transport, request)
            found = self._ask(tape, **_facts(request, request.read()))
            if isinstance(found, Played):
                if not found.status:
                    wait(found.ends_s)
                return _answer(http, streams, found, request)
            try:
                response = original(transport, _outgoing(http, request, found))
            except BaseException as error:
                note_failure(http, found, error)
                raise
            _started(found, response)
            response.stream = streams.sync(response.stream, found)
            return response

        self._replace(http.HTTPTransport, "handle_request", handle_request)

    def _patch_async(self, http: ModuleType, streams: StreamClasses) -> None:
        original = http.AsyncHTTPTransport.handle_async_request

        async def handle_async_request(transport: Any, request: Any) -> Any:
            tape = self._tape_for(request.url.host, request.url.port)
            if tape is None:
                return await original(transport, request)
            found = self._ask(tape, **_facts(request, await request.aread()))
            if isinstance(found, Played):
                if not found.status:
                    await wait_async(found.ends_s)
                return _answer(http, streams, found, request)
            try:
                response = await original(transport, _outgoing(http, request, found))
            except BaseException as error:
                note_failure(http, found, error)
                raise
            _started(found, response)
            response.stream = streams.asynchronous(response.stream, found)
            return response

        self._replace(http.AsyncHTTPTransport, "handle_async_request", handle_async_request)

    def _share_tls_context(self) -> None:
        """Let every client that a replaying test builds share one TLS context.

        Making one loads the CA bundle, which takes longer than a replayed call. While nothing can
        leave, nobody needs a context of their own.
        """
        import httpcore2  # comes with httpx2

        original = httpcore2.default_ssl_context
        shared: dict[str, Any] = {}

        def default_ssl_context(**kwargs: Any) -> Any:
            tape = self._router.owner()
            if tape is None or tape.mode != "none":
                return original(**kwargs)
            name = repr(sorted(kwargs.items()))
            if name not in shared:
                shared[name] = original(**kwargs)
            return shared[name]

        self._replace(httpcore2, "default_ssl_context", default_ssl_context)

    def _tape_for(self, host: str, port: int | None) -> Tape | None:
        """Return the tape of a request, None where it is sent as if we were not there."""
        tape = self._router.owner()
        return None if tape is None or self._guard.allows(host, port) else tape

    def _ask(self, tape: Tape, **request: Any) -> Played | LiveExchange:
        self._retries.install()
        return self._switch.ask(tape, **request)


def _answer(http: ModuleType, streams: StreamClasses, played: Played, request: Any) -> Any:
    """Make the recorded answer, or raise what the client met in its place."""
    if not played.status and played.failure is not None:
        raise error_of(http, played.failure, request)
    if played.failure is None and len(played.pieces) == 1 and not played.ends_s:
        stream = http.ByteStream(played.pieces[0][1])
    else:
        stream = streams.replayed(played, request)
    return http.Response(
        played.status,
        headers=played.headers,
        stream=stream,
        extensions={"http_version": b"HTTP/1.1"},
    )


def _facts(request: Any, body: bytes) -> dict[str, Any]:
    """Return what the switch wants to know of a request."""
    return {
        "method": request.method,
        "url": str(request.url),
        "headers": request.headers.multi_items(),
        "body": body,
    }


def _outgoing(http: ModuleType, request: Any, live: LiveExchange) -> Any:
    """Return the request that leaves in place of the application's."""
    return http.Request(
        request.method,
        live.url,
        headers=live.headers(request.headers.multi_items()),
        content=live.body,
        extensions=request.extensions,
    )


def _started(live: LiveExchange, response: Any) -> None:
    """Tell the head of the answer."""
    live.started(
        response.status_code,
        response.reason_phrase,
        response.headers.multi_items(),
        decoder(response.headers.get("content-encoding", "")),
    )

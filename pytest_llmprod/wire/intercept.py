"""Intercept: every request that httpx2 or httpx sends in a test passes through here.

The order of questions is: whose request is it, may it leave at all, is it recorded, may it be sent
and recorded. The patches go in once for a session, at the first test that needs them.
"""

import importlib.util
from types import ModuleType
from typing import Any

from pytest_llmprod.core.errors import CassetteMiss, NetworkBlocked
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.dialects import read_document
from pytest_llmprod.wire.guard import NetworkGuard
from pytest_llmprod.wire.key import WireRequest, read_request
from pytest_llmprod.wire.live import LiveExchange, WirePolicy
from pytest_llmprod.wire.miss import explain
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.streams import StreamClasses, stream_classes
from pytest_llmprod.wire.tape import Tape, exchange_of


class Intercept:
    """The patches of one session, on the HTTP libraries, the sockets and the threads."""

    def __init__(self, router: Router, policy: WirePolicy) -> None:
        """Make the patches without installing them."""
        self._router = router
        self._policy = policy
        self._guard = NetworkGuard(router, policy.allow_hosts)
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

    def uninstall(self) -> None:
        """Put every original back, the last first."""
        if not self._is_installed:
            return
        while self._patches:
            owner, name, original = self._patches.pop()
            setattr(owner, name, original)
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
            tape = self._router.owner()
            if tape is None or self._guard.allows(request.url.host, request.url.port):
                return original(transport, request)
            read, found = self._look_up(tape, request, request.read())
            if isinstance(found, Recording):
                return self._answer(http, streams, tape, read, found)
            response = original(transport, found.request(http, request))
            found.started(response)
            response.stream = streams.sync(response.stream, found)
            return response

        self._replace(http.HTTPTransport, "handle_request", handle_request)

    def _patch_async(self, http: ModuleType, streams: StreamClasses) -> None:
        original = http.AsyncHTTPTransport.handle_async_request

        async def handle_async_request(transport: Any, request: Any) -> Any:
            tape = self._router.owner()
            if tape is None or self._guard.allows(request.url.host, request.url.port):
                return await original(transport, request)
            read, found = self._look_up(tape, request, await request.aread())
            if isinstance(found, Recording):
                return self._answer(http, streams, tape, read, found)
            response = await original(transport, found.request(http, request))
            found.started(response)
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

    def _look_up(
        self, tape: Tape, request: Any, body: bytes
    ) -> tuple[WireRequest, Recording | LiveExchange]:
        """Return the request, with its recording or with the exchange that will make one."""
        with tape.remembering():
            read = self._read(tape, request, body)
            return read, tape.play(read) or self._begin(tape, request, read)

    def _read(self, tape: Tape, request: Any, body: bytes) -> WireRequest:
        if not tape.is_open:
            raise NetworkBlocked(
                f"A request was made for {tape.label.function} after that test had ended. Wait for "
                f"threads and tasks before the test returns."
            )
        headers = request.headers.multi_items()
        return read_request(
            method=request.method,
            url=str(request.url),
            body=body,
            headers=masking.kept_headers(headers, masking.REQUEST_HEADERS),
            dialects=self._policy.dialects,
            scanners=self._policy.scanners,
            choice=self._policy.choice,
        )

    def _begin(self, tape: Tape, request: Any, read: WireRequest) -> LiveExchange:
        """Start a live exchange, or raise CassetteMiss where the mode forbids it."""
        if tape.may_record(read):
            return LiveExchange(tape, read, request.headers, self._policy)
        raise CassetteMiss(explain(tape, read, self._policy.choice, self._policy.scanners))

    def _answer(
        self,
        http: ModuleType,
        streams: StreamClasses,
        tape: Tape,
        read: WireRequest,
        recording: Recording,
    ) -> Any:
        """Make the recorded answer, and note the exchange with its recorded times."""
        stored = recording.response["body"]
        text = ""
        if "stream" in stored:
            stream = streams.replayed(bodies.decode_stream(stored))
            text = bodies.join_text(stored.get("text", ""))
        elif "json" in stored:
            document = bodies.join_lines(stored["json"])
            stream = http.ByteStream(bodies.json_bytes(document))
            text = read_document(read.dialect, document).text
        else:
            stream = http.ByteStream(bodies.decode_body(stored))
        tape.add(exchange_of(read, recording, text=text, replayed=True))
        headers = recording.response["headers"]
        return http.Response(
            recording.status,
            headers=[(name, value) for name, values in headers.items() for value in values],
            stream=stream,
            extensions={"http_version": b"HTTP/1.1"},
        )

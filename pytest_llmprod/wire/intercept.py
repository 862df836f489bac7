"""Intercept: every request that httpx2 or httpx sends in a test passes through here.

The order of questions is: whose request is it, may it leave at all, is it recorded, may it be sent
and recorded. The patches go in once for a session, at the first test that needs them.
"""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import ModuleType
from typing import Any

from pytest_llmprod.core.errors import CassetteError, CassetteMiss, NetworkBlocked
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.dialects import Answer, Dialect, read_plain, stored_text
from pytest_llmprod.wire.guard import NetworkGuard
from pytest_llmprod.wire.key import ModelChoice, WireRequest, read_request
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.miss import explain
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.tape import Tape, exchange_of, timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePolicy:
    """What the session tells the wire: how to read, what to hide, which model to ask, the time.

    `now` returns the time in UTC, `monotonic` seconds of a clock that never goes back.
    """

    dialects: Sequence[Dialect]
    scanners: Sequence[Scanner]
    choice: ModelChoice
    allow_hosts: Sequence[str]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


class Intercept:
    """The patches of one session, on the HTTP libraries, the sockets and the threads."""

    def __init__(self, router: Router, policy: WirePolicy) -> None:
        """Make the patches without installing them."""
        self._router = router
        self._policy = policy
        self._guard = NetworkGuard(router, policy.allow_hosts)
        self._patches: list[tuple[Any, str, Any]] = []
        self._patched_modules: set[str] = set()
        self._is_installed = False

    def install(self) -> None:
        """Install what is not installed yet; cheap when nothing is new.

        httpx2 is the library that openai's client uses and is always patched. The older httpx is
        patched as soon as something has imported it.
        """
        if not self._is_installed:
            import httpx2  # heavy: a run that replays nothing does without it

            self._is_installed = True
            self._router.install()
            self._guard.install()
            self._share_tls_context()
            self._patch(httpx2)
        if "httpx" in sys.modules and "httpx" not in self._patched_modules:
            self._patch(sys.modules["httpx"])

    def uninstall(self) -> None:
        """Put every original back, the last first."""
        if not self._is_installed:
            return
        while self._patches:
            owner, name, original = self._patches.pop()
            setattr(owner, name, original)
        self._guard.uninstall()
        self._router.uninstall()
        self._patched_modules.clear()
        self._is_installed = False

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._patches.append((owner, name, getattr(owner, name)))
        setattr(owner, name, replacement)

    def _patch(self, http: ModuleType) -> None:
        self._patched_modules.add(http.__name__)
        streams = stream_classes(http)
        self._patch_sync(http, streams)
        self._patch_async(http, streams)

    def _patch_sync(self, http: ModuleType, streams: "StreamClasses") -> None:
        original = http.HTTPTransport.handle_request

        def handle_request(transport: Any, request: Any) -> Any:
            tape = self._router.owner()
            if tape is None or self._guard.allows(request.url.host, request.url.port):
                return original(transport, request)
            read = self._read(tape, request, request.read())
            recording = tape.play(read)
            if recording is not None:
                return self._answer(http, streams, tape, read, recording)
            live = self._begin(tape, request, read)
            response = original(transport, live.request(http, request))
            live.started(response)
            response.stream = streams.sync(response.stream, live)
            return response

        self._replace(http.HTTPTransport, "handle_request", handle_request)

    def _patch_async(self, http: ModuleType, streams: "StreamClasses") -> None:
        original = http.AsyncHTTPTransport.handle_async_request

        async def handle_async_request(transport: Any, request: Any) -> Any:
            tape = self._router.owner()
            if tape is None or self._guard.allows(request.url.host, request.url.port):
                return await original(transport, request)
            read = self._read(tape, request, await request.aread())
            recording = tape.play(read)
            if recording is not None:
                return self._answer(http, streams, tape, read, recording)
            live = self._begin(tape, request, read)
            response = await original(transport, live.request(http, request))
            live.started(response)
            response.stream = streams.asynchronous(response.stream, live)
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

    def _begin(self, tape: Tape, request: Any, read: WireRequest) -> "LiveExchange":
        """Start a live exchange, or raise CassetteMiss where the mode forbids it."""
        if tape.may_record(read):
            return LiveExchange(tape, read, request.headers, self._policy)
        text = explain(tape, read, self._policy.choice, self._policy.scanners)
        tape.misses.append(text)
        raise CassetteMiss(text)

    def _answer(
        self,
        http: ModuleType,
        streams: "StreamClasses",
        tape: Tape,
        read: WireRequest,
        recording: Recording,
    ) -> Any:
        """Make the recorded answer, and note the exchange with its recorded times."""
        stored = recording.response["body"]
        if "stream" in stored:
            stream = streams.replayed(bodies.decode_stream(stored))
        else:
            stream = http.ByteStream(bodies.decode_body(stored))
        text = stored_text(read.dialect, stored)
        tape.add(exchange_of(read, recording, text=text, replayed=True))
        headers = recording.response["headers"]
        return http.Response(
            recording.status,
            headers=[(name, value) for name, values in headers.items() for value in values],
            stream=stream,
            extensions={"http_version": b"HTTP/1.1"},
        )


class LiveExchange:
    """A request on its way to the provider: takes times and bytes, and becomes a recording."""

    def __init__(self, tape: Tape, read: WireRequest, headers: Any, policy: WirePolicy) -> None:
        """Start the clock of a request with these (unmasked) headers."""
        self._tape = tape
        self._read = read
        self._policy = policy
        self._attempt = _attempt(headers.get("x-stainless-retry-count", "0"))
        secrets = [masking.known_secret(value) for value in _secret_values(headers)]
        self._scanners = [*policy.scanners, *secrets]
        self._chunks: list[tuple[float, bytes]] = []
        self._status = 0
        self._reason = ""
        self._headers: list[tuple[str, str]] = []
        self._decode: Callable[[bytes], bytes] | None = None
        self._is_done = False
        self._start = policy.monotonic()

    def request(self, http: ModuleType, request: Any) -> Any:
        """Return the request that leaves: with the model replaced, and no compression asked for.

        A compressed stream would hide when each event came.
        """
        headers = request.headers.copy()
        headers["accept-encoding"] = "identity"
        # The body is whole now, however it came, and may have another length.
        if headers.pop("transfer-encoding", None) or "content-length" in headers:
            headers["content-length"] = str(len(self._read.body))
        return http.Request(
            request.method,
            request.url,
            headers=headers,
            content=self._read.body,
            extensions=request.extensions,
        )

    def started(self, response: Any) -> None:
        """Note the status line and the headers."""
        self._status = response.status_code
        self._reason = response.reason_phrase
        self._headers = response.headers.multi_items()
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            make = type(response)
            self._decode = lambda raw: (
                make(  # the provider compressed although asked not to
                    200, headers={"content-encoding": encoding}, content=raw
                ).content
            )

    def received(self, chunk: bytes) -> None:
        """Note a piece of the body that has just come."""
        self._chunks.append((self._policy.monotonic() - self._start, chunk))

    def ended(self, *, complete: bool) -> None:
        """Store the recording and note the exchange, once."""
        if self._is_done:
            return
        self._is_done = True
        chunks = self._chunks
        # To the last byte, however long the caller then took to ask for more.
        latency_s = chunks[-1][0] if chunks else self._policy.monotonic() - self._start
        if self._decode is not None:
            chunks = [(latency_s, self._decode(b"".join(chunk for _, chunk in chunks)))]
        body, answer, ttft_s = self._stored_body(chunks)
        recording = Recording(
            case=self._tape.label.case,
            key=self._read.key,
            recorded_at=timestamp(self._policy.now()),
            latency_s=latency_s,
            ttft_s=ttft_s,
            model=answer.model or self._read.model,
            usage=answer.usage,
            attempt=self._attempt,
            complete=complete or _says_done(body),
            request=self._stored_request(),
            response={
                "status": {"code": self._status, "message": self._reason},
                "headers": masking.kept_headers(self._headers, masking.RESPONSE_HEADERS),
                "body": body,
            },
        )
        self._tape.keep(self._read, recording)
        self._tape.add(exchange_of(self._read, recording, text=answer.text, replayed=False))

    def failed(self) -> None:
        """Leave no recording of an answer that broke off: a replay would give a part as whole."""
        self._is_done = True

    def _stored_request(self) -> dict[str, Any]:
        return {
            "method": self._read.method,
            "uri": masking.mask_url(self._read.url, self._scanners),
            "headers": self._read.headers,
            "body": bodies.encode_body(masking.mask_body(self._read.body, self._scanners)),
        }

    def _stored_body(
        self, chunks: list[tuple[float, bytes]]
    ) -> tuple[dict[str, Any], Answer, float | None]:
        kind = next((value for name, value in self._headers if name == "content-type"), "")
        dialect = self._read.dialect
        if not kind.startswith("text/event-stream"):
            content = b"".join(chunk for _, chunk in chunks)
            stored = bodies.encode_body(masking.mask_body(content, self._scanners))
            return stored, read_plain(dialect, stored), None
        events = [self._masked_event(event) for event in bodies.parse_events(chunks)]
        answer = Answer()
        if dialect is not None:
            answer = dialect.read_stream([event.data for event in events if event.is_json])
        if masking.mask(answer.text, self._scanners) != answer.text:
            raise CassetteError(
                "A secret is spread over several events of a streamed answer, where it cannot be "
                "masked, so the answer was not recorded. Keep the secret out of the prompt."
            )
        return bodies.encode_stream(events, answer.text), answer, events[0].t if events else None

    def _masked_event(self, event: bodies.Event) -> bodies.Event:
        data = masking.mask_strings(event.data, self._scanners)
        text = json.dumps(data, ensure_ascii=False)
        masked = masking.mask(text, self._scanners)
        if masked == text:
            return replace(event, data=data)
        try:
            return replace(event, data=json.loads(masked))
        except ValueError:  # a scanner found something outside of the strings
            return replace(event, data=masked, is_json=False)


def _says_done(stored: Mapping[str, Any]) -> bool:
    """Say whether a stream ends with OpenAI's last event, at which its client stops to read."""
    events = stored.get("stream") or [{}]
    return bool(events[-1].get("raw") == "[DONE]")


def _attempt(retries: str) -> int:
    return int(retries) + 1 if retries.isdigit() else 1


def _secret_values(headers: Any) -> Iterator[str]:
    """Yield what authenticates this request, so that an echo of it is masked too."""
    for name in ("authorization", "api-key", "x-api-key", "cookie"):
        value = headers.get(name, "")
        if name == "authorization":  # a scheme, `Bearer` for instance, stands before the secret
            value = value.rpartition(" ")[2]
        if len(value) >= 8:
            yield value


@dataclass(frozen=True, slots=True)
class StreamClasses:
    """The stream types of one HTTP library: a tee for each colour, and a recorded stream."""

    sync: Any
    asynchronous: Any
    replayed: Any


def stream_classes(http: ModuleType) -> StreamClasses:
    """Make the stream types for `http`; its clients insist on subclasses of their own."""

    class TeedStream(http.SyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange) -> None:
            self._inner = inner
            self._live = live

        def __iter__(self) -> Iterator[bytes]:
            try:
                for chunk in self._inner:
                    self._live.received(chunk)
                    yield chunk
            except GeneratorExit:  # the caller has read enough; close() follows
                raise
            except BaseException:
                self._live.failed()
                raise
            self._live.ended(complete=True)

        def close(self) -> None:
            self._inner.close()
            self._live.ended(complete=False)

    class TeedAsyncStream(http.AsyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange) -> None:
            self._inner = inner
            self._live = live

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for chunk in self._inner:
                    self._live.received(chunk)
                    yield chunk
            except GeneratorExit:  # the caller has read enough; aclose() follows
                raise
            except BaseException:
                self._live.failed()
                raise
            self._live.ended(complete=True)

        async def aclose(self) -> None:
            await self._inner.aclose()
            self._live.ended(complete=False)

    class ReplayedStream(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Gives the recorded events, one piece for each."""

        def __init__(self, chunks: Sequence[bytes]) -> None:
            self._chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            yield from self._chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self._chunks:
                yield chunk

    return StreamClasses(TeedStream, TeedAsyncStream, ReplayedStream)

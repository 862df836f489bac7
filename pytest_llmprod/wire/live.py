"""Live: a request on its way to the provider, until it has become a recording."""

from asyncio import CancelledError
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.attempts import Attempt
from pytest_llmprod.wire.cassettes import leaks
from pytest_llmprod.wire.dialects import Answer, Dialect, StreamReader, read_plain
from pytest_llmprod.wire.dialects.service_tier import tier_of
from pytest_llmprod.wire.dialects.unknown_model import is_of_unknown_model
from pytest_llmprod.wire.exchanges import exchange_of
from pytest_llmprod.wire.fork_lock import ForkLock
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.leaving import Customs
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import NO_MODEL, Failure, Recording
from pytest_llmprod.wire.rules import timestamp
from pytest_llmprod.wire.scanners.known_secrets import request_scanners
from pytest_llmprod.wire.tape import Settle, Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePolicy:
    """What the session tells the wire: how to read, what to hide, where to, the time.

    `scanners` find what is a secret on every machine; requests are matched as they mask them.
    `known` returns scanners for the secrets of this machine, which only hide more of what is stored
    and shown. `now` returns the time in UTC, `monotonic` seconds of a clock that never goes back.
    `met` is told the headers and the URL of each request, as they are, for the secrets in them.
    `customs` says whether a request may leave, None where each may.
    """

    dialects: Sequence[Dialect]
    scanners: Sequence[Scanner]
    known: Callable[[], Sequence[Scanner]]
    allow_hosts: Sequence[str]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    met: Callable[[Sequence[tuple[str, str]], str], None] = lambda headers, url: None
    customs: Customs | None = None

    def scanners_of(self, headers: Iterable[tuple[str, str]], url: str) -> Sequence[Scanner]:
        """Return the scanners for what is stored and shown of a request with these headers."""
        return self.scanners_with(request_scanners(headers, url))

    def scanners_with(self, own: Sequence[Scanner]) -> Sequence[Scanner]:
        """Return the scanners for what is stored and shown of a request, its `own` among them."""
        return [*self.scanners, *self.known(), *own, find_encoded]


class LiveExchange:
    """A request on its way to the provider: takes times and bytes, and becomes a recording."""

    def __init__(
        self,
        tape: Tape,
        read: WireRequest,
        attempt: Attempt,
        headers: Sequence[tuple[str, str]],
        policy: WirePolicy,
        compressed: bytes | None,
        settle: Settle,
    ) -> None:
        """Start the clock of a request with these (unmasked) headers.

        `compressed` is its body as the application compressed it, None where it did not. `settle`
        is told what became of it.
        """
        self._settle = settle
        self._tape = tape
        self._read = read
        self._attempt = attempt
        self._policy = policy
        self._sent_headers = headers
        # One that asks for another model is sent as it is: no server minds.
        self._is_unpacked = compressed is not None and bool(read.replaced_model)
        self._body = read.body if compressed is None or self._is_unpacked else compressed
        self._chunks: list[tuple[float, bytes]] = []
        self._status = 0
        self._reason = ""
        self._headers: list[tuple[str, str]] = []
        self._decode: Callable[[bytes], bytes] | None = None
        self._is_done = False
        self._lock = ForkLock()
        policy.known()  # what the environment holds now may be gone when the answer has come
        self._start = policy.monotonic()
        self._turn = tape.next_turn()
        tape.began(self)

    @cached_property
    def _own(self) -> Sequence[Scanner]:
        return request_scanners(self._sent_headers, self._read.url)

    @cached_property
    def _scanners(self) -> Sequence[Scanner]:
        """Return what is looked for, first when the answer has come: a variable may be new."""
        return self._policy.scanners_with(self._own)

    @property
    def url(self) -> str:
        """Return the URL to which the request is to be sent."""
        return self._read.url

    @property
    def body(self) -> bytes:
        """Return the body that is to be sent, with the model that the run asks for."""
        return self._body

    def headers(self, headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers to send, made from those of the application.

        No compression is asked for: it would hide when each event came. The body is whole now,
        however it came, and may have another length.
        """
        names = {name.lower() for name, _ in headers}
        replaced = {"accept-encoding", "content-length", "transfer-encoding"}
        if self._is_unpacked:
            replaced.add("content-encoding")
        kept = [(name, value) for name, value in headers if name.lower() not in replaced]
        if self.body or "content-length" in names:
            kept.append(("content-length", str(len(self.body))))
        return [*kept, ("accept-encoding", "identity")]

    def started(
        self,
        status: int,
        reason: str,
        headers: Sequence[tuple[str, str]],
        decode: Callable[[bytes], bytes] | None,
    ) -> None:
        """Note the status line and the headers.

        `decode` undoes the compression of a provider that compresses although asked not to.
        """
        self._status = status
        self._reason = reason
        self._headers = list(headers)
        self._decode = decode

    def received(self, chunk: bytes) -> None:
        """Note a piece of the body that has just come."""
        self._chunks.append((self._elapsed_s(), chunk))

    def ended(self, *, complete: bool) -> None:
        """Store the recording and note the exchange, once."""
        if self._is_last_word():
            with self._tape.remembering():
                self._store(complete=complete, failure=None)

    def failed(
        self,
        error: BaseException,
        wire_errors: type[BaseException] | tuple[type[BaseException], ...],
    ) -> None:
        """Store that the client met `error` in place of the rest, or that it was cancelled.

        Another error of the application leaves no recording: the wire did not fail.
        """
        is_told = isinstance(error, (wire_errors, CancelledError))
        if not self._is_last_word() or not is_told:
            return
        text = masking.mask(str(error), self._scanners)
        with self._tape.remembering():
            self._store(complete=True, failure=Failure(error=type(error).__name__, message=text))

    def _is_last_word(self) -> bool:
        """Say, once, that this request has come to its end; never where its run was stopped."""
        with self._lock:
            is_first, self._is_done = not self._is_done, True
        self._tape.arrived(self)
        return is_first and not self._tape.is_stopped

    def _elapsed_s(self) -> float:
        return self._policy.monotonic() - self._start

    def _store(self, *, complete: bool, failure: Failure | None) -> None:
        chunks = self._chunks
        # To the last byte, however long the caller then took to ask for more.
        latency_s = chunks[-1][0] if chunks and failure is None else self._elapsed_s()
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
            attempt=self._attempt.number,
            complete=complete or _says_done(body),
            request=self._stored_request(),
            response={
                "status": {
                    "code": self._status,
                    "message": masking.mask(self._reason, self._scanners),
                },
                "headers": masking.kept_headers(
                    self._headers, masking.RESPONSE_HEADERS, self._scanners
                ),
                "body": body,
            },
            backoff_s=self._attempt.backoff_s,
            failure=failure,
            named_model=self._read.replaced_model,
            judged=self._read.judged,
        )
        if self._tape.mode == "verify":
            self._tape.answered(self._read, recording, self._turn)
        else:
            known = {"this request's": self._own, "the environment variable": self._policy.known()}
            leaks.refuse_leaks(recording.to_json(), known)
            self._tape.keep(self._read, recording, self._turn)
        tier = tier_of(bodies.documents_of(body))
        exchange = exchange_of(
            self._read, recording, answer, self._attempt, replayed=False, tier=tier
        )
        self._settle(exchange)
        self._tape.add(replace(exchange, is_model_unknown=self._is_model_unknown(recording)))

    def _is_model_unknown(self, recording: Recording) -> bool:
        """Say whether the provider refused the request for want of the model that it names."""
        names_one = self._read.dialect is not None and self._read.named_model != NO_MODEL
        if recording.status < 400 or not names_one:
            return False
        body = bodies.decode_document(recording.response["body"])
        return is_of_unknown_model(recording.status, body)

    def _stored_request(self) -> dict[str, Any]:
        return {
            "method": self._read.method,
            "uri": masking.mask_url(self._read.url, self._scanners),
            "headers": masking.mask_strings(self._read.headers, self._scanners),
            "body": bodies.encode_body(masking.mask_body(self._read.stored_body, self._scanners)),
        }

    def _stored_body(
        self, chunks: list[tuple[float, bytes]]
    ) -> tuple[dict[str, Any], Answer, float | None]:
        kind = next((value for name, value in self._headers if name.lower() == "content-type"), "")
        dialect = self._read.dialect
        content = b"".join(chunk for _, chunk in chunks)
        parsed = bodies.read_stream(kind, chunks)
        if parsed is None:
            stored = bodies.encode_body(masking.mask_body(content, self._scanners))
            return stored, read_plain(dialect, stored), None
        events = masking.mask_events(parsed, self._scanners)
        answer = Answer()
        if dialect is not None:
            answer = dialect.read_stream([event.data for event in events if event.is_json])
        masking.refuse_secrets([answer.text], self._scanners)
        return bodies.encode_stream(events, answer.text), answer, _ttft_s(dialect, events)


def _ttft_s(dialect: Dialect | None, events: Sequence[bodies.Event]) -> float | None:
    """Return when the first event came that says something: text, a refusal, or a tool call.

    That of the first event where nobody can tell, None without any. What is said only grows, so the
    event is found by bisection.
    """
    if not events:
        return None
    counts = range(len(events))
    first = 0
    if dialect is not None:
        read = dialect.read_stream
        first = bisect_left(counts, True, key=lambda n: _says_something(read, events[: n + 1]))
    return events[first if first in counts else 0].t


def _says_something(read: StreamReader, events: Sequence[bodies.Event]) -> bool:
    answer = read([each.data for each in events if each.is_json])
    return bool(answer.text or answer.refusal or answer.tool_calls)


def _says_done(stored: Mapping[str, Any]) -> bool:
    """Say whether a stream ends with OpenAI's last event, at which its client stops reading."""
    events = stored.get("stream") or [{}]
    return bool(events[-1].get("raw") == "[DONE]")

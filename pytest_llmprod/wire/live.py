"""Live: a request on its way to the provider, until it has become a recording."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.dialects import Answer, Dialect, read_plain
from pytest_llmprod.wire.key import ModelChoice, WireRequest
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import Failure, Recording
from pytest_llmprod.wire.rules import timestamp
from pytest_llmprod.wire.tape import Attempt, Tape, exchange_of


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


class LiveExchange:
    """A request on its way to the provider: takes times and bytes, and becomes a recording."""

    def __init__(
        self,
        tape: Tape,
        read: WireRequest,
        attempt: Attempt,
        headers: Sequence[tuple[str, str]],
        policy: WirePolicy,
    ) -> None:
        """Start the clock of a request with these (unmasked) headers."""
        self._tape = tape
        self._read = read
        self._attempt = attempt
        self._policy = policy
        secrets = [masking.known_secret(value) for value in _secret_values(headers)]
        self._scanners = [*policy.scanners, *secrets]
        self._chunks: list[tuple[float, bytes]] = []
        self._status = 0
        self._reason = ""
        self._headers: list[tuple[str, str]] = []
        self._decode: Callable[[bytes], bytes] | None = None
        self._is_done = False
        self._start = policy.monotonic()

    @property
    def url(self) -> str:
        """Return the URL to which the request is to be sent."""
        return self._read.url

    @property
    def body(self) -> bytes:
        """Return the body that is to be sent, with the model that the run asks for."""
        return self._read.body

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers to send, made from those of the application.

        No compression is asked for: it would hide when each event came. The body is whole now,
        however it came, and may have another length.
        """
        names = {name.lower() for name, _ in headers}
        replaced = {"accept-encoding", "content-length", "transfer-encoding"}
        kept = [(name, value) for name, value in headers if name.lower() not in replaced]
        if self.body or "content-length" in names:
            kept.append(("content-length", str(len(self.body))))
        return [*kept, ("accept-encoding", "identity")]

    def started(
        self,
        status: int,
        reason: str,
        headers: Sequence[tuple[str, str]],
        decode: Callable[[bytes], bytes] | None = None,
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
        if not self._is_done:
            self._is_done = True
            with self._tape.remembering():
                self._store(complete=complete, failure=None)

    def broke(self, error: str, message: str) -> None:
        """Store that the client met the error of class `error` in place of the rest."""
        if not self._is_done:
            self._is_done = True
            failure = Failure(error=error, message=masking.mask(message, self._scanners))
            with self._tape.remembering():
                self._store(complete=True, failure=failure)

    def dropped(self) -> None:
        """Leave no recording: the application gave up, and the wire did not fail."""
        self._is_done = True

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
                "status": {"code": self._status, "message": self._reason},
                "headers": masking.kept_headers(self._headers, masking.RESPONSE_HEADERS),
                "body": body,
            },
            backoff_s=self._attempt.backoff_s,
            failure=failure,
            named_model=""
            if self._read.named_model == self._read.model
            else self._read.named_model,
        )
        if self._tape.mode == "verify":
            self._tape.verify(self._read, recording)
        else:
            self._tape.keep(self._read, recording)
        self._tape.add(exchange_of(self._read, recording, answer, self._attempt, replayed=False))

    def _stored_request(self) -> dict[str, Any]:
        return {
            "method": self._read.method,
            "uri": masking.mask_url(self._read.url, self._scanners),
            "headers": self._read.headers,
            "body": bodies.encode_body(masking.mask_body(self._read.stored_body, self._scanners)),
        }

    def _stored_body(
        self, chunks: list[tuple[float, bytes]]
    ) -> tuple[dict[str, Any], Answer, float | None]:
        kind = next((value for name, value in self._headers if name == "content-type"), "")
        dialect = self._read.dialect
        content = b"".join(chunk for _, chunk in chunks)
        parsed = bodies.read_stream(kind, chunks)
        if parsed is None:
            stored = bodies.encode_body(masking.mask_body(content, self._scanners))
            return stored, read_plain(dialect, stored), None
        events = [self._masked_event(event) for event in parsed]
        answer = Answer()
        if dialect is not None:
            answer = dialect.read_stream([event.data for event in events if event.is_json])
        joined = [answer.text, *bodies.joined_strings([event.data for event in events])]
        if any(masking.mask(text, self._scanners) != text for text in joined):
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


def _secret_values(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield what authenticates this request, so that an echo of it is masked too."""
    for name, value in headers:
        if name.lower() not in ("authorization", "api-key", "x-api-key", "cookie"):
            continue
        # A scheme, `Bearer` for instance, stands before the secret.
        secret = value.rpartition(" ")[2] if name.lower() == "authorization" else value
        if len(secret) >= 8:
            yield secret

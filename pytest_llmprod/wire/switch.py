"""Switch: whether a request is played from the tape, sent and recorded, or refused.

It knows no HTTP library. Each library has an adapter that asks the switch, and then hands on what
was recorded, or sends the request and tells the live exchange what comes back.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from pytest_llmprod.core.errors import CassetteMiss, RequestRefused
from pytest_llmprod.core.faulting import ENDLESS, FaultPlan, Patience, WireAnswer
from pytest_llmprod.core.miss import Miss
from pytest_llmprod.core.virtual_time import Clock
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.attempts import Attempt, Attempts
from pytest_llmprod.wire.cassettes.codings import codings, decompress
from pytest_llmprod.wire.clock import REAL_CLOCK
from pytest_llmprod.wire.dialects import Answer, read_document
from pytest_llmprod.wire.dialects.service_tier import tier_of
from pytest_llmprod.wire.exchanges import exchange_of
from pytest_llmprod.wire.key import ModelChoice, WireRequest, read_request
from pytest_llmprod.wire.leaving import Request
from pytest_llmprod.wire.live import LiveExchange, WirePolicy
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.placeholder import missing_key, refuse_to_send
from pytest_llmprod.wire.recording import Failure, Recording
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.tape import Tape

#: A judge is to stay the same, whichever model the run asks.
_AS_IT_IS = ModelChoice(swaps={})
#: How much longer a replay waits for an application to give up than it took when it was recorded.
_PATIENCE_S = 2.0
#: The header in which clients that Stainless generated count their tries.
_RETRIES = "x-stainless-retry-count"


class Played(NamedTuple):
    """A recorded answer: its head, its body in pieces, and how it broke off where it did.

    `pieces` holds (seconds to wait since the request, bytes); `ends_s` is when the last has come,
    or the failure. `status` is 0 where no head came; `failure` is then what the client met.
    `read_on` raises CassetteError for a client that wants more than the one that was recorded,
    which stopped reading or was cancelled; None where the answer was recorded to its end. `clock`
    is what waits.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    pieces: Sequence[tuple[float, bytes]]
    ends_s: float
    failure: Failure | None
    read_on: Callable[[], None] | None = None
    clock: Clock = REAL_CLOCK

    @property
    def is_whole(self) -> bool:
        """Say whether the answer came to its end."""
        return self.failure is None and self.read_on is None

    def broken_by(self) -> Failure | None:
        """Return what the client met after the last piece, None where the answer came to its end.

        Raises CassetteError where the recording knows no more, but the answer went on.
        """
        if self.read_on is not None:
            self.read_on()
        return self.failure

    def timed(self) -> Iterator[tuple[float, bytes]]:
        """Yield (seconds to wait, piece that then comes); no bytes stand for the end or failure."""
        at_s = 0.0
        for t, piece in self.pieces:
            if piece:
                yield t - at_s, piece
                at_s = t
        yield self.ends_s - at_s, b""


class Switch:
    """Decides about each request of a test."""

    def __init__(
        self,
        policy: WirePolicy,
        attempts: Attempts,
        router: Router,
    ) -> None:
        """Make a switch that follows `policy`; `router` knows who asks."""
        self._policy = policy
        self._attempts = attempts
        self._router = router

    def ask(
        self,
        tape: Tape,
        *,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        patience: Patience = ENDLESS,
    ) -> Played | LiveExchange:
        """Return the recorded answer to a request, or the live exchange that will record one.

        Faults come first: where the tape has a plan, this is asked before the tape. `patience` is
        how long the client waits. Raises CassetteMiss where there is no recording and the mode
        sends nothing, SpendStop where sending it might cost too much, and RequestRefused where it
        holds what must not leave.
        """
        with tape.remembering():
            plain = decompress(body, codings(headers))
            read = self._read(tape, method, url, headers, plain)
            if read.replaced_model:
                tape.replaced_models.add(read.replaced_model)
            if self._policy.customs is not None or tape.outgoing is not None:
                self._pass_customs(tape, Outgoing(method, url, headers, plain), read, patience)
            retries = _retries(headers)
            attempt = self._attempts.next(tape, read, retries)
            faults, recording = tape.faults, None
            if faults is not None and read.judged is None:
                played, recording = self._faulted(
                    faults, tape, read, attempt, method, headers, retries, patience
                )
                if played is not None:
                    return played
            recording = recording or tape.play(read)
            is_replay = recording is not None or tape.mode == "none"
            self._attempts.answered(from_recording=is_replay)
            if read.judged is None:
                tape.asked_models.add(read.model)
            if recording is not None:
                return _play(tape, read, recording, attempt)
            if tape.may_record(read):
                refuse_to_send(headers)
                settle = tape.pay(read)
                compressed = None if plain == body else body
                return LiveExchange(tape, read, attempt, headers, self._policy, compressed, settle)
            raise CassetteMiss(self._explained(tape, read, headers))

    def look_at(self, tape: Tape, outgoing: Outgoing, patience: Patience | None) -> str:
        """Return why a request that went past the tape must not leave, "" where it may.

        The test of `tape` fails where it must not. How long it is waited for may not be known.
        """
        plain = decompress(outgoing.body, codings(outgoing.headers))
        outgoing = outgoing._replace(body=plain)
        try:
            with tape.remembering():
                self._pass_customs(tape, outgoing, self._read_untaped(outgoing), patience)
        except RequestRefused as refused:
            return str(refused)
        return ""

    def refuse_untaped(
        self,
        *,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        patience: Patience,
    ) -> None:
        """Raise RequestRefused where a request of a test without a tape must not leave."""
        customs = self._policy.customs
        if customs is None:
            return
        outgoing = Outgoing(method, url, headers, decompress(body, codings(headers)))
        read = self._read_untaped(outgoing)
        problem = customs.problem(Request(outgoing, read, patience))
        if problem:
            customs.untold.append(problem)
            raise RequestRefused(problem)

    def _read_untaped(self, outgoing: Outgoing) -> WireRequest:
        return read_request(
            method=outgoing.method,
            url=outgoing.url,
            body=outgoing.body,
            headers=masking.kept_headers(outgoing.headers, masking.REQUEST_HEADERS),
            dialects=self._policy.dialects,
            scanners=self._policy.scanners,
            choice=_AS_IT_IS,
        )

    def _pass_customs(
        self, tape: Tape, outgoing: Outgoing, read: WireRequest, patience: Patience | None
    ) -> None:
        """Raise RequestRefused where a request must not leave; note it for the test otherwise."""
        customs = self._policy.customs
        problem = None if customs is None else customs.problem(Request(outgoing, read, patience))
        if problem:
            self._attempts.answered(from_recording=True)  # a client that tries again need not wait
            raise RequestRefused(problem)
        if tape.outgoing is not None:
            tape.outgoing.append(outgoing)

    def _faulted(
        self,
        faults: FaultPlan,
        tape: Tape,
        read: WireRequest,
        attempt: Attempt,
        method: str,
        headers: Sequence[tuple[str, str]],
        retries: int,
        patience: Patience,
    ) -> tuple[Played | None, Recording | None]:
        """Return the answer of a fault plan, and the recording that it took from the tape.

        No answer where nothing goes wrong with this request, and the tape or the provider has one.
        """
        from pytest_llmprod.wire import faulted  # only a test with faults needs it

        asked = faulted.asked_of(
            read, method=method, headers=headers, retries=retries, patience=patience
        )
        taken: list[Recording] = []

        def recorded() -> WireAnswer | None:
            found = None if taken else tape.play(read)
            taken.extend([found] if found is not None else [])
            return faulted.answer_of_recording(taken[0]) if taken else None

        answer = faults.answer(asked, recorded)
        if answer is None and not taken:
            taken.extend(filter(None, [tape.play(read)]))
        if answer is None and not taken:
            may_send = tape.may_record(read) and not missing_key(headers)
            answer = None if may_send else faults.stand_in(asked)
        if answer is None:
            return None, next(iter(taken), None)
        met = faulted.met_by(answer, patience)
        faults.waited(asked, met.ends_s, gave_up=met.gave_up)
        self._attempts.answered(from_recording=True)
        tape.add(faulted.exchange_of_fault(read, answer, met, attempt))
        played = Played(
            status=met.status,
            headers=answer.headers,
            pieces=met.pieces,
            ends_s=met.ends_s,
            failure=met.failure,
            clock=tape.clock,
        )
        return played, None

    def _explained(self, tape: Tape, read: WireRequest, headers: Sequence[tuple[str, str]]) -> Miss:
        # Only a miss needs what explains it.
        from pytest_llmprod.wire.misses.explanation import explain

        return explain(
            tape,
            read._replace(model=read.shelf),
            choice=tape.label.choice,
            dialects=self._policy.dialects,
            scanners=self._policy.scanners_of(headers, read.url),
        )

    def _read(
        self, tape: Tape, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> WireRequest:
        if not tape.is_open:
            raise self._router.refuse_late(tape)
        self._policy.met(headers, url)
        is_judge = self._router.asks_for_judge()
        read = read_request(
            method=method,
            url=url,
            body=body,
            headers=masking.kept_headers(headers, masking.REQUEST_HEADERS),
            dialects=self._policy.dialects,
            scanners=self._policy.scanners,
            choice=_AS_IT_IS if is_judge else tape.label.choice,
        )
        return read._replace(judged=tape.asked) if is_judge else read


def _retries(headers: Sequence[tuple[str, str]]) -> int:
    """Return how often the client has tried before, as clients that Stainless generated tell."""
    for name, value in headers:
        if len(name) == len(_RETRIES) and name.lower() == _RETRIES:
            return int(value) if value.isdecimal() and value.isascii() else 0
    return 0


def _play(tape: Tape, read: WireRequest, recording: Recording, attempt: Attempt) -> Played:
    """Make the recorded answer, and note the exchange with its recorded times."""
    stored = recording.response["body"]
    answer = Answer()
    documents: list[Any] = []
    latency_s = recording.latency_s
    if "stream" in stored:
        pieces = bodies.decode_stream(stored)
        if read.dialect is not None:
            documents = bodies.stream_documents(stored)
            answer = read.dialect.read_stream(documents)
    elif "json" in stored:
        document, content = bodies.decode_json(stored)
        pieces = [(latency_s, content)]
        documents = [document]
        answer = read_document(read.dialect, document)
    else:
        pieces = [(latency_s, bodies.decode_body(stored))]
    tier = tier_of(documents)
    tape.add(exchange_of(read, recording, answer, attempt, replayed=True, tier=tier))
    headers = recording.response["headers"]
    scale = tape.rules.clock_scale
    failure = recording.failure
    is_given_up = failure is not None and failure.is_cancellation
    ends_early = is_given_up or not recording.complete
    return Played(
        status=recording.status,
        headers=[(name, value) for name, values in headers.items() for value in values],
        pieces=[(t * scale, piece) for t, piece in pieces],
        # An application that gives up does so in real time.
        ends_s=latency_s + _PATIENCE_S if is_given_up else latency_s * scale,
        failure=failure,
        read_on=partial(tape.read_on, recording) if ends_early else None,
    )

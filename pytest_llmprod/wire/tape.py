"""Tape: what one test plays from and records to."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

from pytest_llmprod.core.errors import (
    CassetteError,
    CassetteMiss,
    LlmprodError,
    RequestRefused,
    SpendStop,
)
from pytest_llmprod.core.exchange import Call, Exchange, calls_of
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.journal import Turn
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.clock import REAL_CLOCK
from pytest_llmprod.wire.key import WireRequest, names_of
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.misses import leftover
from pytest_llmprod.wire.plays import Plays
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import PlayRules, RecordMode

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_llmprod.core.drift import Verified
    from pytest_llmprod.core.faulting import FaultPlan
    from pytest_llmprod.core.miss import Miss
    from pytest_llmprod.core.virtual_time import Clock
    from pytest_llmprod.wire.comparing.verification import LiveAnswer
    from pytest_llmprod.wire.outgoing import Outgoing

PLAY_RULES = PlayRules()

#: Takes the exchange of which a payment was for.
Settle = Callable[[Exchange], None]
#: Reserves the money for a request before it is sent; raises SpendStop where that may not be.
Pay = Callable[[WireRequest], Settle]


def for_free(request: WireRequest) -> Settle:
    """Reserve nothing: there is no cap."""
    del request
    return lambda exchange: None


class UnderWay(Protocol):
    """A request that has been sent, and whose answer has not come to its end."""

    def ended(self, *, complete: bool) -> None:
        """Store what has come so far."""
        ...


class Tape:
    """The recordings and exchanges of one test."""

    def __init__(
        self,
        *,
        label: TapeLabel,
        mode: RecordMode,
        library: Library,
        observe: Callable[[Exchange], None],
        price: Callable[[Exchange], Decimal | None] = lambda exchange: None,
        pay: Pay = for_free,
        rules: PlayRules = PLAY_RULES,
        expired_before: str = "",
        aging_before: str = "",
    ) -> None:
        """Open the tape of the test that `label` names.

        `price` says what an exchange cost in USD, or None where it has no price, and `pay` is
        asked before a request is sent. A recording that was made before `expired_before` is not
        played; `aging_since` becomes the moment of the oldest one that is played and was made
        before `aging_before`.
        """
        self.label = label
        self.mode = mode
        self.exchanges: list[Exchange] = []
        self.asked_models: set[str] = set()
        self.replaced_models: set[str] = set()  # that the application named, and others took over
        self.judged: list[Exchange] = []  # what judges were asked about the output
        self.misses: list[Miss | str] = []  # a str is the text of another error
        self.refused: set[str] = set()  # those of them that say that a request must not leave
        self.verified: list[Verified] = []
        self.is_open = True
        self.is_stopped = False
        self.faults: FaultPlan | None = None  # asked before this tape
        self.clock: Clock = REAL_CLOCK  # a drill has one of its own
        self.outgoing: list[Outgoing] | None = None  # what left, where somebody wants to know
        self.library = library
        self._observe = observe
        self.price = price
        self._pay = pay
        self.spend_stop: SpendStop | None = None  # the application may swallow it
        self.rules = rules
        self._expired_before = expired_before
        self._aging_before = aging_before
        self.aging_since = ""
        self.plays = Plays(label, library)
        self._calls = 0
        self._recorded: set[Path] = set()
        self._under_way: dict[UnderWay, None] = {}  # in the order in which they were sent
        self._turn = library.journal.next_turn()
        self._sent = 0
        self._answers: list[tuple[Turn, str, LiveAnswer]] = []
        self._lock = library.tape_lock

    @property
    def cost_usd(self) -> Decimal | None:
        """Return what the exchanges cost so far, None where one of them has no price."""
        costs = [self.price(exchange) for exchange in self.exchanges]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    @property
    def asked(self) -> str:
        """Return the models that the application asked so far, in one text.

        Also one whose answer has not come to its end: while it is replayed it has, at once.
        """
        return names_of(tuple(self.asked_models))

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return the exchanges so far, grouped by the logical calls to which they belong."""
        return calls_of(self.exchanges)

    def cassette(self, model: str) -> CassetteFile:
        """Return the cassette for requests to `model`.

        That is the one which pytest-recording left, where this test has none of ours yet.
        """
        cassettes = list(self.library.playing(self.label, model))
        return next((each for each in cassettes if self.label.case in each.cases), cassettes[0])

    def pause(self, seconds: float) -> None:
        """Wait in a thread as long as a client does before it tries again, by this tape's clock."""
        self.clock.wait(self._paused_s(seconds))

    async def pause_async(self, seconds: float) -> None:
        """Wait in a task as long as a client does before it tries again, by this tape's clock."""
        await self.clock.wait_async(self._paused_s(seconds))

    def _paused_s(self, seconds: float) -> float:
        return seconds * (self.rules.clock_scale if self.clock is REAL_CLOCK else 1.0)

    def next_call(self) -> int:
        """Return the number of the logical call that begins now."""
        with self._lock:
            self._calls += 1
            return self._calls

    def play(self, request: WireRequest) -> Recording | None:
        """Return the next recording of `request` and count it as played, or None.

        Raises CassetteMiss where the recording is older than the rules allow.
        """
        if self.mode in ("all", "rewrite", "verify"):
            return None
        recording = self.plays.next(request, self.rules.repeats)
        if recording is None or not self._aging_before:
            return recording
        if "" < recording.recorded_at < self._expired_before:
            raise CassetteMiss(self._expired(request, recording))
        if "" < recording.recorded_at < (self.aging_since or self._aging_before):
            self.aging_since = recording.recorded_at
        return recording

    def _expired(self, request: WireRequest, recording: Recording) -> "Miss":
        other = request.replaced_model
        return leftover.expired(
            self.label,
            recording,
            self.rules,
            expired_before=self._expired_before,
            swapped=f"--llm-swap={other}={request.model}" if other else "",
        )

    def read_on(self, recording: Recording) -> None:
        """Raise CassetteError: the client wants more of an answer than was recorded of it."""
        with self.remembering():
            raise CassetteError(leftover.ends_early(self.label, recording))

    def next_turn(self) -> Turn:
        """Return the turn of a request that is sent now."""
        with self._lock:
            self._sent += 1
            return self._turn._replace(request=self._sent)

    def began(self, live: UnderWay) -> None:
        """Note that a request of this test is on its way."""
        with self._lock:
            self._under_way[live] = None

    def arrived(self, live: UnderWay) -> None:
        """Note that the answer to a request has come to its end."""
        with self._lock:
            self._under_way.pop(live, None)

    def settle(self) -> None:
        """Bring to an end what the test left under way, a stream that it broke off for instance.

        In a run that verifies, the live answers are compared with their recordings.
        """
        with self._lock:
            under_way, self._under_way = self._under_way, {}
        for live in under_way:
            with suppress(LlmprodError):  # it is remembered, and so fails the test
                live.ended(complete=False)
        self._verify()

    def answered(self, request: WireRequest, recording: Recording, turn: Turn) -> None:
        """Take a live answer in a run that verifies."""
        # Only such a run needs the comparison.
        from pytest_llmprod.wire.comparing.verification import LiveAnswer

        live = LiveAnswer(asked=request.model, dialect=request.dialect, recording=recording)
        with self._lock:
            self._answers.append((turn, request.shelf, live))

    def _verify(self) -> None:
        if not self._answers:
            return
        from pytest_llmprod.wire.comparing.verification import verify

        ranked = sorted(self._answers, key=itemgetter(0))
        self._answers.clear()
        shelves = dict.fromkeys(shelf for _, shelf, _ in ranked)
        # One of them may hold several models.
        cassettes = {each.path: each for each in map(self.cassette, shelves)}
        case = self.label.case
        recorded = [each for cassette in cassettes.values() for each in cassette.section(case)]
        found = verify(self.label.nodeid, recorded, [live for _, _, live in ranked])
        # A shared fixture asks for the rest while it is torn down.
        if self.rules.unplayed == "allow" or self.label.is_shared:
            found = [each for each in found if each.likeness != "unasked"]
        self.verified += found

    def unplayed(self) -> "Miss | None":
        """Return what to say of recordings of this test that were not played, or None."""
        if self.mode != "none" or self.rules.unplayed == "allow" or self.label.is_shared:
            return None
        for cassette, _, left in self.plays.left_over():
            return leftover.unplayed(self.label, cassette, left)
        return None

    def may_record(self, request: WireRequest) -> bool:
        """Say whether a request that is in no recording may be sent.

        Raises CassetteError where the cassette that would take the answer cannot be read.
        """
        if self.mode == "none":
            return False
        # Opened in every mode: what cannot be read cannot be added to, and an answer costs money.
        has_recorded = self.library.has_recorded(self.label, request.shelf)
        if self.mode != "once" or not has_recorded:
            return True
        own = self.library.open(self.label.cassette(request.shelf))
        return own.is_unfinished(self.label.case)

    def pay(self, request: WireRequest) -> Settle:
        """Reserve the money for a request that is about to be sent; raise SpendStop otherwise."""
        try:
            return self._pay(request)
        except SpendStop as stop:
            if self.is_open:
                self.spend_stop = self.spend_stop or stop
            raise

    def keep(self, request: WireRequest, recording: Recording, turn: Turn | None = None) -> None:
        """Store a recording: it is on disk when this returns.

        `turn` says when its request was sent, by default now.
        """
        turn = turn or self.next_turn()
        if os.getpid() != turn.opener:
            recording = replace(recording, in_child=True)
        path = self.label.cassette(request.shelf)
        with self._lock:
            if path not in self._recorded:
                # A test that runs again says anew what it asks; a shared fixture goes on.
                if not self.label.is_shared:
                    self.library.started(path, self.label.case, self._turn)
                self._recorded.add(path)
        self.library.keep(path, recording, self.label.cases, turn)

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Note an error of ours that the block raises: the application may swallow it."""
        try:
            yield
        except LlmprodError as error:
            if self.is_open:
                self.misses.append(error.told)
                if isinstance(error, RequestRefused):
                    self.refused.add(str(error))
            raise

    def add(self, exchange: Exchange) -> None:
        """Note an exchange that has come to its end."""
        (self.judged if exchange.is_judge else self.exchanges).append(exchange)
        self._observe(exchange)

    def stop(self, *, is_answered: bool) -> None:
        """End a tape whose test will not run; `is_answered` says that its task has returned.

        A thread of the task that still waits may send no more, and its answer is not stored: the
        journals are being folded.
        """
        self.is_open = False
        self.is_stopped = True
        if is_answered:
            for path in tuple(self._recorded):  # its threads may still add to it
                self.library.journal.answered(path, self.label.case, self._turn)

    def close(self, *, finished: bool, passed: bool = False, is_given: bool = False) -> None:
        """End the test; `finished` says that it ended without an error, `passed` that it passed.

        Where a test passed without some of its recordings, `new_episodes` drops these: what a
        changed prompt leaves behind would else be there for ever. `is_given` says that its output
        came from elsewhere: that it asked nothing then says nothing of its recordings.
        """
        self.settle()
        self.is_open = False
        if finished and self.mode != "none":
            for path in self._recorded | self.plays.completed():
                self.library.finished(path, self.label.case, self._turn)
            self.library.journal.ended(self._turn)
        if passed and self.mode == "new_episodes" and self.rules.unplayed == "fail":
            for cassette, played, _ in self.plays.left_over(is_given=is_given):
                self.library.journal.played(cassette.path, self.label.case, played, self._turn)

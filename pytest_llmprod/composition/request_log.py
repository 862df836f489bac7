"""Request log: what the session tells the log of each exchange, and what becomes of an error.

A log never fails a test: where it cannot be written, it ends, and the run says so once.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.credential_names import is_credential_name
from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.core.errors import LlmprodError, LogError
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.files import path_from
from pytest_llmprod.records.head import head_commit
from pytest_llmprod.records.line import CostStatus, LogLine
from pytest_llmprod.records.log import FOLDER, LogWriter
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.fork_lock import ForkLock
from pytest_llmprod.wire.key import judge_shelf
from pytest_llmprod.wire.masking import RememberingMask, Scanner
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets, request_scanners
from pytest_llmprod.wire.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose exchanges these are: `nodeid` is that of the test, from the root of the project.

    What a fixture asks that several tests share is no case of any feature.
    """

    nodeid: str
    case: str = ""
    repeat: int = 1
    feature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a test ended: its verdict and why, and the scores of its case."""

    verdict: str = ""
    why: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)


_UNKNOWN = Ending()


class RequestLog:
    """Writes the exchanges of this process, those of a test when it has ended.

    `problem` says why nothing is logged any more, '' where all is well.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        writer: str,
        scanners: Callable[[], Sequence[Scanner]],
        known: EnvironmentSecrets,
        now: Callable[[], datetime],
        home: Path | None = None,
    ) -> None:
        """Make the log of the process `writer`; no file is made before its first line.

        It lies in the project, or in `home` where the controller does not see that folder.
        """
        self._root = settings.rootpath
        self._log_home = home or settings.rootpath
        self._kept = settings.log
        self._options = tuple(settings.choice.options)
        self._run_id = run_id
        self._name = writer
        self._scanners = scanners
        self._known = known
        self._now = now
        self._lock = ForkLock()
        self._process = os.getpid()
        self._writer: LogWriter | None = None
        self._commit: str | None = None
        self._moments: dict[int, datetime] = {}
        self._cassettes: dict[tuple[Path, str, str], str] = {}
        self._met: dict[Scanner, None] = {}
        self._heads: set[tuple[Any, ...]] = set()
        self._mask = RememberingMask(())
        self._has_met_more = True
        self._masked_by: Sequence[Scanner] = ()
        self.problem = ""

    def met(self, headers: Sequence[tuple[str, str]], url: str) -> None:
        """Take note of what authenticates a request: a prompt or an answer may repeat it."""
        shown = [each for each in headers if is_credential_name(each[0])]
        if "?" in url or "@" in url:
            shown.append(("", url))
        head = tuple(shown)
        if head not in self._heads:
            self._heads.add(head)
            self._met.update(dict.fromkeys(request_scanners(headers, url)))
            self._has_met_more = True

    def saw(self, tape: Tape, asker: Asker, opener: int, exchange: Exchange) -> None:
        """Take note of an exchange that has come to its end, of the test `asker`.

        What a fault or a script answered is none: it reached no provider, and is in no cassette.
        What a process asks that the test has forked is written at once, for that process tells
        nothing of it to the one in which the test ends. `opener` is the id of the latter.
        """
        self._known.scanners()  # now: the test may set a variable, and it is gone when it ends
        if exchange.is_made_up:
            return
        self._moments[id(exchange)] = self._now()
        if os.getpid() != opener:
            self.write(tape, asker, [exchange])

    def write(
        self,
        tape: Tape,
        asker: Asker,
        exchanges: Iterable[Exchange],
        ending: Ending = _UNKNOWN,
    ) -> None:
        """Write these exchanges; they have reached the operating system when this returns."""
        seen = [each for each in exchanges if id(each) in self._moments]
        if not seen:  # or a child process has written them
            return
        moments = {id(each): self._moments.pop(id(each)) for each in seen}
        if self._kept == "live":
            seen = [each for each in seen if not each.replayed]
        if self.problem or self._kept == "none" or not seen:
            return
        seen.sort(key=lambda each: moments[id(each)])
        try:
            with self._lock:
                self._renew_mask()
                lines = [self._line(tape, asker, each, moments[id(each)], ending) for each in seen]
                self._opened().add_all(lines)
        except LogError as error:
            self.problem = str(error)
        except Exception as error:  # of a plugin's scanner or price list
            self.problem = f"{type(error).__name__}: {error}"

    def masked(self, value: Any) -> Any:
        """Return a JSON value without any secret that the log would not store."""
        with self._lock:
            self._renew_mask()
        return self._mask(value)

    def _line(
        self, tape: Tape, asker: Asker, exchange: Exchange, moment: datetime, ending: Ending
    ) -> LogLine:
        cost = tape.price(exchange)
        status: CostStatus = "priced" if cost is not None else "unpriced"
        return LogLine(
            exchange=exchange,
            timestamp=moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z",
            test=asker.nodeid,
            case=asker.case,
            repeat=asker.repeat,
            feature=asker.feature,
            cost_usd=cost,
            cost_status="free" if exchange.is_free else status,
            scores=ending.scores,
            verdict=ending.verdict,
            why=ending.why,
            cassette=self._cassette(tape, exchange),
            commit=self._commit or "",
            options=self._options,
        )

    def _cassette(self, tape: Tape, exchange: Exchange) -> str:
        """Return the path of the cassette from which, or to which, an exchange went."""
        asked = exchange.model_requested
        shelf = judge_shelf(asked, tape.asked) if exchange.is_judge else asked
        label = tape.label
        name = (label.folder, label.function, shelf)
        known = self._cassettes.get(name)
        if known is None:
            path = tape.cassette(shelf).path
            known = self._relative(path)
            if path == label.cassette(shelf):  # of another tool, each test has one of its own
                self._cassettes[name] = known
        return known

    def _relative(self, path: Path) -> str:
        return path_from(path, self._root)

    def _opened(self) -> LogWriter:
        """Return the writer of this process; a forked one writes under a name of its own."""
        if self._writer is None or self._process != os.getpid():
            if self._process != os.getpid():
                self._process = os.getpid()
                self._name = f"{self._name}-{self._process}"
            self._writer = LogWriter(
                self._log_home / FOLDER,
                self._run_id,
                self._name,
                lambda value: self._mask(value),
            )
            self._commit = head_commit(self._root)
        return self._writer

    def _renew_mask(self) -> None:
        """Mask from now on whatever was met so far."""
        known = self._known.scanners()
        if self._has_met_more or known is not self._masked_by:
            self._has_met_more = False  # first: a thread may meet something just now
            self._masked_by = known
            scanners = [*self._scanners(), *known, *self._met, find_encoded]
            self._mask = RememberingMask(scanners)

    def close(self) -> None:
        """Give back the files."""
        if self._writer is not None and self._process == os.getpid():
            with suppress(OSError, LlmprodError):
                self._writer.close()
            self._writer = None

"""Lab: a project folder, and runs that record and replay in it.

What tests need beside it, samples, replies and a server, can be imported from here as well.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from replies import Reply, says, streams
from samples import (
    AS_IT_IS,
    CHAT_URL,
    KEY,
    asked_text,
    chat_answer,
    chat_chunk,
    chat_request,
    recording,
    wire_request,
)
from server import Server, serve

from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.wire import dialects, masking
from pytest_llmprod.wire.cassettes import cassette_file, folding
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.intercept import Intercept
from pytest_llmprod.wire.key import ModelChoice, stored_key
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.rules import PlayRules, RecordMode
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets
from pytest_llmprod.wire.tape import Tape

__all__ = [
    "AS_IT_IS",
    "CHAT_URL",
    "KEY",
    "NOW",
    "STRICT",
    "Clock",
    "Lab",
    "Reply",
    "Run",
    "Server",
    "asked_text",
    "chat_answer",
    "chat_chunk",
    "chat_request",
    "recording",
    "says",
    "serve",
    "streams",
    "wire_request",
]

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
STRICT = PlayRules()


class Clock:
    """A monotonic clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.time_s = 500.0

    def __call__(self) -> float:
        return self.time_s

    def advance(self, seconds: float) -> None:
        self.time_s += seconds


class Run:
    """One run in a project, as a session makes it: patches, a journal and tapes."""

    observed: list[Exchange]

    def __init__(
        self,
        root: Path,
        mode: RecordMode,
        *,
        run_id: str = "run",
        writer: str = "main",
        scanners: Sequence[Scanner] = masking.BUILT_IN,
        dialects: Sequence[Dialect] = dialects.BUILT_IN,
        choice: ModelChoice = AS_IT_IS,
        allow_hosts: Sequence[str] = (),
        monotonic: Callable[[], float] = time.perf_counter,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.root = root
        self.mode = mode
        self.run_id = run_id
        self.router = Router()
        known = EnvironmentSecrets(environ).scanners
        self.journal = Journal(root, run_id, writer, mode, known)
        self.library = Library(
            self.journal,
            lambda request: stored_key(request, dialects, scanners),
            lambda: dialects,
        )
        self.observed = []
        policy = WirePolicy(
            dialects=dialects,
            scanners=scanners,
            known=known,
            allow_hosts=allow_hosts,
            now=lambda: NOW,
            monotonic=monotonic,
        )
        self.intercept = Intercept(self.router, policy)
        self.choice = choice

    def tape(
        self,
        case: str = "",
        *,
        function: str = "test_it",
        cases: Sequence[str] = (),
        is_eval: bool = False,
        rules: PlayRules = STRICT,
    ) -> Tape:
        label = TapeLabel(
            folder=self.root / "cassettes" / "test_app",
            function=function,
            case=case,
            cases=lambda: tuple(cases),
            nodeid=f"test_app.py::{function}{f'[{case}]' if case else ''}",
            is_eval=is_eval,
            choice=self.choice,
        )
        return Tape(
            label=label,
            mode=self.mode,
            library=self.library,
            observe=self.observed.append,
            rules=rules,
        )

    @contextmanager
    def test(self, case: str = "", *, finished: bool = True, **label: Any) -> Iterator[Tape]:
        """Run a test of this run: what happens in the block is on the tape."""
        tape = self.tape(case, **label)
        self.router.enter(tape)
        try:
            yield tape
        finally:
            tape.close(finished=finished)
            self.router.leave()

    @contextmanager
    def patched(self) -> Iterator["Run"]:
        """Install the patches for the block."""
        self.intercept.install()
        try:
            yield self
        finally:
            self.intercept.uninstall()
            self.journal.close()

    def fold(self, *, whole: bool = True) -> None:
        """Write what this run recorded into the cassettes, where nothing older is."""
        folding.fold(self.root, self.run_id, whole=whole, rekey=stored_key)


class Lab:
    """A project folder in which one run follows the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._runs = 0

    def run(self, mode: RecordMode = "none", **policy: Any) -> Run:
        self._runs += 1
        return Run(self.root, mode, run_id=f"run-{self._runs}", **policy)

    @contextmanager
    def test(
        self,
        mode: RecordMode = "none",
        case: str = "",
        *,
        finished: bool = True,
        cases: Sequence[str] = (),
        function: str = "test_it",
        is_eval: bool = False,
        whole: bool = True,
        rules: PlayRules = STRICT,
        **policy: Any,
    ) -> Iterator[Tape]:
        """Make a run of one test; what it records is in the cassettes afterwards."""
        label = {"cases": cases, "function": function, "is_eval": is_eval, "rules": rules}
        run = self.run(mode, **policy)
        with run.patched(), run.test(case, finished=finished, **label) as tape:
            yield tape
        run.fold(whole=whole)

    def path(self, model: str = "gpt-test", function: str = "test_it") -> Path:
        return self.root / "cassettes" / "test_app" / f"{function}.{model}.json"

    def cassette(self, model: str = "gpt-test", function: str = "test_it") -> CassetteFile:
        return cassette_file.load(self.path(model, function))

    def written(self) -> str:
        """Return all that stands in any file of the project, journals included."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("latin-1") for path in files)

"""Lab: a project folder, runs that record and replay in it, and a provider on loopback."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_llmprod.core.exchange import Exchange, Usage
from pytest_llmprod.wire import dialects, masking
from pytest_llmprod.wire.cassettes import cassette_file, folding
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.intercept import Intercept
from pytest_llmprod.wire.key import ModelChoice, WireRequest, read_request
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.rules import PlayRules, RecordMode
from pytest_llmprod.wire.scanners.known_secrets import environment_scanners
from pytest_llmprod.wire.tape import Tape

KEY = "sk-proj-" + "k" * 32
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
STRICT = PlayRules()
AS_IT_IS = ModelChoice(swaps={})
CHAT_URL = "https://api.openai.com/v1/chat/completions"


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
        known = environment_scanners(environ)
        self.journal = Journal(root, run_id, writer, mode, known=lambda: known)
        self.library = Library(self.journal)
        self.observed: list[Exchange] = []
        policy = WirePolicy(
            dialects=dialects,
            scanners=scanners,
            known=lambda: known,
            choice=choice,
            allow_hosts=allow_hosts,
            now=lambda: NOW,
            monotonic=monotonic,
        )
        self.intercept = Intercept(self.router, policy)

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
        folding.fold(self.root, run.run_id, whole=whole)

    def path(self, model: str = "gpt-test", function: str = "test_it") -> Path:
        return self.root / "cassettes" / "test_app" / f"{function}.{model}.json"

    def cassette(self, model: str = "gpt-test", function: str = "test_it") -> CassetteFile:
        return cassette_file.load(self.path(model, function))

    def written(self) -> str:
        """Return all that stands in any file of the project, journals included."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("latin-1") for path in files)


def recording(text: str = "hello", *, case: str = "", key: str = "k1", **other: Any) -> Recording:
    """Return a recording of a chat that answers `text`."""
    values: dict[str, Any] = {
        "case": case,
        "key": key,
        "recorded_at": "2026-11-22T12:30:00Z",
        "latency_s": 0.25,
        "ttft_s": None,
        "model": "gpt-test-1",
        "usage": Usage(input_tokens=7, output_tokens=3),
        "attempt": 1,
        "complete": True,
        "request": {
            "method": "POST",
            "uri": CHAT_URL,
            "headers": {"content-type": ["application/json"]},
            "body": {"json": chat_request(text)},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"json": chat_answer(text)},
        },
    }
    return Recording(**(values | other))


def wire_request(document: Any = None, **other: Any) -> WireRequest:
    """Read a chat request off the wire."""
    values: dict[str, Any] = {
        "method": "POST",
        "url": CHAT_URL,
        "body": json.dumps(chat_request("hello") if document is None else document).encode(),
        "headers": {},
        "dialects": dialects.BUILT_IN,
        "scanners": masking.BUILT_IN,
        "choice": AS_IT_IS,
    }
    return read_request(**(values | other))


def chat_request(text: str, model: str = "gpt-test", **other: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **other}


def chat_answer(text: str, model: str = "gpt-test-1") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def chat_chunk(text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-test-1",
        "choices": [{"index": 0, "delta": {"content": text}}],
    }


def asked_text(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


class Reply:
    """What the provider answers: a status, headers, and pieces with a pause before each."""

    def __init__(
        self,
        content: bytes | Sequence[bytes],
        *,
        status: int = 200,
        kind: str = "application/json",
        headers: Sequence[tuple[str, str]] = (),
        pause_s: float = 0.0,
        breaks_off: bool = False,
    ) -> None:
        self.pieces = [content] if isinstance(content, bytes) else list(content)
        self.status = status
        self.headers = [("content-type", kind), *headers]
        self.pause_s = pause_s
        self.breaks_off = breaks_off


def says(text: str, **other: Any) -> Reply:
    """Answer a chat with `text`."""
    return Reply(json.dumps(chat_answer(text)).encode(), **other)


def streams(texts: Sequence[str], **other: Any) -> Reply:
    """Answer a chat with a stream, one event for each text."""
    events = [f"data: {json.dumps(chat_chunk(text))}\n\n".encode() for text in texts]
    return Reply([*events, b"data: [DONE]\n\n"], kind="text/event-stream", **other)


class Server(ThreadingHTTPServer):
    """Answers as `reply`, a function of the request body, says, and keeps what it was sent."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply: Callable[[Any], Reply] = lambda body: says(f"{asked_text(body)}!")
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def chat_url(self) -> str:
        return f"{self.url}/chat/completions"

    @property
    def hits(self) -> int:
        return len(self.bodies)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        raw = self._body()
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.server.bodies.append(raw)
        self.server.paths.append(self.path)
        try:
            body = json.loads(raw)
        except ValueError:
            body = raw
        self._send(self.server.reply(body))

    def do_GET(self) -> None:
        self.do_POST()

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in reply.pieces:
            time.sleep(reply.pause_s)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if reply.breaks_off:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server on loopback until the block ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""A provider on loopback for tests: it speaks OpenAI's wire and answers as it is told."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], str]


class Busy(Exception):
    """Raised by an answer: the provider is at its limit, and asks to come again."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(retry_after_ms)
        self.retry_after_ms = retry_after_ms


class Refused(Exception):
    """Raised by an answer: the provider refuses the request with this status and this error."""

    def __init__(self, status: int, **error: object) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


class Provider(ThreadingHTTPServer):
    """Counts the requests it gets, and keeps them with their headers."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 100  # more than this many connections at once are refused

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.facts: dict[str, Any] = {}  # beside what every answer says
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that has gone away, as one does that is stopped by Ctrl-C."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = json.loads(self.rfile.read(length))
        self.server.requests.append(body)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        try:
            document = chat_completion(body["model"], self.server.answer(body))
            self._send(document | self.server.facts)
        except Busy as busy:
            wait = {"retry-after-ms": str(busy.retry_after_ms)}
            self._send({"error": {"message": "too many requests"}}, status=429, headers=wait)
        except Refused as refused:
            self._send({"error": refused.error}, status=refused.status)

    def _send(
        self, document: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("set-cookie", "session=cookie-of-the-provider")
        self.send_header("openai-organization", "org-of-the-team")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


def chat_completion(model: str, text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": f"{model}-2026-01-01",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": text, "refusal": None},
            }
        ],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 400},
        },
    }


@contextmanager
def provider(answer: Answer) -> Iterator[Provider]:
    """Serve `answer`, a function of the request body, until the block ends."""
    server = Provider(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def last_word_doubled(body: dict[str, Any]) -> str:
    """A model that says the last word of the last message twice, except for the word `seven`."""
    word = str(body["messages"][-1]["content"]).split()[-1]
    return "wrong" if word == "seven" else f"{word} {word}"

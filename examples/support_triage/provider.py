"""Provider: a scripted OpenAI-compatible provider on loopback, for recording without a key.

Run it with `python provider.py [--port N]`, or use `serve` in a test.
"""

import argparse
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from scripted import shapes
from scripted.model import Answer, answer, character_of, identifier
from scripted.shapes import Body

EMBEDDING_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}

EMBEDDING_DELAY_S = 0.02


class RefusedError(Exception):
    """A request that gets an error instead of an answer."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet: two would wait for each other's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        started = time.perf_counter()
        try:
            asked = parsed(raw)
            route = self.routes().get(self.path)
            if route is None:
                raise RefusedError(404, shapes.failure(f"Invalid URL (POST {self.path})"))
            route(asked, started)
        except RefusedError as refused:
            self.send_json(refused.status, refused.body, raw, started)

    def do_GET(self) -> None:
        body = shapes.failure(f"Invalid URL (GET {self.path})")
        self.send_json(404, body, self.path, time.perf_counter())

    def routes(self) -> dict[str, Callable[[Body, float], None]]:
        return {
            "/v1/chat/completions": self.complete_chat,
            "/v1/responses": self.respond,
            "/v1/embeddings": self.embed,
        }

    def complete_chat(self, asked: Body, started: float) -> None:
        instructions, text = instructions_and_text(asked.get("messages"), "messages")
        max_tokens = asked.get("max_completion_tokens") or asked.get("max_tokens")
        given = answer_as(asked, instructions, text, max_tokens)
        if asked.get("stream"):
            chunks = shapes.chat_chunks(asked, given)
            lines = [f"data: {compact(chunk)}\n\n" for chunk in chunks]
            self.send_events([*lines, "data: [DONE]\n\n"], given, started)
            return
        wait_until(started + given.delay_s)
        self.send_json(200, shapes.chat_completion(asked, given), asked, started)

    def respond(self, asked: Body, started: float) -> None:
        instructions, text = instructions_and_text(asked.get("input"), "input")
        instructions = (asked.get("instructions") or "") + instructions
        given = answer_as(asked, instructions, text, asked.get("max_output_tokens"))
        if asked.get("stream"):
            events = shapes.response_events(asked, given)
            lines = [f"event: {event['type']}\ndata: {compact(event)}\n\n" for event in events]
            self.send_events(lines, given, started)
            return
        wait_until(started + given.delay_s)
        self.send_json(200, shapes.response(asked, given), asked, started)

    def embed(self, asked: Body, started: float) -> None:
        model = asked.get("model", "")
        if model not in EMBEDDING_DIMENSIONS:
            raise unknown_model(model)
        if "input" not in asked:
            raise RefusedError(400, shapes.failure("Missing required parameter: 'input'."))
        dimensions = asked.get("dimensions") or EMBEDDING_DIMENSIONS[model]
        body = shapes.embeddings(asked, dimensions)
        wait_until(started + EMBEDDING_DELAY_S)
        self.send_json(200, body, asked, started)

    def send_json(self, status: int, body: Body, asked: object, started: float) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("x-request-id", identifier("req_", repr(asked)))
        self.send_header("openai-version", "2020-10-01")
        self.send_header("openai-processing-ms", str(round(1000 * (time.perf_counter() - started))))
        self.end_headers()
        self.wfile.write(content)

    def send_events(self, lines: list[str], given: Answer, started: float) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("x-request-id", identifier("req_", *lines))
        self.send_header("openai-version", "2020-10-01")
        self.end_headers()
        # The model thinks for half of its time and writes in the other half.
        writing_begins = started + given.delay_s / 2
        for number, line in enumerate(lines):
            wait_until(writing_begins + given.delay_s / 2 * number / len(lines))
            self.send_chunk(line.encode())
        self.send_chunk(b"")

    def send_chunk(self, content: bytes) -> None:
        """Send one chunk of a body in HTTP's chunked coding; the empty one ends the body."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a recording makes hundreds of requests."""


def parsed(raw: bytes) -> Body:
    """Return the JSON object of a request."""
    try:
        asked = json.loads(raw)
    except ValueError as error:
        message = "We could not parse the JSON body of your request."
        raise RefusedError(400, shapes.failure(message)) from error
    if not isinstance(asked, dict):
        raise RefusedError(400, shapes.failure("The body of a request must be a JSON object."))
    return asked


def instructions_and_text(given: Any, param: str) -> tuple[str, str]:
    """Return what the developer tells the model, and the user's last message."""
    if isinstance(given, str):
        return "", given
    if not isinstance(given, list) or not given:
        message = f"Missing required parameter: {param!r}."
        raise RefusedError(400, shapes.failure(message, "missing_required_parameter", param))
    instructions = [content_of(m) for m in given if m.get("role") in ("system", "developer")]
    texts = [content_of(message) for message in given if message.get("role") == "user"]
    return "\n".join(instructions), texts[-1] if texts else ""


def content_of(message: Body) -> str:
    """Return the text of a message, which may come in parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def answer_as(asked: Body, instructions: str, text: str, max_tokens: int | None) -> Answer:
    """Return the answer of the model that was asked for, or refuse if there is none."""
    model = asked.get("model", "")
    character = character_of(model)
    if character is None:
        raise unknown_model(model)
    return answer(character, instructions, text, max_tokens)


def unknown_model(model: str) -> RefusedError:
    """Return the refusal that OpenAI gives for a model that it does not have."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return RefusedError(404, shapes.failure(message, "model_not_found"))


def compact(body: Body) -> str:
    """Return a body as JSON without spaces, as OpenAI streams it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def wait_until(moment: float) -> None:
    """Sleep until `time.perf_counter()` reaches a moment; return at once if it has passed."""
    time.sleep(max(0.0, moment - time.perf_counter()))


class Server(ThreadingHTTPServer):
    """The provider, listening on loopback only."""

    daemon_threads = True
    # A client that keeps its connection open must not hold up the end of a test.
    block_on_close = False

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextlib.contextmanager
def serve(port: int = 0) -> Iterator[str]:
    """Yield the base URL of a provider that answers from a thread until the block ends."""
    with Server(port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.base_url
        finally:
            server.shutdown()
            thread.join()


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the base URL, then answer until interrupted."""
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible provider.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port (default)")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with Server(options.port) as server, contextlib.suppress(KeyboardInterrupt):
        print(f"OPENAI_BASE_URL={server.base_url}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

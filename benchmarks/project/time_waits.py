"""Time what a caller waits for: a stream while it is recorded, and what a replay makes of it.

Prints JSON. A provider on loopback streams 20 events 50 ms apart, and answers another question with
a 429 first. For the replay its `retry-after` is raised to 20 s in the cassette. A first call of
each run is not timed: the client imports and builds much at that moment.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

EVENTS = 20
PAUSE_S = 0.05
TESTS = """
import json, time
from pathlib import Path
from openai import OpenAI

def test_first_call(llm_cassette):
    ask("hello")

def ask(question, **options):
    with OpenAI() as client:
        start = time.perf_counter()
        answer = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": question}], **options
        )
        marks = [time.perf_counter() - start for _ in answer]
    return marks, time.perf_counter() - start

def test_retry(llm_cassette):
    _, wall_s = ask("retry")
    note("retry", wall_s=wall_s, backoff_s=llm_cassette.exchanges[-1].backoff_s)

def test_stream(llm_cassette):
    marks, _ = ask("stream", stream=True)
    (exchange,) = llm_cassette.exchanges
    note("stream", events=len(marks), first_s=marks[0], wall_s=marks[-1],
         ttft_s=exchange.ttft_s, latency_s=exchange.latency_s)

def note(name, **figures):
    with Path("figures.jsonl").open("a") as file:
        file.write(json.dumps({"name": name, **figures}) + "\\n")
"""


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    asked: list[str] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question = body["messages"][0]["content"]
        if question == "stream":
            self._stream()
        elif question in ("hello", *self.asked):
            self._answer(200, {"choices": [{"message": {"role": "assistant", "content": "ok"}}]})
        else:
            self.asked.append(question)
            self._answer(429, {"error": {"message": "slow down"}}, ("retry-after-ms", "1"))

    def _stream(self) -> None:
        self._head(200, "text/event-stream", ("transfer-encoding", "chunked"))
        for number in range(EVENTS):
            if number:
                time.sleep(PAUSE_S)
            choice = {"index": 0, "delta": {"content": str(number)}}
            event = f"data: {json.dumps({'choices': [choice]})}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, status: int, document: Any, *headers: tuple[str, str]) -> None:
        content = json.dumps(document).encode()
        self._head(status, "application/json", ("content-length", str(len(content))), *headers)
        self.wfile.write(content)

    def _head(self, status: int, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), *headers):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def run(folder: Path, mode: str, url: str) -> dict[str, Any]:
    """Run the tests once and return what they noted."""
    figures = folder / "figures.jsonl"
    figures.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--llm-record={mode}"],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "none-is-needed", "OPENAI_BASE_URL": f"{url}/v1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lines = [json.loads(line) for line in figures.read_text(encoding="utf-8").splitlines()]
    return {line.pop("name"): line for line in lines}


def raise_retry_after(folder: Path) -> None:
    """Have the recorded 429 ask for 20 s, which nobody should wait for in a benchmark."""
    for path in folder.rglob("*test_retry*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        first, second = document["interactions"]
        del first["response"]["headers"]["retry-after-ms"]
        first["response"]["headers"]["retry-after"] = ["20"]
        second["llmprod"].pop("backoff_s", None)
        path.write_text(json.dumps(document), encoding="utf-8")


def main(rounds: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_waits.py").write_text(TESTS, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        live = run(folder, "once", url)
        raise_retry_after(folder)
        server.shutdown()
        replays = [run(folder, "none", url) for _ in range(rounds)]
    print(json.dumps({"live": live, "replays": replays}))


if __name__ == "__main__":
    main(int(sys.argv[1]))

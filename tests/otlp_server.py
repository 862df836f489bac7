"""A collector of OpenTelemetry on loopback: it takes what is sent to it, or does not."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


class OtlpServer(ThreadingHTTPServer):
    """Keeps what it was sent; `statuses` maps the path of a signal -> what it answers with.

    While `gate` is closed, it answers nothing at all.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.received: list[tuple[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    def spans(self) -> list[Any]:
        return [
            span
            for path, message in self.received
            if path == "/v1/traces"
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def events(self) -> list[Any]:
        return [
            record
            for path, message in self.received
            if path == "/v1/logs"
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for path, message in self.received
            if path == "/v1/metrics"
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def resource(self) -> dict[str, Any]:
        (path, message) = self.received[0]
        (resource,) = getattr(message, f"resource_{path.replace('traces', 'spans')[4:]}")
        return attributes_of(resource.resource)


def attributes_of(thing: Any) -> dict[str, Any]:
    """Return the attributes of a message of the protocol as plain values."""
    return {each.key: _plain(each.value) for each in thing.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    inner = getattr(value, kind)
    return [_plain(each) for each in inner.values] if kind == "array_value" else inner


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OtlpServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append(self.path)
        if not self.server.gate.wait(10):
            return
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        status = self.server.statuses.get(self.path, 200)
        if status == 200:
            message = KINDS[self.path]()
            message.ParseFromString(body)
            self.server.received.append((self.path, message))
            self.server.headers.append(dict(self.headers))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def collector() -> Iterator[OtlpServer]:
    """Take what is sent until the block ends."""
    server = OtlpServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()

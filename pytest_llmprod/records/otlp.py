"""Otlp: sends the signals of a run to a collector over HTTP, and waits for it two seconds at most.

A collector that does not answer costs a run no more than that: telemetry is no test.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from pytest_llmprod.core.text import counted
from pytest_llmprod.records.otel import RunSignals

PATIENCE_S = 2.0
_BATCH = 512  # as OpenTelemetry's own processors have it
_BATCH_CHARACTERS = 4_000_000  # collectors refuse requests that are much larger
_DEFAULT = "http://localhost:4318"

#: Sends batch after batch, and yields after each; an answer may take so many seconds.
Sending = Callable[[RunSignals, requests.Session, float], Iterator[None]]


@dataclass(slots=True)
class Delivery:
    """What becomes of one signal on its way to the collector at `place`, a host and a port.

    `what` says in words what is sent. `status` is the HTTP status of the last answer, 0 where none
    came, `error` the class of what stopped it on this side, and `is_taken` whether the collector
    took everything.
    """

    what: str
    place: str
    send: Sending
    status: int = 0
    error: str = ""
    is_taken: bool = False
    session: requests.Session = field(default_factory=requests.Session)


def deliver(
    signals: RunSignals,
    environ: Mapping[str, str],
    monotonic: Callable[[], float],
    patience_s: float,
) -> list[Delivery]:
    """Send all signals at once, and return what became of each that is there and not switched off.

    Endpoints, headers, certificates and compression are those of the variables `OTEL_EXPORTER_*`;
    `OTEL_TRACES_EXPORTER=none` and its like switch a signal off. It goes on as long as the
    collector takes one batch after another, and ends `patience_s` after the last one.
    """
    deliveries = list(_deliveries(signals, environ))
    news: SimpleQueue[Delivery | None] = SimpleQueue()
    speak_again = _silence()
    for each in deliveries:
        Thread(target=_work, args=(each, signals, patience_s, news), daemon=True).start()
    waiting = len(deliveries)
    until_s = monotonic() + patience_s
    while waiting:
        try:
            is_ended = news.get(timeout=max(0.0, until_s - monotonic())) is not None
        except Empty:
            return deliveries  # a thread still waits, and would log why when it gives up
        waiting -= is_ended
        until_s = until_s if is_ended else monotonic() + patience_s
    speak_again()
    return deliveries


def _deliveries(signals: RunSignals, environ: Mapping[str, str]) -> Iterator[Delivery]:
    spans, results = len(signals.spans), len(signals.results)
    for name, number, what, send in (
        ("TRACES", spans, counted(spans, "span"), _send_spans),
        ("LOGS", results, counted(results, "evaluation result"), _send_results),
        ("METRICS", 1, "metrics", _send_metrics),
    ):
        if number and environ.get(f"OTEL_{name}_EXPORTER", "").strip().lower() != "none":
            yield Delivery(what, _place(name, environ), send)


def _place(name: str, environ: Mapping[str, str]) -> str:
    """Return the host and port of an endpoint, and nothing of its path or of a password in it."""
    variables = (f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    endpoint = next((environ[each] for each in variables if environ.get(each)), _DEFAULT)
    return urlsplit(endpoint).netloc.rpartition("@")[2] or endpoint.partition("?")[0]


def _work(
    delivery: Delivery,
    signals: RunSignals,
    patience_s: float,
    news: "SimpleQueue[Delivery | None]",
) -> None:
    """Send one signal until it is sent or a batch was not taken; `news` gets None for a batch."""

    def note(response: requests.Response, *args: Any, **kwargs: Any) -> None:
        delivery.status = response.status_code

    delivery.session.hooks["response"].append(note)
    try:
        for _ in delivery.send(signals, delivery.session, patience_s):
            if not 200 <= delivery.status < 300:
                return
            delivery.status = 0
            news.put(None)
        delivery.is_taken = True
    except Exception as error:  # of an exporter: it is told, and fails no test
        delivery.error = type(error).__name__
    finally:
        news.put(delivery)


def _send_spans(
    signals: RunSignals, session: requests.Session, patience_s: float
) -> Iterator[None]:
    exporter = OTLPSpanExporter(timeout=patience_s, session=session)
    for batch in _batches(signals.spans):
        exporter.export(batch)
        yield


def _send_results(
    signals: RunSignals, session: requests.Session, patience_s: float
) -> Iterator[None]:
    exporter = OTLPLogExporter(timeout=patience_s, session=session)
    for batch in _batches(signals.results):
        exporter.export(batch)
        yield


def _send_metrics(
    signals: RunSignals, session: requests.Session, patience_s: float
) -> Iterator[None]:
    exporter = OTLPMetricExporter(timeout=patience_s, session=session)
    # It knows whether the environment wants sums or differences. It makes no thread of its own
    # where the interval is infinite, and sends what it has a second time when it is shut down.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    signals.record_metrics(reader)
    reader.force_flush(patience_s * 1000)
    yield


def _batches(things: Sequence[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    characters = 0
    for thing in things:
        length = _length(thing)
        if batch and (len(batch) == _BATCH or characters + length > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(thing)
        characters += length
    if batch:
        yield batch


def _length(thing: Any) -> int:
    """Return about how long a span or a log record is."""
    attributes = getattr(thing, "attributes", None) or thing.log_record.attributes or {}
    return sum(len(value) for value in attributes.values() if isinstance(value, str))


def _silence() -> Callable[[], None]:
    """Keep OpenTelemetry's own log records from standard error: the run says it in one line.

    Returns what ends that.
    """
    logger = logging.getLogger("opentelemetry")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    return lambda: logger.setLevel(level)

"""Otel: the log of a run as spans, metrics and evaluation results of OpenTelemetry.

Nothing of it is global: an application under test may have set up OpenTelemetry for itself. It is
imported by runs with `--llm-otel` only, which need the extra `pytest-llmprod[otel]`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context

from pytest_llmprod.records import bodies, names
from pytest_llmprod.records.conversation import as_json, message, messages
from pytest_llmprod.records.reading import Entry, digests_of

_SCOPE = "pytest_llmprod"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What a span does not tell: its times, what is told elsewhere, and what only our files know.
_NO_ATTRIBUTES = frozenset(
    {names.TIMESTAMP, names.SCORES, names.COST_USD, names.INPUT, names.OUTPUT, names.WHY}
)
#: By what metrics can be told apart: few values each, for every combination is a series.
_DIMENSIONS = (
    *(names.OPERATION, names.PROVIDER, names.MODEL_ASKED, names.MODEL),
    *(names.FEATURE, names.REPLAYED, names.JUDGE),
)
_OF_RESULTS = (names.FEATURE, names.TEST, names.CASE, names.REPEAT, names.MODEL)
# The bounds that the conventions give for these two histograms.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))
_MOST = 2**63 - 1
#: What `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says -> where texts may go. `true` is
#: the only value that older instrumentations know.
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON_SPANS = frozenset({"true", "span_only", "span_and_event"})
_ON_EVENTS = frozenset({"true", "event_only", "span_and_event"})


def resource_of(run_id: str) -> Resource:
    """Return who sends: what the environment says, and else this package; each run apart."""
    said = Resource.create()
    ours = {SERVICE_INSTANCE_ID: run_id}
    if str(said.attributes[SERVICE_NAME]).startswith("unknown_service"):
        ours[SERVICE_NAME] = "pytest-llmprod"
    return said.merge(Resource(ours))


class RunSignals:
    """What one run has to tell, made of the lines of its log.

    `spans` has one for each line, which ends when the run saw the exchange and lasts as long as the
    recorded latency. `results` has an event for each score of each case, on the span of the last
    request that was not a judge's. Texts are in them only as far as `environ` asks for them, and
    masked as they are in the log.
    """

    def __init__(
        self, entries: Sequence[Entry], resource: Resource, environ: Mapping[str, str]
    ) -> None:
        """Make the signals of the entries of one run."""
        said = environ.get(CAPTURE, "").strip().lower()
        self._entries = entries
        self._resource = resource
        self._has_messages = said in _ON_SPANS
        self._has_explanations = said in _ON_EVENTS
        self._bodies = self._read_bodies()
        self.spans: tuple[ReadableSpan, ...] = ()
        self.results: tuple[ReadableLogRecord, ...] = ()
        self._make()

    def _read_bodies(self) -> dict[str, Any]:
        if not (self._has_messages or self._has_explanations):
            return {}
        digests = {digest for entry in self._entries for digest in digests_of(entry).values()}
        folders = {entry.folder for entry in self._entries}
        return {
            digest: body
            for folder in folders
            for digest, body in bodies.read(folder, digests).items()
        }

    def _make(self) -> None:
        finished = InMemorySpanExporter()
        provider = TracerProvider(resource=self._resource, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(finished))
        tracer = provider.get_tracer(_SCOPE)
        judged: dict[tuple[str, ...], tuple[Entry, Span]] = {}
        for entry in self._entries:
            end = nanoseconds(entry.text(names.TIMESTAMP))
            span = tracer.start_span(
                " ".join(filter(None, (entry.text(names.OPERATION), _asked(entry)))),
                context=Context(),  # no span of the application's is above it
                kind=SpanKind.CLIENT,
                attributes=_attributes({**_told(entry), **self._messages(entry)}),
                start_time=end - round((entry.number(names.LATENCY_S) or 0.0) * 1e9),
            )
            if entry.is_failed:
                span.set_status(StatusCode.ERROR)
            span.end(end)
            if not entry.figures.get(names.JUDGE):
                judged[_case_of(entry)] = entry, span
        self.spans = finished.get_finished_spans()
        self.results = self._results(judged.values())

    def _messages(self, entry: Entry) -> dict[str, Any]:
        if not self._has_messages:
            return {}
        digests = digests_of(entry)
        found: dict[str, Any] = {}
        if digests.get("input") in self._bodies:
            found[names.INPUT_MESSAGES] = as_json(messages(self._bodies[digests["input"]]))
        if digests.get("output") in self._bodies:
            answer = _answer(self._bodies[digests["output"]], entry)
            found[names.OUTPUT_MESSAGES] = as_json([answer])
        return found

    def _results(self, judged: Iterable[tuple[Entry, Span]]) -> tuple[ReadableLogRecord, ...]:
        finished = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # theirs
        provider = LoggerProvider(resource=self._resource, shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(finished))
        logger = provider.get_logger(_SCOPE)
        for entry, span in judged:
            for facts in self._scores(entry):
                logger.emit(
                    timestamp=nanoseconds(entry.text(names.TIMESTAMP)),
                    context=set_span_in_context(span, Context()),
                    event_name=names.EVALUATION_RESULT,
                    attributes=_attributes(facts),
                )
        return finished.get_finished_logs()

    def _scores(self, entry: Entry) -> Iterator[dict[str, Any]]:
        """Yield the attributes of each evaluation result of a case."""
        scores = entry.figures.get(names.SCORES)
        for metric, score in scores.items() if isinstance(scores, dict) else ():
            facts = {name: entry.figures[name] for name in _OF_RESULTS if name in entry.figures}
            facts |= {names.EVALUATION_NAME: metric, names.EVALUATION_SCORE: score}
            if metric == "passed":
                facts[names.EVALUATION_LABEL] = "pass" if score == 1 else "fail"
            why = self._bodies.get(digests_of(entry).get("why", ""))
            if self._has_explanations and isinstance(why, str) and metric == "passed":
                facts[names.EVALUATION_WHY] = why
            yield facts

    def record_metrics(self, reader: MetricReader) -> None:
        """Have `reader` collect how long the exchanges took, and what tokens they used."""
        provider = MeterProvider([reader], resource=self._resource, shutdown_on_exit=False)
        meter = provider.get_meter(_SCOPE)
        duration = meter.create_histogram(
            names.OPERATION_DURATION,
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        tokens = meter.create_histogram(
            names.TOKEN_USAGE,
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        for entry in self._entries:
            facts = {name: entry.figures[name] for name in _DIMENSIONS if name in entry.figures}
            kind = _attributes(facts)
            error = entry.text(names.ERROR)
            failed = _attributes({names.ERROR: error}) if error else {}
            duration.record(entry.number(names.LATENCY_S) or 0.0, {**kind, **failed})
            for name, count in (
                ("input", entry.number(names.INPUT_TOKENS)),
                ("output", entry.number(names.OUTPUT_TOKENS)),
            ):
                if count is not None:
                    tokens.record(count, {**kind, names.TOKEN_TYPE: name})


def nanoseconds(timestamp: str) -> int:
    """Return an ISO 8601 time as nanoseconds since 1970, 0 for a text that is none."""
    try:
        since = datetime.fromisoformat(timestamp) - _EPOCH
    except (ValueError, TypeError):  # TypeError: a time without a zone
        return 0
    seconds = since.days * 86_400 + since.seconds
    return seconds * 1_000_000_000 + since.microseconds * 1_000


def _asked(entry: Entry) -> str:
    return entry.text(names.MODEL_ASKED) or entry.text(names.MODEL)


def _case_of(entry: Entry) -> tuple[str, ...]:
    return entry.text(names.TEST), entry.text(names.CASE), str(entry.figures.get(names.REPEAT))


def _told(entry: Entry) -> dict[str, Any]:
    """Return what a span tells of an exchange; its cost is a number there, so that it adds up."""
    told = {name: value for name, value in entry.figures.items() if name not in _NO_ATTRIBUTES}
    try:
        return {**told, names.COST_USD: float(entry.text(names.COST_USD))}
    except ValueError:
        return told


def _answer(output: Any, entry: Entry) -> dict[str, Any]:
    """Return an answer as a message of OpenTelemetry's."""
    if not isinstance(output, dict):
        answer = message("assistant", output if isinstance(output, str) else as_json(output))
    else:
        answer = message("assistant", str(output.get("text") or output.get("refusal") or ""))
        calls = output.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            answer["parts"].append({"type": "tool_call", **call})
    reasons = entry.figures.get(names.FINISH_REASONS)
    if isinstance(reasons, list) and reasons:
        answer["finish_reason"] = reasons[0]
    return answer


def _attributes(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the protocol can carry of these facts: one that it cannot would lose them all."""
    return {name: _carried(value) for name, value in facts.items() if value is not None}


def _carried(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a surrogate pair
    if isinstance(value, list):
        return [str(_carried(str(each))) for each in value]
    if isinstance(value, int) and abs(value) > _MOST:
        return str(value)
    return value if isinstance(value, bool | int | float) else json.dumps(value)

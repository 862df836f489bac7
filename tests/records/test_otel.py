"""What a run's log is as signals of OpenTelemetry, and what a collector gets of them."""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from log_samples import a_line, an_exchange, write
from otlp_server import OtlpServer, attributes_of, collector

from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.hooks.telemetry import lines_of
from pytest_llmprod.records import names, otlp, reading
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.records.otel import CAPTURE, RunSignals, nanoseconds, resource_of
from pytest_llmprod.records.otlp import Delivery, deliver

A_LONG_TIME_S = 60.0  # the machine may be busy
SAID = ("Customer 4711", "shipping", "refund")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpServer]:
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


def signals_of(folder: Path, *lines: LogLine, **environ: str) -> RunSignals:
    write(folder, *lines)
    entries = reading.read(folder / "run-1").entries
    return RunSignals(entries, resource_of("run-1"), environ)


def send(
    signals: RunSignals, patience_s: float = A_LONG_TIME_S, **environ: str
) -> dict[str, Delivery]:
    deliveries = deliver(signals, environ, time.monotonic, patience_s)
    return {each.what: each for each in deliveries}


def test_a_span_lasts_as_long_as_the_recorded_latency(tmp_path: Path, server: OtlpServer) -> None:
    exchange = an_exchange(latency_s=12.345678)

    send(signals_of(tmp_path, a_line(1, exchange=exchange)))

    (span,) = server.spans()
    assert span.end_time_unix_nano - span.start_time_unix_nano == 12_345_678_000
    assert span.end_time_unix_nano == nanoseconds("2026-11-19T14:02:01Z")
    assert span.name == "chat gpt-5-mini"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert span.parent_span_id == b""
    assert span.status.code == span.status.STATUS_CODE_UNSET


def test_a_span_has_the_figures_of_its_line_and_nothing_that_was_said(
    tmp_path: Path, server: OtlpServer
) -> None:
    send(signals_of(tmp_path, a_line(1)))

    (span,) = server.spans()
    found = attributes_of(span)
    assert found.pop(names.ID)
    assert found == {
        names.TEST: "test_triage.py::test_labels_a_ticket[t-001]",
        names.CASE: "t-001",
        names.REPEAT: 1,
        names.FEATURE: "ticket-triage",
        names.VERDICT: "miss",
        names.OPERATION: "chat",
        names.PROVIDER: "openai",
        names.MODEL_ASKED: "gpt-5-mini",
        names.MODEL: "gpt-5-mini-2025-08-07",
        names.FINISH_REASONS: ["stop"],
        names.STATUS: 200,
        names.CALL: 1,
        names.ATTEMPT: 1,
        names.RECORDED_AT: "2026-11-01T09:00:00Z",
        names.CASSETTE: "cassettes/test_triage/test_labels_a_ticket.gpt-5-mini.json",
        names.COMMIT: "0" * 40,
        names.COST_STATUS: "priced",
        names.COST_USD: 0.000125,
        names.LATENCY_S: 0.81,
        names.REPLAYED: True,
        names.INPUT_TOKENS: 120,
        names.OUTPUT_TOKENS: 12,
        names.CACHE_READ_TOKENS: 64,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 50,
    }
    everything = b"".join(message.SerializeToString() for _, message in server.received)
    assert not [text for text in SAID if text.encode() in everything]


def test_a_request_that_failed_is_an_error(tmp_path: Path, server: OtlpServer) -> None:
    refused = an_exchange(status=429, usage=None, text="")

    send(signals_of(tmp_path, a_line(1, exchange=refused, cost_usd=None)))

    (span,) = server.spans()
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert attributes_of(span)[names.ERROR] == "429"
    (point,) = server.metrics()[names.OPERATION_DURATION].histogram.data_points
    assert attributes_of(point)[names.ERROR] == "429"
    assert names.TOKEN_USAGE not in server.metrics()


def test_each_score_of_a_case_is_one_result_on_the_span_of_its_last_answer(
    tmp_path: Path, server: OtlpServer
) -> None:
    scores = {"scores": {"passed": 1.0, "similarity": 0.75}, "verdict": "hit"}
    lines = [
        a_line(1, case="t-001", test="t[t-001]", **scores),
        a_line(2, case="t-001", test="t[t-001]", **scores),
        a_line(3, case="t-001", test="t[t-001]", exchange=an_exchange(is_judge=True), **scores),
        a_line(4, case="t-002", test="t[t-002]"),
    ]

    send(signals_of(tmp_path, *lines))

    spans = server.spans()
    assert len(spans) == 4
    assert {event.event_name for event in server.events()} == {names.EVALUATION_RESULT}
    by_case = {
        (attributes_of(event)[names.CASE], attributes_of(event)[names.EVALUATION_NAME]): event
        for event in server.events()
    }
    assert len(by_case) == len(server.events()) == 3
    assert by_case["t-001", "passed"].span_id == spans[1].span_id
    assert by_case["t-001", "passed"].trace_id == spans[1].trace_id
    assert by_case["t-001", "passed"].time_unix_nano == spans[1].end_time_unix_nano
    assert by_case["t-002", "passed"].span_id == spans[3].span_id
    similarity = attributes_of(by_case["t-001", "similarity"])
    assert similarity[names.EVALUATION_SCORE] == 0.75
    assert names.EVALUATION_LABEL not in similarity
    assert attributes_of(by_case["t-001", "passed"])[names.EVALUATION_LABEL] == "pass"
    assert attributes_of(by_case["t-002", "passed"])[names.EVALUATION_LABEL] == "fail"


def test_metrics_count_durations_and_tokens(tmp_path: Path, server: OtlpServer) -> None:
    live = an_exchange(replayed=False, latency_s=2.0)

    send(signals_of(tmp_path, a_line(1), a_line(2), a_line(3, exchange=live)))

    duration = server.metrics()[names.OPERATION_DURATION]
    assert duration.unit == "s"
    points = {attributes_of(p)[names.REPLAYED]: p for p in duration.histogram.data_points}
    assert (points[True].count, points[True].sum) == (2, 1.62)
    assert (points[False].count, points[False].sum) == (1, 2.0)
    assert list(points[True].explicit_bounds)[:2] == [0.01, 0.02]
    tokens = server.metrics()[names.TOKEN_USAGE].histogram.data_points
    sums = {
        (attributes_of(p)[names.TOKEN_TYPE], attributes_of(p)[names.REPLAYED]): p.sum
        for p in tokens
    }
    assert sums == {
        ("input", True): 240,
        ("output", True): 24,
        ("input", False): 120,
        ("output", False): 12,
    }


@pytest.mark.parametrize(
    ("value", "on_spans", "on_events"),
    [
        ("", False, False),
        ("false", False, False),
        ("NO_CONTENT", False, False),
        ("true", True, True),
        ("SPAN_ONLY", True, False),
        ("event_only", False, True),
        ("SPAN_AND_EVENT", True, True),
    ],
)
def test_texts_go_only_where_the_environment_asks_for_them(
    tmp_path: Path, value: str, on_spans: bool, on_events: bool
) -> None:
    signals = signals_of(tmp_path, a_line(1), **{CAPTURE: value})

    told = dict(signals.spans[0].attributes or {})
    result = dict(signals.results[0].log_record.attributes or {})
    assert (names.INPUT_MESSAGES in told, names.OUTPUT_MESSAGES in told) == (on_spans, on_spans)
    assert (names.EVALUATION_WHY in result) is on_events


def test_messages_are_written_as_the_conventions_have_them(tmp_path: Path) -> None:
    call = ToolCall(name="refund", arguments={"order": 7}, id="call-1")
    exchange = an_exchange(text="At once.", tool_calls=(call,), finish_reasons=("tool_calls",))

    signals = signals_of(tmp_path, a_line(1, exchange=exchange), **{CAPTURE: "true"})

    told: Any = signals.spans[0].attributes
    asked = json.loads(told[names.INPUT_MESSAGES])
    assert [each["role"] for each in asked] == ["system", "user"]
    assert asked[0]["parts"] == [{"type": "text", "content": "Label the ticket."}]
    assert json.loads(told[names.OUTPUT_MESSAGES]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "At once."},
                {"type": "tool_call", "name": "refund", "arguments": {"order": 7}},
            ],
            "finish_reason": "tool_calls",
        }
    ]


def test_what_the_protocol_cannot_carry_loses_nothing_else(
    tmp_path: Path, server: OtlpServer
) -> None:
    asked = {"messages": [{"role": "user", "content": "half \ud800 \x00"}], "seed": 2**70}
    lines = [a_line(1, exchange=an_exchange(request=asked)), a_line(2)]

    sent = send(signals_of(tmp_path, *lines, **{CAPTURE: "true"}))

    assert sent["2 spans"].is_taken
    first = attributes_of(server.spans()[0])
    assert first["gen_ai.request.seed"] == str(2**70)
    assert "half ?" in first[names.INPUT_MESSAGES]


def test_the_resource_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resource_of("run-1").attributes["service.name"] == "pytest-llmprod"
    assert resource_of("run-1").attributes["service.instance.id"] == "run-1"

    monkeypatch.setenv("OTEL_SERVICE_NAME", "triage")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=ci,team=support")

    found = resource_of("run-1").attributes
    assert found["service.name"] == "triage"
    assert found["deployment.environment.name"] == "ci"
    assert found["team"] == "support"


def test_headers_and_compression_of_the_environment_are_used(
    tmp_path: Path, server: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")

    send(signals_of(tmp_path, a_line(1)))

    assert {headers["x-tenant"] for headers in server.headers} == {"blue"}
    assert {headers["Content-Encoding"] for headers in server.headers} == {"gzip"}


def test_a_signal_can_be_switched_off(tmp_path: Path, server: OtlpServer) -> None:
    sent = send(
        signals_of(tmp_path, a_line(1)), OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER=" None "
    )

    assert list(sent) == ["1 span"]
    assert {path for path, _ in server.received} == {"/v1/traces"}


def test_what_a_collector_does_not_take_keeps_nothing_else_back(
    tmp_path: Path, server: OtlpServer
) -> None:
    server.statuses["/v1/logs"] = 404

    sent = send(signals_of(tmp_path, a_line(1)))

    assert sent["1 span"].is_taken
    assert sent["metrics"].is_taken
    assert not sent["1 evaluation result"].is_taken
    assert sent["1 evaluation result"].status == 404


def test_a_long_run_is_sent_in_batches(tmp_path: Path, server: OtlpServer) -> None:
    sent = send(signals_of(tmp_path, *(a_line(number) for number in range(1_100))))

    assert sent["1,100 spans"].is_taken
    requests = [message for path, message in server.received if path == "/v1/traces"]
    batches = [len(each.resource_spans[0].scope_spans[0].spans) for each in requests]
    assert batches == [512, 512, 76]
    assert len({span.span_id for span in server.spans()}) == 1_100


def test_a_batch_that_is_not_taken_is_the_last(tmp_path: Path, server: OtlpServer) -> None:
    server.statuses["/v1/traces"] = 400

    sent = send(signals_of(tmp_path, *(a_line(number) for number in range(1_100))))

    assert not sent["1,100 spans"].is_taken
    assert sent["1,100 evaluation results"].is_taken
    assert server.paths.count("/v1/traces") == 1
    assert server.paths.count("/v1/logs") == 3


def test_long_texts_make_small_batches() -> None:
    class Thing:
        attributes = {"text": "x" * 1_500_000, "number": 7}

    sizes = [len(batch) for batch in otlp._batches([Thing()] * 5)]

    assert sizes == [2, 2, 1]


class Ticking:
    """A clock that goes on by `step_s` whenever somebody looks at it."""

    def __init__(self, step_s: float) -> None:
        self.now_s = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def test_a_collector_that_says_nothing_is_left_when_the_patience_is_over(
    tmp_path: Path, server: OtlpServer
) -> None:
    server.gate.clear()
    signals = signals_of(tmp_path, a_line(1))
    clock = Ticking(step_s=5.0)  # the first look sets the deadline, the second is after it

    deliveries = deliver(signals, {}, clock, otlp.PATIENCE_S)

    assert [each.is_taken for each in deliveries] == [False, False, False]
    assert clock.now_s == 10.0
    assert otlp.PATIENCE_S == 2.0


def test_nobody_at_the_address_is_no_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with collector() as gone:
        address = gone.url
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)

    signals = signals_of(tmp_path, a_line(1))
    sent = send(signals, otlp.PATIENCE_S, OTEL_EXPORTER_OTLP_ENDPOINT=address)

    assert {each.status for each in sent.values()} == {0}
    assert not any(each.is_taken for each in sent.values())
    assert {each.place for each in sent.values()} == {gone.place}
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_what_an_exporter_raises_is_told_and_keeps_nothing_back(
    tmp_path: Path, server: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **keywords: object) -> None:
        raise OSError("no such certificate")

    monkeypatch.setattr(otlp, "OTLPLogExporter", fail)

    sent = send(signals_of(tmp_path, a_line(1)))

    assert sent["1 evaluation result"].error == "OSError"
    assert sent["1 span"].is_taken
    lines = lines_of(list(sent.values()), {})
    assert lines[1] == (
        f"llmprod: could not send 1 evaluation result to {sent['1 span'].place} (OSError)"
    )


def test_samplers_and_limits_of_the_environment_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")
    (span,) = signals_of(tmp_path, a_line(1)).spans
    assert (span.attributes or {})[names.VERDICT] == "miss"
    assert (span.attributes or {})[names.FEATURE] == "tick"

    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert signals_of(tmp_path / "other", a_line(1)).spans == ()


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({}, "localhost:4318"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:pass@otel.example/x"}, "otel.example"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:1",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b:2/v1/traces",
            },
            "b:2",
        ),
    ],
)
def test_a_place_is_a_host_without_a_password(environ: dict[str, str], place: str) -> None:
    assert otlp._place("TRACES", environ) == place


def test_times_are_exact() -> None:
    assert nanoseconds("1970-01-02T00:00:00.000001Z") == 86_400_000_001_000
    assert nanoseconds("") == nanoseconds("2026-01-01") == 0
    assert math.isclose(nanoseconds("2026-11-19T14:02:01.250Z") / 1e9, 1_795_096_921.25)


def test_a_signal_that_ends_gives_the_others_no_more_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()

    def quick(*args: Any) -> Iterator[None]:
        yield from ()

    def silent(*args: Any) -> Iterator[None]:
        released.wait(A_LONG_TIME_S)
        yield from ()

    ways = [Delivery("metrics", "here", quick), Delivery("1 span", "here", silent)]
    monkeypatch.setattr(otlp, "_deliveries", lambda *args: ways)
    # At the start, when the first news is waited for, and after the patience has run out.
    clock = iter([0.0, 0.0, 3.0])

    deliver(signals_of(tmp_path, a_line(1)), {}, lambda: next(clock), patience_s=2.0)

    assert [each.is_taken for each in ways] == [True, False]
    released.set()

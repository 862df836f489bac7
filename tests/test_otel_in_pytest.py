"""Runs with --llm-otel: what a collector gets, and that it fails none of them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from otlp_server import OtlpServer, attributes_of, collector
from project import WORDS, Project

from pytest_llmprod.records import names, otlp
from pytest_llmprod.records.otel import CAPTURE

SECRET = "sk-live-0123456789abcdefghijkl"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpServer]:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", CAPTURE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(otlp, "PATIENCE_S", 60.0)  # the machine may be busy
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


@pytest.fixture
def cheap(project: Project) -> Project:
    """A project in which three words were recorded."""
    project.write_rows(WORDS[:3])
    project.record()
    return project


def test_a_replay_sends_a_span_for_each_exchange_with_its_recorded_latency(
    cheap: Project, collected: OtlpServer
) -> None:
    result = cheap.run("--llm-otel")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [f"llmprod: sent 3 spans, 3 evaluation results and metrics to {collected.place}"]
    )
    (log,) = [path for path in cheap.path.rglob("*.jsonl") if path.parent.name == run_id(collected)]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    logged = {line[names.ID]: line[names.LATENCY_S] for line in lines}
    sent = {
        attributes_of(span)[names.ID]: span.end_time_unix_nano - span.start_time_unix_nano
        for span in collected.spans()
    }
    assert sent == {name: round(latency_s * 1e9) for name, latency_s in logged.items()}
    assert len(sent) == 3


def run_id(collected: OtlpServer) -> str:
    return str(collected.resource()["service.instance.id"])


def test_the_results_are_those_of_the_cases(project: Project, collected: OtlpServer) -> None:
    project.write_rows(("six", "seven"))
    project.record()
    collected.received.clear()

    project.run("--llm-otel")

    labels = {
        attributes_of(event)[names.CASE]: attributes_of(event)[names.EVALUATION_LABEL]
        for event in collected.events()
    }
    assert labels == {"six": "pass", "seven": "fail"}


def test_workers_send_nothing_by_themselves(cheap: Project, collected: OtlpServer) -> None:
    cheap.run("--llm-otel", "-n2")

    assert len(collected.spans()) == 3
    assert sorted(set(collected.paths)) == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert len(collected.paths) == 3


def test_texts_are_sent_masked_and_only_where_they_are_asked_for(
    cheap: Project, collected: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap.edit("feature.py", "Double this word: {word}", f"Mind {SECRET}. Double: {{word}}")
    cheap.record("--llm-otel")
    without = b"".join(message.SerializeToString() for _, message in collected.received)
    monkeypatch.setenv(CAPTURE, "true")
    collected.received.clear()
    cheap.run("--llm-otel")
    with_texts = b"".join(message.SerializeToString() for _, message in collected.received)

    assert b"Mind" not in without
    assert b"Mind [masked" in with_texts
    assert SECRET.encode() not in without + with_texts


def test_a_dead_collector_costs_a_line_and_no_test(
    cheap: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as gone:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.url)

    result = cheap.run("--llm-otel", subprocess=True)

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "llmprod: could not send 3 spans, 3 evaluation results and metrics to "
            f"{gone.place} (no answer within 2 s)"
        ]
    )
    assert result.stderr.str() == ""


def test_what_is_refused_is_told_beside_what_is_taken(
    cheap: Project, collected: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected.statuses["/v1/logs"] = 404
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")

    result = cheap.run("--llm-otel")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            f"llmprod: sent 3 spans and metrics to {collected.place}",
            f"llmprod: could not send 3 evaluation results to {collected.place} (HTTP 404); "
            "it speaks http/protobuf only*",
        ]
    )


def test_a_test_that_replays_cannot_reach_the_collector(
    cheap: Project, collected: OtlpServer
) -> None:
    host, port = collected.place.split(":")
    cheap.edit(
        "feature.py",
        "    client = OpenAI(max_retries=0)",
        "    import socket\n"
        f"    try: socket.create_connection(({host!r}, {port}), 5).close()\n"
        "    except Exception: pass\n"
        "    client = OpenAI(max_retries=0)",
    )

    result = cheap.run("--llm-otel")

    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*tried to reach {collected.place}*"])
    assert len(collected.spans()) == 3


def test_a_run_without_requests_says_so(project: Project, collected: OtlpServer) -> None:
    project.pytester.makepyfile(test_words="def test_nothing(): pass")

    result = project.run("--llm-otel")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["llmprod: --llm-otel sent nothing, for this run made no request"])
    assert collected.paths == []


def test_the_switch_of_the_sdk_is_obeyed(
    cheap: Project, collected: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    result = cheap.run("--llm-otel")

    result.stdout.fnmatch_lines(["*OTEL_SDK_DISABLED keeps --llm-otel from sending anything"])
    assert collected.paths == []


def test_a_variable_that_is_wrong_fails_no_run(
    cheap: Project, collected: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")

    result = cheap.run("--llm-otel")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["llmprod: nothing was sent to OpenTelemetry: ValueError: *"])


def test_no_log_is_nothing_to_send(cheap: Project) -> None:
    (cheap.path / "pyproject.toml").write_text('[tool.llmprod]\nlog = "none"\n')

    result = cheap.run("--llm-otel")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['*--llm-otel sends the request log*log = "none"*'])


def test_a_missing_extra_is_told_before_any_test_runs(
    cheap: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    is_installed = "pytest_llmprod.composition.option_values._is_installed"
    monkeypatch.setattr(is_installed, lambda name: "sdk" not in name)

    result = cheap.run("--llm-otel")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*--llm-otel needs opentelemetry.sdk.*pip install 'pytest-llmprod[[]otel[]]'*"]
    )


def test_a_run_without_the_option_imports_no_opentelemetry(cheap: Project, tmp_path: Path) -> None:
    cheap.pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("met", sorted(name for name in sys.modules if name.startswith("opentel")))
        """
    )

    result = cheap.run("-s", subprocess=True)

    result.stdout.fnmatch_lines(["met []"])

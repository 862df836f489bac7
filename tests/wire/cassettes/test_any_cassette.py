"""Any cassette: read, whoever wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest
from lab import chat_request, recording

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import any_cassette, cassette_file
from pytest_llmprod.wire.recording import asked_model

VCRPYS = {
    "version": 1,
    "interactions": [
        {
            "request": {
                "method": "POST",
                "uri": "https://api.openai.com/v1/chat/completions",
                "headers": {},
                "body": json.dumps(chat_request("hello")),
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"content-type": ["application/json"]},
                "body": {"string": '{"model": "gpt-test-1", "choices": []}'},
            },
        }
    ],
}


def test_a_cassette_of_ours_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette_file.save(path, [recording("hello", case="t-1")])

    assert any_cassette.read(path) == [recording("hello", case="t-1")]
    assert any_cassette.is_ours(path)


@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_a_cassette_of_vcrpys_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text(json.dumps(VCRPYS))  # JSON is YAML

    (read,) = any_cassette.read(path)

    assert not any_cassette.is_ours(path)
    assert (read.case, read.model, read.status) == ("", "gpt-test-1", 200)
    assert asked_model(read) == "gpt-test"


def test_a_provider_that_no_dialect_knows_is_named_by_host_and_path() -> None:
    request = {**recording().request, "uri": "https://acme.test/v2/say?x=1"}
    known, unknown = recording(), recording(request=request)

    assert (any_cassette.provider_of(known), any_cassette.operation_of(known)) == ("openai", "chat")
    assert any_cassette.provider_of(unknown) == "acme.test"
    assert any_cassette.operation_of(unknown) == "/v2/say"


@pytest.mark.parametrize(
    "changes",
    [
        {"request": {}},
        {"request": {**recording().request, "method": 5}},
        {"request": {**recording().request, "uri": "http://[x"}},
        {"response": {"status": {"code": 200}}},
        {"response": {**recording().response, "status": {"code": "x"}}},
        {"response": {**recording().response, "body": {"stream": [5]}}},
        {"response": {**recording().response, "body": {"base64": "x"}}},
        {"model": None},
        {"recorded_at": 7},
        {"attempt": "2"},
    ],
)
def test_a_recording_of_another_shape_is_told_with_its_case(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "a.json"
    cassette_file.save(path, [recording(), recording(case="t-\x1b7", **changes)])

    with pytest.raises(CassetteError) as caught:
        any_cassette.read(path)

    assert str(caught.value).startswith(f"{path}: the recording of case 't-\\x1b7' cannot be")
    assert "record it again with --llm-record=once" in str(caught.value)


def test_a_time_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette_file.save(path, [recording(ttft_s=0.5)])
    path.write_text(path.read_text().replace('"ttft_s": 0.5', '"ttft_s": "x"'))

    with pytest.raises(CassetteError, match="'x' is no number"):
        any_cassette.read(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"none\.json: there is no such file\. Name a"):
        any_cassette.read(tmp_path / "none.json")

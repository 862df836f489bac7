"""Conversion: what vcrpy recorded plays as a cassette of ours, and the other way round."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
import vcr
import yaml
from lab import KEY, Lab, Server, chat_request, recording, says, streams

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import cassette_file, foreign
from pytest_llmprod.wire.cassettes.conversion import from_vcrpy, named_test
from pytest_llmprod.wire.cassettes.export import export
from pytest_llmprod.wire.cassettes.leaks import readings
from pytest_llmprod.wire.key import NO_MODEL, stored_key


def record_with_vcrpy(path: Path, http: httpx2.Client, url: str, *documents: Any) -> Path:
    with vcr.use_cassette(str(path), record_mode="all"):  # type: ignore[no-untyped-call]  # vcrpy has no types
        for document in documents:
            http.post(url, json=document)
    return path


def test_what_vcrpy_recorded_is_played_by_a_test_of_ours(
    tmp_path: Path, lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    asked = [chat_request("one"), chat_request("two"), chat_request("two")]
    path = record_with_vcrpy(tmp_path / "a.yaml", http, wire.chat_url, *asked)

    for model, recordings in from_vcrpy(path, {}).items():
        cassette_file.save(lab.path(model), recordings)
    hits = wire.hits
    with lab.test() as tape:
        answers = [http.post(wire.chat_url, json=each).json() for each in asked]

    said = [each["choices"][0]["message"]["content"] for each in answers]
    assert said == ["one!", "two!", "two!"]
    assert wire.hits == hits == 3
    assert [exchange.replayed for exchange in tape.exchanges] == [True] * 3


def test_each_model_has_recordings_of_its_own(
    tmp_path: Path, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says("hello")
    asked = [chat_request("a"), chat_request("b", model="other"), chat_request("c"), {}]
    path = record_with_vcrpy(tmp_path / "a.yaml", http, wire.chat_url, *asked)

    by_model = from_vcrpy(path, {})

    assert {model: len(found) for model, found in by_model.items()} == {
        "gpt-test": 2,
        "other": 1,
        NO_MODEL: 1,
    }
    assert {each.case for found in by_model.values() for each in found} == {""}


TOKEN = "tok-1234567"  # of no shape that anybody knows


@pytest.mark.parametrize(
    ("url", "headers", "said"),
    [
        ("https://x.com/v1", {}, TOKEN),
        ("https://x.com/v1", {"Authorization": ["Bearer own-9876543"]}, "own-9876543"),
        ("https://x.com/v1?key=own-9876543", {}, "own-9876543"),
        ("https://me:own-9876543@x.com/v1", {}, "own-9876543"),
        ("https://x.com/v1", {}, base64.b64encode(f"user:{KEY}".encode()).decode()),
        ("https://x.com/v1", {}, f"x%20{KEY}"),
        (f"https://x.com/v1?note=x%20{KEY}", {}, KEY),
    ],
    ids=["environment", "header", "parameter", "password", "base64", "percent", "URL"],
)
def test_what_is_imported_is_masked_as_what_is_recorded(
    tmp_path: Path, url: str, headers: dict[str, Any], said: str
) -> None:
    path = tmp_path / "a.yaml"
    answer = {"status": {"code": 200, "message": "OK"}, "headers": {"x-request-id": [said]}}
    request = {"method": "POST", "uri": url, "headers": headers, "body": f"say\n{said}"}
    interactions = [{"request": request, "response": {**answer, "body": {"string": said}}}]
    path.write_text(yaml.safe_dump({"version": 1, "interactions": interactions}))
    (plain,) = foreign.load(path)

    ((imported,),) = from_vcrpy(path, {"MY_TOKEN": TOKEN}).values()

    stored = json.dumps(imported.to_json())
    assert said[:24] not in stored
    assert stored.count("[masked ") >= 3
    assert imported.key == plain.key


def test_a_spread_secret_of_the_environment_does_not_come_along(
    tmp_path: Path, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: streams([TOKEN[:5], TOKEN[5:], " end"])
    path = record_with_vcrpy(tmp_path / "a.yaml", http, wire.chat_url, chat_request("a"))

    ((imported,),) = from_vcrpy(path, {"MY_TOKEN": TOKEN}).values()

    assert imported.response["body"]["text"] == "[masked MY_TOKEN] end"
    assert not any(TOKEN in text for text in readings(imported.to_json()))


@pytest.mark.parametrize(
    ("name", "function", "case"),
    [
        ("test_one", "test_one", ""),
        ("test_many[refund]", "test_many", "refund"),
        ("TestThat.test_it[x]", "TestThat.test_it", "x"),
        ("test_many[gpt-4.1-a[0]]", "test_many", "gpt-4.1-a[0]"),
        ("test_many[]", "test_many", ""),
    ],
)
def test_the_name_of_a_file_tells_the_test_and_its_case(
    name: str, function: str, case: str
) -> None:
    assert named_test(Path(f"cassettes/test_m/{name}.yaml")) == (function, case)


def test_the_recordings_belong_to_the_case_that_the_name_tells(
    tmp_path: Path, wire: Server, http: httpx2.Client
) -> None:
    asked = [chat_request("a"), chat_request("b", model="other")]
    path = record_with_vcrpy(tmp_path / "test_x[t-1].yaml", http, wire.chat_url, *asked)

    found = [each for recordings in from_vcrpy(path, {}).values() for each in recordings]

    assert [each.case for each in found] == ["t-1", "t-1"]


def test_a_name_that_was_cut_tells_no_case(tmp_path: Path) -> None:
    path = tmp_path / "test_x[aaa...0123456789abcdef0123456789abcdef.yaml"
    path.write_text("version: 1\ninteractions: []\n")

    with pytest.raises(CassetteError, match="its name is cut, so that nobody can tell the case"):
        from_vcrpy(path, {})


def test_no_secret_comes_along(tmp_path: Path, wire: Server, http: httpx2.Client) -> None:
    wire.reply = lambda body: says(f"your key is {KEY}")
    asked = chat_request(f"my key is {KEY}")
    path = record_with_vcrpy(tmp_path / "a.yaml", http, f"{wire.chat_url}?key={KEY}", asked)
    ours = tmp_path / "a.json"

    (recordings,) = from_vcrpy(path, {}).values()
    cassette_file.save(ours, recordings)

    assert KEY in path.read_text()
    assert KEY not in ours.read_text()
    assert "my key is [masked key]" in ours.read_text()


def test_the_key_is_the_one_that_a_test_looks_for(lab: Lab, wire: Server) -> None:
    with lab.test("once"), httpx2.Client() as client:
        client.post(wire.chat_url, json=chat_request("hello"))

    (recorded,) = lab.cassette().all()

    assert stored_key(recorded.request) == recorded.key


def test_a_cassette_of_ours_is_not_imported_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassette_file.save(path, [recording()])

    with pytest.raises(CassetteError, match=r"a\.json: is no cassette of vcrpy's\."):
        from_vcrpy(path, {})


def test_an_empty_cassette_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("version: 1\ninteractions: []\n")

    with pytest.raises(CassetteError, match="holds no recording"):
        from_vcrpy(path, {})


def test_stock_vcrpy_plays_what_is_exported(
    tmp_path: Path, wire: Server, http: httpx2.Client
) -> None:
    asked = recording("hello", request={**recording("hello").request, "uri": wire.chat_url})
    path = tmp_path / "a.yaml"
    exported = export([asked])
    path.write_text(exported.text)

    with vcr.use_cassette(str(path), record_mode="none"):  # type: ignore[no-untyped-call]  # vcrpy has no types
        answer = http.post(wire.chat_url, json=chat_request("hello")).json()

    assert answer["choices"][0]["message"]["content"] == "hello"
    assert (wire.hits, exported.left_out) == (0, ())

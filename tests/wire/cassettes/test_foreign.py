"""Cassettes of vcrpy and its relatives, read as recordings."""

import gzip
import json
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import brotli
import httpx2
import pytest
import vcr
import yaml
from lab import (
    CHAT_URL,
    KEY,
    Lab,
    Reply,
    Server,
    chat_answer,
    chat_chunk,
    chat_request,
    wire_request,
)

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import bodies
from pytest_llmprod.wire.cassettes import foreign
from pytest_llmprod.wire.cassettes.vcrpy_file import recording_path
from pytest_llmprod.wire.recording import Recording

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

JSON_HEADERS = {"Content-Type": ["application/json"]}
SSE_HEADERS = {"Content-Type": ["text/event-stream; charset=utf-8"]}
ANSWER = json.dumps(chat_answer("hello")).encode()


def request(**other: Any) -> dict[str, Any]:
    body = json.dumps(chat_request("hi"))
    return {"method": "POST", "uri": CHAT_URL, "headers": JSON_HEADERS, "body": body, **other}


def response(body: Any = ANSWER, headers: Mapping[str, Any] = JSON_HEADERS) -> dict[str, Any]:
    return {
        "status": {"code": 200, "message": "OK"},
        "headers": dict(headers),
        "body": {"string": body},
    }


def stream(*texts: str) -> bytes:
    events = [f"data: {json.dumps(chat_chunk(text))}\n\n" for text in texts]
    return "".join([*events, "data: [DONE]\n\n"]).encode()


def answered(recording: Recording) -> Any:
    return bodies.decode_document(recording.response["body"])


@pytest.fixture
def load_one(tmp_path: Path) -> Callable[..., Recording]:
    """Write one interaction as YAML, and read it."""

    def load_one(request: Mapping[str, Any], response: Mapping[str, Any], **how: Any) -> Recording:
        path = tmp_path / "cassette.yaml"
        interaction = {"request": request, "response": response}
        path.write_text(yaml.safe_dump({"version": 1, "interactions": [interaction]}))
        (recording,) = foreign.load(path, **how)
        return recording

    return load_one


def load_text(tmp_path: Path, text: str) -> list[Recording]:
    path = tmp_path / "cassette.yaml"
    path.write_text(text, encoding="utf-8")
    return foreign.load(path)


# Dialects of the format


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_what_vcrpy_records_is_read(
    serializer: str, lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    path = lab.root / f"chat.{serializer}"
    with vcr.use_cassette(path, serializer=serializer):
        http.post(wire.chat_url, json=chat_request("hi 😀"))

    (recording,) = foreign.load(path)

    assert recording.request["method"] == "POST"
    assert recording.request["uri"] == wire.chat_url
    assert bodies.decode_document(recording.request["body"]) == chat_request("hi 😀")
    assert recording.status == 200
    assert recording.response["status"]["message"] == "OK"
    assert answered(recording) == chat_answer("hi 😀!")
    assert recording.model == "gpt-test-1"
    assert recording.usage is not None
    assert recording.usage.input_tokens == 7


def test_a_compressed_answer_that_vcrpy_recorded_is_read(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    packed = gzip.compress(ANSWER)
    wire.reply = lambda body: Reply(packed, headers=[("content-encoding", "gzip")])
    path = lab.root / "chat.yaml"
    with vcr.use_cassette(path):
        http.post(wire.chat_url, json=chat_request("hi"))

    (recording,) = foreign.load(path)

    assert "!!binary" in path.read_text()
    assert answered(recording) == chat_answer("hello")


def test_the_form_that_older_vcrpy_wrote_for_httpx_is_read(load_one: Any) -> None:
    older = {
        "content": ANSWER.decode(),
        "http_version": "HTTP/1.1",
        "headers": {**JSON_HEADERS, "content-encoding": ["gzip"]},
        "status_code": 201,
    }

    recording = load_one(request(), older)

    assert recording.status == 201
    assert answered(recording) == chat_answer("hello")


def test_a_parsed_body_is_read(load_one: Any) -> None:
    asked = {"method": "POST", "uri": CHAT_URL, "headers": {}, "parsed_body": chat_request("hi")}
    told = {"status": {"code": 200, "message": "OK"}, "headers": JSON_HEADERS}

    recording = load_one(asked, {**told, "parsed_body": chat_answer("naïve\nlines")})

    assert bodies.decode_document(recording.request["body"]) == chat_request("hi")
    assert answered(recording) == chat_answer("naïve\nlines")


def test_what_looks_like_a_date_in_a_parsed_body_stays_a_text(tmp_path: Path) -> None:
    (recording,) = load_text(
        tmp_path,
        "version: 1\n"
        "interactions:\n"
        "- request: {method: GET, uri: 'http://host/x', headers: {}, body: null}\n"
        "  response:\n"
        "    headers: {}\n"
        "    parsed_body: {released: 2026-11-22}\n"
        "    status: {code: 200, message: OK}\n",
    )

    assert answered(recording) == {"released": "2026-11-22"}


@pytest.mark.parametrize("how", ["apply", "new"])
def test_header_names_of_aiohttps_own_type_are_read(how: str, tmp_path: Path) -> None:
    (recording,) = load_text(
        tmp_path,
        "version: 1\n"
        "interactions:\n"
        "- request:\n"
        "    method: GET\n"
        "    uri: http://host/x\n"
        "    body: null\n"
        "    headers:\n"
        f"      ? !!python/object/{how}:multidict._multidict.istr\n"
        "      - Accept\n"
        "      : - text/plain\n"
        "  response: {headers: {}, body: {string: ok}, status: {code: 200, message: OK}}\n",
    )

    assert recording.request["headers"] == {"accept": ["text/plain"]}


def test_a_header_that_is_one_text_is_read_whole(load_one: Any) -> None:
    recording = load_one(request(), response(headers={"Content-Type": "application/json"}))

    assert recording.response["headers"] == {"content-type": ["application/json"]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("null", b""),
        ("!!binary AP8=", b"\x00\xff"),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary AP8=, 0]}", b"\x00\xff"),
        ("!!python/object/apply:builtins.iter {args: [[ab, cd]]}", b"abcd"),
        ("{a: 1}", b'{"a":1}'),
    ],
    ids=["none", "bytes", "file", "iterator", "document"],
)
def test_every_kind_of_request_body_is_read(body: str, expected: bytes, tmp_path: Path) -> None:
    (recording,) = load_text(
        tmp_path,
        "version: 1\n"
        "interactions:\n"
        f"- request: {{method: POST, uri: 'http://host/x', headers: {{}}, body: {body}}}\n"
        "  response: {headers: {}, body: {string: ok}, status: {code: 200, message: OK}}\n",
    )

    assert bodies.decode_body(recording.request["body"]) == expected


def test_half_a_character_in_json_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    interaction = {"request": request(), "response": response("half \ud83d")}
    path.write_text(json.dumps({"version": 1, "interactions": [interaction]}))

    (recording,) = foreign.load(path)

    kept = bodies.decode_body(recording.response["body"])
    assert kept.decode("utf-8", "surrogatepass") == "half \ud83d"


# Compression


def bare_deflate(content: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(content) + deflater.flush()


PACKED = {
    "gzip": gzip.compress(ANSWER),
    "x-gzip": gzip.compress(ANSWER),
    "deflate": zlib.compress(ANSWER),
    "DEFLATE": bare_deflate(ANSWER),
    "br": brotli.compress(ANSWER),
    "zstd": zstd.compress(ANSWER),
    "gzip, br": brotli.compress(gzip.compress(ANSWER)),
}


@pytest.mark.parametrize("coding", PACKED)
def test_a_compressed_answer_is_decompressed(coding: str, load_one: Any) -> None:
    headers = {**JSON_HEADERS, "Content-Encoding": [coding]}

    recording = load_one(request(), response(PACKED[coding], headers))

    assert answered(recording) == chat_answer("hello")
    assert "content-encoding" not in recording.response["headers"]


@pytest.mark.parametrize("coding", [*PACKED, "identity", "other"])
def test_an_answer_that_was_stored_decompressed_is_kept(coding: str, load_one: Any) -> None:
    headers = {**JSON_HEADERS, "Content-Encoding": [coding]}

    recording = load_one(request(), response(headers=headers))

    assert answered(recording) == chat_answer("hello")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda packed: packed[:-3],
    "with a tail": lambda packed: packed + b"tail",
    "broken": lambda packed: packed[:10] + b"\xff" * 8 + packed[18:],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("coding", PACKED)
def test_a_compressed_answer_that_is_damaged_is_kept_as_bytes(
    coding: str, damage: str, load_one: Any
) -> None:
    headers = {**JSON_HEADERS, "Content-Encoding": [coding]}
    content = DAMAGES[damage](PACKED[coding])

    recording = load_one(request(), response(content, headers))

    assert bodies.decode_body(recording.response["body"]) == content


def test_an_answer_of_which_one_of_two_codings_is_damaged_is_kept_as_it_was(load_one: Any) -> None:
    headers = {**JSON_HEADERS, "Content-Encoding": ["gzip, br"]}
    content = brotli.compress(PACKED["gzip"][:-3])

    recording = load_one(request(), response(content, headers))

    assert bodies.decode_body(recording.response["body"]) == content


@pytest.mark.parametrize(("coding", "library"), [("br", brotli), ("zstd", zstd)])
def test_a_library_that_is_missing_is_named_with_the_extra_that_brings_it(
    coding: str, library: ModuleType, load_one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library.__name__, None)
    package, _, name = library.__name__.rpartition(".")
    if package:
        monkeypatch.delattr(sys.modules[package], name)
    headers = {**JSON_HEADERS, "Content-Encoding": [coding]}

    with pytest.raises(CassetteError) as caught:
        load_one(request(), response(PACKED[coding], headers))

    assert "cassette.yaml: a body is compressed" in str(caught.value)
    assert f"with '{coding}'" in str(caught.value)
    assert "pip install 'pytest-llmprod[foreign]'" in str(caught.value)


def test_no_library_is_missed_for_an_answer_that_was_stored_decompressed(
    load_one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)

    recording = load_one(request(), response(headers={**JSON_HEADERS, "content-encoding": ["br"]}))

    assert answered(recording) == chat_answer("hello")


# Bodies


def eventstream_message(payload: bytes) -> bytes:
    """Frame a message of AWS: lengths and a checksum, the payload, and a checksum of it all."""
    prelude = struct.pack(">II", len(payload) + 16, 0)
    framed = prelude + struct.pack(">I", zlib.crc32(prelude)) + payload
    return framed + struct.pack(">I", zlib.crc32(framed))


def test_an_event_stream_of_aws_is_kept_whole(load_one: Any) -> None:
    content = b"".join(eventstream_message(b'{"bytes":"%d"}' % number) for number in range(300))
    headers = {"Content-Type": ["application/vnd.amazon.eventstream"]}

    recording = load_one(request(), response(content, headers))

    assert bodies.decode_body(recording.response["body"]) == content


def test_a_stream_becomes_events_whose_times_are_unknown(load_one: Any) -> None:
    recording = load_one(request(), response(stream("hel", "lo"), SSE_HEADERS))

    assert [event["t"] for event in recording.response["body"]["stream"]] == [0.0, 0.0, 0.0]
    assert recording.response["body"]["text"] == "hello"
    assert (recording.latency_s, recording.ttft_s) == (0.0, None)
    assert recording.model == "gpt-test-1"


def test_a_stream_with_comments_and_marks_for_a_new_start_is_a_stream(load_one: Any) -> None:
    content = b': wait\r\nid: 7\r\nretry: 5\r\ndata: {"a":1}\r\n\r\n'

    recording = load_one(request(), response(content, SSE_HEADERS))

    assert recording.response["body"]["stream"] == [{"t": 0.0, "data": {"a": 1}}]


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {"message": "no"}}',
        b"data: caf\xe9\n\n",
        b'data: {"a":1}\n\n<html>bad gateway</html>',
    ],
    ids=["an error", "no UTF-8", "half a stream"],
)
def test_what_only_calls_itself_a_stream_is_kept_whole(content: bytes, load_one: Any) -> None:
    recording = load_one(request(), response(content, SSE_HEADERS))

    assert "stream" not in recording.response["body"]
    kept = bodies.decode_body(recording.response["body"])
    assert kept.replace(b" ", b"") == content.replace(b" ", b"")


def test_a_body_that_is_no_json_is_kept(load_one: Any) -> None:
    recording = load_one(request(), response(b'{"cut": ['))

    assert bodies.decode_body(recording.response["body"]) == b'{"cut": ['


def test_the_model_asked_for_stands_in_for_one_that_the_answer_does_not_name(
    load_one: Any,
) -> None:
    recording = load_one(request(), response(b'{"error": {}}'))

    assert recording.model == "gpt-test"


# Times


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Wed, 25 Jun 2025 19:34:29 GMT", "2025-06-25T19:34:29Z"),
        ("Wed, 25 Jun 2025 21:34:29 +0200", "2025-06-25T19:34:29Z"),
        ("some day", ""),
        ("Fri, 31 Dec 9999 23:00:00 -2300", ""),
    ],
)
def test_the_moment_of_recording_is_the_date_of_the_answer(
    date: str, expected: str, load_one: Any
) -> None:
    recording = load_one(request(), response(headers={**JSON_HEADERS, "Date": [date]}))

    assert recording.recorded_at == expected


def test_the_moment_of_recording_is_unknown_without_a_date(load_one: Any) -> None:
    assert load_one(request(), response()).recorded_at == ""


def test_the_latency_is_what_the_provider_says_it_took(load_one: Any) -> None:
    told = {"openai-processing-ms": ["251"], "x-envoy-upstream-service-time": ["256"]}

    recording = load_one(request(), response(headers={**JSON_HEADERS, **told}))

    assert recording.latency_s == 0.256


@pytest.mark.parametrize("told", [{}, {"openai-processing-ms": ["soon"]}])
def test_the_latency_is_unknown_where_the_provider_does_not_say(
    told: dict[str, list[str]], load_one: Any
) -> None:
    assert load_one(request(), response(headers={**JSON_HEADERS, **told})).latency_s == 0.0


def test_the_latency_of_a_stream_is_unknown_for_the_provider_tells_only_of_its_start(
    load_one: Any,
) -> None:
    headers = {**SSE_HEADERS, "openai-processing-ms": ["251"]}

    assert load_one(request(), response(stream("a"), headers)).latency_s == 0.0


# Keys and secrets


def test_each_recording_gets_the_key_that_its_stored_request_has(load_one: Any) -> None:
    seen: list[Mapping[str, Any]] = []

    def key_of(stored: Mapping[str, Any]) -> str:
        seen.append(stored)
        return wire_request(bodies.decode_document(stored["body"]), url=stored["uri"]).key

    recording = load_one(request(), response(), rekey=key_of)

    assert seen == [recording.request]
    assert recording.key == wire_request(chat_request("hi")).key


def test_no_secret_of_the_file_is_in_a_recording(load_one: Any) -> None:
    asked = request(
        uri=f"{CHAT_URL}?api_key={KEY}",
        headers={**JSON_HEADERS, "authorization": [f"Bearer {KEY}"], "cookie": [KEY]},
        body=json.dumps(chat_request(f"line\n{KEY}")),
    )
    told = response(json.dumps(chat_answer(f"your key is {KEY}")).encode())
    told["headers"]["set-cookie"] = [KEY]

    recording = load_one(asked, told)

    assert KEY not in json.dumps(recording.to_json())
    assert answered(recording) == chat_answer("your key is [masked key]")


def test_no_secret_is_in_the_events_of_a_recording(load_one: Any) -> None:
    recording = load_one(request(), response(stream(f"line\n{KEY}", "."), SSE_HEADERS))

    assert KEY not in json.dumps(recording.to_json())
    assert bodies.join_text(recording.response["body"]["text"]) == "line\n[masked key]."


def test_a_secret_that_is_spread_over_events_is_cut_out(load_one: Any) -> None:
    recording = load_one(request(), response(stream(KEY[:10], KEY[10:]), SSE_HEADERS))

    assert KEY[10:] not in json.dumps(recording.to_json())
    assert bodies.join_text(recording.response["body"]["text"]) == "[masked key]"


# Files that are none


@pytest.mark.parametrize(
    "text",
    [
        "",
        "interactions:\n- request: {",
        "version: 1\ninteractions:\n- request: {}\n",
        "- request: {}\n  response: {}\n",
        "a: !!python/object/apply:os.system [exit]\n",
    ],
    ids=["empty", "cut short", "no answer", "before version 1", "runs code"],
)
def test_a_file_that_is_no_cassette_is_refused_by_name(text: str, tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"cassette\.yaml: is no cassette\b"):
        load_text(tmp_path, text)


def test_what_vcrpy_says_of_a_file_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="generated in an older version"):
        load_text(tmp_path, "- request: {}\n  response: {}\n")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"gone\.yaml: cannot be read \(No such file"):
        foreign.load(tmp_path / "gone.yaml")


# The folders of pytest-recording

NAMES = [
    ("test_it", None, "test_it.yaml"),
    ("test_it", "TestThat", "TestThat.test_it.yaml"),
    ("test_it[gpt-4o]", None, "test_it[gpt-4o].yaml"),
    ("test_it[a/b:c\\d'e\"f|g<h>i?j%k*l]", None, "test_it[a-b-c-d-e-f-g-h-i-j-k-l].yaml"),
    ("test_it[ä b]", "TestThat", "TestThat.test_it[ä b].yaml"),
    ("t" * 250, None, f"{'t' * 250}.yaml"),
    ("t" * 251, None, f"{'t' * 215}...941344c4020c8123da5480acd2a15376.yaml"),
]


@pytest.mark.parametrize(("test_name", "class_name", "file_name"), NAMES)
def test_the_cassette_of_pytest_recording_is_found_beside_the_test(
    test_name: str, class_name: str | None, file_name: str
) -> None:
    path = recording_path(Path("tests/test_app.v2.py"), test_name, class_name)

    assert path == Path("tests/cassettes/test_app.v2") / file_name


@pytest.mark.parametrize(("test_name", "class_name", "file_name"), NAMES)
def test_the_cassette_is_where_pytest_recording_itself_puts_it(
    test_name: str,
    class_name: str | None,
    file_name: str,
    pytestconfig: pytest.Config,
) -> None:
    plugin = pytest.importorskip("pytest_recording.plugin")
    from pytest_recording._vcr import use_cassette

    test_class = type(class_name, (), {}) if class_name else None
    name = plugin.get_default_cassette_name(test_class, test_name)
    with use_cassette(name, "/t/cassettes/test_app", "none", [], {}, pytestconfig) as cassette:
        theirs = Path(cassette._path)

    assert recording_path(Path("/t/test_app.py"), test_name, class_name) == theirs

"""Secrets on the wire: what is sent and answered, and what then stands in the files."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from lab import Lab
from openai import OpenAI
from replies import Reply, says, streams
from samples import KEY, chat_answer, chat_request
from server import Server

from pytest_llmprod.core.errors import CassetteError, CassetteMiss
from pytest_llmprod.wire.cassettes.journal import Turn
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.masking import Finding

TOKEN = "tok-1234567"  # of no shape that anybody knows


def ask(http: httpx2.Client, server: Server, text: str, **other: Any) -> Any:
    """Ask the server for a chat and return what it says."""
    response = http.post(server.chat_url, json=chat_request(text, **other))
    return response.json()["choices"][0]["message"]["content"]


# What authenticated the request.


def test_keys_cookies_and_organisations_reach_no_file(lab: Lab, openai_at_wire: Server) -> None:
    def reply(body: Any) -> Reply:
        echo = f"your key is {KEY}"
        headers = [("set-cookie", "session=cookie-of-it"), ("openai-organization", "org-answered")]
        return says(echo, headers=[*headers, ("x-request-id", "req-7")])

    openai_at_wire.reply = reply
    with lab.test("once", finished=False):
        with OpenAI(
            organization="org-asking",
            project="proj-asking",
            default_headers={"Cookie": "session=cookie-of-mine", "X-Internal": "inner-secret"},
            default_query={"api_key": "query-secret"},
        ) as client:
            client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": f"line\n{KEY}"}]
            )
        journaled = lab.written()
    stored = lab.cassette().all()[0]

    assert KEY in openai_at_wire.headers[0]["authorization"]
    assert openai_at_wire.headers[0]["openai-organization"] == "org-asking"
    for text in (journaled, lab.written()):
        assert "gpt-test" in text
        for secret in (KEY, "kkkkkkkk", "org-asking", "proj-asking", "org-answered", "cookie-of"):
            assert secret not in text
        assert "inner-secret" not in text
        assert "query-secret" not in text
    assert set(stored.request["headers"]) == {"accept", "content-type"}
    assert set(stored.response["headers"]) == {"content-type", "x-request-id"}


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("authorization", "Bearer odd-token-no-shape", "odd-token-no-shape"),
        ("authorization", "Basic dXNlcjpwYTU1d29yZA==", "dXNlcjpwYTU1d29yZA=="),
        ("authorization", "Basic dXNlcjpwYTU1d29yZA==", "pa55word"),
        ("authorization", 'Token token="odd-token-no-shape"', "odd-token-no-shape"),
        ("authorization", "ApiKey me:odd-token-no-shape", "odd-token-no-shape"),
        ("authorization", "AWS4-HMAC-SHA256 Signature=0f0f0f0f, Credential=me", "0f0f0f0f"),
        ("x-auth", "odd-token-no-shape", "odd-token-no-shape"),
        ("api-key", "azure0123456789", "azure0123456789"),
        ("x-api-key", "other0123456789", "other0123456789"),
        ("x-goog-api-key", "google0123456789", "google0123456789"),
        ("x-internal-token", "inner-token-of-mine", "inner-token-of-mine"),
        ("cookie", "theme=dark; session=session-of-mine", "session-of-mine"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
def test_an_echo_of_what_authenticated_the_request_is_masked(
    lab: Lab,
    wire: Server,
    http: httpx2.Client,
    name: str,
    value: str,
    secret: str,
    is_stream: bool,
) -> None:
    echo = f"you sent\n{secret}"
    wire.reply = lambda body: streams([echo]) if is_stream else says(echo)

    with lab.test("once"):
        live = http.post(wire.chat_url, json=chat_request("hello"), headers={name: value})

    assert secret in live.text
    assert secret not in lab.written()
    assert f"[masked {name}]" in lab.written()


def test_an_echo_of_a_secret_in_the_url_is_masked(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says("you sent query%2F0123456789 and query/0123456789")

    with lab.test("once"):
        http.post(f"{wire.chat_url}?key=query%2F0123456789", json=chat_request("hello"))

    assert "0123456789" not in lab.written()
    assert lab.written().count("[masked URL]") == 2


def test_a_word_that_authenticates_is_left_in_answers(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says("a password is no secret")

    with lab.test("once"):
        http.post(
            wire.chat_url, json=chat_request("hello"), headers={"authorization": "Bearer password"}
        )

    assert "a password is no secret" in lab.written()


# Every other place.


def test_headers_of_the_answer_are_masked(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    wire.reply = lambda body: says("hello", headers=[("x-request-id", f"req-{TOKEN}-1")])

    with lab.test("once", environ={"APP_TOKEN": TOKEN}):
        ask(http, wire, "hello")

    (stored,) = lab.cassette().all()
    assert stored.response["headers"]["x-request-id"] == ["req-[masked APP_TOKEN]-1"]


def test_headers_of_the_request_are_masked(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    with lab.test("once", environ={"APP_TOKEN": TOKEN}):
        http.post(wire.chat_url, json=chat_request("hello"), headers={"accept": f"x/{TOKEN}"})

    (stored,) = lab.cassette().all()
    assert stored.request["headers"]["accept"] == ["x/[masked APP_TOKEN]"]


def test_the_reason_phrase_and_the_text_of_an_error_are_masked(
    lab: Lab, wire: Server, http: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = says("hello", breaks_off=True)
    reply.status = 200
    wire.reply = lambda body: reply
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.responses", {200: (f"OK {TOKEN}", "")})

    broken = pytest.raises(httpx2.RemoteProtocolError)
    with lab.test("once", environ={"APP_TOKEN": TOKEN}), broken:
        ask(http, wire, "hello")

    (stored,) = lab.cassette().all()
    assert stored.response["status"] == {"code": 200, "message": "OK [masked APP_TOKEN]"}
    assert TOKEN not in lab.written()


def test_a_key_in_a_body_that_is_no_utf8_is_masked(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: Reply(b"\xff\xfe " + KEY.encode() + b" \xff", kind="audio/wav")

    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello"))

    assert again.content == b"\xff\xfe [masked key] \xff"


def test_a_key_in_the_prompt_does_not_hinder_a_replay_with_another_key(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says("thanks")
    with lab.test("once"):
        ask(http, wire, f"use\n{KEY}")
    with lab.test("none"):
        answer = ask(http, wire, f"use\nsk-proj-{'z' * 40}")

    assert answer == "thanks"
    assert KEY in json.loads(wire.bodies[0])["messages"][0]["content"]


@pytest.mark.parametrize("form", ["base64", "path", "lines", "percent"])
def test_a_key_that_nobody_told_of_is_found_in_its_encoded_forms(
    lab: Lab, wire: Server, http: httpx2.Client, form: str
) -> None:
    url = f"postgres://me:{KEY}@db/x"
    encoded = {
        "base64": base64.b64encode(f"config: {KEY}".encode()).decode(),
        "path": "/v1/files/" + base64.b64encode(f"config: {KEY}".encode()).decode(),
        "lines": base64.encodebytes(f"{'config ' * 20}: {KEY}".encode()).decode(),
        "percent": str(httpx2.QueryParams({"dsn": url})),
    }
    wire.reply = lambda body: says(f"it is {encoded[form]} and no more")

    with lab.test("once"):
        ask(http, wire, f"read {encoded[form]}")
    with lab.test("none"):
        again = ask(http, wire, f"read {encoded[form]}")

    assert encoded[form][-24:] not in lab.written()
    assert again.startswith("it is ")
    assert again.endswith(" and no more")


def test_an_image_comes_back_as_it_was(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    image = base64.b64encode(bytes(range(256)) * 400).decode()
    wire.reply = lambda body: says(image)
    with lab.test("once"):
        ask(http, wire, f"data:image/png;base64,{image}")
    with lab.test("none"):
        again = ask(http, wire, f"data:image/png;base64,{image}")

    assert again == image


def test_a_part_of_an_upload_that_is_named_like_a_secret_is_masked(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says("thanks")

    def upload(password: str) -> Any:
        parts = {"password": (None, password), "file": ("a.txt", b"text")}
        return http.post(f"{wire.url}/files", files=parts).json()

    with lab.test("once") as tape:
        upload("hunter2-live")
    with lab.test("none"):
        again = upload("another")

    assert again["choices"][0]["message"]["content"] == "thanks"
    assert tape.misses == []
    assert b"hunter2-live" in wire.bodies[0]
    assert "hunter2" not in lab.written()


# The environment.


def test_a_secret_of_the_environment_is_masked_and_its_request_found_without_it(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says(f"thanks for {TOKEN}")
    with lab.test("once", environ={"APP_TOKEN": TOKEN}):
        ask(http, wire, f"use {TOKEN}")
    with lab.test("none", environ={}):
        without = ask(http, wire, f"use {TOKEN}")
    with lab.test("none", environ={"APP_TOKEN": "another-7654321"}):
        another = ask(http, wire, f"use {TOKEN}")

    (stored,) = lab.cassette().all()
    assert without == another == "thanks for [masked APP_TOKEN]"
    assert stored.request["body"]["json"]["messages"][0]["content"] == "use [masked APP_TOKEN]"
    assert TOKEN not in lab.written()


def test_a_miss_does_not_tell_a_secret_of_the_environment(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    missed = pytest.raises(CassetteMiss)
    with lab.test("none", environ={"APP_TOKEN": TOKEN}) as tape, missed as caught:
        ask(http, wire, f"use {TOKEN}")

    assert "use [masked APP_TOKEN]" in str(caught.value)
    assert TOKEN not in "".join(map(str, [caught.value, *tape.misses]))


@pytest.mark.parametrize(
    ("headers", "query", "shown"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, "", "[masked authorization]"),
        ({"x-api-key": TOKEN}, "", "[masked x-api-key]"),
        ({}, f"?key={TOKEN}", "[masked URL]"),
    ],
)
def test_a_miss_does_not_tell_what_authenticated_the_request(
    lab: Lab,
    wire: Server,
    http: httpx2.Client,
    headers: dict[str, str],
    query: str,
    shown: str,
) -> None:
    with lab.test("none") as tape, pytest.raises(CassetteMiss) as caught:
        http.post(f"{wire.chat_url}{query}", json=chat_request(f"I am {TOKEN}"), headers=headers)

    assert f"I am {shown}" in str(caught.value)
    assert TOKEN not in "".join(map(str, [caught.value, *tape.misses]))


def test_a_miss_does_not_tell_a_key_in_base64(lab: Lab, wire: Server, http: httpx2.Client) -> None:
    encoded = base64.b64encode(f"me:{KEY}".encode()).decode()

    with lab.test("none"), pytest.raises(CassetteMiss) as caught:
        ask(http, wire, f"say {encoded}")

    assert encoded[:20] not in str(caught.value)


def test_a_variable_that_is_set_while_the_test_runs_is_masked(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    environ: dict[str, str] = {}

    def reply(body: Any) -> Reply:
        environ["REFRESH_TOKEN"] = "tok-7654321"
        return says(f"{TOKEN} and tok-7654321")

    wire.reply = reply
    with lab.test("once", environ=environ):
        ask(http, wire, "first")
        environ["APP_TOKEN"] = TOKEN
        ask(http, wire, f"use {TOKEN}")
        del environ["APP_TOKEN"]
        ask(http, wire, f"use {TOKEN} again")

    first, *others = lab.cassette().all()
    assert TOKEN in json.dumps(first.to_json())
    assert TOKEN not in json.dumps([each.to_json() for each in others])
    assert "tok-7654321" not in lab.written()


def test_a_miss_for_another_value_of_a_variable_names_the_variable(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("once", environ={"APP_TOKEN": TOKEN}):
        ask(http, wire, f"use {TOKEN}")

    other = "another-7654321"
    with lab.test("none", environ={"APP_TOKEN": other}), pytest.raises(CassetteMiss) as caught:
        ask(http, wire, f"use {other}")

    assert caught.value.miss.kind == "other key"
    assert "in what is masked: [masked APP_TOKEN]" in str(caught.value)
    assert "had another value when it was recorded" in str(caught.value)
    assert other not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "headers", "told"),
    [
        ({"APP_TOKEN": TOKEN}, {}, "the environment variable APP_TOKEN"),
        ({}, {"x-api-key": TOKEN}, "this request's x-api-key"),
    ],
)
def test_a_secret_where_masking_does_not_reach_is_refused(
    lab: Lab,
    wire: Server,
    http: httpx2.Client,
    environ: dict[str, str],
    headers: dict[str, str],
    told: str,
) -> None:
    with lab.test("once", f"case of {TOKEN}", environ=environ), pytest.raises(CassetteError) as no:
        http.post(wire.chat_url, json=chat_request("hello"), headers=headers)

    assert told in str(no.value)
    assert "--llm-record=once" in str(no.value)
    assert TOKEN not in str(no.value) + lab.written()


def test_the_journal_refuses_a_line_with_a_secret(lab: Lab) -> None:
    run = lab.run("once", environ={"APP_TOKEN": TOKEN})

    with pytest.raises(CassetteError, match="APP_TOKEN"):
        run.journal.started(lab.path(), f"case of {TOKEN}", Turn())

    assert lab.written() == ""


# Compressed requests.


def zipped(http: httpx2.Client, server: Server, document: Any, at_s: float) -> Any:
    """Send a document as gzip, which has the time in it, and return what is said."""
    content = gzip.compress(json.dumps(document).encode(), mtime=at_s)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    response = http.post(server.chat_url, content=content, headers=headers)
    return response.json()["choices"][0]["message"]["content"]


def test_a_request_that_is_compressed_is_masked_and_replays(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: says(f"got {len(body)} bytes")
    with lab.test("once"):
        live = zipped(http, wire, chat_request(f"use {KEY}"), 1)
    with lab.test("none"):
        again = zipped(http, wire, chat_request(f"use {KEY}"), 2)

    (stored,) = lab.cassette().all()
    assert gzip.decompress(wire.bodies[0]) == json.dumps(chat_request(f"use {KEY}")).encode()
    assert stored.request["body"] == {"json": chat_request("use [masked key]")}
    assert live == again


def test_a_compressed_request_for_another_model_is_sent_as_plain_json(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("once", choice=ModelChoice(swaps={"gpt-test": "gpt-other"})):
        zipped(http, wire, chat_request("hello"), 1)

    assert json.loads(wire.bodies[0])["model"] == "gpt-other"
    assert "content-encoding" not in wire.headers[0]


def test_a_body_that_only_says_to_be_compressed_is_sent_as_it_is(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("once"):
        headers = {"content-encoding": "aws-chunked"}
        http.post(wire.chat_url, json=chat_request("hello"), headers=headers)

    assert json.loads(wire.bodies[0]) == chat_request("hello")
    assert wire.headers[0]["content-encoding"] == "aws-chunked"


# Members by name.


def tool_answer(arguments: str) -> bytes:
    answer = chat_answer("")
    call = {"id": "c1", "function": {"name": "log_in", "arguments": arguments}}
    answer["choices"][0]["message"]["tool_calls"] = [call]
    return json.dumps(answer).encode()


def test_a_password_in_the_arguments_of_a_tool_is_masked_and_they_stay_json(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    arguments = {"user": 'a "b"', "password": 'hunter"2\\', "ok": True}
    wire.reply = lambda body: Reply(tool_answer(json.dumps(arguments)))
    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("log in"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("log in")).json()

    call = again["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == arguments | {"password": "[masked password]"}
    assert "hunter" not in lab.written()


def test_a_tool_that_declares_a_password_stays_as_it_is(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "log_in", "parameters": schema}}]

    with lab.test("once"):
        ask(http, wire, "hello", tools=tools)

    (stored,) = lab.cassette().all()
    assert stored.request["body"]["json"]["tools"] == tools


def test_another_token_in_a_named_member_makes_the_same_request(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    one, two = ([{"type": "mcp", "authorization": name}] for name in ("mine at home", "CI's"))
    with lab.test("once"):
        ask(http, wire, "hello", tools=one)
    with lab.test("none"):
        again = ask(http, wire, "hello", tools=two)

    assert again == "hello!"


# Streams.


def choice(part: str, number: int) -> dict[str, Any]:
    return {"choices": [{"index": number, "delta": {"content": part}}]}


def tool_call(part: str, number: int = 0) -> dict[str, Any]:
    call = {"index": number, "function": {"arguments": part}}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def responses_arguments(part: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": part}


def gemini(*parts: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": part} for part in parts]}}]}


ONE, TWO, THREE = f"see {KEY[:12]}", KEY[12:20], f"{KEY[20:]} end"
CUT, GONE, LEFT = "see [masked key]", "", " end"


@pytest.mark.parametrize(
    ("events", "masked"),
    [
        (
            [tool_call(ONE), tool_call(TWO), tool_call(THREE)],
            [tool_call(CUT), tool_call(GONE), tool_call(LEFT)],
        ),
        (
            [tool_call(ONE, 1), tool_call("{}", 0), tool_call(TWO + THREE, 1)],
            [tool_call(CUT, 1), tool_call("{}", 0), tool_call(LEFT, 1)],
        ),
        (
            [{"choices": [{}, choice(part, 1)["choices"][0]]} for part in (ONE, TWO, THREE)],
            [{"choices": [{}, choice(part, 1)["choices"][0]]} for part in (CUT, GONE, LEFT)],
        ),
        (
            [choice(ONE, 1), choice("hello", 0), choice(TWO, 1), choice(THREE, 1)],
            [choice(CUT, 1), choice("hello", 0), choice(GONE, 1), choice(LEFT, 1)],
        ),
        (
            [responses_arguments(ONE), {"type": "ping"}, responses_arguments(TWO + THREE)],
            [responses_arguments(CUT), {"type": "ping"}, responses_arguments(LEFT)],
        ),
        (
            [gemini("so", ONE), gemini(TWO), gemini(THREE)],
            [gemini("so", CUT), gemini(""), gemini(LEFT)],
        ),
        (
            [{"index": at, "text": part} for at, part in enumerate((ONE, TWO, THREE))],
            [{"index": at, "text": part} for at, part in enumerate((CUT, GONE, LEFT))],
        ),
        ([ONE, TWO, THREE], [CUT, GONE, LEFT]),
    ],
    ids=[
        *("tool", "tools", "choices-by-place", "choices-by-number", "responses"),
        *("gemini", "counted", "strings"),
    ],
)
@pytest.mark.parametrize("path", ["/chat/completions", "/responses", "/unknown"])
def test_a_secret_spread_over_events_is_cut_out_of_them(
    lab: Lab, wire: Server, http: httpx2.Client, events: list[Any], masked: list[Any], path: str
) -> None:
    pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    wire.reply = lambda body: Reply(pieces, kind="text/event-stream")
    request = chat_request("hello", stream=True)
    with lab.test("once") as tape:
        http.post(f"{wire.url}{path}", json=request)
    with lab.test("none"):
        again = http.post(f"{wire.url}{path}", json=request)

    lines = [line for line in again.text.split("\n") if line]
    assert [json.loads(line.removeprefix("data: ")) for line in lines] == masked
    assert tape.misses == []
    assert not any(part in lab.written() for part in (KEY[:12], KEY[12:20], KEY[20:]))


def test_a_secret_spread_over_lines_that_are_no_json_is_cut_out_of_them(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    parts = [ONE, TWO, THREE]
    wire.reply = lambda body: Reply(
        [f"data: {part}\n\n".encode() for part in parts], kind="text/event-stream"
    )
    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello"))

    assert again.text == f"data: {CUT}\n\ndata: {GONE}\n\ndata: {LEFT}\n\n"


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_password_in_streamed_arguments_is_cut_out_and_they_stay_json(
    lab: Lab, wire: Server, http: httpx2.Client, size: int
) -> None:
    arguments = json.dumps({"user": "b", "password": 'hunter"2\\', "n": {"apiKey": "k", "a": "é"}})
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    events = [f"data: {json.dumps(tool_call(part))}\n\n".encode() for part in parts]
    wire.reply = lambda body: Reply(events, kind="text/event-stream")
    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("log in"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("log in"))

    said = [json.loads(line[6:]) for line in again.text.split("\n") if line]
    deltas = [each["choices"][0]["delta"]["tool_calls"][0]["function"] for each in said]
    assert len(said) == len(parts)
    assert json.loads("".join(each["arguments"] for each in deltas)) == {
        "user": "b",
        "password": "[masked password]",
        "n": {"apiKey": "[masked apiKey]", "a": "é"},
    }


def test_a_secret_spread_over_the_lines_of_a_body_is_cut_out_of_them(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    lines = [json.dumps({"response": part, "done": False}) for part in (ONE, TWO, THREE)]
    wire.reply = lambda body: Reply("\n".join(lines).encode(), kind="application/x-ndjson")
    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello"))
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello"))

    said = [json.loads(line)["response"] for line in again.text.split("\n")]
    assert said == [CUT, GONE, LEFT]


def test_log_probabilities_do_not_spell_a_secret_out(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    tokens = [
        {"token": part, "bytes": list(part.encode()), "top_logprobs": [{"token": part}]}
        for part in ("so ", ONE, TWO, THREE)
    ]
    answer = chat_answer(f"{ONE}{TWO}{THREE}")
    answer["choices"][0]["logprobs"] = {"content": tokens}
    wire.reply = lambda body: Reply(json.dumps(answer).encode())
    with lab.test("once"):
        ask(http, wire, "hello")
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hello")).json()

    assert again["choices"][0]["logprobs"]["content"] == [
        tokens[0],
        {"token": CUT, "bytes": None, "top_logprobs": []},
        {"token": GONE, "bytes": None, "top_logprobs": []},
        {"token": LEFT, "bytes": None, "top_logprobs": []},
    ]


def test_a_secret_that_cannot_be_cut_out_of_a_stream_is_refused(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    def find_again_and_again(text: str) -> Iterator[Finding]:
        start = text.find("mask")
        if start >= 0:
            yield Finding("mask", start, start + 4)

    wire.reply = lambda body: streams(["a ma", "sk"])
    scanners = [find_again_and_again]

    with lab.test("once", scanners=scanners), pytest.raises(CassetteError, match="spread over"):
        http.post(wire.chat_url, json=chat_request("hello", stream=True))

    assert lab.written() == ""


def test_a_name_that_every_event_repeats_is_no_secret(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    events = [{"model": "sk-tiny", "id": "run", "choices": [tool_call("x")]}] * 9
    pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    wire.reply = lambda body: Reply(pieces, kind="text/event-stream")

    with lab.test("once") as tape:
        http.post(wire.chat_url, json=chat_request("hello", stream=True))

    assert len(lab.cassette()) == 1
    assert tape.misses == []


def test_secrets_that_single_events_hold_whole_are_masked_and_recorded(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: streams([f"{KEY} ", f"and {KEY}", " end"])

    with lab.test("once"):
        http.post(wire.chat_url, json=chat_request("hello", stream=True))

    assert lab.written().count("[masked key]") == 3 + 1  # in the events, and in the text
    assert KEY not in lab.written()


def test_a_scanner_that_finds_a_number_masks_it_in_answers_and_events(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    def find_card(text: str) -> Iterator[Finding]:
        start = text.find("4111111111111111")
        if start >= 0:
            yield Finding("card", start, start + 16)

    event = b'data: {"card": 4111111111111111}\n\n'
    wire.reply = lambda body: Reply(event, kind="text/event-stream")

    with lab.test("once", scanners=[find_card]):
        http.post(wire.chat_url, json=chat_request("hello", stream=True))
    with lab.test("none", scanners=[find_card]):
        again = http.post(wire.chat_url, json=chat_request("hello", stream=True))

    assert again.text == 'data: {"card": [masked card]}\n\n'
    assert "41111111" not in lab.written()

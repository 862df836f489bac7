"""A thousand random secrets of twelve shapes, sent and answered in every place and form."""

import base64
import json
import random
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx2
import pytest
import yaml
from frames import KIND, frame
from lab import Lab
from replies import Reply
from samples import chat_answer
from server import Server

from pytest_llmprod.wire.cassettes.conversion import from_vcrpy
from pytest_llmprod.wire.cassettes.leaks import readings

LETTERS = string.ascii_letters + string.digits
ROUNDS = 84  # of twelve secrets each


def drawn(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def jwt(rng: random.Random) -> str:
    head = {"alg": "HS256", "kid": drawn(rng, LETTERS, 8)}
    claims = {"sub": drawn(rng, LETTERS, 12), "exp": rng.randrange(10**9)}
    parts = [json.dumps(part).encode() for part in (head, claims)] + [rng.randbytes(32)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def private_key(rng: random.Random) -> str:
    kind = rng.choice(["", "RSA ", "EC ", "OPENSSH "])
    lines = [drawn(rng, LETTERS + "+/", 64) for _ in range(3)] + [drawn(rng, LETTERS, 20) + "=="]
    body = "\n".join(lines)
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


# Each shape, and the text by which it is told where it has no form of its own.
SHAPES: dict[str, Callable[[random.Random], str]] = {
    "openai": lambda rng: "sk-proj-" + drawn(rng, LETTERS + "_-", 74),
    "anthropic": lambda rng: "sk-ant-api03-" + drawn(rng, LETTERS + "_-", 93) + "AA",
    "aws id": lambda rng: "AKIA" + drawn(rng, string.ascii_uppercase + "234567", 16),
    "aws secret": lambda rng: drawn(rng, LETTERS + "+/", 40),  # by the name of a JSON member
    "google": lambda rng: "AIza" + drawn(rng, LETTERS, 35),
    "github": lambda rng: f"gh{rng.choice('pousr')}_" + drawn(rng, LETTERS, 36),
    "slack": lambda rng: f"xoxb-{rng.randrange(10**11)}-" + drawn(rng, LETTERS, 24),
    "stripe": lambda rng: rng.choice(["sk", "rk"]) + "_live_" + drawn(rng, LETTERS, 24),
    "jwt": jwt,
    "private key": private_key,
    "hex": lambda rng: drawn(rng, "0123456789abcdef", 32),  # by a header
    "password": lambda rng: drawn(rng, LETTERS + " \"'\\/+=&%#?é\n", 16) + "7z!",  # by a variable
}


def told(shape: str, secret: str) -> str:
    """A text that says the secret, as people and models do."""
    if shape == "aws secret":
        return json.dumps({"aws_secret_access_key": secret, "region": "eu"})
    return f"the {shape}: {secret} (keep it)"


def in_base64(text: str, rng: random.Random) -> str:
    encode = rng.choice([base64.b64encode, base64.urlsafe_b64encode])
    return encode((" " * rng.randrange(3) + text).encode()).decode()


def in_percent(text: str, rng: random.Random) -> str:
    return rng.choice([lambda each: quote(each, safe=""), quote, quote_plus])(text)


def every_form(shape: str, secret: str, rng: random.Random) -> list[str]:
    text = told(shape, secret)
    nested = json.dumps({"note": text, "password": secret})
    # An escape stands right before the secret, as in the arguments of a tool that writes a file.
    written = json.dumps({"text": text if shape == "aws secret" else f"# keys\n{secret}"})
    forms = [text, in_base64(text, rng), in_percent(text, rng), nested, json.dumps(nested)]
    return [*forms, written, json.dumps(written)]


def pieces(text: str, rng: random.Random) -> list[str]:
    """The text cut at random, into single characters at times."""
    if rng.random() < 0.1:
        return list(text)
    cuts = sorted(rng.sample(range(1, len(text)), k=rng.randrange(1, 9)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def chat_delta(delta: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"id": "c-1", "model": "gpt-test-1", "choices": [{"index": index, "delta": delta}]}


def content(piece: str) -> Any:
    return chat_delta({"content": piece})


def second_choice(piece: str) -> Any:
    return chat_delta({"content": piece}, 1)


def tool_argument(piece: str) -> Any:
    return chat_delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})


def responses_delta(piece: str) -> Any:
    return {"type": "response.output_text.delta", "output_index": 0, "delta": piece}


def anthropic_delta(piece: str) -> Any:
    kind = {"type": "input_json_delta", "partial_json": piece}
    return {"type": "content_block_delta", "index": 1, "delta": kind}


def gemini_part(piece: str) -> Any:
    return {"candidates": [{"content": {"parts": [{"text": piece}], "role": "model"}}]}


def logprob(piece: str) -> Any:
    spelled = {"token": piece, "bytes": list(piece.encode()), "top_logprobs": [{"token": piece}]}
    return {"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [spelled]}}]}


def plain_line(piece: str) -> Any:
    return f"not json: {piece}"


DELTAS = (
    *(content, second_choice, tool_argument, responses_delta, anthropic_delta),
    *(gemini_part, logprob),
)


def said_in_events(texts: Sequence[str], rng: random.Random) -> list[Any]:
    """Each text in deltas of one kind, or between those of another."""
    events: list[Any] = []
    for text in rng.sample(texts, k=len(texts) // 2):
        make = rng.choice(DELTAS)
        for piece in pieces(text, rng):
            events.append(make(piece))
            if make is content and rng.random() < 0.2:
                events.append(second_choice("between "))
        events.append(make("\n"))
    return events


def as_events(events: Sequence[Any]) -> list[bytes]:
    return [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]


def as_frames(events: Sequence[Any]) -> list[bytes]:
    return [frame(json.dumps(event).encode()) for event in events]


def as_frames_of_invoke(events: Sequence[Any]) -> list[bytes]:
    inner = [base64.b64encode(json.dumps(event).encode()).decode() for event in events]
    return [frame(json.dumps({"bytes": each}).encode()) for each in inner]


# How the events of a stream are sent, also by servers that do not say so.
STREAMS: Sequence[tuple[str, Callable[[Sequence[Any]], list[bytes]]]] = (
    ("text/event-stream", as_events),
    ("application/octet-stream", as_events),
    (KIND, as_frames),
    ("Text/Event-Stream", as_events),
    ("text/event-stream", lambda events: [b"x: y\n\n", *as_events(events)]),
    (KIND, as_frames_of_invoke),
    ("text/event-stream", lambda events: [*as_events(events), b"data: \xff\n\n"]),
)


def as_it_is_told(texts: Sequence[str]) -> bytes:
    answer = chat_answer("\n".join(texts))
    call = {"function": {"name": "save", "arguments": json.dumps({"notes": texts})}}
    answer["choices"][0]["message"]["tool_calls"] = [call]
    return json.dumps(answer, ensure_ascii=False).encode()


class Round:
    """Twelve secrets, the request that says them, and the answer that says them again."""

    def __init__(self, number: int) -> None:
        rng = random.Random(number)
        self.secrets = {shape: make(rng) for shape, make in SHAPES.items()}
        forms = [every_form(shape, secret, rng) for shape, secret in self.secrets.items()]
        texts = [form for each in forms for form in each]
        path = rng.choice(["chat/completions", "responses", "messages", "generate"])
        parameters = "&".join(f"note{at}={quote(each[0])}" for at, each in enumerate(forms))
        self.path = f"{path}?{parameters}&key={quote(self.secrets['hex'])}"
        self.body: dict[str, Any] = {
            "model": "gpt-test",
            "number": number,
            "messages": [{"role": "user", "content": text} for text in texts],
            "tools": [{"authorization": self.secrets["hex"], "headers": {"note": texts[0]}}],
        }
        self.headers = {"x-api-key": self.secrets["hex"], "accept": quote(texts[0])}
        echo = [("x-request-id", self.secrets["openai"]), ("x-note", self.secrets["google"])]
        if number % 2:
            kind, made = STREAMS[number // 2 % len(STREAMS)]
            self.reply = Reply(made(said_in_events(texts, rng)), kind=kind, headers=echo)
        else:
            self.reply = Reply(as_it_is_told(texts), headers=echo)

    def written_as(self) -> set[str]:
        """Every form of every secret of which no file may hold one."""
        forms: set[str] = set()
        for secret in self.secrets.values():
            forms |= {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}
            forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret)}
            for offset in range(3):
                whole = base64.b64encode(b" " * offset + secret.encode()).decode()
                inner = whole[4 if offset else 0 : -4]
                forms |= {inner, inner.replace("+", "-").replace("/", "_")}
            if "\n" in secret:
                forms |= {
                    line for line in secret.split("\n") if len(line) > 12 and "--" not in line
                }
        return forms


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    return [Round(number) for number in range(ROUNDS)]


def ask(http: httpx2.Client, wire: Server, each: Round, headers: dict[str, str]) -> httpx2.Response:
    return http.post(f"{wire.url}/{each.path}", json=each.body, headers=headers)


def readable(lab: Lab) -> str:
    """All that a reader of the cassette can put together: lines and pieces joined."""
    recordings = lab.cassette().all()
    return "\n".join(text for each in recordings for text in readings(each.to_json()))


def leaked(forms: Sequence[str], text: str) -> list[str]:
    """The forms that stand in a text of many megabytes."""
    # Whoever looks at every third position sees one of the first three beginnings of a form.
    seen = {text[at : at + 6] for at in range(0, len(text), 3)}
    maybe = [form for form in forms if not seen.isdisjoint(form[at : at + 6] for at in range(3))]
    return [form for form in maybe if form in text]


def test_a_thousand_secrets_reach_no_file_and_all_requests_replay(
    lab: Lab, wire: Server, http: httpx2.Client, rounds: list[Round]
) -> None:
    variables = {f"PASSWORD_{at}": each.secrets["password"] for at, each in enumerate(rounds)}
    wire.reply = lambda body: rounds[body["number"]].reply
    with lab.test("all", environ=variables) as tape:
        live = [ask(http, wire, each, each.headers) for each in rounds]
    with lab.test("none") as replay:
        again = [ask(http, wire, each, {"x-api-key": "another"}) for each in rounds]

    assert sum(len(each.secrets) for each in rounds) >= 1000
    assert tape.misses == replay.misses == []
    forms = [form for each in rounds for form in each.written_as()]
    assert len(leaked(forms, "\n".join(forms))) == len(forms)
    assert leaked(forms, lab.written()) == leaked(forms, readable(lab)) == []
    for each, before, after in zip(rounds, live, again, strict=True):
        assert all(secret in before.text or "\\" in before.text for secret in each.secrets.values())
        assert after.text.count("data: ") == before.text.count("data: ")


def as_vcrpy_keeps(each: Round) -> dict[str, Any]:
    request = {
        "method": "POST",
        "uri": f"https://me:{quote(each.secrets['password'], safe='')}@x.com/{each.path}",
        "headers": {name: [value] for name, value in each.headers.items()},
        "body": json.dumps(each.body),
    }
    response = {
        "status": {"code": 200, "message": "OK"},
        "headers": {name: [value] for name, value in each.reply.headers},
        "body": {"string": b"".join(each.reply.pieces)},
    }
    return {"request": request, "response": response}


def test_no_secret_of_a_cassette_comes_along_when_it_is_imported(
    tmp_path: Path, rounds: list[Round]
) -> None:
    some = rounds[: 2 * len(STREAMS)]
    interactions = [as_vcrpy_keeps(each) for each in some]
    path = tmp_path / "test_it.yaml"
    path.write_text(yaml.dump({"version": 1, "interactions": interactions}, Dumper=yaml.CDumper))
    variables = {f"PASSWORD_{at}": each.secrets["password"] for at, each in enumerate(some)}

    (recordings,) = from_vcrpy(path, variables).values()

    forms = [form for each in some for form in each.written_as()]
    stored = [each.to_json() for each in recordings]
    read = "\n".join(text for each in stored for text in readings(each))
    assert len(recordings) == len(some)
    assert leaked(forms, json.dumps(stored)) == leaked(forms, read) == []

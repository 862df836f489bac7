"""Real cassettes that others wrote, replayed through the clients that made them.

The expected values come from a reading of the files that shares nothing with the one under test but
PyYAML.
"""

import inspect
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anthropic
import openai
import pytest
from corpora import CASSETTES, body_of, interactions_in, needs
from lab import Lab
from openai.types import CreateEmbeddingResponse
from samples import wire_request

from pytest_llmprod.wire import bodies
from pytest_llmprod.wire.cassettes import cassette_file, foreign
from pytest_llmprod.wire.cassettes.export import export
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.tape import Tape

pytestmark = needs(CASSETTES)

KINDS = ("/chat/completions", "/responses", "/embeddings", "/v1/messages")
ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    429: "RateLimitError",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An interaction as the file has it, and as it was loaded."""

    name: str
    raw: Mapping[str, Any]
    recording: Recording

    @property
    def uri(self) -> str:
        return str(self.raw["request"]["uri"])

    @property
    def asked(self) -> bytes:
        return body_of(self.raw["request"])

    @property
    def told(self) -> bytes:
        # A signed URL lets in whoever has it: its signature is masked.
        return re.sub(rb"(&sig=)[^&\"]+", rb"\1[masked sig]", body_of(self.raw["response"]))

    @property
    def events(self) -> list[Any]:
        """The JSON documents of a stream; `ping` only keeps the connection open."""
        lines = self.told.decode().replace("\r", "").split("\n")
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        documents = [json.loads(text) for text in data if text != "[DONE]"]
        return [document for document in documents if document.get("type") != "ping"]

    @property
    def kind(self) -> str:
        """The operation, where it is one of those that are replayed."""
        path = urlsplit(self.uri).path
        return next((kind for kind in KINDS if path.endswith(kind)), "")

    @property
    def provider(self) -> str:
        host = urlsplit(self.uri).netloc
        known = {"api.openai.com": "openai", "api.anthropic.com": "anthropic"}
        return "azure" if host.endswith(".openai.azure.com") else known.get(host, host)


def wire_request_of(stored: Mapping[str, Any]) -> WireRequest:
    body = bodies.decode_body(stored["body"])
    return wire_request(method=stored["method"], url=stored["uri"], body=body)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Every interaction of every file."""
    found = []
    for path in sorted(CASSETTES.rglob("*.yaml")):
        raw = interactions_in(path)
        loaded = foreign.load(path)
        name = path.relative_to(CASSETTES).as_posix()
        found += [
            Case(name=name, raw=each, recording=replace(recording, case=name))
            for each, recording in zip(raw, loaded, strict=True)
        ]
    return found


def test_every_file_loads(cases: list[Case]) -> None:
    files = {path.relative_to(CASSETTES).as_posix() for path in CASSETTES.rglob("*.yaml")}

    assert len(files) == 557
    assert {case.name for case in cases} == files


def test_every_interaction_is_what_an_independent_reading_gives(cases: list[Case]) -> None:
    for case in cases:
        stored = case.recording.request
        status = case.raw["response"]["status"]

        assert stored["method"] == case.raw["request"]["method"], case.name
        assert stored["uri"] == case.uri, case.name
        assert case.recording.response["status"] == status, case.name
        assert bodies.decode_document(stored["body"]) == document_of(case.asked), case.name
        body = case.recording.response["body"]
        if "stream" in body:
            documents = bodies.stream_documents(body)
            assert [each for each in documents if each.get("type") != "ping"] == case.events
        else:
            assert bodies.decode_document(body) == document_of(case.told), case.name


def document_of(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def test_every_file_survives_export_and_reading_back(cases: list[Case], tmp_path: Path) -> None:
    path = tmp_path / "exported.yaml"
    recordings = [case.recording for case in cases]

    path.write_text(export(recordings).text, encoding="utf-8")
    back = foreign.load(path)

    assert len(back) == len(recordings)
    for before, after in zip(recordings, back, strict=True):
        assert (after.request, after.status) == (before.request, before.status)
        assert after.response["body"] == before.response["body"]
        assert (after.model, after.usage) == (before.model, before.usage)


class Clients:
    """The clients that made the recordings, one for each place that was asked."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def call(self, case: Case) -> Callable[..., Any]:
        """Return the method of a client that asks what `case` asked; it takes the body."""
        url = urlsplit(case.uri)
        if case.kind == "/v1/messages":
            client = self._client("anthropic", partial(anthropic.Anthropic, api_key="none"))
            if "beta=true" in url.query:
                return partial(client.beta.messages.create)
            return partial(client.messages.create)
        if case.provider == "azure":
            make = partial(
                openai.AzureOpenAI,
                azure_endpoint=f"https://{url.netloc}",
                azure_deployment=url.path.split("/")[3],
                api_version=parse_qs(url.query)["api-version"][0],
                api_key="none",
            )
            client = self._client(f"{url.netloc}{url.path}?{url.query}", make)
        else:
            base_url = case.uri.removesuffix(case.kind)
            make = partial(openai.OpenAI, base_url=base_url, api_key="none")
            client = self._client(base_url, make)
        calls = {
            "/chat/completions": client.chat.completions.create,
            "/responses": client.responses.create,
            "/embeddings": client.embeddings.create,
        }
        if case.kind == "/embeddings" and b'"encoding_format"' not in case.asked:
            # Today's method asks for base64 unless told otherwise, which an older one did not.
            return partial(self._post_embeddings, client)
        return partial(calls[case.kind])

    def _client(self, name: str, make: Callable[..., Any]) -> Any:
        if name not in self._made:
            self._made[name] = self._stack.enter_context(make(max_retries=0))
        return self._made[name]

    @staticmethod
    def _post_embeddings(client: Any, **body: Any) -> Any:
        return client.post("/embeddings", body=body, cast_to=CreateEmbeddingResponse)


def ask(call: Any, asked: Mapping[str, Any]) -> Any:
    """Call a client's method with a stored body, and return what it makes of the answer."""
    takes = inspect.signature(call).parameters
    if "extra_body" in takes:
        named = {name: value for name, value in asked.items() if name in takes}
        others = {name: value for name, value in asked.items() if name not in takes}
        # Anthropic's client refuses what may take long, unless a timeout says that it may.
        answer = call(**named, extra_body=others or None, timeout=600)
    else:
        answer = call(**asked)
    if asked.get("stream"):
        return [event.to_dict(mode="json", warnings=False) for event in answer]
    return answer if isinstance(answer, str) else answer.to_dict(mode="json", warnings=False)


def replay(tape: Tape, call: Any, case: Case) -> str:
    """Return why `case` does not replay, the empty string where it does."""
    misses, exchanges = len(tape.misses), len(tape.exchanges)
    try:
        answer = ask(call, json.loads(case.asked))
    except Exception as error:
        answer = error
    if len(tape.misses) > misses:
        _, _, differences = tape.misses[-1].partition("differs in\n")
        return f"the client sends another request: {differences or tape.misses[-1]}"
    if [exchange.replayed for exchange in tape.exchanges[exchanges:]] != [True]:
        return f"was not replayed once: {answer!r}"
    if case.recording.status >= 400:
        return refused(answer, case)
    if isinstance(answer, Exception):
        return f"{type(answer).__name__}: {answer}"
    expected = case.events if isinstance(answer, list) else document_of(case.told)
    return "" if answer == expected else "the client reads something else"


def refused(error: Any, case: Case) -> str:
    """Return why the client did not raise the error that belongs to a status."""
    expected = ERRORS[case.recording.status]
    if type(error).__name__ != expected:
        return f"raised {type(error).__name__} in place of {expected}"
    return "" if error.response.json() == json.loads(case.told) else "another error text"


def replay_all(lab: Lab, cases: list[Case]) -> list[tuple[Case, str]]:
    """Replay every case from cassettes of ours, and say why each that does not replay does not."""
    run = lab.run("none")
    by_path = defaultdict(list)
    for case in cases:
        model = wire_request_of(case.recording.request).model
        by_path[run.tape().label.cassette(model)].append(case.recording)
    for path, recordings in by_path.items():
        cassette_file.save(path, recordings)
    outcomes = []
    with Clients() as clients, run.patched():
        for name, of_file in groupby(cases, key=lambda case: case.name):
            with run.test(name) as tape:
                outcomes += [(case, replay(tape, clients.call(case), case)) for case in of_file]
    return outcomes


def table(outcomes: list[tuple[Case, str]], others: int) -> str:
    """Say how many of each provider and kind replayed, and why the others did not."""
    replayed: Counter[tuple[str, ...]] = Counter()
    missed: Counter[tuple[str, ...]] = Counter()
    for case, reason in outcomes:
        form = "stream" if "stream" in case.recording.response["body"] else "plain"
        row = (case.provider, case.kind, form, str(case.recording.status))
        replayed[row] += not reason
        missed[row] += bool(reason)
    lines = [f"{'provider':36} {'kind':18} {'form':6} {'status':6} {'replayed':>8} {'not':>4}"]
    for row in sorted(replayed):
        named = f"{row[0]:36} {row[1]:18} {row[2]:6} {row[3]:6}"
        lines.append(f"{named} {replayed[row]:8} {missed[row]:4}")
    lines.append(f"{'all':69} {replayed.total():8} {missed.total():4}")
    lines.append(f"{others} interactions of other kinds load and are not replayed here")
    lines += [f"not replayed: {case.name}: {reason}" for case, reason in outcomes if reason]
    return "\n".join(lines)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # models that were retired since
def test_every_call_replays_through_the_client_that_made_it(cases: list[Case], lab: Lab) -> None:
    calls = [case for case in cases if case.kind]

    outcomes = replay_all(lab, calls)

    print(table(outcomes, len(cases) - len(calls)))
    assert len(outcomes) == 780
    assert [(case.name, reason) for case, reason in outcomes if reason] == []

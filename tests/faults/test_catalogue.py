"""The catalogue against the clients that are installed: which row has moved?"""

import re
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest
from clients import (
    ANTHROPIC_MODES,
    MESSAGES,
    OPENAI_MODES,
    TEXT,
    ask_openai_async,
    asker,
    error_of,
)
from field_notes import FIELD_NOTES, OF_HELPERS
from mount import Mount
from pydantic import BaseModel

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.fault_names import GROUPS
from pytest_llmprod.core.faulting import Asked
from pytest_llmprod.core.schedule import Schedule
from pytest_llmprod.faults.catalogue import CATALOGUE, DRILLED, select
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.schedule import Always, InTurn

EACH_TIME = [fault for fault in CATALOGUE.values() if fault.turns == "always"]

#: Where openai's client does something else with an API than with the others: (class, requests).
OTHERWISE_OPENAI = {
    ("html-page", "embeddings"): ("AttributeError", 1),
    ("error-with-200", "embeddings"): ("ValueError", 1),
}
#: What anthropic 2.14.0 does otherwise than openai. It has classes of its own for some statuses, it
#: obeys any retry-after, and what breaks a stream reaches the application as httpx2 raises it.
OTHERWISE_ANTHROPIC = {
    "request-too-large": ("ContentTooLargeError", 1),
    "request-timeout-408": ("RequestTimeoutError", 3),
    "overloaded": ("ServiceUnavailableError", 3),
    "overloaded-retry-after-20": ("ServiceUnavailableError", 3),
    "gateway-timeout-text": ("GatewayTimeoutError", 3),
    "overloaded-529": ("OverloadedError", 3),
    "rate-limit-retry-after-121": ("RateLimitError", 3),
    "rate-limit-retry-after-date": ("RateLimitError", 3),
    "stream-closed": ("RemoteProtocolError", 1),
    "stream-reset": ("ReadError", 1),
    "stream-stalls": ("ReadTimeout", 1),
    "stream-error": ("APIStatusError", 1),
}


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    with Mount(tmp_path).installed() as mount:
        yield mount


def expected(fault: Fault, mode: str) -> tuple[str, int]:
    if mode in ANTHROPIC_MODES and fault.name in OTHERWISE_ANTHROPIC:
        return OTHERWISE_ANTHROPIC[fault.name]
    return OTHERWISE_OPENAI.get((fault.name, mode), (fault.raises, fault.requests))


@pytest.mark.parametrize("mode", [*OPENAI_MODES, *ANTHROPIC_MODES])
def test_no_row_has_moved(mount: Mount, mode: str) -> None:
    moved = {}
    met = 0
    for fault in EACH_TIME:
        with mount.met(Always(fault), TEXT) as test:
            raised = error_of(asker(mode))
        if test.plan.met is None:
            continue
        met += 1
        seen = (raised, sum(each.hops for each in test.plan.served))
        if seen != expected(fault, mode):
            moved[fault.name] = (seen, expected(fault, mode))

    assert moved == {}, f"with openai {openai.__version__}, anthropic {anthropic.__version__}"
    assert met >= 40


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["chat", "chat stream"])
async def test_the_asynchronous_client_meets_the_same(mount: Mount, mode: str) -> None:
    moved = {}
    for fault in EACH_TIME:
        raised = ""
        with mount.met(Always(fault), TEXT) as test:
            try:
                await ask_openai_async(mode)
            except Exception as error:
                raised = type(error).__name__
        seen = (raised, sum(each.hops for each in test.plan.served))
        if test.plan.met is not None and seen != expected(fault, mode):
            moved[fault.name] = (seen, expected(fault, mode))

    assert moved == {}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_catalogue_agrees_with_the_field_notes_row_by_row() -> None:
    page = (Path(__file__).parents[2] / "docs" / "design" / "faults.md").read_text(encoding="utf-8")
    otherwise = {
        rows
        for name, (rows, raises, requests) in FIELD_NOTES.items()
        if (CATALOGUE[name].raises, CATALOGUE[name].requests) != (raises, requests)
    }

    assert otherwise == {"44"}
    assert [rows for rows in otherwise if f"- Row {rows}: " not in page] == []  # it says why


def test_every_row_of_the_field_notes_is_in_the_catalogue() -> None:
    rows = {int(row) for rows, *_ in FIELD_NOTES.values() for row in rows.split()}

    assert rows | OF_HELPERS == set(range(1, 50))


class Answer(BaseModel):
    """What the helpers of the client are to parse."""

    word: str
    count: int


@pytest.mark.parametrize(
    ("fault", "raises"),
    [
        ("length", "LengthFinishReasonError"),
        ("content-filter", "ContentFilterFinishReasonError"),
        ("refusal", ""),
        ("null-content", ""),
        ("cut-text", "ValidationError"),
        ("wrong-language", "ValidationError"),
        ("prose-around-json", "ValidationError"),
    ],
)
def test_parse_raises_what_the_field_notes_say(mount: Mount, fault: str, raises: str) -> None:
    with mount.met(Always(CATALOGUE[fault])) as test:
        raised = error_of(
            lambda: openai.OpenAI(api_key="sk-test").chat.completions.parse(
                model="gpt-test", messages=MESSAGES, response_format=Answer
            )
        )

    assert (raised, len(test.plan.served)) == (raises, 1)  # rows 26 to 28


def test_the_streaming_helper_of_chat_raises_what_the_field_notes_say(mount: Mount) -> None:
    def ask() -> None:
        client = openai.OpenAI(api_key="sk-test")
        helper = client.chat.completions.stream(
            model="gpt-test", messages=MESSAGES, response_format=Answer
        )
        with helper as stream:
            stream.get_final_completion()

    with mount.met(Always(CATALOGUE["stream-ends-early"])):
        assert error_of(ask) == "ValidationError"  # row 40


@pytest.mark.parametrize(("fault", "raises"), [("length", "ValidationError"), ("refusal", "")])
def test_parse_of_responses_raises_what_the_field_notes_say(
    mount: Mount, fault: str, raises: str
) -> None:
    with mount.met(Always(CATALOGUE[fault])):
        raised = error_of(
            lambda: openai.OpenAI(api_key="sk-test").responses.parse(
                model="gpt-test", input="Say it.", text_format=Answer
            )
        )

    assert raised == raises  # row 45


@pytest.mark.parametrize("fault", ["stream-without-end", "response-failed"])
def test_the_streaming_helper_of_responses_misses_its_end(mount: Mount, fault: str) -> None:
    def ask() -> None:
        client = openai.OpenAI(api_key="sk-test")
        with client.responses.stream(model="gpt-test", input="Say it.") as stream:
            stream.get_final_response()

    with mount.met(Always(CATALOGUE[fault])):
        assert error_of(ask) == "RuntimeError"  # row 49


def test_output_text_of_a_null_output_is_a_type_error(mount: Mount) -> None:
    with mount.met(Always(CATALOGUE["response-output-null"])):
        response = openai.OpenAI(api_key="sk-test").responses.create(model="m", input="Hi")

        with pytest.raises(TypeError):
            response.output_text  # noqa: B018  # row 44: reading it is what fails


@pytest.mark.parametrize(
    ("mode", "text"), [("chat", TEXT), ("responses", TEXT), ("messages", TEXT)]
)
def test_a_good_answer_says_its_text_in_each_api(mount: Mount, mode: str, text: str) -> None:
    with mount.met(None, text):
        answer = asker(mode)()
        said = {
            "chat": lambda: answer.choices[0].message.content,
            "responses": lambda: answer.output_text,
            "messages": lambda: answer.content[0].text,
        }[mode]()

    assert said == text


def test_a_stream_brings_the_text_piece_by_piece_in_each_api(mount: Mount) -> None:
    with mount.met(None, TEXT):
        chat = asker("chat stream")()
        responses = asker("responses stream")()
        messages = asker("messages stream")()

    assert "".join(each.choices[0].delta.content or "" for each in chat) == TEXT
    assert "".join(e.delta for e in responses if e.type == "response.output_text.delta") == TEXT
    deltas = [each.delta.text for each in messages if each.type == "content_block_delta"]
    assert "".join(deltas) == TEXT
    assert len(deltas) > 3


def test_an_answer_that_is_made_up_fits_the_schema_that_is_asked(mount: Mount) -> None:
    with mount.met(None):
        client = openai.OpenAI(api_key="sk-test")
        completion = client.chat.completions.parse(
            model="gpt-test", messages=MESSAGES, response_format=Answer
        )

    assert completion.choices[0].message.parsed == Answer(word="text", count=0)


def test_requests_meet_the_steps_of_a_schedule_in_turn(mount: Mount) -> None:
    with mount.met(InTurn(Schedule(("rate-limit", "ok", "truncated-json")))) as test:
        raised = [error_of(asker("chat")) for _ in range(3)]

    assert raised == ["", "JSONDecodeError", ""]
    assert [each.fault and each.fault.name for each in test.plan.served] == [
        "rate-limit",
        None,
        "truncated-json",
        None,
    ]


def test_a_key_is_revoked_after_the_first_request(mount: Mount) -> None:
    with mount.met(Always(CATALOGUE["key-revoked-meanwhile"])):
        assert [error_of(asker("chat")) for _ in range(2)] == ["", "AuthenticationError"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_has_faults(group: str) -> None:
    assert select(group)


def test_all_selects_the_whole_catalogue_once() -> None:
    assert sorted(each.name for each in select(["all", "slow", "quota"])) == sorted(DRILLED)


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(FaultError, match="Did you mean 'rate-limit'"):
        select("rate-limits")
    with pytest.raises(FaultError, match="names no fault"):
        select([])


@pytest.mark.parametrize("fault", ["stream-ends-early", "stream-without-end", "stream-html"])
@pytest.mark.parametrize("text", ["yes", "Nothing is wrong with it."])
@pytest.mark.parametrize("counts", [True, False])
def test_a_stream_of_chat_that_ends_early_says_no_end(
    mount: Mount, fault: str, text: str, counts: bool
) -> None:
    with mount.met(Always(CATALOGUE[fault]), text):
        stream = openai.OpenAI(api_key="sk-test").chat.completions.create(
            model="gpt-test",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": counts},
        )
        choices = [choice for chunk in stream for choice in chunk.choices]

    assert [each.finish_reason for each in choices if each.finish_reason] == []
    assert [each.delta.content for each in choices if each.delta.content]


@pytest.mark.parametrize("path", ["responses", "messages", "chat/completions", "generate"])
def test_half_a_stream_holds_some_of_a_short_text_and_not_its_end(path: str) -> None:
    asked = Asked(
        method="POST", url=f"https://api.test/v1/{path}", headers=(), document={"stream": True}
    )

    answer = CATALOGUE["stream-ends-early"].build(asked, Good(text="yes"))

    assert answer is not None
    assert b'"yes"' in answer.body
    assert not re.search(rb'_reason": ?"|response\.completed|message_stop', answer.body)

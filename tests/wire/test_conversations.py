"""Conversations: a request that goes on from an earlier answer finds the recording that did."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from lab import Lab, Reply, Server

from pytest_llmprod.core.errors import CassetteMiss
from pytest_llmprod.wire.conversations import Conversations, going_on

Ask = Callable[..., Any]


@pytest.fixture
def responses(openai_at_wire: Server) -> Server:
    """A provider that remembers conversations: it answers with all that was said before."""
    said: dict[str, str] = {}

    def reply(body: Any) -> Reply:
        number = f"resp_{len(said)}"
        before = said.get(body.get("previous_response_id", ""), "")
        said[number] = f"{before} {body['input']}".strip()
        content = [{"type": "output_text", "text": said[number], "annotations": []}]
        message = {"id": "m", "type": "message", "role": "assistant", "content": content}
        answer = {"id": number, "model": "gpt-test", "status": "completed", "output": [message]}
        return Reply(json.dumps(answer).encode())

    openai_at_wire.reply = reply
    return openai_at_wire


def ask(text: str, earlier: Any = None) -> Any:
    with openai.OpenAI() as client:
        options = {"previous_response_id": earlier.id} if earlier is not None else {}
        return client.responses.create(model="gpt-test", input=text, **options)


def two_conversations(first: str, second: str) -> tuple[str, str]:
    """Hold two conversations that end in the same words, and return what each ends in."""
    ann, bob = ask("I am Ann."), ask("I am Bob.")
    last = {name: ask("Who?", {"ann": ann, "bob": bob}[name]) for name in (first, second)}
    return last["ann"].output_text, last["bob"].output_text


@pytest.mark.usefixtures("responses")
def test_two_conversations_keep_their_answers_in_whatever_order_they_go_on(lab: Lab) -> None:
    with lab.test("once"):
        live = two_conversations("ann", "bob")
    with lab.test("none") as tape:
        replayed = two_conversations("bob", "ann")

    assert replayed == live == ("I am Ann. Who?", "I am Bob. Who?")
    assert tape.misses == []


@pytest.mark.usefixtures("responses")
def test_a_request_that_goes_on_from_another_answer_is_a_miss(lab: Lab) -> None:
    with lab.test("once"):
        first = ask("I am Ann.")
        second = ask("Forget it.", first)
        ask("Who?", second)

    with lab.test("none"):
        first = ask("I am Ann.")
        ask("Forget it.", first)
        with pytest.raises(CassetteMiss) as caught:
            ask("Who?", first)

    assert caught.value.miss.headline == "parameters changed (previous_response_id)"
    assert '"resp_1" -> "resp_0"' in str(caught.value)


@pytest.mark.usefixtures("responses")
def test_an_id_that_comes_from_elsewhere_may_differ_from_run_to_run(lab: Lab) -> None:
    class Stored:
        id = "resp_of_yesterday"

    with lab.test("once"):
        live = ask("Who?", Stored).output_text
    Stored.id = "resp_of_today"

    with lab.test("none"):
        assert ask("Who?", Stored).output_text == live


@pytest.mark.usefixtures("responses")
def test_what_no_longer_goes_on_is_dropped_and_what_does_is_kept(lab: Lab) -> None:
    with lab.test("once"):
        two_conversations("ann", "bob")

    run = lab.run("new_episodes")
    with run.patched():
        tape = run.tape()
        run.router.enter(tape)
        ask("I am Ann.")
        kept = ask("Who?", ask("I am Bob.")).output_text
        tape.close(finished=True, passed=True)
        run.router.leave()
    run.fold()

    said = [
        each.response["body"]["json"]["output"][0]["content"][0]["text"]
        for each in lab.cassette().all()
    ]
    assert kept == "I am Bob. Who?"
    assert said == ["I am Ann.", "I am Bob.", "I am Bob. Who?"]


def test_ids_from_elsewhere_get_each_recording_once() -> None:
    known = Conversations({"resp_old": (0, 1)}, answers="")

    assert going_on("resp_new", known, taken=[]) == 0
    assert going_on("resp_new", known, taken=[0]) == 1
    assert going_on("resp_new", known, taken=[0, 1]) is None

"""Misses: what was sent, what is nearest, what differs, and the command that mends it."""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import AS_IT_IS, KEY, Lab, chat_request, recording, wire_request

from pytest_llmprod.core.text import width
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.bodies import split_lines
from pytest_llmprod.wire.cassette_file import save
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.miss import explain
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.tape import Tape


def kept(document: Any, *, case: str = "", **other: Any) -> Recording:
    """Return the recording of a request with this body."""
    request = {**recording().request, "body": {"json": split_lines(document)}}
    key = wire_request(document).key
    return recording(case=case, key=key, request=request, **other)


def told(tape: Tape, document: Any, choice: ModelChoice = AS_IT_IS, **request: Any) -> str:
    """Explain the miss of a request with this body."""
    return explain(tape, wire_request(document, **request), choice, masking.BUILT_IN)


def test_a_miss_tells_all_that_is_needed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lab.root)
    save(
        lab.path(),
        [
            kept(chat_request("the weather"), case="t-1"),
            kept(chat_request("Where is my parcel?", temperature=0), case="t-1"),
            kept(chat_request("Where is my parcel now?"), case="t-2"),
        ],
    )
    tape = lab.run().tape("t-1", is_eval=True)

    assert told(tape, chat_request("Where is my purse?", temperature=0.2)) == (
        "A request of this test is in no recording, and --llm-record=none sends nothing.\n"
        "\n"
        '  sent      POST chat to gpt-test: "Where is my purse?"\n'
        "  cassette  cassettes/test_app/test_it.gpt-test.json: 3 recordings, 2 of them for t-1\n"
        "  nearest   of t-1, answered by gpt-test-1, recorded 2026-11-22T12:30:00Z\n"
        "            differs in\n"
        "              temperature\n"
        "                - 0\n"
        "                + 0.2\n"
        "              messages[0].content\n"
        "                - Where is my parcel?\n"
        "                + Where is my purse?\n"
        "\n"
        "  mend      pytest --llm-eval --llm-record=new_episodes 'test_app.py::test_it[t-1]'"
    )


def test_without_a_cassette_a_miss_says_so(lab: Lab) -> None:
    text = told(lab.run().tape(), chat_request("hello"))

    assert "0 recordings, 0 of them for this test" in text
    assert "nearest   none: this cassette does not exist yet" in text
    assert "differs in" not in text


def test_the_command_repeats_what_the_run_asked_of_the_model(lab: Lab) -> None:
    choice = ModelChoice(override="gpt-new", swaps={"a": "b", "c d": "e"})

    text = told(lab.run().tape(), chat_request("hello"), choice)

    command = text.splitlines()[-1].split("mend")[1]
    assert shlex.split(command) == [
        "pytest",
        "--llm-record=new_episodes",
        "--llm-model=gpt-new",
        "--llm-swap=a=b",
        "--llm-swap=c d=e",
        "test_app.py::test_it",
    ]


def test_a_request_made_once_too_often_says_so(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"))])
    text = told(lab.run().tape(), chat_request("hello"))

    assert "1 recording, 1 of them for this test" in text
    assert "the same request: it was made once more than it was recorded" in text


def test_a_new_case_is_compared_with_the_cases_that_are_recorded(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("other"), case="t-1")])
    text = told(lab.run().tape("t-9"), chat_request("hello"))

    assert "1 recording, 0 of them for t-9" in text
    assert "nearest   of t-1" in text


def test_a_recording_of_the_test_itself_is_nearer_than_one_of_another_case(lab: Lab) -> None:
    mine, other = chat_request("something else"), chat_request("hello you")
    save(lab.path(), [kept(other, case="t-1"), kept(mine, case="t-2")])
    text = told(lab.run().tape("t-2"), chat_request("hello you there"))

    assert "nearest   of t-2" in text


def test_a_request_that_differs_only_in_its_place_says_so(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"))])
    text = told(
        lab.run().tape(), chat_request("hello"), url="https://x.com/v1/responses", method="PUT"
    )

    assert "sent      PUT responses to gpt-test" in text
    assert "the URL or the method" in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1/chat/completions", "nothing that can be seen"),
        ("https://proxy.internal/v1/chat/completions", "nothing that can be seen"),
        ("https://api.openai.com/v1/responses", "the URL or the method"),
    ],
)
def test_an_edited_key_is_told_from_another_place(lab: Lab, url: str, expected: str) -> None:
    save(lab.path(), [replace(kept(chat_request("hello")), key="edited")])
    text = told(lab.run().tape(), chat_request("hello"), url=url)

    assert expected in text
    assert ("record it again" in text) == (expected != "the URL or the method")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/v9?key=[masked]", "nothing that can be seen"),
        ("https://a.example/v9?key=other", "nothing that can be seen"),
        ("https://b.example/v9?key=[masked]", "the URL or the method"),
    ],
)
def test_where_no_dialect_knows_it_the_host_is_part_of_the_place(
    lab: Lab, url: str, expected: str
) -> None:
    old = kept(chat_request("hello"))
    request = {**old.request, "uri": "https://a.example/v9?key=[masked]"}
    save(lab.path(), [replace(old, key="edited", request=request)])

    assert expected in told(lab.run().tape(), chat_request("hello"), url=url)


@pytest.mark.parametrize("place", [".", "cassettes", ".."])
def test_the_cassette_is_named_as_it_is_found_from_here(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    save(lab.path(), [kept(chat_request("hello"))])
    monkeypatch.chdir(lab.root / place)

    text = told(lab.run().tape(), chat_request("other"))
    path = text.split("cassette  ")[1].split(": ")[0]
    assert Path(path).samefile(lab.path())
    assert not Path(path).is_absolute()


def test_a_cassette_on_another_drive_is_named_in_full(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", fail)

    assert f"cassette  {lab.path().resolve()}: 0" in told(lab.run().tape(), chat_request("x"))


def test_fields_that_came_or_went_are_shown_as_absent(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello", old={"a": [1]}))])
    lines = told(lab.run().tape(), chat_request("hello", new=None)).splitlines()

    at = lines.index("              new")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == ["- (absent)", "+ null"]
    at = lines.index("              old")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == ['- {"a": [1]}', "+ (absent)"]


def test_a_body_that_is_no_json_is_compared_as_a_whole(lab: Lab) -> None:
    save(lab.path("no-model"), [kept(chat_request("hello"))])
    text = told(lab.run().tape(), None, body=b"\xff bytes")

    assert "no text" in text
    assert "              the body\n" in text


def test_many_differences_are_counted(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello", n=list(range(10))))])
    text = told(lab.run().tape(), chat_request("hello", n=list(range(10, 20))))

    assert text.count("              n[") == 6
    assert "and 4 more places" in text


def test_a_difference_deep_in_a_long_text_is_shown_with_its_neighbourhood(lab: Lab) -> None:
    long = "word " * 500
    save(lab.path(), [kept(chat_request(f"{long}apples {long}"))])
    text = told(lab.run().tape(), chat_request(f"{long}pears {long}"))

    assert "- ...ord word word word word apples word" in " ".join(text.split())
    assert "+ ...ord word word word word pears word" in " ".join(text.split())


def test_a_text_that_goes_on_is_shown_where_the_other_ends(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"))])
    lines = [line.strip() for line in told(lab.run().tape(), chat_request("hello you")).split("\n")]

    assert "- hello" in lines
    assert "+ hello you" in lines


@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_miss_names_the_mode(lab: Lab, mode: Any) -> None:
    assert f"--llm-record={mode} sends nothing" in told(lab.run(mode).tape(), chat_request("x"))


@pytest.mark.parametrize("fill", range(0, 60, 4))
def test_a_key_in_the_prompt_is_masked_wherever_the_text_is_cut(lab: Lab, fill: int) -> None:
    sent = f"{'a' * fill}\n{KEY} tail"
    save(lab.path(), [kept(chat_request(f"{'a' * fill}\n[masked key] other"))])
    text = told(lab.run().tape(), chat_request(sent))

    assert "sk-" not in text
    assert "kkkk" not in text


def test_a_key_alone_makes_no_difference(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("use [masked key]", n=1))])
    text = told(lab.run().tape(), chat_request(f"use {KEY}", n=2))

    assert "messages" not in text
    assert "              n\n" in text


def test_control_sequences_of_models_and_prompts_are_shown_as_text(lab: Lab) -> None:
    red = "\x1b[31m\u202e"
    tape = lab.run().tape(red)
    asked = chat_request(f"{red}a", red, **{f"{red}b": 1})
    save(tape.cassette_path(red), [kept(asked, case=red, model=red)])
    text = told(tape, chat_request(f"{red}c", red, **{f"{red}b": 2}))
    text = text[: text.index("mend")]  # pytest has escaped the id of a test already

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m" in text


DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(DOCUMENTS, DOCUMENTS)
def test_any_two_requests_can_be_told_apart(lab: Lab, one: Any, two: Any) -> None:
    save(lab.path(), [kept({"model": "gpt-test", "input": one})])
    text = told(lab.run().tape(), {"model": "gpt-test", "input": two})

    assert "mend      pytest --llm-record=new_episodes" in text
    shown = [line for line in text.splitlines() if line.startswith(" " * 16)]
    assert all(width(line) <= 82 for line in shown)
    is_same = wire_request({"input": one}).key == wire_request({"input": two}).key
    assert ("the same request" in text) == is_same

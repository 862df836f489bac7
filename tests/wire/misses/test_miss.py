"""Misses: what was asked, what is nearest, what differs, and the command that mends it."""

import os
import pickle
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import AS_IT_IS, KEY, Lab, chat_request, recording, wire_request
from missing import conversation, differences, kept, missed, told, tool

from pytest_llmprod.core.errors import CassetteMiss
from pytest_llmprod.core.miss import HEADLINE_COLUMNS
from pytest_llmprod.core.text import width
from pytest_llmprod.wire.cassettes.cassette_file import save
from pytest_llmprod.wire.dialects import BUILT_IN, CHAT
from pytest_llmprod.wire.key import ModelChoice

RESPONSES_URL = "https://api.openai.com/v1/responses"


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
        "No recording: prompt changed in messages[0].content\n"
        "\n"
        '  asked     POST chat to gpt-test: "Where is my purse?"\n'
        "            not sent: --llm-record=none sends nothing\n"
        "  cassette  cassettes/test_app/test_it.gpt-test.json\n"
        "            3 recordings, 2 of them for t-1\n"
        "  nearest   of t-1, answered by gpt-test-1 on 2026-11-22\n"
        "  differs   messages[0].content (user)\n"
        "              - Where is my parcel?\n"
        "              + Where is my purse?\n"
        "            temperature  0 -> 0.2\n"
        "\n"
        "  mend      pytest --llm-eval --llm-record=new_episodes 'test_app.py::test_it[t-1]'"
    )


def test_a_miss_can_be_pickled_for_another_process(lab: Lab) -> None:
    miss = missed(lab.run().tape(), chat_request("hello"))

    copy = pickle.loads(pickle.dumps(CassetteMiss(miss)))

    assert copy.miss == miss
    assert str(copy) == str(miss)


# Kinds


def test_a_changed_prompt_is_told_before_all_other_differences(lab: Lab) -> None:
    save(lab.path(), [kept(conversation("be nice", "hello", temperature=0, tools=[tool("find")]))])
    asked = conversation("be kind", "hello", temperature=1, tools=[tool("find", q="string")])

    miss = missed(lab.run().tape(), asked)

    assert (miss.kind, miss.place) == ("prompt changed", "messages[0].content")
    assert [line for line in differences(str(miss)) if not line.startswith("  ")] == [
        "messages[0].content (system)",
        'tool find: parameters.properties.q  (absent) -> {"type": "string"}',
        "temperature  0 -> 1",
    ]


def test_a_prompt_that_changed_in_several_places_names_the_first_and_counts(lab: Lab) -> None:
    save(lab.path(), [kept(conversation("be nice", "hello", "hi", "bye"))])

    miss = missed(lab.run().tape(), conversation("be kind", "hello", "ho", "ciao"))

    assert miss.headline == "prompt changed in messages[0].content and 2 more"
    assert miss.place == "messages[0].content"


def test_other_parameters_are_named(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello", temperature=0, stop=["a", "b"]))])

    miss = missed(lab.run().tape(), chat_request("hello", top_p=1, stop=["a", "c"]))

    assert miss.kind == "parameters"
    assert miss.headline == "parameters changed (top_p, stop, temperature)"
    assert differences(str(miss)) == [
        "top_p  (absent) -> 1",
        'stop[1]  "b" -> "c"',
        "temperature  0 -> (absent)",
    ]


def test_a_stream_that_was_recorded_plain_is_another_parameter(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"))])

    miss = missed(lab.run().tape(), chat_request("hello", stream=True))

    assert miss.headline == "parameters changed (stream)"
    assert "to gpt-test (stream):" in str(miss)


def test_another_schema_of_a_tool_is_shown_at_its_place(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello", tools=[tool("book"), tool("find", n="integer")]))])
    asked = chat_request("hello", tools=[tool("find", n="string"), tool("book")])

    miss = missed(lab.run().tape(), asked)

    assert (miss.kind, miss.place) == ("tool schema", "find")
    assert differences(str(miss)) == [
        'tool find: parameters.properties.n.type  "integer" -> "string"'
    ]


def test_a_request_made_once_too_often_says_so(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello")), kept(chat_request("hello"))])

    miss = missed(lab.run().tape(), chat_request("hello"))

    assert miss.kind == "one more call"
    assert miss.headline == "one more call than recorded (2)"
    assert "2 recordings, 2 of them for this test" in str(miss)
    assert differences(str(miss)) == [
        "in nothing: this request was made once more than it was recorded"
    ]


def test_a_request_after_all_recordings_were_played_is_one_more_call(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello")), kept(chat_request("how are you"))])
    tape = lab.run().tape()
    for text in ("hello", "how are you"):
        assert tape.play(wire_request(chat_request(text))) is not None

    miss = missed(tape, chat_request("hello you"))

    assert miss.kind == "one more call"
    assert miss.headline == "one more call than recorded (2, all played)"
    assert differences(str(miss)) == ["messages[0].content (user)", "  - hello", "  + hello you"]


def test_the_nearest_recording_is_one_that_was_not_played(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello")), kept(chat_request("see you tomorrow"))])
    tape = lab.run().tape()
    assert tape.play(wire_request(chat_request("hello"))) is not None

    miss = missed(tape, chat_request("hello tomorrow"))

    assert miss.kind == "prompt changed"
    assert "- see you tomorrow" in "\n".join(differences(str(miss)))


def test_the_same_messages_in_another_order_are_listed(lab: Lab) -> None:
    save(lab.path(), [kept(conversation("be nice", "a parcel", "the weather"))])
    asked = conversation("be nice", "x", "x")
    asked["messages"][1:] = reversed(
        conversation("be nice", "a parcel", "the weather")["messages"][1:]
    )

    miss = missed(lab.run().tape(), asked)

    assert (miss.kind, miss.place) == ("order", "messages")
    assert differences(str(miss)) == [
        "messages, in another order",
        "  - [1] user: a parcel",
        "  - [2] assistant: the weather",
        "  + [1] assistant: the weather",
        "  + [2] user: a parcel",
    ]


def test_another_endpoint_is_named_with_both_addresses(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"))])

    miss = missed(lab.run().tape(), chat_request("hello"), url=RESPONSES_URL, method="PUT")

    assert miss.kind == "other endpoint"
    assert miss.headline == "other endpoint (PUT /v1/responses)"
    assert "asked     PUT responses to gpt-test" in str(miss)
    assert differences(str(miss)) == [
        "endpoint",
        "  - POST https://api.openai.com/v1/chat/completions",
        "  + PUT https://api.openai.com/v1/responses",
    ]


def test_without_a_cassette_a_miss_says_so(lab: Lab) -> None:
    miss = missed(lab.run().tape(), chat_request("hello"))

    assert miss.kind == "no cassette"
    assert miss.headline == "no cassette for gpt-test"
    assert "            does not exist yet\n" in str(miss)
    assert "nearest" not in str(miss)


def test_a_new_case_is_compared_with_the_cases_that_are_recorded(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("other"), case="t-1")])

    miss = missed(lab.run().tape("t-9"), chat_request("hello"))

    assert miss.kind == "case not recorded"
    assert miss.headline == "t-9 is not recorded"
    assert "1 recording, none of them for t-9" in str(miss)
    assert "nearest   of t-1" in str(miss)


def test_a_case_that_was_renamed_finds_its_old_recording(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"), case="t-1")])

    text = told(lab.run().tape("t-9"), chat_request("hello"))

    assert "nearest   of t-1" in text
    assert differences(text) == [
        "in nothing: was the case renamed? Then rename it in the cassette:",
        '  - "case": "t-1"',
        '  + "case": "t-9"',
    ]


def test_a_case_that_is_still_there_was_not_renamed(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello"), case="t-1")])

    text = told(lab.run().tape("t-9", cases=["t-1", "t-9"]), chat_request("hello"))

    assert differences(text) == ["in nothing: t-1 asks the same"]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://api.openai.com/v1/chat/completions", "other key"),
        ("https://proxy.internal/v1/chat/completions", "other key"),
        ("https://api.openai.com/v1/responses", "other endpoint"),
    ],
)
def test_an_edited_key_is_told_from_another_endpoint(lab: Lab, url: str, kind: str) -> None:
    save(lab.path(), [kept(chat_request("hello"), key="edited")])

    miss = missed(lab.run().tape(), chat_request("hello"), url=url)

    assert miss.kind == kind
    assert ("its key was edited" in str(miss)) == (kind == "other key")


def test_a_path_that_alone_differs_is_another_endpoint_though_its_operation_is_the_same(
    lab: Lab,
) -> None:
    url = "https://api.openai.com/v1/plain/chat/completions"
    save(lab.path(), [kept(chat_request("hello"), url=url, key="of a plain answer")])

    alone = missed(lab.run().tape(), chat_request("hello"))
    with_others = missed(lab.run().tape(), chat_request("goodbye"))

    assert alone.headline == "other endpoint (POST /v1/chat/completions)"
    assert with_others.kind == "prompt changed"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.example/v9?key=[masked]", "other key"),
        ("https://a.example/v9?key=other", "other key"),
        ("https://b.example/v9?key=[masked]", "other endpoint"),
    ],
)
def test_where_no_dialect_knows_it_the_host_is_part_of_the_endpoint(
    lab: Lab, url: str, kind: str
) -> None:
    old = kept(chat_request("hello"), url="https://a.example/v9?key=[masked]", key="edited")
    save(lab.path(), [old])

    assert missed(lab.run().tape(), chat_request("hello"), url=url).kind == kind


@pytest.mark.parametrize("host", ["llm.acme.example", "api.openai.com"])
def test_a_dialect_of_one_host_finds_the_same_endpoint_where_the_key_does(
    lab: Lab, host: str
) -> None:
    ours = replace(CHAT, provider="acme", provider_by_host=False, host_suffix="llm.acme.example")
    save(lab.path(), [kept(chat_request("hello"), url=f"https://{host}/v1/chat/completions")])

    miss = missed(
        lab.run().tape(),
        chat_request("good morning"),
        url="https://llm.acme.example/v1/chat/completions",
        dialects=[ours, *BUILT_IN],
    )

    assert miss.headline == "prompt changed in messages[0].content"


# Other models


@pytest.mark.parametrize(
    ("choice", "because"),
    [
        (ModelChoice(swaps={"gpt-test": "gpt-new"}), "--llm-swap=gpt-test=gpt-new asks for"),
        (ModelChoice(override="gpt-new", swaps={}), "--llm-model=gpt-new asks for another model"),
        (AS_IT_IS, "the application names another model now: has its default changed?"),
    ],
)
def test_a_model_without_recordings_is_told_where_another_was_asked_the_same(
    lab: Lab, choice: ModelChoice, because: str
) -> None:
    save(lab.path("gpt-test"), [kept(chat_request("hello"), case="t-1")])

    miss = missed(lab.run().tape("t-1"), chat_request("hello", "gpt-new"), choice)

    assert miss.kind == "model"
    assert miss.headline == "model gpt-new instead of gpt-test"
    assert "test_it.gpt-new.json\n            does not exist yet" in str(miss)
    assert "test_it.gpt-test.json\n  differs" in str(miss)
    assert differences(str(miss)) == ['model  "gpt-test" -> "gpt-new"']
    assert f"  because   {because}" in str(miss)


def test_a_model_that_has_recordings_of_other_cases_only_is_the_cause_too(lab: Lab) -> None:
    save(lab.path("gpt-new"), [kept(chat_request("hello", "gpt-new"), case="t-2")])
    save(lab.path("gpt-test"), [kept(chat_request("hello"), case="t-1")])

    miss = missed(lab.run().tape("t-1"), chat_request("hello", "gpt-new"))

    assert miss.kind == "model"
    assert "1 recording, none of them for t-1" in str(miss)


def test_a_model_is_the_cause_although_parameters_changed_with_it(lab: Lab) -> None:
    save(lab.path("gpt-test"), [kept(chat_request("hello", temperature=0))])

    miss = missed(lab.run().tape(), chat_request("hello", "gpt-new", temperature=1))

    assert miss.kind == "model"
    assert differences(str(miss)) == ['model  "gpt-test" -> "gpt-new"', "temperature  0 -> 1"]


def test_another_question_to_another_model_is_no_change_of_the_model(lab: Lab) -> None:
    save(lab.path("gpt-test"), [kept(chat_request("hello"))])

    miss = missed(lab.run().tape(), chat_request("goodbye", "gpt-new"))

    assert miss.kind == "no cassette"
    assert differences(str(miss))[0] == 'model  "gpt-test" -> "gpt-new"'


def test_with_recordings_of_its_own_a_test_is_not_compared_with_other_models(lab: Lab) -> None:
    save(lab.path("gpt-new"), [kept(chat_request("other", "gpt-new"))])
    save(lab.path("gpt-test"), [kept(chat_request("hello"))])

    assert missed(lab.run().tape(), chat_request("hello", "gpt-new")).kind == "prompt changed"


@pytest.mark.parametrize("model", ["org/model:free", "Ünïcode", "a" * 200])
def test_a_model_whose_name_is_no_file_name_is_told_by_its_own_name(lab: Lab, model: str) -> None:
    path = lab.run().tape().label.cassette(model)
    save(path, [kept(chat_request("hello", model))])

    miss = missed(lab.run().tape(), chat_request("hello", "gpt-new"))

    assert miss.kind == "model"
    assert miss.place == f"{model} -> gpt-new"


def test_a_model_that_only_the_url_names_is_told_too(lab: Lab) -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-{}:generateContent"
    save(lab.path("gemini-1"), [kept({"contents": ["hello"]}, url=url.format(1))])

    miss = missed(lab.run().tape(), {"contents": ["hello"]}, url=url.format(2))

    assert miss.headline == "model gemini-2 instead of gemini-1"
    assert differences(str(miss)) == ['model  "gemini-1" -> "gemini-2"']


def test_of_several_models_the_one_with_the_fewest_differences_is_named(lab: Lab) -> None:
    save(lab.path("a"), [kept(chat_request("hello", "a", temperature=0))])
    save(lab.path("b"), [kept(chat_request("hello", "b"))])
    save(lab.path("c"), [kept(chat_request("goodbye", "c"))])

    assert missed(lab.run().tape(), chat_request("hello", "d")).place == "b -> d"


def test_every_one_of_many_models_is_looked_at(lab: Lab) -> None:
    for number in range(25):
        save(lab.path(f"m-{number}"), [kept(chat_request("goodbye", f"m-{number}"))])
    save(lab.path("z"), [kept(chat_request("hello", "z"))])

    assert missed(lab.run().tape(), chat_request("hello", "d")).place == "z -> d"


def test_a_cassette_of_another_model_that_cannot_be_read_is_left_out(lab: Lab) -> None:
    lab.path("a").parent.mkdir(parents=True)
    lab.path("a").write_text("broken")
    lab.path("bad.json").mkdir()

    assert missed(lab.run().tape(), chat_request("hello", "d")).kind == "no cassette"


def test_a_cassette_that_was_recorded_anew_is_read_anew(lab: Lab) -> None:
    save(lab.path("a"), [kept(chat_request("hello", "a"))])
    before = missed(lab.run().tape(), chat_request("goodbye", "d"))
    save(lab.path("a"), [kept(chat_request("goodbye", "a"))])

    after = missed(lab.run().tape(), chat_request("goodbye", "d"))

    assert (before.kind, after.kind) == ("no cassette", "model")


def test_a_longer_function_name_is_another_test(lab: Lab) -> None:
    save(lab.path("a", function="test_it_twice"), [kept(chat_request("hello", "a"))])

    assert missed(lab.run().tape(), chat_request("hello", "d")).kind == "no cassette"


# What is shown


def test_the_command_repeats_what_the_run_asked_of_the_model(lab: Lab) -> None:
    choice = ModelChoice(override="gpt-new", swaps={"a": "b", "c d": "e"})

    text = told(lab.run().tape(), chat_request("hello"), choice)

    command = text.splitlines()[-1].removeprefix("  mend ")
    assert shlex.split(command) == [
        "pytest",
        "--llm-record=once",
        "--llm-model=gpt-new",
        "--llm-swap=a=b",
        "--llm-swap=c d=e",
        "test_app.py::test_it",
    ]


@pytest.mark.parametrize("place", [".", "cassettes", ".."])
def test_the_cassette_is_named_as_it_is_found_from_here(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    save(lab.path(), [kept(chat_request("hello"))])
    monkeypatch.chdir(lab.root / place)

    text = told(lab.run().tape(), chat_request("other"))
    path = text.split("cassette  ")[1].split("\n")[0]
    assert Path(path).samefile(lab.path())
    assert not Path(path).is_absolute()


def test_a_cassette_on_another_drive_is_named_in_full(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", fail)

    assert f"cassette  {lab.path().resolve()}\n" in told(lab.run().tape(), chat_request("x"))


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("none", "--llm-record=none sends nothing"),
        ("once", "--llm-record=once sends nothing for a case that has recordings"),
    ],
)
def test_a_miss_names_the_mode(lab: Lab, mode: Any, sentence: str) -> None:
    assert f"not sent: {sentence}\n" in told(lab.run(mode).tape(), chat_request("x"))


@pytest.mark.parametrize(
    ("document", "gist"),
    [
        (conversation("be nice", "first", "then", "last"), "last"),
        ({"input": "a question", "instructions": "be nice"}, "a question"),
        ({"contents": [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]}, "b"),
        (
            {
                "system": "s",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
            },
            "q",
        ),
        ({"messages": [{"role": "tool", "content": "42", "tool_call_id": "call_1"}]}, "42"),
    ],
)
def test_the_gist_is_the_last_text_of_the_prompt(lab: Lab, document: Any, gist: str) -> None:
    text = told(lab.run().tape(), {"model": "gpt-test", **document})

    assert f'  asked     POST chat to gpt-test: "{gist}"\n' in text


def test_a_body_that_is_no_json_is_compared_as_a_whole(lab: Lab) -> None:
    save(lab.path("no-model"), [kept(chat_request("hello"))])

    miss = missed(lab.run().tape(), None, body=b"\xff bytes")

    assert miss.headline == "prompt changed in the body"
    assert "  + \ufffd bytes" in differences(str(miss))


def test_a_text_and_a_number_that_look_alike_are_told_apart(lab: Lab) -> None:
    name = "a_parameter_with_a_very_long_name_so_that_it_takes_two_lines_to_show"
    save(lab.path(), [kept(chat_request("hello", **{name: "1"}))])

    text = told(lab.run().tape(), chat_request("hello", **{name: 1}))

    assert differences(text)[1:] == ['  - "1"', "  + 1"]


def test_texts_that_are_no_json_are_compared_by_their_words(lab: Lab) -> None:
    request = {**recording().request, "body": {"text": "one two three"}}
    save(lab.path("no-model"), [recording(key="k", request=request)])

    text = told(lab.run().tape(), None, body=b"one 2 three")

    assert differences(text) == ["the body", "  - one two three", "  + one 2 three"]


def test_a_form_is_compared_part_by_part(lab: Lab) -> None:
    def form(language: str, text: str) -> dict[str, Any]:
        parts = [{"name": "file", "text": "sha256:1"}, {"name": "language", "text": language}]
        return {"multipart": [*parts, {"name": "prompt", "text": text}]}

    save(lab.path("no-model"), [kept(form("de", "be nice"))])

    both = told(lab.run().tape(), form("en", "be kind"))
    language = missed(lab.run().tape(), form("en", "be nice"))

    assert differences(both) == [
        "prompt.text",
        "  - be nice",
        "  + be kind",
        'language.text  "de" -> "en"',
    ]
    assert language.headline == "parameters changed (language)"


def test_many_differences_are_counted(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello", n=list(range(10))))])

    text = told(lab.run().tape(), chat_request("hello", n=list(range(10, 20))))

    assert differences(text) == [
        *(f"n[{number}]  {number} -> {number + 10}" for number in range(6)),
        "and 4 more places",
    ]


def test_a_long_diff_is_cut_and_counted(lab: Lab) -> None:
    save(lab.path(), [kept(conversation("\n".join(f"old {n}" for n in range(40)), "x"))])

    text = told(lab.run().tape(), conversation("\n".join(f"new {n}" for n in range(40)), "y"))

    shown = differences(text)
    assert shown[0] == "messages[0].content (system), line 1"
    assert shown[1:3] == ["  - old 0", "  + new 0"]
    assert shown[10:] == ["  and 71 more changed lines", "and 1 more place"]


def test_messages_that_came_or_went_are_shown_as_such(lab: Lab) -> None:
    save(lab.path(), [kept(conversation("be nice", "hello", "hi there", "a parcel"))])

    gone = told(lab.run().tape(), conversation("be nice", "hello"))
    came = told(
        lab.run().tape(), conversation("be nice", "hello", "hi there", "a parcel", "a\nb", "c")
    )

    assert differences(gone) == [
        "messages[2] (assistant), removed",
        "  - hi there",
        "messages[3] (user), removed",
        "  - a parcel",
    ]
    assert differences(came) == [
        "messages[4] (assistant), added",
        "  + a",
        "  + b",
        "messages[5] (user), added",
        "  + c",
    ]


def test_a_changed_word_is_shown_at_character_9000_too(lab: Lab) -> None:
    long = "lorem ipsum " * 750
    save(lab.path(), [kept(conversation(f"{long}apples {long}", "hello"))])

    text = told(lab.run().tape(), conversation(f"{long}pears {long}", "hello"))

    old, new = differences(text)[1:]
    assert " ipsum apples lorem " in old
    assert " ipsum pears lorem " in new
    assert len(differences(text)) == 3


@pytest.mark.parametrize("fill", range(0, 60, 4))
def test_a_key_in_the_prompt_is_masked_wherever_the_text_is_cut(lab: Lab, fill: int) -> None:
    sent = f"{'a' * fill}\n{KEY} tail"
    save(lab.path(), [kept(chat_request(f"{'a' * fill}\n[masked key] other"))])

    text = told(lab.run().tape(), chat_request(sent))

    assert "sk-" not in text
    assert "kkkk" not in text


@pytest.mark.parametrize("where", ["case", "model", "name", "tool", "path"])
def test_a_key_is_masked_wherever_it_stands(lab: Lab, where: str) -> None:
    case = KEY if where == "case" else "t-1"
    model = KEY if where == "model" else "gpt-test"
    names = {KEY: 1} if where == "name" else {}
    tools = {"tools": [tool(KEY)]} if where == "tool" else {}
    url = f"https://x.example/{KEY}" if where == "path" else RESPONSES_URL
    tape = lab.run().tape(case)
    save(tape.label.cassette(model), [kept(chat_request("hello", model), case=case)])

    miss = missed(tape, chat_request("hello", model, **names, **tools), url=url)

    assert "kkkk" not in str(miss).replace(str(tape.label.cassette(model)), "")
    assert "kkkk" not in miss.headline + miss.place


def test_a_key_alone_makes_no_difference(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("use [masked key]", n=1))])

    text = told(lab.run().tape(), chat_request(f"use {KEY}", n=2))

    assert differences(text) == ["n  1 -> 2"]


def test_fields_that_name_the_caller_make_no_difference(lab: Lab) -> None:
    save(lab.path(), [kept(chat_request("hello", user="a", n=1))])

    text = told(lab.run().tape(), chat_request("hello", metadata={"b": 1}, n=2))

    assert differences(text) == ["n  1 -> 2"]


def test_control_sequences_of_models_and_prompts_are_shown_as_text(lab: Lab) -> None:
    red = "\x1b[31m\u202e"
    tape = lab.run().tape(red)
    asked = chat_request(f"{red}a", red, **{f"{red}b": 1}, tools=[tool(f"{red}x")])
    save(tape.label.cassette(red), [kept(asked, case=red, model=red)])
    other = chat_request(f"{red}c", red, **{f"{red}b": 2}, tools=[tool(f"{red}y")])
    other["messages"][0]["role"] = red

    text = told(tape, other)

    text = text[: text.index("mend")]  # pytest has escaped the id of a test already
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("\\x1b[31m") > 5


def test_every_line_but_paths_and_commands_fits_into_80_columns(lab: Lab) -> None:
    wide = "北京" * 200
    old = conversation(wide, "hello", **{f"{wide}p": 1}, tools=[tool(wide, n="string")])
    save(lab.path(), [kept(old, case=wide, model=wide)])
    new = conversation(wide + "x", "hello", **{f"{wide}p": wide}, tools=[tool(wide, n="null")])

    miss = missed(lab.run().tape(wide), new)

    lines = [miss.full.splitlines()[0], *miss.details.splitlines()]
    assert max(width(line) for line in lines if "cassettes/" not in line) <= 80
    assert width(miss.headline) <= HEADLINE_COLUMNS


@pytest.mark.parametrize("depth", [100, 250, 400, 2_000])
def test_bodies_of_any_depth_are_survived(lab: Lab, depth: int) -> None:
    save(lab.path("no-model"), [kept({"input": "x"})])
    body = b'{"input":' + b"[" * depth + b"]" * depth + b"}"

    assert missed(lab.run().tape(), None, body=body).kind == "prompt changed"


DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(DOCUMENTS, DOCUMENTS, st.sampled_from(["input", "messages", "tools", "stop", "multipart"]))
def test_any_two_requests_can_be_told_apart(lab: Lab, one: Any, two: Any, field: str) -> None:
    save(lab.path(), [kept({"model": "gpt-test", field: one})])

    miss = missed(lab.run().tape(), {"model": "gpt-test", field: two})

    assert str(miss).endswith("  mend      pytest --llm-record=new_episodes test_app.py::test_it")
    lines = str(miss).splitlines()[:-1]
    assert all(width(line) <= 80 for line in lines if "cassettes/" not in line)
    is_same = wire_request({field: one}).key == wire_request({field: two}).key
    assert (miss.kind == "one more call") == is_same
    assert miss.kind != "other key"
    assert len(differences(str(miss))) <= 20

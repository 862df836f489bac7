"""Places: where two bodies differ, in each provider's words."""

from typing import Any

import pytest
from missing import conversation, tool

from pytest_llmprod.wire.misses.places import ABSENT, differing_places, prompt_texts


def names(recorded: Any, sent: Any) -> list[str]:
    """Group, name and owner of each place in which two bodies differ."""
    return [
        f"{place.group}: {place.name}{f' ({place.whose})' if place.whose else ''}"
        for place in differing_places(recorded, sent)
    ]


def parts(*texts: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text} for text in texts]}


@pytest.mark.parametrize(
    ("recorded", "sent", "places"),
    [
        (
            conversation("be nice", "hello"),
            conversation("be kind", "hello"),
            ["prompt: messages[0].content (system)"],
        ),
        (
            {"messages": [parts("a", "b")]},
            {"messages": [parts("a", "c")]},
            ["prompt: messages[0].content[1].text (user)"],
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "x", "content": "42"}]},
            {"messages": [{"role": "tool", "tool_call_id": "x", "content": "43"}]},
            ["prompt: messages[0].content (tool)"],
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a"}}]}]},
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "b"}}]}]},
            ["prompt: messages[0].tool_calls[0].function.name (assistant)"],
        ),
        ({"input": "a"}, {"input": "b"}, ["prompt: input"]),
        ({"input": "a"}, {"input": ["a"]}, ["prompt: input"]),
        ({"instructions": "a"}, {"instructions": "b"}, ["prompt: instructions"]),
        (
            {"input": [{"type": "function_call_output", "output": "1"}]},
            {"input": [{"type": "function_call_output", "output": "2"}]},
            ["prompt: input[0].output (function_call_output)"],
        ),
        (
            {"system": [{"type": "text", "text": "a"}]},
            {"system": [{"type": "text", "text": "b"}]},
            ["prompt: system[0].text"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "1"}]}]},
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "2"}]}]},
            ["prompt: messages[0].content[0].content (user tool_result)"],
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": "a"}]}]},
            {"contents": [{"role": "user", "parts": [{"text": "b"}]}]},
            ["prompt: contents[0].parts[0].text (user)"],
        ),
        (
            {"systemInstruction": {"parts": [{"text": "a"}]}},
            {"systemInstruction": {"parts": [{"text": "b"}]}},
            ["prompt: systemInstruction.parts[0].text"],
        ),
        ({"model": "a"}, {"model": "b"}, ["model: model"]),
        ({"stream": False}, {"stream": True}, ["parameters: stream"]),
        (
            {"response_format": {"schema": {"required": ["a"]}}},
            {"response_format": {"schema": {"required": ["a", "b"]}}},
            ["parameters: response_format.schema.required[1]"],
        ),
        (
            {"generationConfig": {"topK": 1}},
            {"generationConfig": {"topK": 2}},
            ["parameters: generationConfig.topK"],
        ),
    ],
)
def test_each_place_has_a_name_and_a_group(recorded: Any, sent: Any, places: list[str]) -> None:
    assert names(recorded, sent) == places


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda tools: {"tools": tools},
        lambda tools: {"tools": [each["function"] for each in tools]},
        lambda tools: {"functions": [each["function"] for each in tools]},
        lambda tools: {"tools": [{"functionDeclarations": [each["function"] for each in tools]}]},
        lambda tools: {"toolConfig": {"tools": [{"toolSpec": each["function"]} for each in tools]}},
    ],
    ids=["chat", "responses", "functions", "gemini", "bedrock"],
)
def test_a_tool_is_found_by_its_name_wherever_it_stands(wrapped: Any) -> None:
    recorded = wrapped([tool("book", a="string"), tool("find", n="integer"), tool("old")])
    sent = wrapped([tool("new"), tool("find", n="string"), tool("book", a="string")])

    assert names(recorded, sent) == [
        "tools: tool new",
        "tools: tool find: parameters.properties.n.type",
        "tools: tool old",
    ]


def test_tools_that_the_provider_runs_are_found_by_their_type() -> None:
    recorded = {"tools": [{"type": "web_search"}, {"type": "files", "ids": ["a"]}]}
    sent = {"tools": [{"type": "files", "ids": ["b"]}, {"type": "web_search"}]}

    assert names(recorded, sent) == ["tools: tool files: ids[0]"]


@pytest.mark.parametrize("tools", [[1, 2], [tool("a"), tool("a", n="x")], [{"type": 5}], "none"])
def test_tools_without_names_of_their_own_are_compared_by_position(tools: Any) -> None:
    assert {
        place.group for place in differing_places({"tools": tools}, {"tools": [tool("b")]})
    } == {"tools"}


def test_model_prompt_tools_and_parameters_come_in_this_order() -> None:
    recorded = {"a": 1, "tools": [tool("x")], "messages": [], "model": "m"}
    sent = {"a": 2, "tools": [tool("y")], "messages": [parts("a")], "model": "n"}

    groups = [place.group for place in differing_places(recorded, sent)]

    assert groups == ["model", "prompt", "tools", "tools", "parameters"]


@pytest.mark.parametrize("field", ["messages", "input", "contents", "documents"])
def test_the_same_items_of_a_prompt_in_another_order_are_one_place(field: str) -> None:
    items = [parts("a"), parts("b", role="assistant")]

    (place,) = differing_places({field: items}, {field: items[::-1]})

    assert (place.group, place.name, place.is_reordered) == ("order", field, True)
    assert place.old == "[0] user: a\n[1] assistant: b"
    assert place.new == "[0] assistant: b\n[1] user: a"


def test_the_same_parts_of_a_message_in_another_order_are_one_place() -> None:
    (place,) = differing_places({"messages": [parts("a", "b")]}, {"messages": [parts("b", "a")]})

    assert (place.group, place.name) == ("order", "messages[0].content")


@pytest.mark.parametrize(
    ("field", "items", "group"),
    [("tools", [tool("a"), tool("b")], "tools"), ("stop", ["a", "b"], "parameters")],
)
def test_another_order_elsewhere_belongs_to_its_group(
    field: str, items: list[Any], group: str
) -> None:
    (place,) = differing_places({field: items}, {field: items[::-1]})

    assert (place.group, place.name, place.is_reordered) == (group, field, True)
    assert place.old == "[0] a\n[1] b"


def test_a_message_that_was_put_first_is_the_only_place() -> None:
    recorded = conversation("be nice", "hello", "hi")
    sent = {**recorded, "messages": [parts("hurry", role="developer"), *recorded["messages"]]}

    (place,) = differing_places(recorded, sent)

    assert (place.name, place.whose) == ("messages[0]", "developer")
    assert place.old is ABSENT


@pytest.mark.parametrize(
    ("old", "new"), [(1, 1.0), (1, True), (0, False), (None, False), ("1", 1), ([], {}), ("", None)]
)
def test_values_that_python_takes_for_equal_differ_where_their_json_does(
    old: Any, new: Any
) -> None:
    assert names({"n": old}, {"n": new}) == ["parameters: n"]


def test_the_order_of_fields_and_who_calls_make_no_difference() -> None:
    recorded = {"a": 1, "b": {"c": 2, "d": 3}, "user": "x"}
    sent = {"b": {"d": 3, "c": 2}, "a": 1, "metadata": {"y": 1}, "safety_identifier": "z"}

    assert names(recorded, sent) == []


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        (conversation("a", "b"), ["a", "b"]),
        ({"prompt": "a", "suffix": "b"}, ["a"]),
        ({"input": ["a", "b"]}, ["a", "b"]),
        ("plain", ["plain"]),
        ("", []),
        (None, []),
        ([1], []),
        ({"input": [1, 2]}, []),
    ],
)
def test_the_texts_of_a_prompt_come_in_the_order_of_the_body(
    document: Any, texts: list[str]
) -> None:
    assert prompt_texts(document) == texts


@pytest.mark.parametrize(
    ("recorded", "sent", "places"),
    [
        (
            {"model": "m", "temperature": 1, "n": 1},
            {"model": "m", "temperature": 1.0, "n": 2},
            ["parameters: n"],
        ),
        (
            {"generationConfig": {"topP": 1.0, "topK": 1}},
            {"generationConfig": {"topP": 1, "topK": 2}},
            ["parameters: generationConfig.topK"],
        ),
        ({"max_tokens": 1}, {"max_tokens": 1.0}, ["parameters: max_tokens"]),
        ({"top_p": 1.0}, {"top_p": 0.5}, ["parameters: top_p"]),
    ],
)
def test_one_is_one_where_a_key_takes_them_as_equal(
    recorded: Any, sent: Any, places: list[str]
) -> None:
    assert names(recorded, sent) == places


def agent(*calls: str, answered: tuple[str, ...] = (), **other: Any) -> dict[str, Any]:
    """A conversation with a call of a tool for each id, and the answers in the same order."""
    turns: list[dict[str, Any]] = [{"role": "user", "content": "hello"}]
    for number, (call, answer) in enumerate(zip(calls, answered or calls, strict=True)):
        turns.append({"role": "assistant", "tool_calls": [{"id": call, "type": "function"}]})
        turns.append({"role": "tool", "tool_call_id": answer, "content": f"{number}"})
    return {"messages": turns, **other}


def test_ids_that_a_provider_made_up_are_no_difference() -> None:
    assert names(agent("call_1", n=1), agent("call_2", n=2)) == ["parameters: n"]


def test_an_id_that_belongs_to_another_call_is_a_difference() -> None:
    places = names(agent("a", "b"), agent("c", "d", answered=("d", "c")))

    assert places == [
        "prompt: messages[2].tool_call_id (tool)",
        "prompt: messages[4].tool_call_id (tool)",
    ]


def test_a_call_that_came_in_makes_no_difference_to_those_after_it() -> None:
    old, new = agent("b", "c"), agent("a", "b", "c")
    new["messages"][4:] = old["messages"][2:]

    assert names(old, new) == [
        "prompt: messages[1] (assistant)",
        "prompt: messages[2] (tool)",
    ]

"""Outputs of models: sound ones are accepted by pydantic, broken ones are broken as they say."""

import json
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis.errors import InvalidArgument
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from shrinking import SAME, seen, simplest

from pytest_llmprod.strategies.completions import (
    CHAT_KINDS,
    RESPONSE_KINDS,
    Completion,
    chat_completions,
    responses,
)
from pytest_llmprod.strategies.model_outputs import BROKEN_OUTPUTS, ModelOutput, model_outputs


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=8)]
    price: float = Field(ge=0, le=1000)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Decision(BaseModel):
    label: Literal["refund", "spam"]
    urgency: int = Field(ge=1, le=5)
    colour: Colour | None = None
    items: list[Item] = Field(default=[], max_length=2)
    note: str = Field(default="", alias="remark")


class Node(BaseModel):
    value: int
    next: "Node | None" = None


class Odd(BaseModel):
    day: date
    sum: Decimal
    code: str = Field(pattern=r"^[a-z]{2}[0-9]$")
    pair: tuple[int, str]
    table: dict[str, int]
    tags: set[Literal["a", "b"]]
    anything: Any
    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Odd":
        if self.low > self.high:
            raise ValueError("low is higher than high")
        return self


class Words(BaseModel):
    words: str = ""


class Nothing(BaseModel):
    pass


def takes(model: type[BaseModel], text: str) -> bool:
    try:
        model.model_validate_json(text)
    except ValidationError:
        return False
    return True


def with_set_sorted(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the items of `Odd.tags` sorted: how a set is written differs by process."""
    return {name: sorted(it) if name == "tags" else it for name, it in document.items()}


@pytest.mark.parametrize("model", [Decision, Item, Node, Odd, Nothing])
def test_a_sound_output_is_accepted(model: type[BaseModel]) -> None:
    @SAME
    @given(model_outputs(model))
    def accepted(output: ModelOutput) -> None:
        assert output.accepted
        assert output.broken == output.field == ""
        instance = model.model_validate_json(output.text)
        written = json.loads(instance.model_dump_json(by_alias=True))
        assert with_set_sorted(written) == with_set_sorted(output.document)

    accepted()


@SAME
@given(model_outputs(Decision, broken=True))
def test_pydantic_says_what_accepted_says(output: ModelOutput) -> None:
    assert output.accepted == takes(Decision, output.text)
    assert takes(Decision, json.dumps(output.document))
    assert output.broken in BROKEN_OUTPUTS


def test_every_way_to_break_it_comes() -> None:
    outputs = seen(model_outputs(Decision, broken=True), 300)

    assert {output.broken for output in outputs} == set(BROKEN_OUTPUTS)


def test_only_few_ways_are_accepted() -> None:
    accepted = {
        each.broken for each in seen(model_outputs(Decision, broken=True), 300) if each.accepted
    }

    assert accepted <= {"extra field", "duplicate keys", "NaN"}
    assert "extra field" in accepted


@SAME
@given(model_outputs(Decision, broken=["wrong type", "missing field", "enum outside"]))
def test_the_error_of_pydantic_is_about_the_field_that_is_named(output: ModelOutput) -> None:
    with pytest.raises(ValidationError) as caught:
        Decision.model_validate_json(output.text)

    assert len({error["loc"][0] for error in caught.value.errors()}) == 1
    assert output.field in caught.value.errors()[0]["loc"]


@SAME
@given(model_outputs(Decision, broken=["cut short", "fence", "prose around", "smart quotes"]))
def test_what_is_no_json_is_no_json(output: ModelOutput) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        json.loads(output.text)


def test_calls_of_tools_are_broken_as_they_say() -> None:
    unknown = seen(model_outputs(Decision, broken="hallucinated tool"), 50)
    broken = seen(model_outputs(Decision, broken="tool arguments"), 50)

    assert all(
        each.text == "" and takes(Decision, each.tool_calls[0].arguments) for each in unknown
    )
    assert "answer" not in {each.tool_calls[0].name for each in unknown}
    assert {each.tool_calls[0].name for each in broken} == {"answer"}
    for each in broken:
        with pytest.raises(ValueError, match=r".*"):
            json.loads(each.tool_calls[0].arguments)


def test_ways_that_the_fields_do_not_allow_are_left_out() -> None:
    kinds = {each.broken for each in seen(model_outputs(Words, broken=True), 200)}

    assert kinds == set(BROKEN_OUTPUTS) - {"enum outside", "NaN", "missing field"}
    with pytest.raises(InvalidArgument, match="Words has no field for that"):
        model_outputs(Words, broken="NaN")
    with pytest.raises(InvalidArgument, match="is no class of pydantic"):
        model_outputs(dict)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (False, '{"label": "refund", "urgency": 1, "colour": null, "items": [], "remark": ""}'),
        ("cut short", "{"),
        ("missing field", '{"urgency": 1, "colour": null, "items": [], "remark": ""}'),
        (
            "enum outside",
            '{"label": "other", "urgency": 1, "colour": null, "items": [], "remark": ""}',
        ),
    ],
)
def test_the_simplest_output_can_be_read(broken: bool | str, text: str) -> None:
    assert simplest(model_outputs(Decision, broken), lambda _: True).text == text


@SAME
@given(chat_completions())
def test_openai_reads_chat_completions(completion: Completion) -> None:
    read = ChatCompletion.model_validate(completion.body, strict=True)

    message = read.choices[0].message
    assert (message.content or "") == completion.text
    assert (message.refusal or "") == completion.refusal
    assert [call.function.arguments for call in message.tool_calls or []] == [
        call.arguments for call in completion.tool_calls
    ]
    assert completion.is_whole == (read.choices[0].finish_reason in ("stop", "tool_calls"))


@SAME
@given(responses())
def test_openai_reads_responses(completion: Completion) -> None:
    read = Response.model_validate(completion.body)

    assert read.output_text == completion.text
    assert completion.is_whole == (read.status == "completed")
    calls = [item.arguments for item in read.output if item.type == "function_call"]
    assert calls == [call.arguments for call in completion.tool_calls]


def test_every_kind_of_answer_comes() -> None:
    assert {each.kind for each in seen(chat_completions(), 300)} == set(CHAT_KINDS)
    assert {each.kind for each in seen(responses(), 300)} == set(RESPONSE_KINDS)


@SAME
@given(chat_completions(model_outputs(Decision, broken=True), kinds="answer"))
def test_an_answer_may_be_a_broken_output(completion: Completion) -> None:
    message = ChatCompletion.model_validate(completion.body).choices[0].message

    assert (message.content or "") == completion.text
    assert not (completion.text and completion.tool_calls)


def test_the_simplest_completion_is_a_short_answer() -> None:
    found = simplest(chat_completions(), lambda _: True)

    assert (found.kind, found.text) == ("answer", "yes")

"""Verification: live answers are compared with the recordings of the questions that they answer."""

import re
from dataclasses import replace

from samples import recording

from pytest_llmprod.wire.comparing.verification import LiveAnswer, verify
from pytest_llmprod.wire.dialects import Answer, Dialect
from pytest_llmprod.wire.recording import Recording

GATEWAY = Dialect(
    provider="acme",
    operation="generate",
    path=re.compile(r"/models/(?P<model>[^/]+)/generate$"),
    read=lambda body: Answer(text=body["choices"][0]["message"]["content"]),
    read_stream=lambda events: Answer(),
)


def at_gateway(model: str, text: str) -> Recording:
    asked = {
        "method": "POST",
        "uri": f"https://llm.acme.example/models/{model}/generate",
        "headers": {},
        "body": {"json": {"prompt": "hello"}},
    }
    return recording(text, model=model, request=asked)


def test_another_model_is_compared_where_a_dialect_of_the_run_reads_its_name_in_the_url() -> None:
    live = LiveAnswer(asked="large", dialect=GATEWAY, recording=at_gateway("large", "hello"))

    (found,) = verify("test_it", [at_gateway("small", "hello")], [live])

    assert (found.likeness, found.before, found.now) == ("same", "small", "large")


def test_an_answer_whose_url_no_dialect_reads_is_compared_by_its_whole_url() -> None:
    live = LiveAnswer(asked="large", dialect=None, recording=at_gateway("large", "hello"))

    found = verify("test_it", [at_gateway("small", "hello")], [live])

    assert [each.likeness for each in found] == ["unrecorded", "unasked"]


def test_what_a_child_process_asked_is_not_missed() -> None:
    live = LiveAnswer(asked="large", dialect=GATEWAY, recording=at_gateway("large", "hello"))
    of_child = replace(at_gateway("large", "again"), in_child=True)

    found = verify("test_it", [live.recording, of_child], [live])

    assert [each.likeness for each in found] == ["same"]

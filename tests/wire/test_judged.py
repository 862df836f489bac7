"""Judged: for the outputs of which models a judge was asked."""

from typing import TYPE_CHECKING

import httpx2
from lab import Lab
from replies import says, streams
from samples import chat_request
from server import Server

from pytest_llmprod.core.judging import judging
from pytest_llmprod.wire.key import names_of

if TYPE_CHECKING:
    from pytest_llmprod.wire.rules import RecordMode


def test_the_names_of_models_are_one_text_in_whatever_order() -> None:
    assert names_of(["b", "a", "b"]) == "a.b"


def test_a_judge_is_asked_about_a_model_whose_answer_is_still_on_its_way(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    wire.reply = lambda body: (
        says("yes") if body["model"] == "gpt-judge" else streams(["a", "b", "c"])
    )
    modes: tuple[RecordMode, ...] = ("once", "none")

    for mode in modes:
        with (
            lab.test(mode) as tape,
            http.stream("POST", wire.chat_url, json=chat_request("hi")) as response,
        ):
            pieces = response.iter_raw()
            next(pieces)  # and it goes on
            assert tape.mode == "none" or not tape.exchanges
            with judging():
                http.post(wire.chat_url, json=chat_request("polite?", model="gpt-judge"))

        assert [each.model_requested for each in tape.judged] == ["gpt-judge"]

    assert lab.path("gpt-test.judge.gpt-judge").exists()
    assert not lab.path("judge.gpt-judge").exists()

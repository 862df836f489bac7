"""Forms: an upload is known by its texts and its files."""

import json
from typing import Any

import httpx2
import pytest
from lab import Lab
from replies import Reply
from samples import upload, wire_request
from server import Server

from pytest_llmprod.wire.key import ModelChoice


def test_the_random_boundary_of_a_form_does_not_count() -> None:
    assert wire_request(**upload("abc")).key == wire_request(**upload("xyz")).key


@pytest.mark.parametrize(
    "other", [{"content": b"RIFF\r\n--other"}, {"model": "whisper-2"}], ids=["file", "text"]
)
def test_each_part_of_a_form_counts(other: dict[str, Any]) -> None:
    assert wire_request(**upload("abc")).key != wire_request(**upload("abc", **other)).key


def test_a_form_is_shown_with_its_texts_and_the_digests_of_its_files() -> None:
    model, file = wire_request(**upload("abc")).document["multipart"]

    assert model == {"name": "model", "text": "whisper-1"}
    assert file["filename"] == "a.wav"
    assert file["content_type"] == "audio/wav"
    assert file["content"].endswith(" (13 bytes)")


def test_the_model_of_a_form_is_swapped() -> None:
    choice = ModelChoice(swaps={"whisper-1": "whisper-large"})

    request = wire_request(**upload("abc"), choice=choice)

    assert request.model == "whisper-large"
    assert request.body == upload("abc", model="whisper-large")["body"]
    assert request.key == wire_request(**upload("abc", model="whisper-large")).key


def test_an_upload_with_another_boundary_replays(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    def send() -> Any:
        form = {"data": {"model": "whisper-1"}, "files": {"file": ("a.wav", b"\x00\xff" * 9)}}
        return http.post(f"{wire.url}/audio/transcriptions", **form).json()

    wire.reply = lambda body: Reply(json.dumps({"bytes": len(body)}).encode())

    with lab.test("once"):
        live = send()
    with lab.test("none"):
        again = send()

    assert again == live
    assert wire.hits == 1
    assert "\\u0000" not in lab.written()

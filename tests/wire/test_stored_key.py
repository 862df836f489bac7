"""The key of a request as a cassette stores it."""

from typing import Any

from samples import chat_request, wire_request

from pytest_llmprod.wire.key import stored_key

CHAT = "https://api.openai.com/v1/chat/completions"


def stored(document: Any, uri: str = CHAT, method: str = "POST") -> dict[str, Any]:
    return {
        "method": method,
        "uri": uri,
        "body": {"json": document},
        "headers": {"content-type": "application/json"},
    }


def test_a_stored_request_has_the_key_of_the_one_that_was_sent() -> None:
    document = chat_request("hello", temperature=0.5)

    assert stored_key(stored(document)) == wire_request(document).key


def test_the_place_the_method_and_the_body_of_a_stored_request_count() -> None:
    document = chat_request("hello")
    elsewhere = "https://example.test/v1/unknown"

    keys = {
        stored_key(stored(document)),
        stored_key(stored(chat_request("goodbye"))),
        stored_key(stored(document, uri=elsewhere)),
        stored_key(stored(document, uri=elsewhere, method="PUT")),
    }

    assert len(keys) == 4


def test_a_stored_request_without_scanners_counts_what_is_masked_elsewhere() -> None:
    secret = chat_request("sk-proj-" + "a1B2" * 10)
    other = chat_request("sk-proj-" + "c3D4" * 10)

    assert stored_key(stored(secret)) == stored_key(stored(other))
    assert stored_key(stored(secret), scanners=()) != stored_key(stored(other), scanners=())


def test_a_stored_request_without_dialects_is_known_by_its_url() -> None:
    document = chat_request("hello")
    deeper = CHAT + "?beta=1"

    assert stored_key(stored(document)) == stored_key(stored(document, uri=deeper))
    assert stored_key(stored(document), dialects=()) != stored_key(
        stored(document, uri=deeper), dialects=()
    )


def test_the_boundary_that_a_stored_form_names_does_not_count() -> None:
    def form(boundary: str) -> dict[str, Any]:
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        return {
            "method": "POST",
            "uri": "https://api.openai.com/v1/audio/transcriptions",
            "body": {"text": f"{part}--{boundary}--\r\n"},
            "headers": {"content-type": [f"multipart/form-data; boundary={boundary}"]},
        }

    assert stored_key(form("one")) == stored_key(form("two"))

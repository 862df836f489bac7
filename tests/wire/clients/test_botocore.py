"""Botocore: AWS's client, which sends through urllib3, against a real server."""

import json
from collections.abc import Callable
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session
import pytest
import requests
from lab import Lab, Reply, Server


def bedrock(url: str) -> Any:
    """Return a client of AWS that asks our server."""
    return botocore.session.get_session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIA0123456789ABCDEF",
        aws_secret_access_key="no-secret-of-anybody",
        config=botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False),
    )


def converse(url: str) -> Any:
    answer = bedrock(url).converse(
        modelId="amazon.nova", messages=[{"role": "user", "content": [{"text": "hello"}]}]
    )
    return answer["output"], answer["usage"]


def invoke_model(url: str) -> Any:
    answer = bedrock(url).invoke_model(modelId="amazon.nova", body=b'{"prompt": "hello"}')
    return json.loads(answer["body"].read())


@pytest.mark.parametrize("call", [converse, invoke_model], ids=lambda call: call.__name__)
def test_botocore_is_recorded_and_replayed(
    lab: Lab, wire: Server, call: Callable[[str], Any]
) -> None:
    message = {"role": "assistant", "content": [{"text": "hi"}]}
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
    document = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
    wire.reply = lambda body: Reply(json.dumps(document).encode())

    with lab.test("once"):
        live = call(wire.url)
    with lab.test("none") as tape:
        again = call(wire.url)

    assert again == live
    assert wire.hits == 1
    assert len(tape.exchanges) == 1
    assert "AKIA" not in lab.written()


def test_an_event_stream_of_aws_is_replayed_byte_for_byte(lab: Lab, wire: Server) -> None:
    pieces = [bytes(range(256)), b"\xff\x00" * 40_000]
    wire.reply = lambda body: Reply(pieces, kind="application/vnd.amazon.eventstream")
    url = f"{wire.url}/model/amazon.nova/converse-stream"

    with lab.test("once"):
        requests.post(url, data=b"{}", timeout=5)
    with lab.test("none"):
        again = requests.post(url, data=b"{}", timeout=5).content

    assert again == b"".join(pieces)


def test_botocore_meets_the_same_refused_connection_again(lab: Lab, nobody: str) -> None:
    def ask() -> str:
        with pytest.raises(botocore.exceptions.EndpointConnectionError) as caught:
            converse(nobody)
        return str(caught.value)

    with lab.test("once"):
        live = ask()
    with lab.test("none"):
        again = ask()

    assert again == live


def test_a_miss_is_remembered_although_botocore_wraps_it(lab: Lab, wire: Server) -> None:
    with (
        lab.test("none") as tape,
        pytest.raises(botocore.exceptions.HTTPClientError, match="No recording: no cassette"),
    ):
        converse(wire.url)

    assert wire.hits == 0
    assert len(tape.misses) == 1

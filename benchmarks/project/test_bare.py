"""The yardstick: an item for each case, answered in memory without a plugin."""

import httpx2
import openai
import pytest
from feature import ask, cases
from model import completion


def respond(request):
    return httpx2.Response(
        200, content=completion(request.content), headers={"content-type": "application/json"}
    )


CLIENT = openai.OpenAI(
    base_url="http://127.0.0.1:8765/v1",  # as in the other projects: httpx parses it more slowly
    api_key="no-secret",
    http_client=httpx2.Client(transport=httpx2.MockTransport(respond)),
)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_sum(case):
    assert ask(CLIENT, case["input"]) == case["expected"]

"""Unknown model: what providers answer where a model is asked that they do not have."""

import json
from pathlib import Path
from typing import Any

import pytest
from corpora import CASSETTES, body_of, interactions_in, needs

from pytest_llmprod.wire.dialects.unknown_model import is_of_unknown_model


def error(**members: Any) -> dict[str, Any]:
    return {"error": members}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, error(message="The model `x` does not exist", code="model_not_found", param=None)),
        (400, error(message="does not exist.", code="model_not_found", param="model")),
        (404, error(message="This is not a chat model", code=None, param="model")),
        (404, error(type="invalid_request_error", code="DeploymentNotFound")),
        (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}),
        (404, error(code=404, status="NOT_FOUND", message="models/x is not found")),
        (404, {"object": "error", "message": "The model `x` does not exist.", "code": 404}),
        (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model"}),
        (400, {"message": "The provided model identifier is invalid."}),
        (400, error(message="x is not a valid model ID", code=400)),
        (400, error(message="Model Not Exist", code="invalid_request_error")),
        (404, "<html>Not Found</html>"),
        (404, None),
    ],
)
def test_a_model_that_is_not_there_is_known_by_the_answer(status: int, body: Any) -> None:
    assert is_of_unknown_model(status, body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"choices": []}),
        (400, error(message="too long", code="context_length_exceeded", param="messages")),
        (400, error(message="not supported with this model", param="temperature")),
        (404, error(message="No response with id x", param="previous_response_id")),
        (429, error(message="rate limit", code="rate_limit_exceeded", param=None)),
        (401, error(message="Incorrect API key", code="invalid_api_key", param=None)),
        (500, error(message="model not exist")),
        (400, None),
        (400, [{"error": {"param": "model"}}]),
    ],
)
def test_other_refusals_say_nothing_of_the_model(status: int, body: Any) -> None:
    assert not is_of_unknown_model(status, body)


def refusals() -> list[tuple[Path, int, Any]]:
    """The answers with status 404 in real cassettes."""
    found = []
    for path in sorted(CASSETTES.rglob("*.yaml")):
        if "code: 404" in path.read_text(encoding="utf-8"):
            for each in interactions_in(path):
                status = each["response"]["status"]["code"]
                if status == 404:
                    found.append((path, status, json.loads(body_of(each["response"]))))
    return found


@needs(CASSETTES)
def test_every_real_404_is_of_a_model_that_is_not_there() -> None:
    found = refusals()

    assert len(found) > 5
    assert [path for path, *answer in found if not is_of_unknown_model(*answer)] == []

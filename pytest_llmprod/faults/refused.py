"""Refused: the faults that come as an HTTP status with an error body."""

import json
from collections.abc import Mapping

from pytest_llmprod.core.fault_names import Group
from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.fault import Fault, Turns
from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.http_answer import JSON, body_answer

_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_ANTHROPIC_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
#: When a retry is allowed again, long after any test.
_FAR_DATE = "Thu, 31 Dec 2099 23:59:59 GMT"


def error_body(
    asked: Asked, status: int, *, message: str, kind: str = "", code: str | None = None
) -> bytes:
    """Return the body of an error as the provider that is asked writes it."""
    if asked.api == "messages":
        kind = _ANTHROPIC_TYPES.get(status, "api_error")
        error = {"type": "error", "error": {"type": kind, "message": message}}
        return json.dumps(error).encode()
    kind = kind or "invalid_request_error"
    return json.dumps(
        {"error": {"message": message, "type": kind, "param": None, "code": code}}
    ).encode()


def _status(
    name: str,
    group: Group,
    status: int,
    message: str,
    *,
    raises: str,
    requests: int = 1,
    kind: str = "",
    code: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    retryable: bool = False,
    body: bytes | None = None,
    turns: Turns = "always",
    words: tuple[str, ...] = (),
) -> Fault:
    def build(asked: Asked, good: Good) -> WireAnswer:
        shown = message.format(model=asked.model or "the model")
        if body is not None:
            is_page = body.startswith(b"<")
            own = (("content-type", "text/html" if is_page else "text/plain"), *headers)
            return body_answer(body, status, own)
        content = error_body(asked, status, message=shown, kind=kind, code=code)
        return body_answer(content, status, (JSON, *headers))

    named = (str(status), *((code,) if code else ()), *((kind,) if kind else ()), *words)
    return Fault(
        name=name,
        group=group,
        what=f"HTTP {status}: {message.format(model='the model')}",
        build=build,
        retryable=retryable,
        billable=False,
        raises=raises,
        requests=requests,
        turns=turns,
        words=named,
    )


def _limited(name: str, message: str, *headers: tuple[str, str], requests: int = 3) -> Fault:
    return _status(
        name,
        "limit",
        429,
        message,
        raises="RateLimitError",
        requests=requests,
        kind="tokens" if "tokens" in name else "requests",
        code="rate_limit_exceeded",
        headers=headers,
        retryable=True,
    )


def _redirect(asked: Asked, good: Good) -> WireAnswer:
    return WireAnswer(status=307, headers=(("location", asked.url),))


def _quota(name: str, *headers: tuple[str, str], requests: int) -> Fault:
    return _status(
        name,
        "limit",
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        raises="RateLimitError",
        requests=requests,
        kind="insufficient_quota",
        code="insufficient_quota",
        headers=headers,
    )


def _failing(
    name: str,
    status: int,
    message: str,
    *headers: tuple[str, str],
    body: bytes | None = None,
    code: str | None = None,
) -> Fault:
    return _status(
        name,
        "outage",
        status,
        message,
        raises="InternalServerError",
        requests=3,
        kind="server_error",
        code=code,
        headers=headers,
        retryable=True,
        body=body,
    )


def _bad_request(name: str, group: Group, message: str, code: str) -> Fault:
    return _status(name, group, 400, message, raises="BadRequestError", code=code)


def _filtered(asked: Asked, good: Good) -> WireAnswer:
    """Return Azure's refusal of a prompt, which says which of its filters was met."""
    if asked.api == "messages":
        body = error_body(asked, 400, message="Output blocked by content filtering policy")
        return body_answer(body, 400)
    found = {"hate": {"filtered": False}, "violence": {"filtered": True, "severity": "high"}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    message = "The response was filtered due to the prompt triggering a content policy."
    error = {"message": message, "type": None, "param": "prompt", "code": "content_filter"}
    document = {"error": {**error, "status": 400, "innererror": inner}}
    return body_answer(json.dumps(document).encode(), 400)


REFUSED: tuple[Fault, ...] = (
    _bad_request(
        "context-too-long",
        "limit",
        "This model's maximum context length is 128000 tokens. Your messages are longer.",
        "context_length_exceeded",
    ),
    _bad_request(
        "unsupported-parameter",
        "retired",
        "Unsupported parameter: 'temperature' is not supported with {model}.",
        "unsupported_parameter",
    ),
    _bad_request(
        "invalid-prompt",
        "policy",
        "Invalid prompt: your prompt was flagged as violating the usage policy.",
        "invalid_prompt",
    ),
    Fault(
        name="prompt-filtered",
        group="policy",
        what="HTTP 400: the provider's filter refuses the prompt",
        build=_filtered,
        retryable=False,
        billable=False,
        raises="BadRequestError",
        words=("400", "content_filter"),
    ),
    _status(
        "invalid-key",
        "outage",
        401,
        "Incorrect API key provided.",
        raises="AuthenticationError",
        code="invalid_api_key",
    ),
    _status(
        "key-revoked-meanwhile",
        "outage",
        401,
        "Incorrect API key provided.",
        raises="AuthenticationError",
        code="invalid_api_key",
        turns="after the first",
    ),
    _status(
        "country-not-supported",
        "policy",
        403,
        "Country, region, or territory not supported",
        raises="PermissionDeniedError",
        kind="request_forbidden",
        code="unsupported_country_region_territory",
    ),
    _status(
        "model-not-found",
        "retired",
        404,
        "The model `{model}` does not exist or you do not have access to it.",
        raises="NotFoundError",
        code="model_not_found",
    ),
    _status(
        "model-deprecated",
        "retired",
        404,
        "The model `{model}` has been deprecated, learn more in the list of deprecations.",
        raises="NotFoundError",
        code="model_not_found",
        headers=(("deprecation", "@1764547200"), ("sunset", "Mon, 01 Dec 2025 00:00:00 GMT")),
    ),
    _status("model-gone", "retired", 410, "{model} is gone.", raises="APIStatusError", code="gone"),
    _status(
        "request-too-large",
        "limit",
        413,
        "Request body is too large.",
        raises="APIStatusError",
        code="request_too_large",
    ),
    _status(
        "request-timeout-408",
        "slow",
        408,
        "Request timed out.",
        raises="APIStatusError",
        requests=3,
        retryable=True,
        words=("timed out", "timeout"),
    ),
    _status(
        "conflict",
        "outage",
        409,
        "Another request is in progress.",
        raises="ConflictError",
        requests=3,
        retryable=True,
    ),
    _status(
        "unprocessable",
        "policy",
        422,
        "Unprocessable entity.",
        raises="UnprocessableEntityError",
    ),
    _limited("rate-limit", "Rate limit reached for {model} on requests per min."),
    _limited("rate-limit-tokens", "Rate limit reached for {model} on tokens per min."),
    _limited("rate-limit-retry-after-7", "Try again in 7s.", ("retry-after", "7")),
    _limited("rate-limit-retry-after-ms", "Try again in 1.5s.", ("retry-after-ms", "1500")),
    _limited(
        "rate-limit-retry-after-121", "Try again in 2m1s.", ("retry-after", "121"), requests=1
    ),
    _limited(
        "rate-limit-retry-after-date", "Try again later.", ("retry-after", _FAR_DATE), requests=1
    ),
    _limited("rate-limit-retry-after-0", "Try again.", ("retry-after", "0")),
    _limited("rate-limit-retry-after-garbage", "Try again.", ("retry-after", "soon")),
    _status(
        "rate-limit-flapping",
        "limit",
        429,
        "Rate limit reached, in every other request.",
        raises="RateLimitError",
        requests=2,
        code="rate_limit_exceeded",
        retryable=True,
        turns="every other",
    ),
    _quota("quota", requests=3),
    _quota("quota-do-not-retry", ("x-should-retry", "false"), requests=1),
    _failing("server-error", 500, "The server had an error while processing your request."),
    _failing("server-error-empty", 500, "no body", body=b""),
    _failing("bad-gateway-html", 502, "a page of HTML", body=_HTML),
    _failing("overloaded", 503, "The engine is overloaded.", code="slow_down"),
    _failing(
        "overloaded-retry-after-20",
        503,
        "The engine is overloaded, come back in 20 s.",
        ("retry-after", "20"),
        code="slow_down",
    ),
    _failing("gateway-timeout-text", 504, "plain text", body=b"upstream request timeout"),
    _failing("overloaded-529", 529, "Overloaded"),
    Fault(
        name="redirect-loop",
        group="outage",
        what="HTTP 307 to itself, for ever",
        build=_redirect,
        retryable=True,
        billable=False,
        raises="APIConnectionError",
        requests=63,
        words=("307", "redirect"),
    ),
)

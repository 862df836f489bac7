"""Foreign: cassettes that vcrpy or pytest-recording wrote, read as recordings of ours.

vcrpy keeps no times, so latencies of such recordings are 0 and the moment of recording is unknown.
"""

from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.dialects import BUILT_IN, Answer, Dialect, find_dialect, read_plain
from pytest_llmprod.wire.recording import Recording


def load(path: Path) -> list[Recording]:
    """Read the vcrpy cassette at `path`, in YAML or JSON by the ending of its name.

    Raises CassetteError where vcrpy cannot read it.
    """
    # vcrpy imports every HTTP library that it can patch: only who reads its files pays for that.
    from vcr.serialize import deserialize
    from vcr.serializers import jsonserializer, yamlserializer

    serializer = jsonserializer if path.suffix == ".json" else yamlserializer
    try:
        requests, responses, *_ = deserialize(path.read_text(encoding="utf-8"), serializer)
        return [
            _recording(request, response)
            for request, response in zip(requests, responses, strict=True)
        ]
    except Exception as error:  # a file of strangers: vcrpy raises whatever its parsers raise
        raise CassetteError(
            f"{path}: is no cassette that vcrpy can read ({type(error).__name__}: {error}). Record "
            f"it again with the tool that wrote it."
        ) from error


def _recording(request: Any, response: dict[str, Any]) -> Recording:
    from vcr.filters import decode_response  # see load()

    plain = decode_response(response)
    headers = [(name, value) for name, values in plain["headers"].items() for value in values]
    content: bytes = plain["body"]["string"] or b""
    dialect = find_dialect(BUILT_IN, request.uri)
    body, answer = _body(dialect, headers, content)
    asked = request.body or b""
    return Recording(
        case="",
        key="",
        recorded_at="",
        latency_s=0.0,
        ttft_s=None,
        model=answer.model,
        usage=answer.usage,
        attempt=1,
        complete=True,
        request={
            "method": request.method,
            "uri": masking.mask_url(request.uri, masking.BUILT_IN),
            "headers": {},
            "body": bodies.encode_body(asked if isinstance(asked, bytes) else str(asked).encode()),
        },
        response={
            "status": plain["status"],
            "headers": masking.kept_headers(headers, masking.RESPONSE_HEADERS),
            "body": body,
        },
    )


def _body(
    dialect: Dialect | None, headers: list[tuple[str, str]], content: bytes
) -> tuple[dict[str, Any], Answer]:
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if not kind.startswith("text/event-stream"):
        body = bodies.encode_body(content)
        return body, read_plain(dialect, body)
    events = bodies.parse_events([(0.0, content)])
    answer = Answer()
    if dialect is not None:
        answer = dialect.read_stream([event.data for event in events if event.is_json])
    return bodies.encode_stream(events, answer.text), answer

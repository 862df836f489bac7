"""Export: recordings of ours as a cassette that stock vcrpy replays."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.wire import bodies
from pytest_llmprod.wire.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A cassette for vcrpy, in YAML, and the recordings that cannot be expressed in it."""

    text: str
    left_out: tuple[Recording, ...]


def export(recordings: Iterable[Recording]) -> Export:
    """Return `recordings` in vcrpy's format 1, in the order given.

    vcrpy knows neither times nor sections, and a stream is one body there. A recording that tells
    how the wire failed is left out: vcrpy can raise no error of the wire. Masked secrets stay
    masked, so that a URL with a key in its query matches only where vcrpy does not match on it.
    """
    # vcrpy imports every HTTP library that it can patch: only who exports pays for that.
    from vcr.serialize import serialize
    from vcr.serializers import yamlserializer

    given = list(recordings)
    told = [recording for recording in given if recording.failure is None]
    cassette = {
        "requests": [_request(recording) for recording in told],
        "responses": [_response(recording) for recording in told],
    }
    left_out = tuple(recording for recording in given if recording.failure is not None)
    return Export(text=str(serialize(cassette, yamlserializer)), left_out=left_out)


def _request(recording: Recording) -> Any:
    from vcr.request import Request  # see export()

    asked = recording.request
    return Request(
        asked["method"], asked["uri"], bodies.decode_body(asked["body"]), asked["headers"]
    )


def _response(recording: Recording) -> dict[str, Any]:
    stored = recording.response
    body = stored["body"]
    if "stream" in body:
        content = b"".join(piece for _, piece in bodies.decode_stream(body))
    else:
        content = bodies.decode_body(body)
    code, reason = stored["status"]["code"], stored["status"]["message"]
    return {
        # vcrpy sends the reason in ASCII, and lets httpx find one where there is none.
        "status": {"code": code, "message": reason if reason.isascii() else ""},
        "headers": {name: list(values) for name, values in stored["headers"].items()},
        "body": {"string": content},
    }

"""Foreign: cassettes that vcrpy or pytest-recording wrote, read as recordings of ours.

vcrpy keeps no times. The moment of recording is taken from the header `date` of the answer, and
the latency of a plain answer from the time that the provider says it took. What neither tells is
empty or 0.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import bodies, masking
from pytest_llmprod.wire.cassettes import vcrpy_file
from pytest_llmprod.wire.cassettes.cassette_file import Rekey, unreadable
from pytest_llmprod.wire.cassettes.codings import codings, decompress
from pytest_llmprod.wire.cassettes.vcrpy_file import Interaction
from pytest_llmprod.wire.dialects import BUILT_IN, Answer, Dialect, find_dialect, read_plain
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import Recording, asked_model
from pytest_llmprod.wire.scanners.known_secrets import request_scanners

# In milliseconds, and a little less than the client waited.
_PROCESSING_HEADERS = (
    "openai-processing-ms",
    "x-amzn-bedrock-invocation-latency",
    "x-envoy-upstream-service-time",
)


def load(
    path: Path,
    rekey: Rekey = stored_key,
    dialects: Sequence[Dialect] = BUILT_IN,
    scanners: Sequence[Scanner] = masking.BUILT_IN,
    known: Sequence[Scanner] | None = None,
) -> list[Recording]:
    """Read the vcrpy cassette at `path`, in YAML or JSON by the ending of its name.

    `rekey` gives the key of a stored request, `dialects` read the answers, and what `scanners` find
    is masked. Where the recordings are to be stored, `known` has scanners for the secrets of this
    machine: what they find, and what authenticated each request, is then masked as in a recording
    that we make. Raises CassetteError where the file cannot be read.
    """
    try:
        return [
            as_recording(each, rekey, dialects, scanners, known) for each in vcrpy_file.read(path)
        ]
    except CassetteError as error:
        raise CassetteError(f"{path}: {error}") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # a file of strangers: vcrpy raises whatever its parsers raise
        raise CassetteError(
            f"{path}: is no cassette that vcrpy can read ({type(error).__name__}: {error}). Name a "
            f"cassette, a file under cassettes/, or record this one again with the tool that wrote "
            f"it."
        ) from error


def as_recording(
    read: Interaction,
    rekey: Rekey = stored_key,
    dialects: Sequence[Dialect] = BUILT_IN,
    scanners: Sequence[Scanner] = masking.BUILT_IN,
    known: Sequence[Scanner] | None = None,
) -> Recording:
    """Return an interaction as a recording of ours, of no case; `load` says what the others are.

    Raises CassetteError where a secret cannot be masked.
    """
    request = _stored_request(read, scanners)
    key = rekey(request)
    if known is not None:  # these decide about no key: they are of this machine
        own = request_scanners(read.request_headers, read.uri)
        scanners = [*scanners, *known, *own, find_encoded]
        request = _stored_request(read, scanners)
    dialect = find_dialect(dialects, read.uri)
    body, answer, latency_s = _stored_body(read, dialect, scanners)
    recording = Recording(
        case="",
        key=key,
        recorded_at=_recorded_at(_header(read, "date")),
        latency_s=latency_s,
        ttft_s=None,
        model=answer.model,
        usage=answer.usage,
        attempt=1,
        complete=True,
        request=request,
        response={
            "status": {"code": read.code, "message": masking.mask(read.reason, scanners)},
            "headers": masking.kept_headers(read.headers, masking.RESPONSE_HEADERS, scanners),
            "body": body,
        },
    )
    return recording if answer.model else replace(recording, model=asked_model(recording, dialects))


def _stored_request(read: Interaction, scanners: Sequence[Scanner]) -> dict[str, Any]:
    content = decompress(read.request_body, codings(read.request_headers))
    return {
        "method": read.method,
        "uri": masking.mask_url(read.uri, scanners),
        "headers": masking.kept_headers(read.request_headers, masking.REQUEST_HEADERS, scanners),
        "body": bodies.encode_body(masking.mask_body(content, scanners)),
    }


def _stored_body(
    read: Interaction, dialect: Dialect | None, scanners: Sequence[Scanner]
) -> tuple[dict[str, Any], Answer, float]:
    """Return the body of the answer as it is stored, what it says, and its latency in seconds."""
    content = decompress(read.body, codings(read.headers))
    parsed = bodies.read_stream(_header(read, "content-type"), [(0.0, content)])
    if parsed is None:
        body = bodies.encode_body(masking.mask_body(content, scanners))
        return body, read_plain(dialect, body), _processing_s(read)
    events = masking.mask_events(parsed, scanners)
    answer = Answer()
    if dialect is not None:
        answer = dialect.read_stream([event.data for event in events if event.is_json])
    masking.refuse_secrets([answer.text], scanners)
    # Of a stream the provider tells when it began, not when it was done.
    return bodies.encode_stream(events, answer.text), answer, 0.0


def _header(read: Interaction, wanted: str) -> str:
    return next((value for name, value in read.headers if name.lower() == wanted), "")


def _processing_s(read: Interaction) -> float:
    told = [_header(read, name) for name in _PROCESSING_HEADERS]
    return max((int(value) / 1000 for value in told if value.isdecimal()), default=0.0)


def _recorded_at(date: str) -> str:
    try:
        moment = parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

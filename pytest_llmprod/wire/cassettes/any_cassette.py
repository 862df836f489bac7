"""Any cassette: what is in a file with recordings, whoever wrote it?"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import dialects, masking
from pytest_llmprod.wire.bodies import decode_document, decode_stream
from pytest_llmprod.wire.cassettes import cassette_file, foreign
from pytest_llmprod.wire.cassettes.cassette_file import unreadable
from pytest_llmprod.wire.dialects import BUILT_IN, Dialect, find_dialect
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import Recording


def read(
    path: Path,
    scanners: Sequence[Scanner] = masking.BUILT_IN,
    known: Sequence[Scanner] | None = None,
) -> list[Recording]:
    """Return the recordings of a cassette of ours or of vcrpy's, in file order.

    What `scanners` find in one of vcrpy's is masked, and where its recordings are to be stored also
    what `known` find and what authenticated each request; ours are masked already. Raises
    CassetteError where there is no such file, or where a recording cannot be understood.
    """
    if not path.is_file():
        raise CassetteError(
            f"{path}: there is no such file. Name a cassette, a file under cassettes/."
        )
    if is_ours(path):
        recordings = cassette_file.load(path).all()
    else:
        recordings = foreign.load(path, scanners=scanners, known=known)
    for recording in recordings:
        try:
            _understand(recording)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CassetteError(
                f"{path}: the recording of case {recording.case!r} cannot be understood "
                f"({type(error).__name__}: {error}). Restore the file from version control, or "
                f"delete it and record it again with --llm-record=once."
            ) from error
    return recordings


def _understand(recording: Recording) -> None:
    """Raise KeyError, TypeError, ValueError or AttributeError where a part has another shape."""
    request, body = recording.request, recording.response["body"]
    texts = (recording.case, recording.model, recording.recorded_at, request["method"])
    for text in (*texts, request["uri"]):
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
    for number in (recording.attempt, recording.ttft_s or 0):
        if not isinstance(number, int | float):
            raise TypeError(f"{number!r} is no number")
    urlsplit(request["uri"])
    decode_document(request["body"])
    recording.status  # noqa: B018  # raises where it is no number
    if "stream" in body:
        decode_stream(body)
    else:
        decode_document(body)


def is_ours(path: Path) -> bool:
    """Say whether `path` is to be read as a cassette of ours: JSON that is not vcrpy's."""
    if path.suffix != ".json":
        return False
    content = read_bytes(path)
    return b'"llmprod"' in content or b'"interactions"' not in content


def read_bytes(path: Path) -> bytes:
    """Return what is in a file; raise CassetteError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def dialect_of(recording: Recording) -> Dialect | None:
    """Return the dialect that reads `recording`, or None where none of the built-in ones does."""
    return find_dialect(BUILT_IN, recording.request["uri"])


def provider_of(recording: Recording) -> str:
    """Return the name of the provider, or the host where no dialect knows it."""
    url = recording.request["uri"]
    dialect = dialect_of(recording)
    return dialects.provider_of(dialect, url) if dialect else urlsplit(url).netloc


def operation_of(recording: Recording) -> str:
    """Return the name of the operation, or the path where no dialect knows it."""
    dialect = dialect_of(recording)
    return dialect.operation if dialect else urlsplit(recording.request["uri"]).path

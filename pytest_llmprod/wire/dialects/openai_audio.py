"""OpenAI audio: transcriptions and translations of speech, plain and streamed."""

from collections.abc import Mapping, Sequence

from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, mappings, text
from pytest_llmprod.wire.dialects.openai_usage import read_usage


def read_transcription(body: Mapping[str, Json]) -> Answer:
    """Read a transcription. It names no model; one that is billed by the second has no usage."""
    return Answer(usage=read_usage(body.get("usage")), text=text(body.get("text")))


def read_transcription_stream(events: Sequence[Json]) -> Answer:
    """Read the events of a streamed transcription; the last one holds the whole text again."""
    pieces: list[str] = []
    whole = ""
    usage = None
    for event in mappings(events):
        usage = read_usage(event.get("usage")) or usage
        whole = text(event.get("text")) or whole
        pieces.append(text(event.get("delta")))
    return Answer(usage=usage, text=whole or "".join(pieces))

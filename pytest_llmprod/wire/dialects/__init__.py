"""Dialects: how each provider's requests and answers are read.

A dialect is a row of data with two small functions. The built-in rows stand in `table`; others come
in through the hook `pytest_llmprod_dialects`.
"""

from collections.abc import Mapping

from pytest_llmprod.wire.bodies import join_lines, join_text
from pytest_llmprod.wire.dialects.anthropic_messages import read_messages, read_messages_stream
from pytest_llmprod.wire.dialects.bedrock import read_converse, read_invoke
from pytest_llmprod.wire.dialects.dialect import Answer, Dialect, Reader, StreamReader
from pytest_llmprod.wire.dialects.gemini import read_gemini, read_gemini_stream
from pytest_llmprod.wire.dialects.loose import Json
from pytest_llmprod.wire.dialects.openai_audio import read_transcription, read_transcription_stream
from pytest_llmprod.wire.dialects.openai_chat import read_chat, read_chat_stream, read_embeddings
from pytest_llmprod.wire.dialects.openai_responses import read_responses, read_responses_stream
from pytest_llmprod.wire.dialects.openai_runs import read_run, read_run_stream
from pytest_llmprod.wire.dialects.request import (
    asked_model,
    asks_stream,
    find_dialect,
    provider_of,
    with_model,
)
from pytest_llmprod.wire.dialects.table import (
    BUILT_IN,
    CHAT,
    COMPLETIONS,
    CONVERSE,
    EMBEDDINGS,
    GEMINI,
    INVOKE,
    MESSAGES,
    RESPONSES,
    RUN,
    TRANSCRIPTION,
    VERTEX_MESSAGES,
)

__all__ = [
    "BUILT_IN",
    "CHAT",
    "COMPLETIONS",
    "CONVERSE",
    "EMBEDDINGS",
    "GEMINI",
    "INVOKE",
    "MESSAGES",
    "RESPONSES",
    "RUN",
    "TRANSCRIPTION",
    "VERTEX_MESSAGES",
    "Answer",
    "Dialect",
    "Json",
    "Reader",
    "StreamReader",
    "asked_model",
    "asks_stream",
    "find_dialect",
    "provider_of",
    "read_chat",
    "read_chat_stream",
    "read_converse",
    "read_document",
    "read_embeddings",
    "read_gemini",
    "read_gemini_stream",
    "read_invoke",
    "read_messages",
    "read_messages_stream",
    "read_plain",
    "read_responses",
    "read_responses_stream",
    "read_run",
    "read_run_stream",
    "read_transcription",
    "read_transcription_stream",
    "stored_text",
    "with_model",
]


def read_plain(dialect: Dialect | None, stored: Mapping[str, Json]) -> Answer:
    """Read the stored body of an answer that came as one document."""
    return read_document(dialect, join_lines(stored["json"])) if "json" in stored else Answer()


def read_document(dialect: Dialect | None, document: Json) -> Answer:
    """Read the JSON value of an answer that came as one document.

    A list is a stream that came as one: Google sends one where no server-sent events are asked for.
    """
    if dialect is None:
        return Answer()
    if isinstance(document, list):
        return dialect.read_stream(document)
    return dialect.read(document) if isinstance(document, dict) else Answer()


def stored_text(dialect: Dialect | None, stored: Mapping[str, Json]) -> str:
    """Return the text of a stored answer for a reader, streamed or not."""
    if "stream" in stored:
        return join_text(stored.get("text", ""))
    return read_plain(dialect, stored).text

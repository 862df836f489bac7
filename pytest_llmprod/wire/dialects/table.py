"""Table: the dialects that are built in, and how their URLs look."""

import re

from pytest_llmprod.wire.dialects.anthropic_messages import read_messages, read_messages_stream
from pytest_llmprod.wire.dialects.bedrock import read_converse, read_invoke
from pytest_llmprod.wire.dialects.dialect import Dialect, read_no_stream
from pytest_llmprod.wire.dialects.gemini import read_gemini, read_gemini_stream
from pytest_llmprod.wire.dialects.openai_audio import read_transcription, read_transcription_stream
from pytest_llmprod.wire.dialects.openai_chat import read_chat, read_chat_stream, read_embeddings
from pytest_llmprod.wire.dialects.openai_responses import read_responses, read_responses_stream
from pytest_llmprod.wire.dialects.openai_runs import read_run, read_run_stream

# What stands before names that other sites use for something else, `/forms/7/responses` for one:
# a version, or what hosts of OpenAI's wire have in its place. Azure names the model here.
_BASE = r"(?:^|/(?:v\d\w*|beta|inference|models|openai|deployments/(?P<model>[^/]+)))"

CHAT = Dialect(
    provider="openai",
    provider_by_host=True,
    operation="chat",
    path_suffix="/chat/completions",
    path=re.compile(r"(?:/deployments/(?P<model>[^/]+))?/chat/completions$"),
    read=read_chat,
    read_stream=read_chat_stream,
)
RESPONSES = Dialect(
    provider="openai",
    provider_by_host=True,
    operation="responses",
    path_suffix="/responses",
    path=re.compile(rf"{_BASE}/responses$"),
    read=read_responses,
    read_stream=read_responses_stream,
)
EMBEDDINGS = Dialect(
    provider="openai",
    provider_by_host=True,
    operation="embeddings",
    path_suffix="/embeddings",
    path=re.compile(rf"{_BASE}/embeddings$"),
    read=read_embeddings,
    read_stream=read_no_stream,
    generates=False,
)
COMPLETIONS = Dialect(
    provider="openai",
    provider_by_host=True,
    operation="completions",
    path_suffix="/completions",
    path=re.compile(rf"{_BASE}(?:/fim|/agents)?/completions$"),  # two of Mistral's are chats
    read=read_chat,
    read_stream=read_chat_stream,
)
TRANSCRIPTION = Dialect(
    provider="openai",
    provider_by_host=True,
    operation="transcription",
    path=re.compile(rf"{_BASE}/audio/(?:transcriptions|translations)$"),
    read=read_transcription,
    read_stream=read_transcription_stream,
    generates=False,
)
RUN = Dialect(
    provider="openai",
    provider_by_host=True,
    operation="run",
    path=re.compile(r"/(?:v1|openai)/threads(?:/[^/]+)?/runs(?:/[^/]+(?:/submit_tool_outputs)?)?$"),
    read=read_run,
    read_stream=read_run_stream,
    keyed_by_url=True,
)
MESSAGES = Dialect(
    provider="anthropic",
    provider_by_host=True,
    operation="messages",
    path_suffix="/v1/messages",
    read=read_messages,
    read_stream=read_messages_stream,
)
VERTEX_MESSAGES = Dialect(
    wire="anthropic",
    provider="google",
    operation="messages",
    path=re.compile(
        r"/publishers/anthropic/models/(?P<model>[^/:]+):(?:rawPredict|(?P<stream>streamRawPredict))$"
    ),
    read=read_messages,
    read_stream=read_messages_stream,
)
GEMINI = Dialect(
    wire="gemini",
    provider="google",
    operation="generate_content",
    path_suffix="enerateContent",
    path=re.compile(r"/(?P<model>[^/:]+):(?:generateContent|(?P<stream>streamGenerateContent))$"),
    read=read_gemini,
    read_stream=read_gemini_stream,
)
CONVERSE = Dialect(
    wire="bedrock",
    provider="aws",
    operation="converse",
    path=re.compile(r"/model/(?P<model>[^/]+)/converse(?P<stream>-stream)?$"),
    read=read_converse,
    read_stream=read_no_stream,
)
INVOKE = Dialect(
    wire="bedrock",
    provider="aws",
    operation="invoke",
    path=re.compile(r"/model/(?P<model>[^/]+)/invoke(?P<stream>-with-response-stream)?$"),
    read=read_invoke,
    read_stream=read_no_stream,
)

BUILT_IN: tuple[Dialect, ...] = (
    CHAT,
    RESPONSES,
    EMBEDDINGS,
    COMPLETIONS,
    TRANSCRIPTION,
    RUN,
    MESSAGES,
    VERTEX_MESSAGES,
    GEMINI,
    CONVERSE,
    INVOKE,
)

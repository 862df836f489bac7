"""Names: the keys of a log line.

Those of OpenTelemetry are written out here, because no package on PyPI has them: the conventions
for generative AI moved to a repository of their own (open-telemetry/semantic-conventions-genai),
are in development there, and had no release when these were read, on 2026-11-26. What they have no
name for begins with `llmprod.`.
"""

from typing import Final

TIMESTAMP: Final = "timestamp"
ID: Final = "llmprod.id"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL_ASKED: Final = "gen_ai.request.model"
STREAM: Final = "gen_ai.request.stream"
MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TTFT_S: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
#: Called `cache_creation` until 2026; logs of others still do.
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
INPUT_AUDIO_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
OUTPUT_AUDIO_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
STATUS: Final = "http.response.status_code"
ERROR: Final = "error.type"

TEST: Final = "llmprod.test"
CASE: Final = "llmprod.case"
REPEAT: Final = "llmprod.repeat"
FEATURE: Final = "llmprod.feature"
VERDICT: Final = "llmprod.verdict"
SCORES: Final = "llmprod.scores"
FINDINGS: Final = "llmprod.findings"
COST_USD: Final = "llmprod.cost.usd"
COST_STATUS: Final = "llmprod.cost.status"
LATENCY_S: Final = "llmprod.latency_s"
BACKOFF_S: Final = "llmprod.backoff_s"
CALL: Final = "llmprod.call"
ATTEMPT: Final = "llmprod.attempt"
REPLAYED: Final = "llmprod.replayed"
RECORDED_AT: Final = "llmprod.recorded_at"
JUDGE: Final = "llmprod.judge"
CASSETTE: Final = "llmprod.cassette"
COMMIT: Final = "llmprod.commit"
OPTIONS: Final = "llmprod.options"
INPUT: Final = "llmprod.input.digest"
OUTPUT: Final = "llmprod.output.digest"
WHY: Final = "llmprod.why.digest"

# What only `--llm-otel` sends.
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOKEN_TYPE: Final = "gen_ai.token.type"
#: A pull request that splits it (semantic-conventions-genai#374) was open in July 2026.
TOKEN_USAGE: Final = "gen_ai.client.token.usage"
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
EVALUATION_RESULT: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_WHY: Final = "gen_ai.evaluation.explanation"

#: A parameter of a request, as providers call it -> its key.
PARAMETERS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "seed": "gen_ai.request.seed",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
}

#: A provider, as this package calls it -> the value that OpenTelemetry has for it.
PROVIDERS: Final = {"google": "gcp.gemini", "aws": "aws.bedrock"}

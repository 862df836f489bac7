"""Unknown model: does a provider refuse a request because it has no such model?"""

from pytest_llmprod.wire.dialects.loose import Json, mapping, text

# OpenAI and many others, Azure, Mistral: some say so with status 400.
_CODES = frozenset(
    {"model_not_found", "model_not_supported", "DeploymentNotFound", "invalid_model"}
)
# Bedrock, OpenRouter, DeepSeek: with status 400 and no code of their own.
_PHRASES = ("model identifier is invalid", "not a valid model id", "model not exist")


def is_of_unknown_model(status: int, body: Json) -> bool:
    """Say whether an answer to a request that names a model says that the model is not there.

    `body` is decoded. A 404 says so unless it names another parameter: the model, or the whole
    address, is none that the provider knows.
    """
    if not 400 <= status < 500:
        return False
    document = mapping(body)
    error = mapping(document.get("error")) or document
    parameter = text(error.get("param"))
    if parameter == "model" or not _CODES.isdisjoint(map(text, map(error.get, ("code", "type")))):
        return True
    message = text(error.get("message")).lower()
    return (status == 404 and not parameter) or any(phrase in message for phrase in _PHRASES)

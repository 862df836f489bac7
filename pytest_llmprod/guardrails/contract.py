"""Contract: where a guardrail has to stand, and what may become of an answer when it fails."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_llmprod.core.errors import GuardrailError
from pytest_llmprod.core.text import squeezed, strings_in

#: Where a secret comes from that must not be shown, by the name of the test's item.
PLACES: Mapping[str, str] = {
    "request": "what the application is asked, before it goes to the model",
    "answer": "the text of the answer",
    "stream": "the text of a streamed answer, wherever it is cut",
    "choices": "each of several choices",
    "tool-arguments": "the arguments of a tool call",
    "tool-results": "what a tool returns, before it goes to the model",
    "refusal": "the text of a refusal",
    "fallback": "the answer of the fallback",
    "cache": "an answer that comes from a cache",
    "exception": "the provider's error, in exceptions and in the log",
}
#: How the guardrail itself fails, by the name of the test's item.
FAILURES: Mapping[str, str] = {
    "guardrail-raises": "the guardrail raises",
    "guardrail-hangs": "the guardrail does not come back",
    "guardrail-nonsense": "the guardrail returns None",
}
Fails = Literal["closed", "open"]
_LEAST_SECRET = 6
_LEAST_AROUND = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailSpec:
    """What the marker of a contract declares.

    `guardrails`, `tools` and `fallback` name callables as `package.module:name`. `secret` is what
    the guardrails have to take out. `is_all` says that the places were not named, so that one that
    the application does not have is skipped. `within_s` is how long the application may wait for a
    guardrail.
    """

    feature: str
    guardrails: tuple[str, ...]
    secret: str
    places: tuple[str, ...]
    is_all: bool
    fails: Fails
    fallback: str
    tools: tuple[str, ...]
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a model answers in a contract.

    `planted` holds the secret, `harmless` is the same without it, and `words` are letters and
    digits by which a reader knows that he sees this answer.
    """

    planted: str
    harmless: str
    words: str


def checked_secret(secret: Any) -> str:
    """Return a secret; raise GuardrailError where it could not be told from other text."""
    if isinstance(secret, str) and len(squeezed(secret)) >= _LEAST_SECRET:
        return secret
    raise GuardrailError(
        f"secret must be a text of {_LEAST_SECRET} letters or digits at least that the guardrail "
        f"takes out, such as 'jane.roe@example.com', not {secret!r}."
    )


def answers(secret: str, given: Any = None) -> Answers:
    """Return the answers for a secret.

    `given` is what the model is to answer where the application expects a form: a text, or a value
    that becomes JSON. Raises GuardrailError where the secret is not in it, with words around it.
    """
    if given is None:
        given = f"Your parcel is on its way, {secret} knows more about it."
    if callable(getattr(given, "model_dump", None)):  # pydantic's
        given = given.model_dump(mode="json")
    texts = list(strings_in(given))
    around = [squeezed(part) for text in texts if secret in text for part in text.split(secret)]
    words = max(around, key=len, default="")
    if len(words) < _LEAST_AROUND:
        raise GuardrailError(
            f"answer= must hold the secret of the marker as it stands there, in a text with "
            f"{_LEAST_AROUND} letters or more before or after it, by which the answer is known."
        )
    planted = given if isinstance(given, str) else _json(given)
    if secret not in planted:
        raise GuardrailError(f"secret must stand in JSON as it is, without escapes: {secret!r}.")
    harmless = _without(given, secret)
    return Answers(
        planted=planted,
        harmless=harmless if isinstance(harmless, str) else _json(harmless),
        words=words,
    )


def cuts(text: str, secret: str) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Yield the ways in which a stream may bring a text: a name, its parts, and whether by bytes.

    It is cut at every place from before the secret to behind it, after every character, and with
    empty parts between; at last the whole stream arrives byte by byte.
    """
    start = max(1, text.index(secret) - 1)
    end = min(len(text) - 1, text.index(secret) + len(secret) + 1)
    for at in range(start, end + 1):
        yield f"cut after {at} characters", (text[:at], text[at:]), False
    middle = (start + end) // 2
    yield "with empty pieces", ("", text[:middle], "", "", text[middle:], ""), False
    yield "after every character", tuple(text), False
    yield "byte by byte", (text,), True


def _without(value: Any, secret: str) -> Any:
    if isinstance(value, str):
        return value.replace(secret, "somebody")
    if isinstance(value, Mapping):
        return {key: _without(each, secret) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without(each, secret) for each in value]
    return value


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise GuardrailError(f"answer= is neither a text nor JSON ({error}).") from error

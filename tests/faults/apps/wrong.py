"""Wrong: ten features that do not survive their provider, each in one way."""

import time

import openai
from sound import (
    SCALE,
    TIMEOUT_S,
    NotAnAnswer,
    ask,
    by_rules,
    charge,
    log,
    read,
    request_for,
    streamed,
    triage,
)


def no_timeout(text):
    """Waits as long as the client does by default."""
    try:
        return ask(text, max_retries=2, timeout=openai.DEFAULT_TIMEOUT)
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def catches_api_errors_only(text):
    try:
        return ask(text)
    except openai.APIError as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def retries_on_quota(text):
    """Lets the client retry what it takes for a limit that goes away."""
    try:
        return ask(text, max_retries=2)
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def accepts_an_empty_stream(text):
    try:
        content, finish = streamed(text)
        if content and finish != "stop":
            raise NotAnAnswer(f"the stream ended with {finish!r}")
        return read(content) if content else {"label": "other", "source": "model"}
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def takes_an_error_body_for_an_answer(text):
    try:
        with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
            completion = client.chat.completions.create(**request_for(text))
        if not getattr(completion, "choices", None):
            return {"label": "other", "source": "model"}  # nothing to say, it seems
        if completion.choices[0].finish_reason != "stop":
            raise NotAnAnswer("cut")
        return read(completion.choices[0].message.content or "")
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def prints_half_a_stream(text):
    parts = []
    try:
        with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
            for chunk in client.chat.completions.create(**request_for(text), stream=True):
                parts.append(chunk.choices[0].delta.content or "")
    except Exception as error:
        if not parts:
            log.warning("The rules answer", exc_info=error)
            return by_rules(text)
    return {"label": "".join(parts), "source": "model"}


def falls_back_after_40_s(text):
    for _ in range(4):
        try:
            return ask(text)
        except Exception as error:
            log.warning("Again in 10 s", exc_info=error)
            time.sleep(10 * SCALE)
    return by_rules(text)


def falls_back_without_a_log_line(text):
    try:
        return ask(text)
    except Exception:
        return by_rules(text)


def charges_twice(text):
    for _ in range(2):
        charge()
        try:
            return ask(text)
        except Exception as error:
            log.warning("Again, or the rules", exc_info=error)
    return by_rules(text)


def answers_ok_to_everything(text):
    try:
        return ask(text)
    except Exception:
        return {"label": "OK", "source": "model"}


WRONG = {
    no_timeout: "hung",
    catches_api_errors_only: "crashed with a foreign exception",
    retries_on_quota: "retried what must not be retried",
    accepts_an_empty_stream: "accepted the fault as success",
    takes_an_error_body_for_an_answer: "accepted the fault as success",
    prints_half_a_stream: "partial answer shown as whole",
    falls_back_after_40_s: "too late",
    falls_back_without_a_log_line: "no log record",
    charges_twice: "side effect twice",
    answers_ok_to_everything: "accepted the fault as success",
}
SOUND = triage

"""Sound: a feature that survives its provider; each wrong one differs from it in one place."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import openai

log = logging.getLogger(__name__)
LABELS = ("billing", "shipping", "other")
# On sockets time is real: a test of ours sets a scale, so that it takes no minutes.
SCALE = float(os.environ.get("SCALE", 1))
TIMEOUT_S = 10.0 * SCALE
DEADLINE_S = 25.0 * SCALE


class NotAnAnswer(Exception):
    """What came is no answer."""


def by_rules(text):
    """The fallback: no model."""
    return {"label": "billing" if "invoice" in text else "other", "source": "rules"}


def charge():
    """A side effect: the customer pays for the answer."""


def triage(text):
    pool = ThreadPoolExecutor(1)
    try:
        answer = pool.submit(ask, text).result(timeout=DEADLINE_S)
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)
    finally:
        pool.shutdown(wait=False)
    charge()
    return answer


def ask(text, max_retries=0, timeout=TIMEOUT_S):
    """Ask once; a provider that is down is down a second later too."""
    content, finish = streamed(text, max_retries, timeout)
    if finish != "stop":
        raise NotAnAnswer(f"the stream ended with {finish!r}")
    return read(content)


def streamed(text, max_retries=0, timeout=TIMEOUT_S):
    """Return the text of a streamed answer, and how it ended."""
    parts, finish = [], None
    with openai.OpenAI(timeout=timeout, max_retries=max_retries) as client:
        for chunk in client.chat.completions.create(**request_for(text), stream=True):
            if chunk.choices:
                parts.append(chunk.choices[0].delta.content or "")
                finish = chunk.choices[0].finish_reason or finish
    return "".join(parts), finish


def request_for(text):
    return {
        "model": "gpt-test",
        "messages": [{"role": "user", "content": text}],
        "response_format": {"type": "json_object"},
    }


def read(content):
    """Return the decision in an answer, or raise where it is none."""
    answer = json.loads(content)
    if not isinstance(answer, dict) or answer.get("label") not in LABELS:
        raise NotAnAnswer(f"no label in {content!r}")
    return {"label": answer["label"], "source": "model"}

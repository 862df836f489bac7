"""Other APIs: features that ask Anthropic, the Responses API or embeddings, sound and wrong."""

import anthropic
import openai
from sound import DEADLINE_S, TIMEOUT_S, NotAnAnswer, ThreadPoolExecutor, by_rules, log, read

DIMENSIONS = 1536
QUESTION = [{"role": "user", "content": "my invoice is wrong"}]


def messages(text):
    return or_by_rules(ask_anthropic, text)


def ask_anthropic(text):
    with anthropic.Anthropic(timeout=TIMEOUT_S, max_retries=0) as client:
        message = client.messages.create(model="claude-test", max_tokens=99, messages=QUESTION)
    if message.stop_reason != "end_turn":
        raise NotAnAnswer(message.stop_reason)
    return read(message.content[0].text)


def messages_stream(text):
    return or_by_rules(ask_anthropic_stream, text)


def ask_anthropic_stream(text):
    parts, reason = [], None
    with anthropic.Anthropic(timeout=TIMEOUT_S, max_retries=0) as client:
        for event in client.messages.create(
            model="claude-test", max_tokens=99, messages=QUESTION, stream=True
        ):
            if event.type == "content_block_delta":
                parts.append(event.delta.text)
            if event.type == "message_delta":
                reason = event.delta.stop_reason
    if reason != "end_turn":
        raise NotAnAnswer(reason)
    return read("".join(parts))


def responses(text):
    return or_by_rules(ask_responses, text)


def ask_responses(text):
    with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
        response = client.responses.create(model="gpt-test", input=text)
    if response.status != "completed":
        raise NotAnAnswer(response.status)
    return read(response.output_text)


def responses_stream(text):
    return or_by_rules(ask_responses_stream, text)


def ask_responses_stream(text):
    with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
        for event in client.responses.create(model="gpt-test", input=text, stream=True):
            if event.type == "response.completed":
                return read(event.response.output_text)
    raise NotAnAnswer("no response.completed")


def embeddings(text):
    return or_by_rules(ask_embeddings, text)


def ask_embeddings(text):
    with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
        answer = client.embeddings.create(model="embedding-test", input=text)
    (found,) = answer.data
    if len(found.embedding) != DIMENSIONS:
        raise NotAnAnswer(f"{len(found.embedding)} dimensions")
    return {"label": "billing", "source": "model"}


def or_by_rules(ask, text):
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(ask, text).result(timeout=DEADLINE_S)
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)
    finally:
        pool.shutdown(wait=False)


def catches_anthropic_errors_only(text):
    """Misses what breaks a stream: it comes as httpx2 raises it."""
    try:
        return ask_anthropic_stream(text)
    except (anthropic.APIError, NotAnAnswer) as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def takes_a_failed_response(text):
    """Looks at no status."""
    try:
        with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
            response = client.responses.create(model="gpt-test", input=text)
        return {"label": response.output_text or "other", "source": "model"}
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)


def takes_any_vector(text):
    """Counts no dimensions."""
    try:
        with openai.OpenAI(timeout=TIMEOUT_S, max_retries=0) as client:
            client.embeddings.create(model="embedding-test", input=text).data[0].embedding[0]
        return {"label": "billing", "source": "model"}
    except Exception as error:
        log.warning("The rules answer", exc_info=error)
        return by_rules(text)

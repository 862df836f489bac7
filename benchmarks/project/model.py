"""Model: sums answered without a network, the same for the same question, about 95 % right."""

import json
import operator
import re
import zlib

_QUESTION = re.compile(r"What is (\d+) ([-+*]) (\d+)\?")
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_WRONG_PERCENT = 5


def right_answer(question: str) -> str:
    """Return the true result of a question."""
    match = _QUESTION.search(question)
    if match is None:
        raise ValueError(f"{question!r} is no question of the kind 'What is 1 + 2?'")
    left, sign, right = match.groups()
    return str(_OPERATIONS[sign](int(left), int(right)))


def answer(question: str) -> str:
    """Return what the model says, which is off by one for some questions."""
    right = right_answer(question)
    is_wrong = zlib.crc32(question.encode()) % 100 < _WRONG_PERCENT
    return str(int(right) + 1) if is_wrong else right


def completion(body: bytes) -> bytes:
    """Return the chat completion that answers the request `body`, as OpenAI's wire has it."""
    request = json.loads(body)
    message = {
        "role": "assistant",
        "content": answer(request["messages"][-1]["content"]),
        "refusal": None,
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    document = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request["model"],
        "choices": [choice],
        "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23},
    }
    return json.dumps(document).encode()

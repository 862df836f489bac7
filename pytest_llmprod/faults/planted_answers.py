"""Planted answers: what a provider answers that holds a secret at one place, and nowhere else."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pytest_llmprod.core.faulting import Asked, FaultPlan, WireAnswer
from pytest_llmprod.faults.good import Call, Good
from pytest_llmprod.faults.good_answer import answer_of, document_of
from pytest_llmprod.faults.http_answer import json_answer
from pytest_llmprod.faults.schema_instance import instance_of

#: Where the secret stands: in the text, in the text of each of several choices, in the arguments of
#: a tool call, in the refusal, or in the message of an error. With `tool` a tool is called without
#: it, and with `down` the provider refuses every request.
Spot = Literal["text", "choices", "arguments", "tool", "refusal", "error", "down"]
_FREE_TEXT = "text"  # of which `instance_of` makes the texts that a schema leaves open


class PlantedAnswers:
    """A fault plan that answers with `planted` at one spot, and with `harmless` after a tool call.

    `chunks` are the parts in which a stream brings the text, by default word by word, and with
    `by_bytes` each byte of it arrives alone. `is_met` says whether a request could be answered so:
    one that streams, or asks for several choices, or offers tools.
    """

    def __init__(
        self, spot: Spot, planted: str, harmless: str, otherwise: FaultPlan, tool: str = ""
    ) -> None:
        """Answer nothing yet; `otherwise` answers requests for anything but a text.

        `tool` is the name of the tool to call, where several are offered.
        """
        self.requests: list[Mapping[str, Any]] = []
        self.chunks: tuple[str, ...] | None = None
        self.by_bytes = False
        self.is_met = False
        self.is_streamed = False
        self._spot = spot
        self._planted = planted
        self._harmless = harmless
        self._otherwise = otherwise
        self._tool = tool
        self._turn = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Let the next request be the first of its call."""
        self._turn = 0

    def answer(self, asked: Asked, recorded: Callable[[], WireAnswer | None]) -> WireAnswer | None:
        """Return the answer to a request."""
        if asked.api in ("embeddings", "other"):
            return self._otherwise.answer(asked, recorded)
        with self._lock:
            self.requests.append(asked.document)
            self._turn += 1
            turn = self._turn
        self.is_streamed = self.is_streamed or asked.stream
        if self._spot in ("arguments", "tool"):
            return self._tool_answer(asked, turn)
        if self._spot == "choices":
            return self._choices(asked)
        self.is_met = True
        if self._spot == "error":
            return _error(400, self._planted)
        if self._spot == "down":
            return _error(401, "Incorrect API key provided.")
        if self._spot == "refusal":
            return answer_of(asked, Good(text=None, refusal=self._planted))
        return self._text(asked)

    def stand_in(self, asked: Asked) -> WireAnswer | None:
        """Return what stands in for an answer that nothing else gives."""
        return self._otherwise.stand_in(asked)

    def waited(self, asked: Asked, seconds: float, *, gave_up: bool) -> None:
        """Note nothing: answers come at once."""

    def _text(self, asked: Asked) -> WireAnswer:
        answer = answer_of(asked, Good(text=self._planted, chunks=self.chunks))
        if not self.by_bytes:
            return answer
        pieces = tuple((0.0, bytes([each])) for each in answer.body)
        return WireAnswer(headers=answer.headers, pieces=pieces)

    def _choices(self, asked: Asked) -> WireAnswer:
        count = asked.document.get("n")
        good = Good(text=self._planted)
        if asked.api != "chat" or asked.stream or not isinstance(count, int) or count < 2:
            return answer_of(asked, good)
        self.is_met = True
        document = document_of(asked, good)
        (choice,) = document["choices"]
        document["choices"] = [{**choice, "index": index} for index in range(count)]
        return json_answer(document)

    def _tool_answer(self, asked: Asked, turn: int) -> WireAnswer:
        tool = self._tool_of(asked) if turn == 1 else None
        if tool is None:
            return answer_of(asked, Good(text=self._harmless))
        name, schema = tool
        filled = instance_of({key: each for key, each in schema.items() if key != "required"})
        if self._spot == "arguments":
            filled, found = _planted_in(filled, self._planted)
            self.is_met = self.is_met or found
        else:
            self.is_met = True
        call = Call(name=name, arguments=json.dumps(filled or {}, ensure_ascii=False))
        return answer_of(asked, Good(text=None, chunks=(), finish="tool_calls", calls=(call,)))

    def _tool_of(self, asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
        """Return the name of the tool to call and the schema of its arguments."""
        offered: dict[str, Mapping[str, Any]] = {}
        for each in asked.document.get("tools") or ():
            tool = each.get("function", each)
            schema = tool.get("parameters") or tool.get("input_schema") or {}
            offered[str(tool.get("name", ""))] = schema
        if not offered:
            return None
        name = self._tool if self._tool in offered else next(iter(offered))
        return name, offered[name]


def _planted_in(value: Any, text: str) -> tuple[Any, bool]:
    """Return a value with `text` in place of all texts that are free, and whether it has some."""
    if value == _FREE_TEXT:
        return text, True
    if isinstance(value, dict):
        changed = {key: _planted_in(each, text) for key, each in value.items()}
        return {key: each for key, (each, _) in changed.items()}, any(
            found for _, found in changed.values()
        )
    return value, False


def _error(status: int, message: str) -> WireAnswer:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return json_answer({"error": error}, status)

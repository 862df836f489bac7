"""Script: answers that a test writes down, in place of a model's."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.faulting import Asked
from pytest_llmprod.faults.good import Call, Good

#: What `reply` takes: a text, or a function that makes one of the request's JSON.
Text = str | Callable[[Any], str]


class Script:
    """The answers to the requests of a test, in the order in which they were written down.

    The last answer is given again to all requests that follow, so that a script of one line answers
    everything. `requests` are those that were answered, as the JSON that was sent.
    """

    def __init__(self) -> None:
        """Make a script without a line: it answers nothing."""
        self.requests: list[Any] = []
        self._lines: list[Callable[[Asked], Good]] = []
        self._told = 0
        self._lock = threading.Lock()

    def reply(self, *texts: Text) -> "Script":
        """Add an answer for each text; a function makes the text of the request's JSON."""
        for text in texts:
            self._lines.append(_line(text))
        return self

    def json(self, *values: Any) -> "Script":
        """Add an answer of JSON for each value: plain values, and pydantic's models."""
        return self.reply(*(_as_json(value) for value in values))

    def stream(self, chunks: Sequence[str], times: Sequence[float] = ()) -> "Script":
        """Add an answer that comes in `chunks` where a stream is asked.

        `times` says when each comes, in seconds since the request, by the clock of the test.
        """
        if times and len(times) != len(chunks):
            raise FaultError(
                f"llm_script.stream: {len(chunks)} chunks have {len(times)} times. Give each chunk "
                f"one, or none at all."
            )
        said = Good(text="".join(chunks), chunks=tuple(chunks), times=tuple(times))
        self._lines.append(lambda asked: said)
        return self

    def tool_call(self, name: str, /, **arguments: Any) -> "Script":
        """Add an answer that calls a tool; several in a row are several answers."""
        call = Call(name=name, arguments=json.dumps(arguments), id=f"call_{len(self._lines) + 1}")
        said = Good(text=None, chunks=(), finish="tool_calls", calls=(call,))
        self._lines.append(lambda asked: said)
        return self

    def answer(self, asked: Asked) -> Good | None:
        """Return the answer to a request, None of a script without a line."""
        with self._lock:
            if not self._lines:
                return None
            line = self._lines[min(self._told, len(self._lines) - 1)]
            self._told += 1
            self.requests.append(asked.document)
        said = line(asked)
        return said if said.text is not None or said.calls else replace(said, text="")


def _line(text: Any) -> Callable[[Asked], Good]:
    if isinstance(text, str):
        said = Good(text=text)
        return lambda asked: said
    if callable(text):
        return lambda asked: Good(text=str(text(asked.document)))
    raise FaultError(
        f"llm_script.reply takes texts, or functions that make one of the request, not {text!r}. "
        f"For an object write llm_script.json(...)."
    )


def _as_json(value: Any) -> str:
    dump = getattr(value, "model_dump_json", None)
    if dump is not None:
        return str(dump())
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise FaultError(f"llm_script.json: {value!r} is no JSON ({error}).") from error

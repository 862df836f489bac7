"""Behaviour: what does an answer do, and what does another one do differently?

An application acts on tool calls, on the structure and the values of a JSON answer, on the reason
why the model stopped, and on refusals. Where all of these are equal, two answers differ in their
words at most.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.wire.bodies import decode_document, stream_documents
from pytest_llmprod.wire.comparing.changes import (
    Aspect,
    Change,
    compare_bodies,
    compare_documents,
    compare_texts,
)
from pytest_llmprod.wire.dialects import Answer, Dialect, read_plain
from pytest_llmprod.wire.recording import Recording

Likeness = Literal["same", "text", "behaviour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """An answer as an application meets it.

    `status` is the HTTP status, and `failure` names the error that the client met in place of a
    whole answer. `body` is the decoded body of an answer in which `answer` says nothing: an error,
    an embedding, or the answer of a provider that no dialect reads.
    """

    answer: Answer
    status: int
    failure: str
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All in which two answers differ, behaviour first, and the models that gave them.

    Another model is no difference of its own: an answer is judged by what it does.
    """

    changes: tuple[Change, ...]
    models: tuple[str, str]

    @property
    def likeness(self) -> Likeness:
        """Return `behaviour` where one change matters to a program, `text` for words only."""
        if any(change.is_behaviour for change in self.changes):
            return "behaviour"
        return "text" if self.changes else "same"

    @property
    def is_by_another_model(self) -> bool:
        """Say whether another model, or another version of it, gave the new answer.

        An answer that does not name its model, an error for instance, tells nothing.
        """
        old, new = self.models
        return bool(old and new) and old != new


def behaviour_of(recording: Recording, dialect: Dialect | None) -> Behaviour:
    """Return what the answer of `recording` does, as `dialect` reads it."""
    stored = dict(recording.response["body"])
    body: Any = None
    if "stream" in stored:
        documents = stream_documents(stored)
        answer = dialect.read_stream(documents) if dialect is not None else Answer()
        if _says_nothing(answer):  # where one event ends and the next begins is chance
            body = _spoken(documents)
    else:
        answer = read_plain(dialect, stored)
        if _says_nothing(answer):
            body = decode_document(stored)
    return Behaviour(
        answer=answer,
        status=recording.status,
        failure=recording.failure.error if recording.failure else "",
        body=body,
    )


def _spoken(documents: Sequence[Any]) -> str:
    """Return the texts in the events of a stream, those of one name joined.

    What every event repeats, an id for instance, stands there once.
    """
    texts: dict[str, list[str]] = {}

    def take(value: Any, name: str) -> None:
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
        elif isinstance(value, list):
            for item in value:
                take(item, name)
        elif isinstance(value, dict):
            for inner, item in value.items():
                take(item, f"{name}.{inner}")

    for document in documents:
        take(document, "")
    return "\n".join(
        pieces[0] if len(set(pieces)) == 1 else "".join(pieces) for pieces in texts.values()
    )


def _says_nothing(answer: Answer) -> bool:
    return not (answer.text or answer.tool_calls or answer.refusal or answer.finish_reasons)


def compare(old: Behaviour, new: Behaviour) -> Difference:
    """Return in what `new` differs from `old`; both answer the same question."""
    # An error and an answer differ in everything; that one of them is an error says it all.
    changes = list(_endings(old, new)) or list(_contents(old, new))
    changes.sort(key=lambda change: not change.is_behaviour)
    return Difference(changes=tuple(changes), models=(old.answer.model, new.answer.model))


def _endings(old: Behaviour, new: Behaviour) -> Iterator[Change]:
    yield from _whole("failure", old.failure, new.failure)
    yield from _whole("status", str(old.status), str(new.status))


def _contents(old: Behaviour, new: Behaviour) -> Iterator[Change]:
    before, after = old.answer, new.answer
    yield from _tool_calls(before.tool_calls, after.tool_calls)
    yield from compare_texts(_words(before), _words(after))
    yield from _whole("finish", ", ".join(before.finish_reasons), ", ".join(after.finish_reasons))
    is_other = not (before.refusal and after.refusal)
    yield from _whole("refusal", before.refusal, after.refusal, is_behaviour=is_other)
    if old.body is not None and new.body is not None:
        yield from compare_bodies(old.body, new.body)


def _whole(aspect: Aspect, old: str, new: str, *, is_behaviour: bool = True) -> Iterator[Change]:
    if old != new:
        old, new = old or "none", new or "none"
        yield Change(aspect=aspect, place="", old=old, new=new, is_behaviour=is_behaviour)


def _words(answer: Answer) -> str:
    """Return the text of an answer, unless it is that of its refusal."""
    return "" if answer.text == answer.refusal else answer.text


def _tool_calls(old: Sequence[ToolCall], new: Sequence[ToolCall]) -> Iterator[Change]:
    """Compare which tools are called, in order, and the arguments of each; ids do not count."""
    names, others = [each.name for each in old], [each.name for each in new]
    if names != others:
        yield from _whole("tool calls", ", ".join(names), ", ".join(others))
        return
    for before, after in zip(old, new, strict=True):
        for change in compare_documents(before.arguments, after.arguments):
            place = f"{before.name}({change.place.removeprefix('.')})"
            yield Change(aspect="tool calls", place=place, old=change.old, new=change.new)

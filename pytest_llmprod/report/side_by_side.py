"""Side by side: what two runs answered to one case, as lines of a terminal."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.report.phrases import word_diff

_LABEL = 12
_ROOM = COLUMNS - _LABEL
_MOST_LINES = 8


class Answer(NamedTuple):
    """What one run answered to a case: by which model, and what became of it.

    `is_kept` is false where the run kept no outputs, as the baseline does not.
    """

    model: str
    outcome: str
    why: str
    output: Any
    is_kept: bool = True


def render(
    name: str, case_id: str, expected: Any, answers: tuple[Answer | None, Answer | None]
) -> list[str]:
    """Return the lines that show a case: what was expected, the old answer, and the new one.

    An answer is None where its run has no such case. Each text takes at most eight lines; where one
    is cut, the first changes between the two stand below.
    """
    lines = [shorten(f"{printable(name)}  {printable(case_id)}", COLUMNS)]
    if expected is not None:
        lines += _labelled("expected", _text(expected))
    for label, answer in zip(("old", "new"), answers, strict=True):
        lines += _answer(label, answer)
    return [*lines, *_changes(answers)]


def _answer(label: str, answer: Answer | None) -> Iterator[str]:
    if answer is None:
        yield from _labelled(label, "(this run has no such case)")
        return
    why = f": {printable(answer.why)}" if answer.why and answer.outcome != "hit" else ""
    model = printable(answer.model) or "no model"
    yield shorten(f"  {label:<{_LABEL - 2}}{model}, {printable(answer.outcome)}{why}", COLUMNS)
    yield from _labelled("", _text(answer.output) if answer.is_kept else "(no output was kept)")


def _labelled(label: str, text: str) -> Iterator[str]:
    for number, line in enumerate(_wrapped(text)):
        head = f"  {label if number == 0 else ''}"
        yield f"{head:<{_LABEL}}{line}"


def _wrapped(text: str) -> Sequence[str]:
    lines = textwrap.wrap(text, _ROOM, max_lines=_MOST_LINES, placeholder=" ...") or ["(empty)"]
    return [shorten(line, _ROOM) for line in lines]  # a wide character takes two columns


def _text(value: Any) -> str:
    if value is None:
        return "(none)"
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _changes(answers: tuple[Answer | None, Answer | None]) -> Iterator[str]:
    """Yield the first changes where an answer is so long that they may have been cut off."""
    old, new = answers
    if old is None or new is None or not (old.is_kept and new.is_kept):
        return
    texts = _text(old.output), _text(new.output)
    if max(map(len, texts)) > _ROOM * _MOST_LINES and texts[0] != texts[1]:
        yield f"  {'changes':<{_LABEL - 2}}{word_diff(*texts, _ROOM)}"

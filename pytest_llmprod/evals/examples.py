"""Few-shot examples: which cases stand in a prompt, with or without their answer?

A case whose own text the model was shown as an example says nothing about other texts.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.wording import all_words, contains, leaf_text, leaves, normal_form

_LONG, _SHORT = 8, 4  # words by whose first ones a text is looked up
_ANSWER_FOLLOWS_WITHIN = 4  # segments
_BULLETS = " -*#>\u2022"
_SEGMENT_ENDS = re.compile(r"[\n\r\t\"\u201c\u201d\u201e\u00ab\u00bb|\u2192:;`]|->|=>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A text that a model was shown; `source` names where it stands.

    `case` is the id of the case in whose request it stands, None where it stands in a file.
    `is_shared` says that it goes with several cases.
    """

    text: str
    source: str
    case: str | None = None
    is_shared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The case `case` stands in prompts; `source` is the first of them, `others` how many more."""

    case: str
    source: str
    others: int = 0


def find_examples(cases: Sequence[Case], prompts: Iterable[Prompt]) -> list[Example]:
    """Return which cases stand in a prompt that is not their own request, in data-set order.

    Of a case the longest text is looked for that no other case has, word for word: case, white
    space and punctuation do not count. One of fewer than four words counts only where it stands by
    itself, between quotes or on a line, with the expected answer after it, and only in a shared
    prompt.
    """
    known = _Known(cases)
    sources: dict[str, dict[str, None]] = defaultdict(dict)
    found_in: dict[tuple[str, bool], frozenset[str]] = {}
    for prompt in prompts:
        key = (prompt.text, prompt.is_shared)
        if key not in found_in:
            found_in[key] = frozenset(known.found_in(prompt.text, with_short=prompt.is_shared))
        for each in found_in[key]:
            if not known.holds(prompt.case, each):
                sources[each][prompt.source] = None
    return [
        Example(case=case.id, source=next(iter(sources[case.id])), others=len(sources[case.id]) - 1)
        for case in cases
        if case.id in sources
    ]


class _Known:
    """The texts of all cases, so that they are found in a prompt of any length in one pass."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._inputs = {case.id: all_words(case.input) for case in cases}
        self._texts: dict[str, str] = dict(_texts(cases))
        self._by_start: Mapping[int, dict[str, list[str]]] = {_LONG: {}, _SHORT: {}}
        self._short: dict[str, list[Case]] = {}
        for case in cases:
            text = self._texts.get(case.id, "")
            words = text.split(" ")
            if len(words) >= _SHORT:
                length = _LONG if len(words) >= _LONG else _SHORT
                start = " ".join(words[:length])
                self._by_start[length].setdefault(start, []).append(case.id)
            elif text:
                self._short.setdefault(text, []).append(case)

    def holds(self, case: str | None, other: str) -> bool:
        """Say whether the input of `case` has the text of `other` in it, as its own always has."""
        return case is not None and contains(self._inputs[case], self._texts[other])

    def found_in(self, prompt: str, *, with_short: bool) -> Iterator[str]:
        text = normal_form(prompt)
        words = text.split(" ")
        for length, by_start in self._by_start.items():
            if not by_start:
                continue
            starts = {" ".join(words[at : at + length]) for at in range(len(words) - length + 1)}
            for start in starts & by_start.keys():
                yield from (each for each in by_start[start] if contains(text, self._texts[each]))
        if with_short and self._short:
            yield from self._answered_in(prompt)

    def _answered_in(self, prompt: str) -> Iterator[str]:
        """Yield the cases with a short text that stand by themselves with their answer after it."""
        parts = (normal_form(each.strip(_BULLETS)) for each in _SEGMENT_ENDS.split(prompt))
        segments = [each for each in parts if any(char.isalnum() for char in each)]
        for at, segment in enumerate(segments):
            for case in self._short.get(segment, ()):
                following = segments[at + 1 : at + 1 + _ANSWER_FOLLOWS_WITHIN]
                answers = _answers(case.expected)
                if any(contains(each, answer) for each in following for answer in answers):
                    yield case.id


def _texts(cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    """Yield the id of each case and its longest text that no other has, else its longest one."""
    holders: dict[str, set[str]] = defaultdict(set)
    forms = {case.id: _forms(case.input) for case in cases}
    for case, own in forms.items():
        for form in own:
            holders[form].add(case)
    for case, own in forms.items():
        alone = [form for form in own if len(holders[form]) == 1]
        yield case, max(alone or own, key=len, default="")


def _forms(value: Any) -> list[str]:
    return [normal_form(leaf) for _, leaf in leaves(value) if isinstance(leaf, str)]


def _answers(value: Any) -> list[str]:
    forms = (normal_form(leaf_text(leaf)) for _, leaf in leaves(value) if leaf is not None)
    return [form for form in forms if form]

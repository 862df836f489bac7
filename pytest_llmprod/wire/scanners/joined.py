"""Joined: texts that come in pieces, over the events of a stream or the items of a list.

A secret that a model says is spread over as many events as it has tokens. It is found in the text
that the pieces make together, and cut out of them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_llmprod.core.scanning import Scanner, findings, replacement

Path = tuple[str | int, ...]
_Numbers = tuple[tuple[str, int], ...]

_ALTERNATIVES = "top_logprobs"  # of a token; they make no text together


class Pieces:
    """The strings in several JSON documents, and which of them make a text together.

    `texts` holds the strings in order. Pieces of one text share a place, in one of three ways. The
    first leaves out positions in lists and looks at members such as `index` and `output_index`,
    which tell answers apart that come side by side. But an index may also count the events, and
    a position may tell answers apart: the other two are the path with positions, and without.
    """

    def __init__(self, documents: Sequence[Any]) -> None:
        """Take the strings out of `documents`."""
        self.texts: list[str] = []
        self._documents = documents
        self._owners: list[tuple[int, Path]] = []
        self._groups: tuple[dict[Any, list[int]], ...] = ({}, {}, {})
        for number, document in enumerate(documents):
            self._take(document, (), (), (), number)

    def _take(self, value: Any, path: Path, names: Path, numbers: _Numbers, document: int) -> None:
        if isinstance(value, str):
            at = len(self.texts)
            self.texts.append(value)
            self._owners.append((document, path))
            for group, place in zip(self._groups, ((names, numbers), path, names), strict=True):
                group.setdefault(place, []).append(at)
        elif isinstance(value, list):
            for position, item in enumerate(value):
                if isinstance(item, (str, list, dict)):
                    self._take(item, (*path, position), names, numbers, document)
        elif isinstance(value, dict):
            if own := [(name, at) for name, at in value.items() if _tells_apart(name, at)]:
                numbers = (*numbers, *sorted(own))
            for name, item in value.items():
                if isinstance(item, (str, list, dict)) and name != _ALTERNATIVES:
                    self._take(item, (*path, name), (*names, name), numbers, document)

    def joined(self) -> Iterator[str]:
        """Yield each text that several pieces make together."""
        for numbers in self._joinable():
            yield "".join(self.texts[number] for number in numbers)

    def without_secrets(self, scanners: Sequence[Scanner]) -> list[Any]:
        """Return the documents with each secret cut out that is spread over several strings.

        The piece in which a secret begins gets `[masked KIND]`, the following ones lose their part.
        """
        before = list(self.texts)
        for numbers in self._joinable():
            self._cut(numbers, scanners)
        changes: dict[int, dict[Path, str]] = {}
        for (document, path), old, new in zip(self._owners, before, self.texts, strict=True):
            if new != old:
                changes.setdefault(document, {})[path] = new
        return [
            _changed(document, (), changes[number]) if number in changes else document
            for number, document in enumerate(self._documents)
        ]

    def _joinable(self) -> Iterator[list[int]]:
        for groups in self._groups:
            for numbers in groups.values():
                # What every event repeats is a name; nothing is spread over it.
                if len(numbers) > 1 and len({self.texts[number] for number in numbers}) > 1:
                    yield numbers

    def _cut(self, numbers: Sequence[int], scanners: Sequence[Scanner]) -> None:
        """Take out of `texts` what the scanners find in those of these numbers, joined."""
        texts = self.texts
        found = findings("".join([texts[number] for number in numbers]), scanners)
        if not found:
            return
        starts: list[int] = []
        length = 0
        for number in numbers:
            starts.append(length)
            length += len(texts[number])
        for finding in reversed(found):  # from the end: what stands before keeps its position
            first = bisect_right(starts, finding.start) - 1
            last = bisect_left(starts, finding.end) - 1
            rest = texts[numbers[last]][finding.end - starts[last] :]
            head = texts[numbers[first]][: finding.start - starts[first]] + replacement(finding)
            for number in numbers[first + 1 : last]:
                texts[number] = ""
            texts[numbers[last]] = rest
            texts[numbers[first]] = head + rest if first == last else head


def _tells_apart(name: str, value: Any) -> bool:
    return isinstance(value, int) and (name == "index" or name.endswith("_index"))


def _changed(value: Any, path: Path, changes: dict[Path, str]) -> Any:
    if isinstance(value, str):
        return changes.get(path, value)
    if isinstance(value, list):
        return [_changed(item, (*path, at), changes) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    changed = {name: _changed(item, (*path, name), changes) for name, item in value.items()}
    if (*path, "token") in changes:  # log probabilities spell each token three times
        if "bytes" in changed:
            changed["bytes"] = None
        if _ALTERNATIVES in changed:
            changed[_ALTERNATIVES] = []
    return changed

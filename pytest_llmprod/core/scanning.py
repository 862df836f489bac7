"""Scanning: what scanners find in a text that must not be stored."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple


class Finding(NamedTuple):
    """A stretch of text, `text[start:end]`, that must not be stored, and what it is."""

    kind: str
    start: int
    end: int


Scanner = Callable[[str], Iterable[Finding]]


def findings(text: str, scanners: Sequence[Scanner]) -> list[Finding]:
    """Return what the scanners find, in order; findings that overlap are one.

    What lies between two findings is searched again: beside a masked key, the next may look
    different.
    """
    found: list[Finding] = []
    if not scanners:
        return found
    parts = [(0, len(text))]
    while parts:
        start, end = parts.pop()
        here = _scan(text[start:end], scanners)
        if here:
            merged = [Finding(kind, start + first, start + last) for kind, first, last in here]
            found += merged
            edges = [start, *(edge for each in merged for edge in each[1:]), end]
            parts += [gap for gap in zip(edges[::2], edges[1::2], strict=True) if gap[0] < gap[1]]
    return sorted(found, key=lambda each: each.start) if found else found


def _scan(text: str, scanners: Sequence[Scanner]) -> list[Finding]:
    """Return what the scanners find in `text` at once, in order and without overlaps."""
    length = len(text)
    found = [
        Finding(kind, start, min(end, length))
        for scan in scanners
        for kind, start, end in scan(text)
        if start < min(end, length)
    ]
    if len(found) < 2:
        return found
    merged: list[Finding] = []
    for each in sorted(found, key=lambda each: each.start):
        if merged and each.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, each.end))
        else:
            merged.append(each)
    return merged


def replacement(finding: Finding) -> str:
    """Return what is stored in place of a finding."""
    return f"[masked {finding.kind}]"

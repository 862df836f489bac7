"""Runbook file: does it say what the ones who are called need, or are its sections empty?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Where a runbook lies that no setting names.
PLACES = ("RUNBOOK.md", "runbook.md", "docs/runbook.md", "docs/RUNBOOK.md")
#: What a runbook has to tell -> the words in a heading that promise it.
TOPICS: Mapping[str, str] = {
    "the owner": r"owner|owned",
    "escalation": r"escalat|on.?call",
    "the fallback": r"fallback",
    "errors": r"error|fail|fault",
    "the logs": r"\blogs?\b|request",
    "thresholds": r"threshold|score",
    "budgets": r"budget|cost",
    "models": r"\bmodels\b",
    "prompts": r"prompt",
    "the swap of the model": r"swap|replac",
}
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_FENCE = re.compile(r"\s*(```|~~~)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_OPEN = re.compile(
    r"(?i)\b(?:todo|tbd|fixme|fill (?:this )?in|to be (?:written|filled))\b|<[A-Z ]+>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands right under it, and in `text` also that of its own sections."""

    title: str
    line: int
    own: str
    text: str

    @property
    def is_filled(self) -> bool:
        """Say whether something stands there, and nothing that is still to be written."""
        return bool(re.search(r"\w", self.text)) and not _OPEN.search(self.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A runbook: its path relative to the project, and its sections in their order."""

    path: str
    sections: tuple[Section, ...]

    def unfilled(self) -> Section | None:
        """Return the first section in which nothing stands."""
        return next((each for each in self.sections if not each.is_filled), None)

    def missing(self) -> list[str]:
        """Return what no heading promises to tell."""
        titles = "\n".join(section.title for section in self.sections)
        return [topic for topic, words in TOPICS.items() if not re.search(f"(?i){words}", titles)]


def read_runbook(root: Path, named: str = "") -> Runbook | None:
    """Return the runbook at `named`, or at the first of PLACES; None where there is none."""
    for name in [named] if named else PLACES:
        try:
            text = (root / name).read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            continue
        return Runbook(path=name, sections=_sections(text))
    return None


def _sections(text: str) -> tuple[Section, ...]:
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    heads: list[tuple[int, int, str]] = []
    lines = text.split("\n")
    is_code = False
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            is_code = not is_code
        found = None if is_code else _HEADING.fullmatch(line)
        if found:
            heads.append((number, len(found[1]), found[2]))
    is_head = {number for number, _, _ in heads}
    sections: list[Section] = []
    for position, (number, depth, title) in enumerate(heads):
        later = heads[position + 1 :]
        end = next((at for at, inner, _ in later if inner <= depth), len(lines))
        own_end = later[0][0] if later else len(lines)
        body = [line for at, line in enumerate(lines[:end]) if at > number and at not in is_head]
        own = "\n".join(lines[number + 1 : own_end])
        sections.append(Section(title=title, line=number + 1, own=own, text="\n".join(body)))
    return tuple(sections)

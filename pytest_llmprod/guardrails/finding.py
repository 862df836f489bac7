"""Findings: what a detector found in a text, and where it stands."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """What stands in a text from `start` to `end`, in code points: `text` is `original[start:end]`.

    `value` is what was read there after normalising: digits without separators, an address without
    invisible characters, the text that tags encode. `why` says in words what gave it away.

    Neither `text` nor `value` is in the `repr`, which a failed assertion prints and stores: what
    was found may be a secret or belong to somebody.
    """

    kind: str
    start: int
    end: int
    text: str = field(repr=False)
    value: str = field(default="", repr=False)
    why: str = ""

"""Miss: a request that no recording answers, or that must not leave, as reports tell it."""

from dataclasses import dataclass
from typing import Literal, Self

MissKind = Literal[
    "prompt changed",
    "model",
    "parameters",
    "tool schema",
    "one more call",
    "order",
    "other endpoint",
    "no cassette",
    "case not recorded",
    "repeat not recorded",
    "test renamed",
    "case renamed",
    "other key",
    "too old",
    "unplayed",
]

#: The test has no recording for this model: `--llm-record=once` adds one and touches no other.
UNRECORDED: frozenset[MissKind] = frozenset(
    ("model", "no cassette", "case not recorded", "repeat not recorded", "case renamed")
)


class RefusedText(str):
    """Why a request must not leave, in lines for a reader.

    `brief` says it in one line, for a test after which another one is named. Requests of one
    `cause` are refused for the same reason, whatever the values are that were found in them.
    """

    __slots__ = ("brief", "cause")
    brief: str
    cause: str

    def __new__(cls, text: str, *, brief: str, cause: str) -> Self:
        """Make the text of one refusal."""
        told = super().__new__(cls, text)
        told.brief, told.cause = brief, cause
        return told


_LEAD = "No recording: "
HEADLINE_COLUMNS = 80 - len(_LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that is in no recording, with what a reader needs to mend it.

    The kind `too old` has a recording, one that is not played any more. The kind `unplayed` is no
    request at all, but recordings that a test did not play.
    `suite` names the test function: misses of one kind at one `place` of a suite have one cause.
    `headline` says what is wrong in at most `HEADLINE_COLUMNS`, `details` are the lines that show
    it, and `command` is what mends this test. After a rename of a test, `moves` holds each cassette
    that lies under the old name, for whatever model, and where it belongs: two paths, as a user
    types them. All text is masked and safe to print.
    """

    kind: MissKind
    place: str
    suite: str
    headline: str
    details: str
    command: str
    moves: tuple[tuple[str, str], ...] = ()

    @property
    def full(self) -> str:
        """Return the headline and the details."""
        lead = "" if self.kind in ("too old", "unplayed") else _LEAD
        return f"{lead}{self.headline}\n\n{self.details}"

    @property
    def mend(self) -> str:
        """Return the line with the command, which stands last."""
        return f"  mend      {self.command}"

    def __str__(self) -> str:
        return f"{self.full}\n\n{self.mend}"

"""Verdict: what the numbers allow to say, with the reason in one sentence."""

from dataclasses import dataclass
from typing import Literal

VerdictName = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """PASS, FAIL or INCONCLUSIVE, why, and whether the gate is open.

    `is_open` is true after PASS and false after FAIL. After INCONCLUSIVE it follows the point
    estimate, unless the run was strict. `advice` says what would help, in a few words.
    """

    name: VerdictName
    reason: str
    is_open: bool
    advice: str = ""

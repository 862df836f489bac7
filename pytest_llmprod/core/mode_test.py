"""Mode test: one test of a way in which a feature may fail, and whether it passed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

#: The ways in which a feature may fail.
Mode = Literal[
    "slow",
    "wrong",
    "malformed input",
    "hostile input",
    "down",
    "limited",
    "retired",
    "expensive",
]
MODES: tuple[Mode, ...] = get_args(Mode)

#: Of which way to fail a test of a guardrail is, by its kind; '' is that of a contract, in which a
#: model answers what it must not.
KINDS: Mapping[str, Mode] = {
    "": "wrong",
    "output": "wrong",
    "refusal": "wrong",
    "stream": "wrong",
    "pii": "hostile input",
    "injection": "hostile input",
    "malformed": "malformed input",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeTest:
    """One test of a guardrail: of which feature, of which way to fail, and whether it passed.

    `kind` is a key of KINDS. `examples` is how many inputs `--llm-fuzz` let it try, 0 where it was
    not given.
    """

    feature: str
    mode: Mode
    test: str
    passed: bool
    kind: str = ""
    examples: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the test as plain JSON."""
        return asdict(self)

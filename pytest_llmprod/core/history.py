"""History: the rows of `llmprod-history.jsonl`, with their lines.

The file is in version control, so that a merge may have left anything in it: what is no row is
passed over.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_llmprod.core.files import HISTORY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the history; `line` counts from 1."""

    line: int
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a value that is a text, '' where it is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    @property
    def kind(self) -> str:
        """Return what the row is evidence of: drill, guardrail, swap, ..."""
        return self.text("kind")

    @property
    def moment(self) -> datetime | None:
        """Return when it was written, None where that cannot be read."""
        return moment_of(self.text("when"))


def read_history(root: Path) -> tuple[Row, ...]:
    """Return all rows of the history of the project in `root`, none where there is no file."""
    try:
        text = (root / HISTORY_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict):
            rows.append(Row(line=number, values=values))
    return tuple(rows)


def moment_of(text: str) -> datetime | None:
    """Return a point in time; a text without a zone is in UTC, and one that is none gives None."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_to_come(moment: datetime, now: datetime) -> bool:
    """Say whether a moment is none that can be past anywhere: a day is left for time zones."""
    return moment > now + timedelta(days=1)

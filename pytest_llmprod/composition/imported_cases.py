"""Imported cases: exchanges of an application's log as rows of a data set."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.scanning import findings
from pytest_llmprod.evals import handed_in
from pytest_llmprod.evals.appending import all_appended, alone_with, not_writable
from pytest_llmprod.evals.dataset import Case, read_bytes, read_cases
from pytest_llmprod.evals.digests import canonical
from pytest_llmprod.records import conversation, names
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.masking import Scanner


@dataclass(slots=True)
class AddedCases:
    """What became of the exchanges of a log: each line with its case, and how many were what.

    `known` exchanges ask what a row asks already: that row is their case. `left_out` got no answer,
    hold no text of a user, or cannot be a row of this data set; they keep the case that they name.
    """

    lines: list[LogLine] = field(default_factory=list)
    added: int = 0
    known: int = 0
    left_out: int = 0


def add_cases(path: Path, lines: Iterable[LogLine], scanners: Sequence[Scanner]) -> AddedCases:
    """Add a row to the data set at `path` for each answered exchange that asks something new.

    The last text of the user is its input, masked by `scanners`. What the model answered is no
    expectation, so the row has none. A file that is not there is made. Raises DatasetError where
    the data set cannot be read or written, and writes nothing then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone_with(path):
        content = read_bytes(path) if path.exists() else b""
        cases = read_cases(path, content)
        ids = {canonical(case.input): case.id for case in cases}
        used = {case.id for case in cases}
        found = AddedCases()
        rows: list[dict[str, Any]] = []
        for line in lines:
            row = _row(line, cases, scanners) if is_answered(line.exchange) else None
            asked = "" if row is None else canonical(row["input"])
            if asked in ids:
                found.known += 1
            elif row is not None and (new := _identified(row, used)) is not None:
                rows.append(new)
                ids[asked] = str(new["id"])
                used.add(ids[asked])
                found.added += 1
            else:
                found.left_out += 1
            found.lines.append(replace(line, case=ids.get(asked, line.case)))
        if rows:
            try:
                write_whole(path, all_appended(path, content, rows))
            except OSError as error:
                raise not_writable(path, error) from error
    return found


def is_answered(exchange: Exchange) -> bool:
    """Say whether a model answered: an error of the provider is no case, and no recording."""
    return bool(exchange.text) and not exchange.failure and exchange.status < 400


def _row(
    line: LogLine, cases: Sequence[Case], scanners: Sequence[Scanner]
) -> dict[str, Any] | None:
    """Return what a line asks as a masked row, None where that is no row of this data set."""
    asked = conversation.messages(line.exchange.request)
    try:
        content = json.dumps({names.INPUT_MESSAGES: asked}).encode()
        row = dict(handed_in.read(content, cases).row)
        (masked,) = masking.mask_documents([row], scanners)
    except (DatasetError, RecursionError):
        return None
    for _ in findings(json.dumps(masked, ensure_ascii=False), [*scanners, find_encoded]):
        return None  # a secret where it cannot be masked
    return {"id": line.case, **masked} if line.case else dict(masked)


def _identified(row: Mapping[str, Any], used: Collection[str]) -> dict[str, Any] | None:
    """Return a row with its id, None where another row has that id."""
    try:
        return handed_in.identified(row, used, expected=None, tags=())
    except DatasetError:
        return None

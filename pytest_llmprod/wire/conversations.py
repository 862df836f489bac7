"""Conversations: which recording answers a request that goes on from an earlier answer?

The Responses API names that answer by its id, which differs from run to run and is therefore no
part of a key. A replay gives the recorded ids, so the request of a replay names the same answer as
the recorded request did, unless it goes on from another one.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.recording import Recording


def earlier_answer(document: Any) -> str:
    """Return the id of the answer from which a request goes on, or ''."""
    named = document.get("previous_response_id") if isinstance(document, dict) else None
    return named if isinstance(named, str) else ""


class Conversations(NamedTuple):
    """The recordings of one key by the answer from which they go on, and all that was answered.

    `positions` are those among the recordings of the key. `answers` is the text of all answers of
    the test.
    """

    positions: Mapping[str, Sequence[int]]
    answers: str


def read_conversations(alike: Iterable[Recording], section: Iterable[Recording]) -> Conversations:
    """Read the recordings `alike`, which have one key, and `section`, all those of the test."""
    positions: dict[str, list[int]] = {}
    for position, each in enumerate(alike):
        earlier = earlier_answer(decode_document(each.request["body"]))
        positions.setdefault(earlier, []).append(position)
    answers = "\n".join(json.dumps(each.response["body"]) for each in section)
    return Conversations(positions, answers)


def going_on(earlier: str, known: Conversations, taken: Collection[int]) -> int | None:
    """Return which recording goes on from the answer `earlier` and is not among those `taken`.

    Where the id is that of no answer of the test, it was made up elsewhere, and the first that is
    left is returned. None where each goes on from another answer.
    """
    left = (position for position in known.positions.get(earlier, ()) if position not in taken)
    found = next(left, None)
    if found is not None or json.dumps(earlier) in known.answers:
        return found
    others = sorted(each for positions in known.positions.values() for each in positions)
    return next((position for position in others if position not in taken), None)

"""Conversations: which recording answers a request that goes on from an earlier answer?

The Responses API names that answer by its id, which differs from run to run and is therefore no
part of a key. A replay gives the recorded ids, so the request of a replay names the same answer as
the recorded request did, unless it goes on from another one.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.recording import Recording


def earlier_answer(document: Any) -> str:
    """Return the id of the answer from which a request goes on, or ''."""
    named = document.get("previous_response_id") if isinstance(document, dict) else None
    return named if isinstance(named, str) else ""


def going_on(
    earlier: str, alike: Sequence[Recording], taken: Collection[int], section: Sequence[Recording]
) -> int | None:
    """Return which of the recordings `alike`, which have one key, goes on from `earlier`.

    Those whose positions are `taken` are left out. Where the id is that of no answer in `section`,
    all recordings of the test, it was made up elsewhere, and the first that is left is returned.
    None where each goes on from another answer.
    """
    left = [position for position in range(len(alike)) if position not in taken]
    for position in left:
        if earlier_answer(decode_document(alike[position].request["body"])) == earlier:
            return position
    quoted = json.dumps(earlier)
    is_recorded = any(quoted in json.dumps(each.response["body"]) for each in section)
    return None if is_recorded or not left else left[0]

"""Time three ways to find the changed words of a long text: `python time_diffs.py ROUNDS`.

Prints a JSON object: for each way the milliseconds of CPU of each round, and the number of changes
that it finds. The text has 4,500 words of 50 different ones, cut as a miss cuts it, into words and
the spaces between them. 50 words have changed.
"""

import json
import random
import sys
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import partial
from time import process_time
from typing import Any

from pytest_llmprod.wire.misses.alignment import changes

WORDS = 4_500
VOCABULARY = 50
CHANGED = 50


def texts() -> tuple[list[str], list[str]]:
    """Return the words and spaces of the text before and after the change."""
    source = random.Random(7)
    words = (f"word{source.randrange(VOCABULARY)}" for _ in range(WORDS))
    before = [each for word in words for each in (word, " ")]
    after = list(before)
    for number in source.sample(range(WORDS), CHANGED):
        after[2 * number] = "changed"
    return before, after


def changes_of_difflib(old: Sequence[str], new: Sequence[str], *, autojunk: bool) -> list[Any]:
    """Return the changes that difflib finds, with or without its heuristic."""
    codes = SequenceMatcher(None, old, new, autojunk=autojunk).get_opcodes()
    return [code for code in codes if code[0] != "equal"]


def timed(find: Callable[..., Sequence[Any]], rounds: int) -> dict[str, Any]:
    """Return the times of a way, and how many changes it finds."""
    before, after = texts()
    times = []
    found: Sequence[Any] = ()
    for _ in range(rounds):
        start = process_time()
        found = find(before, after)
        times.append((process_time() - start) * 1000)
    return {"ms": times, "changes": len(found)}


WAYS: dict[str, Callable[..., Sequence[Any]]] = {
    "ours": changes,
    "difflib": partial(changes_of_difflib, autojunk=True),
    "difflib without autojunk": partial(changes_of_difflib, autojunk=False),
}

if __name__ == "__main__":
    rounds = int(sys.argv[1])
    print(json.dumps({name: timed(find, rounds) for name, find in WAYS.items()}))

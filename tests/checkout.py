"""Checkout: the example as it is in git, whatever other tests write beside it at the moment."""

import shutil
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "support_triage"
#: What runs leave there; a file that is gone before it is copied would be an error.
LEFT_BY_RUNS = (
    "__pycache__",
    ".*cache",
    ".hypothesis",
    ".llmprod",
    ".llmprod-*.tmp",
    "llmprod-gates.json",
    "llmprod-history.jsonl",
)


def check_out(target: Path, *left_out: str, source: Path = EXAMPLE) -> Path:
    """Copy the example to `target`, without what matches `left_out`, and return that folder."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_BY_RUNS, *left_out))
    return target

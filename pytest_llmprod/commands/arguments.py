"""Arguments: what several commands take."""

import argparse
from pathlib import Path

from pytest_llmprod.core.text import printable


def existing_path(text: str) -> Path:
    """Return the path of a file or folder, as the `type` of an argument.

    Raises ArgumentTypeError where there is none: that is wrong use, and no finding.
    """
    path = Path(text)
    try:
        is_there = path.exists()
    except (OSError, ValueError):  # a name that no system takes
        is_there = False
    if not is_there:
        raise argparse.ArgumentTypeError(f"{printable(text)}: there is no such file or folder")
    return path

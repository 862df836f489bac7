"""The command `llmprod dataset check`: are the data sets of evals in order?"""

import argparse
import sys

from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.text import counted
from pytest_llmprod.evals import dataset


def run(options: argparse.Namespace) -> int:
    """Print what is wrong with data sets; exit with 1 where something has to be mended."""
    status = 0
    for path in options.files:
        try:
            cases = dataset.load(path).cases
        except LlmprodError as error:
            print(f"llmprod: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{path}: {counted(len(cases), 'case')}")
    return status

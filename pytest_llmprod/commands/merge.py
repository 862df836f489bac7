"""The command `llmprod merge`: what do the shards of a run say together?"""

import argparse
from pathlib import Path
from typing import Any

from pytest_llmprod.commands.arguments import existing_path
from pytest_llmprod.core.text import printable

_OUTPUTS = {
    "json": "write the results as JSON to this file, as pytest --llm-json does",
    "html": "write the results as an HTML page to this file, as pytest --llm-html does",
    "markdown": "write the results as Markdown to this file, as pytest --llm-markdown does",
}
_USAGE_ERROR, _NO_TESTS = 4, 5  # pytest's own exit statuses


def add_command(nouns: Any) -> None:
    """Add `merge` to the argparse sub-parsers of `llmprod`."""
    merge = nouns.add_parser(
        "merge",
        help="join the shards of a run, and decide",
        description="Join the parts of a run, each of which was stored by a job of CI with `pytest "
        "--llm-eval --llm-json=FILE`, and decide gates, budgets and comparisons as one run of all "
        "tests would. Call it in the folder that pytest calls rootdir, on the commit of the parts. "
        "Exits with 1 where a gate is closed, a budget is not kept, a test failed, or the parts "
        "are not those of one run.",
    )
    merge.add_argument("folder", type=_folder, metavar="DIR", help="where the stored parts lie")
    merge.add_argument(
        "--expect", type=_number, required=True, metavar="N", help="how many parts there must be"
    )
    for name, text in _OUTPUTS.items():
        merge.add_argument(f"--{name}", metavar="FILE", help=text)
    merge.set_defaults(run=_merge)


def _folder(text: str) -> Path:
    path = existing_path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{printable(text)}: is a file; name the folder")
    return path


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is no number of shards, such as 3")
    return int(text)


def _merge(options: argparse.Namespace) -> int:
    from pytest_llmprod.hooks.merging import merge  # brings pytest: other commands do without

    named = {name: getattr(options, name) for name in _OUTPUTS}
    outputs = [f"--llm-{name}={file}" for name, file in named.items() if file is not None]
    status = merge(options.folder, options.expect, outputs)
    if status in (0, _NO_TESTS):
        return 0
    return 2 if status == _USAGE_ERROR else 1

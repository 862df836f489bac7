"""The command `llmprod compare`: is a new run as good as an old one?"""

import argparse
import json
from typing import Any

from pytest_llmprod.cli_arguments import existing_path


def add_command(nouns: Any) -> None:
    """Add `compare` to the argparse sub-parsers of `llmprod`."""
    compare = nouns.add_parser(
        "compare",
        help="two stored runs: what got worse, what got better",
        description="Compare a new run with an old one, case by case. Both were stored with "
        "`pytest --llm-eval --llm-json=FILE`. A case of the old run that the new one lacks counts "
        "as wrong. Exits with 1 where a suite is inferior or lacks cases.",
    )
    compare.add_argument("old", type=existing_path, metavar="OLD", help="the run to compare with")
    compare.add_argument("new", type=existing_path, metavar="NEW", help="the run to judge")
    compare.add_argument(
        "--margin",
        type=_margin,
        default=0.0,
        metavar="SHARE",
        help="by how much NEW may be worse, as a share of all cases, such as 0.02; default: 0",
    )
    compare.add_argument("--json", action="store_true", help="print JSON for scripts")
    compare.set_defaults(run=_compare)


def _margin(text: str) -> float:
    try:
        margin = float(text)
    except ValueError:
        margin = -1.0
    if not 0 <= margin < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to below 1, such as 0.02")
    return margin


def _compare(options: argparse.Namespace) -> int:
    from pytest_llmprod.evals import stored_run, swap  # other commands do without
    from pytest_llmprod.report import swap as report

    swaps = swap.compare(
        stored_run.load(options.old), stored_run.load(options.new), margin=options.margin
    )
    if options.json:
        print(json.dumps(report.to_json(swaps), indent=1, sort_keys=True))
    else:
        print("\n".join(report.render(swaps)))
    return 1 if any(each.is_regression for each in swaps) else 0

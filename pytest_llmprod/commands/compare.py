"""The command `llmprod compare`: is a new run as good as an old one?

What compares runs is imported where it is called: other commands do without.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_llmprod.commands.arguments import stored_run
from pytest_llmprod.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_llmprod.core.swap import Swap
    from pytest_llmprod.evals.stored_run import StoredSuite
    from pytest_llmprod.report.side_by_side import Answer


def add_command(nouns: Any) -> None:
    """Add `compare` to the argparse sub-parsers of `llmprod`."""
    compare = nouns.add_parser(
        "compare",
        help="two stored runs: what got worse, what got better",
        description="Compare a new run with an old one, case by case. Both were stored with "
        "`pytest --llm-eval --llm-json=FILE`. One run alone is compared with the accepted one in "
        "llmprod-baseline.json, or, where it was made with --llm-models, each new model in it with "
        "the first. A case of the old run that the new one lacks counts as wrong. Exits with 1 "
        "where a suite is inferior or lacks cases.",
    )
    compare.add_argument(
        "old", type=stored_run, metavar="OLD", help="the run to compare with, or RUN alone"
    )
    compare.add_argument("new", type=stored_run, metavar="NEW", nargs="?", help="the run to judge")
    compare.add_argument(
        "--margin",
        type=_margin,
        metavar="SHARE",
        help="by how much NEW may be worse, as a share of all cases, such as 0.02; default: what "
        "the marker llm_eval declared in the old run",
    )
    compare.add_argument(
        "--show",
        metavar="ID",
        help="print what was expected of this case and both answers, in place of the comparison",
    )
    compare.add_argument("--json", action="store_true", help="print JSON for scripts")
    compare.set_defaults(run=_compare, parser=compare)


def _margin(text: str) -> float:
    try:
        margin = float(text)
    except ValueError:
        margin = -1.0
    if not 0 <= margin < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to below 1, such as 0.02")
    return margin


class _Compared(NamedTuple):
    """What is compared: the swaps, and both sides of each suite; `passed_over` are no swaps."""

    swaps: "Sequence[Swap]"
    sides: "Sequence[tuple[StoredSuite, StoredSuite | None]]"
    passed_over: "Sequence[StoredSuite]"
    has_old_outputs: bool


def _compare(options: argparse.Namespace) -> int:
    from pytest_llmprod.report import swap as report  # other commands do without

    compared = _compared(options)
    if options.show is not None:
        return _show(options, compared)
    if options.json:
        print(json.dumps(report.to_json(compared.swaps), indent=1, sort_keys=True))
    else:
        for line in [*report.render(compared.swaps), *_not_compared(compared)]:
            print(line)
    return 1 if any(each.is_regression for each in compared.swaps) else 0


def _compared(options: argparse.Namespace) -> _Compared:
    """Compare two runs, the models of one run, or one run with the baseline."""
    from pytest_llmprod.evals import baseline, stored_run, swap

    first = stored_run.load_run(options.old)
    if options.new is None and first.models:
        swaps = swap.compare_models(first.suites, first.models, margin=options.margin)
        pairs = swap.model_pairs(first.suites, first.models)
        left_out = [each for pair in pairs for each in pair if each.not_judged or each.has_outputs]
        return _Compared(swaps, pairs, left_out, True)
    if options.new is None:
        old, _ = baseline.load(_baseline_path(options))
        new = first
    else:
        old, new = first, stored_run.load_run(options.new)
        if bool(old.models) != bool(new.models):
            _refuse_models_beside_one(options, options.old if old.models else options.new)
    swaps = swap.compare(old.suites, new.suites, margin=options.margin)
    others = {suite.name: suite for suite in new.suites}
    sides = [(suite, others.get(suite.name)) for suite in old.suites]
    report_only = [each for side in sides for each in side if each and each.is_report_only]
    return _Compared(swaps, sides, report_only, options.new is not None)


def _refuse_models_beside_one(options: argparse.Namespace, several: Path) -> None:
    """Exit with 2: the suites of several models are named after them, so each would be missing."""
    options.parser.error(
        f"{printable(str(several))} was made with --llm-models and the other run was not, so they "
        f"have no suite in common. Compare the models of that run with `llmprod compare "
        f"{printable(str(several))}`, or make a run of the new model alone with `pytest --llm-eval "
        f"--llm-swap OLD=NEW --llm-json=FILE`."
    )


def _not_compared(compared: _Compared) -> "Iterator[str]":
    """Yield why suites are in no comparison, each reason once for a feature."""
    from pytest_llmprod.core.swap import SAME_OUTPUTS
    from pytest_llmprod.report.layout import wrapped

    reasons = dict.fromkeys(
        (each.feature, each.not_judged or SAME_OUTPUTS) for each in compared.passed_over
    )
    for feature, why in reasons:
        yield from wrapped(printable(f"{feature}: not compared; {why}"), most_lines=4)


def _baseline_path(options: argparse.Namespace) -> Path:
    from pytest_llmprod.evals.baseline import FILE_NAME

    path = Path(FILE_NAME)
    if not path.is_file():
        options.parser.error(
            f"there is no {FILE_NAME} here to compare this run with. Name two runs, or accept one "
            f"with `llmprod accept RUN`."
        )
    return path


def _show(options: argparse.Namespace, compared: _Compared) -> int:
    from pytest_llmprod.report import side_by_side  # a comparison does without

    seen: set[tuple[str, str]] = set()
    for old, new in compared.sides:
        case = (new.cases.get(options.show) if new else None) or old.cases.get(options.show)
        name = (old.shared_test, new.asked_model if new else "")
        if case is None or name in seen:  # under several metrics the answers are the same
            continue
        seen.add(name)
        answers = tuple(_answers(options.show, old, new, compared.has_old_outputs))
        lines = side_by_side.render(
            old.feature, options.show, case.expected, (answers[0], answers[1])
        )
        print("\n".join(lines))
    if not seen:
        options.parser.error(f"there is no case {printable(options.show)!r} in these runs")
    return 0


def _answers(
    case_id: str, old: "StoredSuite", new: "StoredSuite | None", has_old_outputs: bool
) -> "Iterator[Answer | None]":
    from pytest_llmprod.report.side_by_side import Answer

    for suite, is_kept in ((old, has_old_outputs), (new, True)):
        case = suite.cases.get(case_id) if suite else None
        model = (suite.asked_model or suite.model) if suite else ""
        yield None if case is None else Answer(model, case.outcome, case.why, case.output, is_kept)

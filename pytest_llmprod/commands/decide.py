"""The command `llmprod decide`: what would a stored run say under other thresholds?"""

import argparse
import json
from typing import TYPE_CHECKING, Any

from pytest_llmprod.commands.arguments import existing_file, stored_run
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.report.layout import wrapped

if TYPE_CHECKING:
    from pytest_llmprod.evals.policy import Decision


def add_command(nouns: Any) -> None:
    """Add `decide` to the argparse sub-parsers of `llmprod`."""
    decide = nouns.add_parser(
        "decide",
        help="a stored run, judged again under other thresholds",
        description="Judge a run again that was stored with `pytest --llm-eval --llm-json=FILE`, "
        "without a call to a model. Writes nothing: gates are written by runs only. Exits with 1 "
        "where a suite would close its gate or cannot be judged.",
    )
    decide.add_argument("run_file", type=stored_run, metavar="RUN", help="the stored run")
    decide.add_argument(
        "--policy",
        type=existing_file,
        metavar="FILE",
        help="a TOML file with a table for each feature: threshold, confidence, max_errors; what "
        "it leaves out stays as in the run, but for max_errors, which is 0",
    )
    decide.add_argument("--strict", action="store_true", help="INCONCLUSIVE closes the gate")
    decide.add_argument("--json", action="store_true", help="print JSON for scripts")
    decide.set_defaults(run=_decide)


def _decide(options: argparse.Namespace) -> int:
    from pytest_llmprod.evals import policy, stored_run  # other commands do without

    suites = stored_run.load(options.run_file)
    rules = {} if options.policy is None else policy.load(options.policy, suites)
    decisions = policy.decide(suites, rules, strict=options.strict)
    if options.json:
        rows = [_row(each) for each in decisions]
        print(json.dumps({"suites": rows}, indent=1, sort_keys=True))
    else:
        for each in decisions:
            print("\n".join(_lines(each)))
    deciding = [each for each in decisions if not each.suite.is_report_only]
    is_open = all(each.verdict is not None and each.verdict.is_open for each in deciding)
    return 0 if is_open else 1


def _row(decision: "Decision") -> dict[str, Any]:
    suite, verdict = decision.suite, decision.verdict
    return {
        "feature": suite.feature,
        "test": suite.test,
        "metric": suite.metric,
        "threshold": decision.threshold,
        "verdict": verdict.name if verdict else None,
        "is_open": verdict is not None and verdict.is_open,
        "reason": verdict.reason if verdict else suite.not_judged,
    }


def _lines(decision: "Decision") -> list[str]:
    row = _row(decision)
    name = row["feature"] if row["metric"] == "passed" else f"{row['feature']} {row['metric']}"
    verdict, reason = row["verdict"] or "not judged", printable(row["reason"])
    return wrapped(f"{shorten(printable(name), 40)}: {verdict}; {reason}", most_lines=4)

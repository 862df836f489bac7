"""The command `llmprod accept`: make a stored run the one with which others are compared."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.commands.arguments import stored_run
from pytest_llmprod.commands.who import who
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.layout import wrapped


def add_command(nouns: Any) -> None:
    """Add `accept` to the argparse sub-parsers of `llmprod`."""
    accept = nouns.add_parser(
        "accept",
        help="make a stored run the baseline of later ones",
        description="Write llmprod-baseline.json from a whole run that was stored with `pytest "
        "--llm-eval --llm-json=FILE`, and add a line to llmprod-history.jsonl. Nothing else moves "
        "the baseline. Call it in the folder that pytest calls rootdir, and commit both files.",
    )
    accept.add_argument("run_file", type=stored_run, metavar="RUN", help="the stored run")
    accept.add_argument(
        "-m", "--why", default="", metavar="WHY", help="why this run is accepted, in a few words"
    )
    accept.add_argument("--who", metavar="NAME", help="default: the name that git knows")
    accept.set_defaults(run=_accept, parser=accept)


def _accept(options: argparse.Namespace) -> int:
    from pytest_llmprod.evals import baseline, stored_run  # other commands do without

    folder = Path.cwd()
    accepted = baseline.make(
        stored_run.load_document(options.run_file),
        folder,
        who=printable(who(options, folder)),
        why=printable(options.why),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    baseline.write(accepted, folder)
    suites, cases = accepted.document["suites"], accepted.document["cases"]
    told = f"{counted(len(suites), 'suite')}, {counted(len(cases), 'case')}"
    lines = [f"{baseline.FILE_NAME}: accepted {told}"]
    lines += [f"  kept as it was, for it did not run: {printable(each)}" for each in accepted.kept]
    lines += [f"  dropped, for its test is gone: {printable(each)}" for each in accepted.dropped]
    lines += [
        f"  left out, for its judge may not decide: {printable(test)}, {printable(metric)}"
        for test, metric in accepted.left_out
    ]
    skipped = sum({suite["test"]: suite.get("skipped", 0) for suite in suites}.values())
    if skipped:
        lines.append(f"  {counted(skipped, 'case')} skipped, and so not compared from now on")
    lines.append(f"commit it together with {baseline.HISTORY_NAME}")
    for line in lines:
        print("\n".join(wrapped(line)))
    return 0

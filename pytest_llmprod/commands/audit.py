"""The command `llmprod audit`: may this feature be handed over?"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.checklist import LEVELS


def add_command(nouns: Any) -> None:
    """Add `audit` to the argparse sub-parsers of `llmprod`."""
    audit = nouns.add_parser(
        "audit",
        help="the shipping checklist, judged by the evidence on the disk",
        description="Judge each line of the shipping checklist by the evidence that lies in this "
        "folder, the rootdir of pytest. Nothing is run and nothing written. Exits with 1 where a "
        "line keeps the project from the level that is asked for.",
    )
    audit.add_argument(
        "--level",
        choices=LEVELS,
        default=LEVELS[-1],
        help="the level that the project must reach (default: handed over)",
    )
    form = audit.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON for scripts")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    form.add_argument("--sarif", action="store_true", help="print SARIF 2.1.0 for code scanning")
    audit.set_defaults(run=_audit)


def _audit(options: argparse.Namespace) -> int:
    from pytest_llmprod.composition.auditing import audit_project  # other commands do without

    found = audit_project(Path.cwd(), datetime.now(UTC))
    if options.json:
        print(json.dumps(found.to_json(), indent=1))
    elif options.sarif:
        from importlib.metadata import version

        from pytest_llmprod.report.sarif import to_sarif

        print(to_sarif(found, version("pytest-llmprod")), end="")
    else:
        from pytest_llmprod.report import audit as report

        if options.markdown:
            print(report.to_markdown(found), end="")
        else:
            print("\n".join(report.render(found, colour=_has_colour())))
    return 1 if found.blocks(options.level) else 0


def _has_colour() -> bool:
    """Say whether a person looks at the output, who has not asked for none (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")

"""The command `llmprod judge calibrate`: how far does a judge agree with people?"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.commands.arguments import existing_file
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.layout import wrapped

if TYPE_CHECKING:
    from pytest_llmprod.evals.judging.calibration import Calibration
    from pytest_llmprod.hooks.calibrating import Calibrator


def add_commands(verbs: Any) -> None:
    """Add the verbs of `judge` to its argparse sub-parsers."""
    calibrate = verbs.add_parser(
        "calibrate",
        help="measure a judge on labels by people",
        description="Ask a judge about outputs that people have labelled, and store in "
        "llmprod-judges.json how far it agrees with them. The judge answers from the recordings "
        "beside the labels. Exits with 1 where the judge may not decide after that.",
    )
    calibrate.add_argument(
        "judge",
        type=_place,
        metavar="FILE.py:NAME",
        help="the file that defines the judge, and the name= of the judge",
    )
    calibrate.add_argument(
        "labels",
        type=existing_file,
        metavar="LABELS",
        help="rows with id, input, output, expected and label, in JSONL, CSV, YAML or JSON",
    )
    calibrate.add_argument(
        "--record",
        action="store_true",
        help="send every question and record the answers anew, with your key",
    )
    calibrate.add_argument("--json", action="store_true", help="print JSON for scripts")
    calibrate.set_defaults(run=_calibrate)


def _place(text: str) -> tuple[Path, str]:
    file, colon, name = text.rpartition(":")
    if not (colon and name):
        raise argparse.ArgumentTypeError(
            f"{printable(text)}: write the file and the name, as in evals/judges.py:politeness"
        )
    return existing_file(file), name


def _calibrate(options: argparse.Namespace) -> int:
    # Brings pytest: other commands do without.
    from pytest_llmprod.hooks.calibrating import calibrate

    file, name = options.judge
    found = calibrate(file, name, options.labels, record=options.record)
    calibration = found.calibration
    assert calibration is not None, "calibrate() raises where there is none"
    if options.json:
        document = {**calibration.to_json(), "report_only": found.report_only}
        print(json.dumps(document, indent=1, sort_keys=True))
    else:
        print("\n".join(_lines(name, calibration, found)))
    return 1 if found.report_only else 0


def _lines(name: str, calibration: "Calibration", found: "Calibrator") -> Iterator[str]:
    day = calibration.measured_at[:10]
    labels = f"{counted(calibration.n, 'label')} of {printable(calibration.labels)}"
    yield from wrapped(f"{printable(name)}: {printable(calibration.model)} on {labels}, {day}")
    kappa = "unknown" if calibration.kappa is None else f"{calibration.kappa:.2f}"
    yield f"  kappa                   {kappa}"
    yield f"  agreement               {calibration.agreement:.1%}"
    yield f"  always the same answer  {calibration.majority:.1%}"
    yield f"  good outputs            {calibration.base_rate:.1%}"
    yield f"  good ones found         {_rate(calibration.true_positives)}"
    yield f"  bad ones found          {_rate(calibration.true_negatives)}"
    if calibration.flips is not None:
        yield f"  order decides           {_rate(calibration.flips)}"
    yield from wrapped(f"{found.path.name}: {printable(name)} {_state(found)}")


def _state(found: "Calibrator") -> str:
    if not found.report_only:
        return "may decide"
    if found.kept is None:
        return f"is report-only: it {found.report_only}"
    return (
        f"may decide as before, by {counted(found.kept.n, 'label')} of "
        f"{printable(found.kept.labels)}: these here are too few, and were not stored. Add some."
    )


def _rate(counted_of: tuple[int, int]) -> str:
    count, of = counted_of
    return f"{count / of:.1%} ({count} of {of})" if of else "none"

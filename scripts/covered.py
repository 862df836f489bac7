"""Covered: how many lines and branches of each part of the package does a test run?

`python -m scripts.covered` reads what runs of pytest with `--cov` left in this folder, and prints a
row in Markdown for each part, and what no test ran.
"""

from collections import defaultdict
from pathlib import Path

from coverage import Coverage
from coverage.results import Numbers

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pytest_llmprod"


def measured() -> Coverage:
    """What all runs measured, in their own processes and in those that they started."""
    # pytest-cov has put the files of the processes together, without a suffix to the name.
    measurement = Coverage(data_suffix=False, config_file=str(ROOT / "pyproject.toml"))
    measurement.load()
    return measurement


def part_of(path: Path) -> str:
    """The folder of a module below the package; modules beside the folders are one part."""
    below = path.relative_to(PACKAGE).parts
    return below[0] if len(below) > 1 else "modules at the top"


def row(part: str, numbers: Numbers) -> str:
    return (
        f"| {part} | {numbers.n_statements} | {numbers.n_missing} | {numbers.n_branches} "
        f"| {numbers.n_missing_branches} | {numbers.pc_covered:.1f} % |"
    )


def table(measurement: Coverage) -> list[str]:
    """The rows of all parts, and below them those of modules that are not covered whole."""
    parts: dict[str, Numbers] = defaultdict(Numbers)
    rest = []
    for path in sorted(PACKAGE.rglob("*.py")):
        analysis = measurement._analyze(str(path))
        parts[part_of(path)] += analysis.numbers
        missing = analysis.missing_formatted(branches=True)
        if missing:
            rest.append(f"{path.relative_to(PACKAGE)}: {missing}")
    head = "| part | lines | not run | branches | not taken | covered |"
    rows = [row(part, parts[part]) for part in sorted(parts)]
    rows.append(row("**all**", sum(parts.values(), Numbers())))
    return [head, "|---|---|---|---|---|---|", *rows, "", *rest]


def main() -> None:
    print("\n".join(table(measured())))


if __name__ == "__main__":
    main()

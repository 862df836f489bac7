"""Release: put the number of a release into the files that name it.

`python -m scripts.release 0.2.0` writes the number into `pyproject.toml` and the package, and turns
what is unreleased in the changelog into a section of this release. `docs/design/releasing.md` has
the steps before and after.
"""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NUMBER = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
_UNRELEASED = "## Unreleased\n"


class ReleaseError(Exception):
    """Raised where a release cannot be numbered; the text says what to mend."""


def prepare(root: Path, number: str, day: str) -> list[str]:
    """Write a number into the files below `root`, and return the names of these files.

    `day` is the date of the release, as 2026-11-26. Nothing is written where anything is wrong.
    """
    if not _NUMBER.fullmatch(number):
        raise ReleaseError(f"{number!r} is no number such as 0.2.0 or 0.2.0rc1.")
    package = next(iter(root.glob("pytest_llmprod/__init__.py")))
    changed = {
        root / "pyproject.toml": _replaced(root / "pyproject.toml", r'^version = "(.*)"$', number),
        package: _replaced(package, r'^__version__ = "(.*)"$', number),
        root / "CHANGELOG.md": _dated(root / "CHANGELOG.md", number, day),
    }
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    return [path.relative_to(root).as_posix() for path in changed]


def _replaced(path: Path, pattern: str, number: str) -> str:
    text = path.read_text(encoding="utf-8")
    found = re.findall(pattern, text, re.M)
    if len(found) != 1:
        raise ReleaseError(f"{path.name}: names its version {len(found)} times, and not once.")
    return re.sub(pattern, lambda match: match[0].replace(match[1], number), text, flags=re.M)


def _dated(path: Path, number: str, day: str) -> str:
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition(_UNRELEASED)
    news = rest.partition("\n## ")[0].strip()
    if not mark or not news:
        raise ReleaseError(f"{path.name}: nothing stands below `{_UNRELEASED.strip()}`.")
    if f"\n## {number} " in text:
        raise ReleaseError(f"{path.name}: has a section of {number} already.")
    return f"{head}{_UNRELEASED}\n## {number} ({day})\n{rest}"


def main(arguments: list[str]) -> int:
    """Prepare the release that is named on the command line; 1 where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    parser.add_argument("number", help="such as 0.2.0")
    number = parser.parse_args(arguments).number
    try:
        names = prepare(ROOT, number, datetime.now(UTC).date().isoformat())
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{number} written into {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

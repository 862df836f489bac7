"""docs/drills-story.md: each version of the example's fallback does what the page shows."""

import os
import re
from pathlib import Path

import pytest
import warm
from checkout import check_out

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "drills-story.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
(FIRST_TRIAGE,) = (text for kind, text in BLOCKS if kind == "python")
REPAIRS = [text for kind, text in BLOCKS if kind == "diff"]
(COMMAND,) = (text.split() for kind, text in BLOCKS if not kind)

#: The page's outputs, in its order, by the number of repairs that had been made.
#: `...` stands for the rest of a traceback.
SUMMARIES = [text for kind, text in BLOCKS if kind == "text" and text.startswith("drills of")]
FAILURES = [text for kind, text in BLOCKS if kind == "text" and not text.startswith("drills of")]
OF_FIRST, OF_SECOND = FAILURES[0].split("...\n"), FAILURES[1:]


def undone(source: str, repair: str) -> str:
    """Return a source as it was before a repair, each hunk of which is found in one place."""
    for hunk in repair.split("@@\n")[1:]:
        lines = hunk.splitlines(keepends=True)
        after = "".join(line[1:] for line in lines if line[0] in " +")
        before = "".join(line[1:] for line in lines if line[0] in " -")
        assert source.count(after) == 1, after
        source = source.replace(after, before)
    return source


def steady(output: str) -> str:
    """Return an output with one and the same time for three requests: their pauses are random."""
    return re.sub(r"took 31\.\d s", "took 31 s", output)


def drilled(folder: Path, repairs: int) -> str:
    """Return what the drills print of the example with so many of its repairs."""
    check_out(folder, "llmprod-*.json*")
    module = folder / "app" / "triage.py"
    source = module.read_text(encoding="utf-8")
    for repair in reversed(REPAIRS[repairs:]):
        source = undone(source, repair)
    module.write_text(source, encoding="utf-8")
    if not repairs:
        assert FIRST_TRIAGE in source
    hidden = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL", "COLUMNS", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    result = warm.run(["-m", *COMMAND], cwd=folder, env=environment)
    assert result.returncode == (repairs < len(REPAIRS)), result.stdout
    return steady(result.stdout)


@pytest.mark.parametrize(("repairs", "failures"), [(0, OF_FIRST), (1, OF_SECOND), (2, [])])
def test_each_version_of_the_example_does_what_the_page_shows(
    tmp_path: Path, repairs: int, failures: list[str]
) -> None:
    output = drilled(tmp_path / "support_triage", repairs)

    assert steady(SUMMARIES[repairs]) in output
    assert [text for text in failures if steady(text) not in output] == []


def test_the_page_shows_the_output_of_each_version() -> None:
    assert (len(SUMMARIES), len(REPAIRS), len(OF_FIRST), len(OF_SECOND)) == (3, 2, 2, 4)

"""Tools: what is installed for each of them, and how each does the three jobs.

A command is a line for the shell, as docs/peers.md shows it. `keeps` says which lines of its output
stand there: the others are progress, tables of every case and advertisements.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
JOBS = ("replay", "judge", "compare")
_PYTEST = "pytest==9.2.0"
_OPENAI = "openai==3.57.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as one tool does it: the line for the shell, and how to know that it was done."""

    line: str
    exit_status: int
    says: str
    keeps: str

    def shown(self, output: str) -> str:
        """Return what the page shows of an output: no colour, no durations, no lost blanks."""
        text = re.sub(r"\x1b\[[\d;]*m", "", output)
        text = re.sub(r" in \d+\.\d+s( \(\d:\d\d:\d\d\))?$", "", text, flags=re.MULTILINE)
        lines = [line.rstrip() for line in text.splitlines() if re.search(self.keeps, line)]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool: its folder here, the packages of its environment, and its jobs in order.

    `records` is the line that makes the recordings, where the tool makes some of its own; the
    others play those of pytest-recording.
    """

    name: str
    folder: str
    packages: tuple[str, ...]
    jobs: tuple[Job, Job, Job]
    records: str | None = None

    @property
    def files(self) -> Sequence[Path]:
        """Return the files that the page shows."""
        found = (FOLDER / self.folder).iterdir()
        return sorted(path for path in found if path.is_file())


PYTEST_RECORDING = Tool(
    name="pytest-recording",
    folder="pytest_recording",
    packages=("pytest-recording==0.14.1", "vcrpy==9.4.2", _PYTEST, _OPENAI),
    records="OPENAI_API_KEY=none pytest -q --record-mode=once test_replay.py",
    jobs=(
        Job(
            line="OPENAI_API_KEY=none pytest -q test_replay.py",
            exit_status=0,
            says=" passed in ",
            keeps=r"passed",
        ),
        Job(
            line="pytest -q --tb=short test_judge.py",
            exit_status=1,
            says="158 of 200 are right",
            keeps=r"^E +AssertionError|failed",
        ),
        Job(
            line="pytest -q --tb=short test_compare.py",
            exit_status=1,
            says="35 broken, 11 fixed",
            keeps=r"^E +AssertionError|failed",
        ),
    ),
)
DEEPEVAL = Tool(
    name="deepeval",
    folder="deepeval",
    packages=("deepeval==4.3.1", "pytest-recording==0.14.1", "vcrpy==9.4.2", _PYTEST, _OPENAI),
    jobs=(
        Job(
            line="OPENAI_API_KEY=none deepeval test run test_replay.py",
            exit_status=0,
            says="Pass Rate: 100.0%",
            keeps=r"Test Results|Pass Rate",
        ),
        Job(
            line="python judge.py",
            exit_status=1,
            says="79.0% are right",
            keeps=r"Test Results|Pass Rate|are right",
        ),
        Job(
            line="python compare.py",
            exit_status=1,
            says="35 broken, 11 fixed",
            keeps=r"Test Results|Pass Rate|broken",
        ),
    ),
)
PYDANTIC_EVALS = Tool(
    name="pydantic-evals",
    folder="pydantic_evals",
    packages=("pydantic-evals==2.62.0", "vcrpy==9.4.2", _OPENAI),
    jobs=(
        Job(
            line="OPENAI_API_KEY=none python replay.py",
            exit_status=0,
            says=" answers, 0 failures",
            keeps=r"answers",
        ),
        Job(
            line="python judge_sums.py",
            exit_status=1,
            says="79.0% are right",
            keeps=r"are right",
        ),
        Job(
            line="python compare_sums.py",
            exit_status=1,
            says="91.0% ✔ → 79.0% ✔",
            keeps=r"Case ID|r000[0-3]|r0012|Averages",
        ),
    ),
)
PROMPTFOO = Tool(
    name="promptfoo",
    folder="promptfoo",
    packages=("promptfoo@0.121.20",),
    records="OPENAI_API_KEY=none promptfoo eval -c replay.yaml --no-table",
    jobs=(
        Job(
            line="OPENAI_API_KEY=none promptfoo eval -c replay.yaml --no-table",
            exit_status=0,
            says="(cached)",
            keeps=r"cached|passed|failed|errors",
        ),
        Job(
            line="PROMPTFOO_PASS_RATE_THRESHOLD=85 promptfoo eval -c judge.yaml --no-table",
            exit_status=100,
            says="is below the threshold of",
            keeps=r"passed|failed|errors|threshold",
        ),
        Job(
            line="promptfoo eval -c compare.yaml --table-cell-max-length 22",
            exit_status=100,
            says="340 passed",
            keeps=r"\[echo\] old|What is (341|676|850|384) |passed|failed|errors",
        ),
    ),
)
LLMPROD = Tool(
    name="pytest-llmprod",
    folder="llmprod",
    packages=(str(ROOT), _PYTEST, _OPENAI),
    records="OPENAI_API_KEY=none pytest -q --llm-record=once test_replay.py",
    jobs=(
        Job(
            line="pytest -q test_replay.py",
            exit_status=0,
            says=" passed in ",
            keeps=r"passed",
        ),
        Job(
            line="MODEL=new pytest --llm-eval -q test_judge.py",
            exit_status=1,
            says="gates: 1 closed",
            keeps=r"^the gate|^llmprod|^FAILED|failed",
        ),
        Job(
            line="sh compare.sh",
            exit_status=1,
            says="INFERIOR",
            keeps=r"^(sums|  )|^llmprod",
        ),
    ),
)
TOOLS = (LLMPROD, PYTEST_RECORDING, DEEPEVAL, PYDANTIC_EVALS, PROMPTFOO)

"""Mutation: of the faults that are put into the deciding modules, how many does a test see?

`python -m scripts.mutation` draws up to `--each` mutants of each module that `[tool.mutmut]` names,
with a fixed seed, lets mutmut run those that have no result yet, and prints the score by module.
What survived is written to `mutants/survivors.txt`, with the difference that no test saw.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_llmprod.core.intervals import wilson

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "mutants"
SURVIVORS = MUTANTS / "survivors.txt"
SEED = 8
# A mutant that ends pytest with a failure (1) or an internal error (3), or that never ends.
SEEN = {1, 3, 24, 36, 152, 255, -24}
ROOMS = {
    "core": "pytest_llmprod/core/",
    "evals/statistics": "pytest_llmprod/evals/",
    "evals/gate": "pytest_llmprod/evals/gate",
    "budgets": "pytest_llmprod/budgets/",
    "wire/key": "pytest_llmprod/wire/key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The mutants drawn from one module, each with the exit code of its tests, if it was run."""

    module: str
    mutants: int
    exit_codes: dict[str, int | None]

    @property
    def seen(self) -> int:
        return sum(code in SEEN for code in self.exit_codes.values())

    @property
    def score(self) -> float:
        return self.seen / len(self.exit_codes)

    @property
    def survivors(self) -> list[str]:
        return [name for name, code in self.exit_codes.items() if code not in SEEN]


def room_of(module: str) -> str:
    """The part of the package that a module belongs to: the longest folder that begins its path."""
    fitting = [room for room, start in ROOMS.items() if module.startswith(start)]
    return max(fitting, key=lambda room: len(ROOMS[room]))


def make_mutants() -> None:
    """Write the mutants of all modules below `mutants/`; those of unchanged functions stay."""
    # Only this command needs mutmut.
    from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants

    MUTANTS.mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(max_children=1)


def drawn(each: int) -> list[Sample]:
    """A sample of the mutants of each module; a larger `each` keeps what a smaller one drew."""
    samples = []
    for meta in sorted(MUTANTS.rglob("*.py.meta")):
        exit_codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        module = str(meta.relative_to(MUTANTS)).removesuffix(".meta")
        names = sorted(exit_codes)
        random.Random(f"{SEED} {module}").shuffle(names)
        chosen = {name: exit_codes[name] for name in names[:each]}
        if chosen:
            samples.append(Sample(module=module, mutants=len(names), exit_codes=chosen))
    return samples


def run(names: list[str]) -> None:
    """Let mutmut run the tests of these mutants, one at a time."""
    command = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", "1", *names]
    subprocess.run(command, cwd=ROOT, check=True)


def row_of(sample: Sample) -> str:
    tested = len(sample.exit_codes)
    interval = "all were run"
    if tested < sample.mutants:
        low, high = wilson(sample.seen, tested)
        interval = f"{low:.0%} to {high:.0%}"
    module = sample.module.removeprefix("pytest_llmprod/")
    counts = f"{sample.mutants} | {tested} | {sample.seen}"
    return f"| `{module}` | {counts} | {sample.score:.0%} | {interval} |"


def row_of_room(room: str, samples: list[Sample]) -> str:
    """The row of a room; each module counts by the number of its mutants, not of those drawn.

    The interval is the normal one of a stratified sample (Cochran 1977, section 5.4), at 95 %.
    """
    mutants = sum(sample.mutants for sample in samples)
    share = sum(sample.mutants * sample.score for sample in samples) / mutants
    variance = sum(variance_of(sample) * (sample.mutants / mutants) ** 2 for sample in samples)
    margin = 1.96 * variance**0.5
    tested = sum(len(sample.exit_codes) for sample in samples)
    seen = sum(sample.seen for sample in samples)
    interval = f"{max(0.0, share - margin):.1%} to {min(1.0, share + margin):.1%}"
    return f"| **{room}** | {mutants} | {tested} | {seen} | **{share:.1%}** | {interval} |"


def variance_of(sample: Sample) -> float:
    """The variance of a module's score; zero where all of its mutants were run."""
    tested = len(sample.exit_codes)
    if tested in (1, sample.mutants):
        return 0.0
    left_out = 1 - tested / sample.mutants
    return left_out * sample.score * (1 - sample.score) / (tested - 1)


def table(samples: list[Sample]) -> str:
    """The scores in Markdown: rooms first, then modules."""
    lines = ["| module | mutants | run | seen | score | 95 % |", "|---|---|---|---|---|---|"]
    for room in ROOMS:
        within = [sample for sample in samples if room_of(sample.module) == room]
        if within:
            lines.append(row_of_room(room, within))
    lines.append(row_of_room("all", samples))
    lines += [row_of(sample) for sample in samples]
    return "\n".join(lines)


def write_survivors(samples: list[Sample]) -> int:
    """Write what each survivor changed; returns how many there are."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    names = [name for sample in samples for name in sample.survivors]
    texts = [f"# {name}\n{get_diff_for_mutant(name)}\n" for name in names]
    SURVIVORS.write_text("\n".join(texts), "utf-8")
    return len(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=40, help="mutants to draw from each module")
    parser.add_argument("--again", action="store_true", help="run the survivors again")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    make_mutants()
    samples = drawn(arguments.each)
    decided = SEEN if arguments.again else SEEN | {0, 33}
    names = [
        name
        for sample in samples
        for name, code in sample.exit_codes.items()
        if code not in decided
    ]
    if names:
        run(names)
        samples = drawn(arguments.each)
    print(table(samples))
    print(f"{write_survivors(samples)} survivors: {SURVIVORS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

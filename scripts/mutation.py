"""Mutation: of the faults that are put into the deciding modules, how many does a test see?

`python -m scripts.mutation` draws `--each` mutants of each part that `[tool.mutmut]` names, with a
fixed seed, runs those that have no result yet, and prints the score of each part with its interval;
`--each 0` only prints. What survived is written to `mutants/survivors.txt`, with the difference
that no test saw. A run that is stopped goes on where it was.
"""

import argparse
import json
import os
import random
from collections.abc import Iterable
from pathlib import Path

from scripts import mutant_runs
from scripts.mutant_runs import MUTANTS, TIMED_OUT

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = MUTANTS / "survivors.txt"
SEED = 11
# pytest failed, or broke down; the mutant never ended, by the clock or by SIGXCPU of the processor.
SEEN = {1, 3, TIMED_OUT, -24}
PARTS = {
    "core": "pytest_llmprod/core/",
    "evals/statistics": "pytest_llmprod/evals/",
    "evals/gate": "pytest_llmprod/evals/gate",
    "budgets": "pytest_llmprod/budgets/",
    "wire/key": "pytest_llmprod/wire/key",
}

#: The exit codes of a part's mutants, None where they were not run, in the order of the draw.
ExitCodes = dict[tuple[str, str], int | None]


def part_of(module: str) -> str:
    """The part that a module belongs to: the longest beginning of its path counts."""
    fitting = [part for part, start in PARTS.items() if module.startswith(start)]
    return max(fitting, key=lambda part: len(PARTS[part]))


def shuffled() -> dict[str, ExitCodes]:
    """All mutants (module, name) of each part in the order in which they are drawn."""
    found: dict[str, ExitCodes] = {part: {} for part in PARTS}
    for meta in sorted(MUTANTS.rglob("*.py.meta")):
        module = str(meta.relative_to(MUTANTS)).removesuffix(".meta")
        exit_codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        found[part_of(module)] |= {(module, name): code for name, code in exit_codes.items()}
    for part, exit_codes in found.items():
        order = sorted(exit_codes)
        random.Random(f"{SEED} {part}").shuffle(order)
        found[part] = {mutant: exit_codes[mutant] for mutant in order}
    return found


def to_run(parts: Iterable[ExitCodes], each: int, *, again: bool) -> list[tuple[str, str]]:
    """The mutants that are drawn and have no result, in turns: the first of each part, then on.

    With `again` those that survived are run as well.
    """
    found = [
        (place, mutant)
        for exit_codes in parts
        for place, (mutant, code) in enumerate(list(exit_codes.items())[:each])
        if code is None or (again and code not in SEEN)
    ]
    return [mutant for _, mutant in sorted(found)]


def measured(exit_codes: ExitCodes) -> dict[tuple[str, str], int]:
    """The mutants of a part as far as they were run without a gap: a fair sample of it."""
    found: dict[tuple[str, str], int] = {}
    for mutant, code in exit_codes.items():
        if code is None:
            break
        found[mutant] = code
    return found


def row(part: str, exit_codes: ExitCodes) -> str:
    # Imported late: while mutants run, the package must be that of `mutants/`.
    from pytest_llmprod.core.intervals import wilson

    run = measured(exit_codes)
    seen = sum(code in SEEN for code in run.values())
    low, high = wilson(seen, len(run))
    score = f"{seen / len(run):.0%}" if run else "-"
    counts = f"{len(exit_codes)} | {len(run)} | {seen}"
    return f"| `{part}` | {counts} | {score} | {low:.0%} to {high:.0%} |"


def write_survivors(parts: Iterable[ExitCodes]) -> None:
    """Write what each survivor changed."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    runs = [item for exit_codes in parts for item in measured(exit_codes).items()]
    names = [name for (_, name), code in runs if code not in SEEN]
    texts = [f"# {name}\n{get_diff_for_mutant(name)}\n" for name in names]
    SURVIVORS.write_text("\n".join(texts), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=120, help="mutants to draw from each part")
    parser.add_argument("--again", action="store_true", help="run the survivors again")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    if arguments.each:
        mutant_runs.make_mutants()
        wanted = to_run(shuffled().values(), arguments.each, again=arguments.again)
        mutant_runs.run(wanted, lambda line: print(line, flush=True))
    parts = shuffled()
    print("| part | mutants | run | seen | score | 95 % interval |\n|---|---|---|---|---|---|")
    for part, exit_codes in parts.items():
        print(row(part, exit_codes))
    write_survivors(parts.values())
    print(f"survivors: {SURVIVORS}")


if __name__ == "__main__":
    main()

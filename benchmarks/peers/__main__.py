"""Peers: does the three jobs with each tool, `python -m benchmarks.peers`, and prints their times.

It installs the tools under `build/peers`, which takes the package indexes of Python and npm. The
jobs themselves have no network but a stub on loopback that makes the recordings. The outputs are
compared with docs/peers.md, and the exit status is 1 where one differs or a job was not done.
`--write` puts outputs and times into the page.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.peers.tools import JOBS, ROOT, TOOLS, Job
from benchmarks.peers.workshop import command, install, prepare, record
from benchmarks.timing import BrokenRun, Run, Spread, median_cpu_s, paired
from benchmarks.workload import serving

PAGE = ROOT / "docs" / "peers.md"
TABLE = re.compile(r"^\| job \|.*\n(?:\|.*\n)+", re.MULTILINE)


def main() -> int:
    """Do all jobs, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each job (default: 5)")
    parser.add_argument("--write", action="store_true", help="write outputs and times to the page")
    options = parser.parse_args()
    try:
        runs = do_all(options.rounds)
    except BrokenRun as broken:
        print(broken, file=sys.stderr)
        return 1
    text = PAGE.read_text(encoding="utf-8")
    table = table_of(runs)
    print(table, end="")
    renewed = TABLE.sub(lambda _: table, with_outputs(text, runs))
    if options.write:
        PAGE.write_text(renewed, encoding="utf-8")
        return 0
    if with_outputs(text, runs) != text:
        print(f"{PAGE.name} shows other outputs: run with --write", file=sys.stderr)
        return 1
    return 0


def do_all(rounds: int) -> dict[str, dict[str, list[Run]]]:
    """Return the runs of each tool, by job; every job is done by all tools in turn."""
    with ExitStack() as stubs:
        stub = stubs.enter_context(serving(latency_s=0))
        for tool in TOOLS:
            install(tool)
            prepare(tool)
        for tool in sorted(TOOLS, key=lambda tool: tool.records is None):
            record(tool, stub)
        done: dict[str, dict[str, list[Run]]] = {tool.name: {} for tool in TOOLS}
        for number, name in enumerate(JOBS):
            commands = {tool.name: command(tool, tool.jobs[number], stub) for tool in TOOLS}
            # One round only checks the outputs; a time wants a first one that does not count.
            for tool_name, runs in paired(commands, rounds, warm_up=rounds > 1).items():
                done[tool_name][name] = runs
            print(f"{name}: done", file=sys.stderr, flush=True)
        calls = stub.take_stats()["calls"]
    if calls:
        raise BrokenRun(f"{calls} calls were made after everything had been recorded.")
    return done


def table_of(runs: dict[str, dict[str, list[Run]]]) -> str:
    """Return the times as a table, in seconds: the median and range of wall; the median of CPU."""
    rows = [("job", *runs), ("---", *("---:" for _ in runs))]
    rows += [(job, *(_seconds(each[job]) for each in runs.values())) for job in JOBS]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _seconds(runs: Sequence[Run]) -> str:
    wall = Spread.of(run.wall_s for run in runs)
    return f"{wall.median:.1f} ({wall.low:.1f} to {wall.high:.1f}); {median_cpu_s(runs):.1f}"


def with_outputs(page: str, runs: dict[str, dict[str, list[Run]]]) -> str:
    """Return the page with what each job has printed in its last run."""
    for tool in TOOLS:
        for job, name in zip(tool.jobs, JOBS, strict=True):
            page = replace_output(page, job, job.shown(runs[tool.name][name][-1].output))
    return page


def replace_output(page: str, job: Job, output: str) -> str:
    """Return the page with another output below the line of a job; it must be there once."""
    block = re.compile(rf"^```\n\$ {re.escape(job.line)}\n.*?^```$", re.MULTILINE | re.DOTALL)
    found = block.findall(page)
    if len(found) != 1:
        raise BrokenRun(f"{PAGE.name} shows `{job.line}` {len(found)} times and should once.")
    return page.replace(found[0], f"```\n$ {job.line}\n{output}```")


if __name__ == "__main__":
    sys.exit(main())

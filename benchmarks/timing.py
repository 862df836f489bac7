"""Timing: runs commands in turn and compares what each of them took.

On a machine that others use too, wall time says little: CPU time is what the kernel charged to a
process (user and system, waited-for children included), and a ratio is taken within one round
(A B C A B C), where both sides met the same neighbours.
"""

import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from time import perf_counter

_LONGEST_RUN_S = 300.0
_SHOWN_OUTPUT = 2_000


class BrokenRun(Exception):
    """A command did not do what was to be timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, and how to know that it did its work: its exit status and a text it prints."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    exit_status: int
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of a command took; `peak_memory` is in the units of the operating system.

    Linux counts the memory of the process that starts a command as that command's own until it
    has grown beyond. The benchmarks themselves therefore import nothing heavy.
    """

    cpu_s: float
    wall_s: float
    peak_memory: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of the figures of several rounds, with the least and the greatest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> "Spread":
        """Return the spread of these figures; there must be at least one."""
        ordered = sorted(figures)
        return cls(median=statistics.median(ordered), low=ordered[0], high=ordered[-1])


def run(command: Command) -> Run:
    """Run a command to its end; raise BrokenRun where it did not do its work."""
    with tempfile.TemporaryFile() as output:
        start = perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        limit = Timer(_LONGEST_RUN_S, process.kill)
        limit.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            limit.cancel()
        wall_s = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    _check(command, process.returncode, text)
    return Run(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=wall_s,
        peak_memory=usage.ru_maxrss,
        output=text,
    )


def _check(command: Command, exit_status: int, output: str) -> None:
    if exit_status == command.exit_status and command.says in output:
        return
    raise BrokenRun(
        f"{' '.join(command.arguments)}\nin {command.folder}\n"
        f"ended with exit status {exit_status} and should have ended with {command.exit_status}, "
        f"saying {command.says!r}. It said:\n{output[-_SHOWN_OUTPUT:]}"
    )


def paired(
    commands: Mapping[str, Command], rounds: int, *, warm_up: bool = True
) -> dict[str, list[Run]]:
    """Run all commands in turn, `rounds` times, and return their runs by name.

    `warm_up` adds a first round that is not counted, so that bytecode and files are in place.
    """
    if warm_up:
        for command in commands.values():
            run(command)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(run(command))
    return runs


def cpu_ratio(runs: Iterable[Run], yardstick: Iterable[Run]) -> Spread:
    """Return the CPU of `runs` over that of `yardstick`, round by round."""
    pairs = zip(runs, yardstick, strict=True)
    return Spread.of(ours.cpu_s / theirs.cpu_s for ours, theirs in pairs)


def memory_ratio(runs: Iterable[Run], yardstick: Iterable[Run]) -> Spread:
    """Return the peak memory of `runs` over that of `yardstick`, round by round."""
    pairs = zip(runs, yardstick, strict=True)
    return Spread.of(ours.peak_memory / theirs.peak_memory for ours, theirs in pairs)


def median_cpu_s(runs: Iterable[Run]) -> float:
    """Return the median CPU time."""
    return statistics.median(run.cpu_s for run in runs)


def median_wall_s(runs: Iterable[Run]) -> float:
    """Return the median wall time."""
    return statistics.median(run.wall_s for run in runs)

"""Benchmarks: the table of what pytest-llmprod costs; run it with `python -m benchmarks`.

Every figure is a ratio of runs that were made in turn, or is said to be none. The yardstick is
always pytest with openai, without any plugin but the one that openai brings. The exit status is 0
where everything could be measured, however slow it was, and 1 where something did not work.
"""

import argparse
import json
import math
import os
import platform
import statistics
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic

from benchmarks.timing import (
    BrokenRun,
    Command,
    Run,
    Spread,
    cpu_ratio,
    median_cpu_s,
    median_wall_s,
    memory_ratio,
    paired,
    run,
)
from benchmarks.workload import (
    CONCURRENCY,
    LATENCY_S,
    Workload,
    is_installed,
    unrelated_plugins,
)

CASES = 500
MANY_CASES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the table; a line without `wanted` stands there for comparison only."""

    name: str
    spread: Spread
    unit: str = "x"
    wanted: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One or more lines that come from the same runs, with a note on the times behind them."""

    lines: Sequence[Line]
    note: str


def startup(workload: Workload, rounds: int) -> Figure:
    """Compare a run of one trivial test, CPU, with and without the plugin."""
    commands = {
        "without": workload.nothing(plugins=()),
        "with": workload.nothing(plugins=("llmprod",)),
        "with hypothesis": workload.nothing(plugins=("llmprod", "hypothesispytest")),
    }
    runs = paired(commands, rounds)
    return Figure(
        lines=(
            Line(
                name="start-up of a run without evals",
                spread=cpu_ratio(runs["with"], runs["without"]),
                wanted=1.03,
            ),
            Line(
                name="  the same with hypothesis's plugin",
                spread=cpu_ratio(runs["with hypothesis"], runs["without"]),
            ),
        ),
        note=_cpu_note(runs),
    )


def replay(workload: Workload, rounds: int) -> Figure:
    """Compare a replay of 500 cases, CPU, with bare items on an in-memory transport.

    Bare items are what a user would have without a plugin: a wrong answer is a failed test.
    """
    commands = {"bare": workload.bare(CASES), "replay": workload.replay(CASES)}
    if is_installed("recording"):
        commands["pytest-recording"] = workload.pytest_recording(CASES)
    runs = paired(commands, rounds)
    workload.check_that_nothing_was_sent()
    lines = [
        Line(
            name=f"replay of {CASES} cases",
            spread=cpu_ratio(runs["replay"], runs["bare"]),
            wanted=1.15,
        )
    ]
    note = _cpu_note(runs)
    if "pytest-recording" in runs:
        name = "  pytest-recording, a file for each case"
        lines.append(Line(name=name, spread=cpu_ratio(runs["pytest-recording"], runs["bare"])))
    else:
        note += "; pytest-recording is not installed"
    return Figure(lines=lines, note=note)


def growth(workload: Workload, rounds: int) -> Figure:
    """Compare 5,000 cases with 500: the exponent of the CPU, and the peak memory.

    The exponent is log(net(5000) / net(500)) / log(10), where net(n) is the CPU of a run of n cases
    less that of the same run on a data set of one case, in the same round. One means that a case
    costs the same in a data set of any size. The runs of 1 and of 500 cases are short, so a round
    makes three of each and takes their median. Memory is compared with that of 5,000 bare items.
    """
    small: dict[str, Command] = {}
    for cases in (1, CASES):
        small[f"bare {cases}"] = workload.bare(cases)
        small[f"replay {cases}"] = workload.replay(cases)
    bare, replayed = f"bare {MANY_CASES}", f"replay {MANY_CASES}"
    large = {bare: workload.bare(MANY_CASES), replayed: workload.replay(MANY_CASES)}
    runs: dict[str, list[Run]] = {name: [] for name in (*small, *large)}
    exponents: dict[str, list[float]] = {"bare": [], "replay": []}
    for _ in range(rounds):
        of_round = paired(small, 3, warm_up=False) | paired(large, 1, warm_up=False)
        for name, each in of_round.items():
            runs[name] += each
        for kind, found in exponents.items():
            found.append(_exponent(of_round, kind))
    workload.check_that_nothing_was_sent()
    return Figure(
        lines=(
            Line(
                name=f"growth from {CASES} to {MANY_CASES:,} cases: exponent",
                spread=Spread.of(exponents["replay"]),
                unit="",
                wanted=1.05,
            ),
            Line(name="  bare items", spread=Spread.of(exponents["bare"]), unit=""),
            Line(
                name=f"  replay of {MANY_CASES:,} cases against bare",
                spread=cpu_ratio(runs[replayed], runs[bare]),
                wanted=1.15,
            ),
            Line(
                name=f"peak memory at {MANY_CASES:,} cases",
                spread=memory_ratio(runs[replayed], runs[bare]),
                wanted=1.30,
            ),
        ),
        note=_cpu_note(runs),
    )


def _exponent(runs: Mapping[str, Sequence[Run]], kind: str) -> float:
    start_up_s = median_cpu_s(runs[f"{kind} 1"])
    some_s = median_cpu_s(runs[f"{kind} {CASES}"]) - start_up_s
    many_s = median_cpu_s(runs[f"{kind} {MANY_CASES}"]) - start_up_s
    return math.log(many_s / some_s) / math.log(MANY_CASES / CASES)


def clients(workload: Workload, rounds: int) -> Figure:
    """Compare 500 replayed cases that each build a client with 500 that share one, CPU."""
    commands = {
        "one shared client": workload.replay(CASES),
        "a client for each case": workload.clients(CASES),
    }
    runs = paired(commands, rounds)
    workload.check_that_nothing_was_sent()
    return Figure(
        lines=(
            Line(
                name=f"{CASES} cases that each build OpenAI()",
                spread=cpu_ratio(runs["a client for each case"], runs["one shared client"]),
                wanted=1.5,
            ),
        ),
        note=_cpu_note(runs),
    )


def load(workload: Workload, rounds: int) -> Figure:
    """Measure the load of a cassette, in microseconds of CPU for each interaction.

    A load reads the file and finds case and key of each recording; what is in them is decoded when
    it is played. The second line decodes them all, as vcrpy does.
    """
    cassettes = [workload.cassette(MANY_CASES)]
    if is_installed("recording"):
        cassettes.append(workload.vcrpy_cassette(CASES))
    measured = json.loads(run(workload.loads(rounds, *cassettes)).output)
    _expect_recordings(measured["recordings"], MANY_CASES)
    lines = [
        Line(
            name=f"load of {MANY_CASES:,} recordings, each",
            spread=Spread.of(measured["load"]),
            unit=" us",
            wanted=30,
        ),
        Line(
            name="  with all of them decoded",
            spread=Spread.of(measured["decode"]),
            unit=" us",
        ),
    ]
    if "vcrpy" not in measured:
        return Figure(lines=lines, note="vcrpy: pytest-recording is not installed")
    _expect_recordings(measured["vcrpy_recordings"], CASES)
    name = f"  vcrpy, {CASES} recordings in one YAML"
    lines.append(Line(name=name, spread=Spread.of(measured["vcrpy"]), unit=" us"))
    return Figure(lines=lines, note="microseconds of CPU in one process, no ratio")


def _expect_recordings(found: int, expected: int) -> None:
    if found != expected:
        raise BrokenRun(f"A cassette held {found} recordings and should have held {expected}.")


def live(workload: Workload, rounds: int) -> Figure:
    """Compare 500 live calls of 50 ms, wall, with the ideal of 20 in flight all the time.

    The first line counts everything, from the start of Python to the written cassette. The second
    leaves out what the same run takes for one case in the same round. The third, again with
    everything, is the same calls by a plain asyncio program: as fast as the openai client can be
    on this machine, with nothing recorded.
    """
    ideal_s = CASES * LATENCY_S / CONCURRENCY
    commands = {
        "one case": workload.live(1),
        f"{CASES} cases": workload.live(CASES),
        "plain loop": workload.plain_loop(CASES),
    }
    runs = paired(commands, rounds)
    _expect_stats(workload.slow_stub.take_stats(), calls=(rounds + 1) * (2 * CASES + 1))
    one, all_cases, plain = runs.values()
    net = [some.wall_s - first.wall_s for some, first in zip(all_cases, one, strict=True)]
    times = [f"{name} {median_wall_s(each):.2f} s" for name, each in runs.items()]
    return Figure(
        lines=(
            Line(
                name=f"{CASES} live calls, {CONCURRENCY} in flight, whole run",
                spread=Spread.of(each.wall_s / ideal_s for each in all_cases),
                wanted=1.5,
            ),
            Line(
                name="  net of the same run on one case",
                spread=Spread.of(each / ideal_s for each in net),
            ),
            Line(
                name="  plain asyncio program, whole run",
                spread=Spread.of(each.wall_s / ideal_s for each in plain),
            ),
        ),
        note=f"wall against the ideal {ideal_s:.2f} s: {', '.join(times)}; "
        f"CPU of {CASES} cases {median_cpu_s(all_cases):.2f} s",
    )


def _expect_stats(stats: Mapping[str, int], *, calls: int) -> None:
    if stats != {"calls": calls, "peak": CONCURRENCY}:
        raise BrokenRun(
            f"The stub counted {dict(stats)} and should have counted {calls} calls with "
            f"{CONCURRENCY} in flight at most."
        )


def waits(workload: Workload, rounds: int) -> Figure:
    """Measure what a caller waits for, wall: in a recorded stream, in its replay, in a retry.

    The provider streams 20 events 50 ms apart. The replay of its 429 asks for 20 s.
    """
    measured = json.loads(run(workload.waits(rounds)).output)
    live, replays = measured["live"]["stream"], [each["stream"] for each in measured["replays"]]
    retries = [each["retry"] for each in measured["replays"]]
    if {each["events"] for each in (live, *replays)} != {live["events"]}:
        raise BrokenRun(f"Live {live['events']} events came, replayed others: {replays}.")
    if {each["backoff_s"] for each in retries} != {20.0}:
        raise BrokenRun(f"The pauses of 20 s were told otherwise: {retries}.")
    errors = [
        max(abs(each[name] - live[name]) for name in ("ttft_s", "latency_s")) for each in replays
    ]
    lines = (
        _milliseconds("first event of a live stream", [live["first_s"]], 100),
        _milliseconds("replay of its 20 events", [each["wall_s"] for each in replays], 20),
        _milliseconds("  error of replayed ttft and total", errors, 5),
        _milliseconds("replay of a 429 that asks for 20 s", [r["wall_s"] for r in retries], 50),
    )
    note = f"wall, no ratio; live, the stream took {live['latency_s']:.2f} s"
    return Figure(lines=lines, note=note)


#: The prompts in the cassettes of 5,000 recordings, by the name that `prompts.py` has for them.
PROMPTS = {
    "long": "prompts of 1,400 characters",
    "system": "one system prompt of 8,000",
    "two": "two texts of 8,000 each",
}


def misses(workload: Workload, rounds: int) -> Figure:
    """Measure what a request costs that is in no recording of a cassette of 5,000, CPU.

    The first one of a process reads the cassette, too. A case that has recordings is compared with
    these only. The last lines find the changed words of one text, by ours and by difflib's way.
    """
    lines: list[Line] = []
    for kind, name in PROMPTS.items():
        command = workload.misses(kind)
        first, further, known = [], [], []
        for _ in range(rounds):
            run(command)
            times = workload.times_of_misses("new")
            first.append(times[0])
            further.append(statistics.median(times[1:]))
            known.append(statistics.median(workload.times_of_misses("known")))
        lines += [
            _milliseconds(f"first miss, {name}", first),
            _milliseconds("  each further one", further),
            _milliseconds("  one of a case with a recording", known),
        ]
    ways = json.loads(run(workload.diffs(rounds)).output)
    for name, measured in ways.items():
        spread = Spread.of(measured["ms"])
        lines.append(Line(name=f"text diff, {name}", spread=spread, unit=" ms"))
    found = ", ".join(f"{name} {measured['changes']}" for name, measured in ways.items())
    note = f"CPU in one process, no ratio; of 50 changes in the text were found: {found}"
    return Figure(lines=lines, note=note)


def decisions(workload: Workload, rounds: int) -> Figure:
    """Measure all statistics of 10,000 cases of two models, with 50 slices, CPU."""
    measured = json.loads(run(workload.statistics(rounds)).output)
    if not measured["findings"]:
        raise BrokenRun("The second model is worse, and no slice of the statistics shows it.")
    lines = (
        Line(
            name="statistics of 10,000 cases, 50 slices",
            spread=Spread.of(measured["all"]),
            unit=" ms",
            wanted=1000,
        ),
        Line(
            name="  of these the bootstrap",
            spread=Spread.of(measured["bootstrap"]),
            unit=" ms",
        ),
    )
    return Figure(lines=lines, note="CPU in one process, no ratio")


def detectors(workload: Workload, rounds: int) -> Figure:
    """Measure each detector on 1 MB of the hostile class that is worst for it, CPU, and its growth.

    The exponent compares that with 250 kB of the same class: one means that the cost is linear.
    """
    measured = json.loads(run(workload.guardrails(rounds)).output)
    if len(measured["detectors"]) != 6:
        raise BrokenRun(f"Six detectors should have been timed: {measured}.")
    lines: list[Line] = []
    for name, each in measured["detectors"].items():
        lines.append(
            Line(name=f"{name}, 1 MB", spread=Spread.of(each["ms"]), unit=" ms", wanted=1000)
        )
        lines.append(
            Line(name=f"  {each['class']}: exponent", spread=Spread.of([each["exponent"]]), unit="")
        )
    note = f"CPU in one process, no ratio; the worst of {measured['classes']} hostile classes"
    return Figure(lines=lines, note=note)


def log(workload: Workload, rounds: int) -> Figure:
    """Measure the request log of 10,000 exchanges: a line of it, and commands that read it.

    A line is measured in CPU and includes building it; the second one is masked, as runs do it. The
    commands are measured from the start of Python to its end.
    """
    measured = json.loads(run(workload.log(rounds)).output)
    count = "SELECT count(*) FROM exchanges"
    commands = {
        "grep": workload.ask_log("grep", "customer 4711 ", says="t-04711"),
        "sql": workload.ask_log("sql", count, says="10000"),
        "ls": workload.ask_log("ls", says="10,000"),
    }
    runs = paired(commands, rounds)
    lines = (
        Line(
            name="log line of an exchange, on disk",
            spread=Spread.of(measured["written"]),
            unit=" us",
            wanted=60,
        ),
        Line(name="  masked", spread=Spread.of(measured["masked"]), unit=" us"),
        _milliseconds("`log grep` over 10,000 exchanges", _cpu_s(runs["grep"]), 1000),
        _milliseconds("  `log sql`", _cpu_s(runs["sql"])),
        _milliseconds("  `log ls`", _cpu_s(runs["ls"])),
        Line(name="  dropping what was said", spread=Spread.of(measured["dropped"]), unit=" ms"),
    )
    wall = ", ".join(f"{name} {median_wall_s(each):.2f} s" for name, each in runs.items())
    note = f"CPU of a line and of a whole command, wall of dropping, no ratio; wall: {wall}"
    return Figure(lines=lines, note=note)


def strategies(workload: Workload, rounds: int) -> Figure:
    """Measure what 1,000 values of each strategy take, CPU."""
    measured = json.loads(run(workload.strategies(rounds)).output)
    lines = [
        Line(name=f"1,000 of {name}", spread=Spread.of(seconds), unit=" s", wanted=2)
        for name, seconds in measured.items()
    ]
    return Figure(lines=lines, note="CPU in one process, no ratio")


def drills(workload: Workload, rounds: int) -> Figure:
    """Measure the example's drills under the whole catalogue, wall, from the start of Python on.

    On sockets time is real, so there is one run: four faults wait for the ten seconds that a ticket
    may wait.
    """
    here = paired({"here": workload.drills("test_drills.py")}, rounds)["here"]
    there = run(workload.drills("test_sockets.py"))
    return Figure(
        lines=(
            Line(
                name="drills of the whole catalogue",
                spread=Spread.of(each.wall_s for each in here),
                unit=" s",
                wanted=5,
            ),
            Line(name="  CPU", spread=Spread.of(_cpu_s(here)), unit=" s"),
            Line(
                name="  on sockets",
                spread=Spread.of([there.wall_s]),
                unit=" s",
                wanted=60,
            ),
        ),
        note=f"wall, no ratio; on sockets one run, which took {there.cpu_s:.2f} s of CPU",
    )


def _cpu_s(runs: Sequence[Run]) -> list[float]:
    return [each.cpu_s for each in runs]


def _milliseconds(name: str, seconds: Sequence[float], wanted: float | None = None) -> Line:
    spread = Spread.of(1000 * each for each in seconds)
    return Line(name=name, spread=spread, unit=" ms", wanted=wanted)


#: The figures by name, each with the number of rounds that gives it a stable median.
FIGURES: Mapping[str, tuple[Callable[[Workload, int], Figure], int]] = {
    "startup": (startup, 41),
    "replay": (replay, 7),
    "growth": (growth, 3),
    "clients": (clients, 5),
    "load": (load, 9),
    "live": (live, 5),
    "waits": (waits, 5),
    "misses": (misses, 3),
    "statistics": (decisions, 5),
    "log": (log, 5),
    "strategies": (strategies, 3),
    "guardrails": (detectors, 5),
    "drills": (drills, 5),
}


def _cpu_note(runs: Mapping[str, Sequence[Run]]) -> str:
    times = [f"{name} {median_cpu_s(each):.2f} s" for name, each in runs.items()]
    return f"CPU: {', '.join(times)}"


def render_line(line: Line) -> str:
    """Return a line of the table, at most 80 columns wide; the figure is judged as it is shown."""
    spread = line.spread
    measured = f"{_number(spread.median)}{line.unit}"
    between = f"{_number(spread.low)}..{_number(spread.high)}"
    text = f"{line.name:<41}{measured:>9}{between:>13}"
    if line.wanted is None:
        return text
    verdict = "ok" if float(_number(spread.median)) <= line.wanted else "missed"
    return f"{text} <={line.wanted:.4g}{line.unit} {verdict}"


def _number(value: float) -> str:
    """Return a figure with as many decimals as it is worth."""
    if value < 10:
        return f"{value:.2f}"
    if value < 100:
        return f"{value:.1f}"
    return f"{value:.0f}"


def render_note(note: str, rounds: int) -> str:
    """Return the note under a figure, at most 80 columns wide."""
    times = "1 round" if rounds == 1 else f"{rounds} rounds"
    indent = " " * 4
    return textwrap.fill(
        f"{note}; {times}", width=80, initial_indent=indent, subsequent_indent=indent
    )


def render_heading() -> str:
    """Return what was compared, on what, and the heads of the columns."""
    names = ("pytest", "openai", "pytest-llmprod")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    off = ", ".join(unrelated_plugins(("llmprod",)))
    about = (
        f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores.",
        f"Plugins switched off where they are not timed: {off or 'none'}.",
    )
    lines = [textwrap.fill(text, width=80) for text in about]
    return "\n".join([*lines, "", f"{'figure':<41}{'measured':>9}{'min..max':>13} wanted"])


def main(arguments: Sequence[str]) -> int:
    """Measure the chosen figures, print each as soon as it is known, and return the status."""
    options = _parser().parse_args(arguments)
    if not hasattr(os, "wait4"):
        print("The benchmarks need os.wait4(), which this system does not have.", file=sys.stderr)
        return 1
    start = monotonic()
    print(render_heading(), flush=True)
    try:
        with ExitStack() as stubs:
            workload = Workload(stubs)
            for name in options.only:
                measure, usual_rounds = FIGURES[name]
                rounds = options.rounds or usual_rounds
                figure = measure(workload, rounds)
                for line in figure.lines:
                    print(render_line(line))
                print(render_note(figure.note, rounds), flush=True)
    except BrokenRun as error:
        print(f"\nbenchmarks: a run was not what it should be.\n{error}", file=sys.stderr)
        return 1
    print(f"\nmeasured in {monotonic() - start:.0f} s")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks.")
    parser.add_argument(
        "--rounds", type=_rounds, metavar="N", help="rounds of each figure (default: its own)"
    )
    parser.add_argument(
        "--only",
        type=_names,
        default=list(FIGURES),
        metavar="NAMES",
        help=f"figures with commas between them, of {', '.join(FIGURES)} (default: all)",
    )
    return parser


def _rounds(text: str) -> int:
    rounds = int(text)
    if rounds < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return rounds


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in FIGURES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(FIGURES)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Workload: the projects that are timed, and the commands that run their tests.

`project/` holds one small application with its tests. For each number of cases it is copied into
`.work/`, with a data set of sums that is the same on every machine. Recordings are made anew by
each benchmark, against a stub on loopback.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from benchmarks.project.model import answer, right_answer
from benchmarks.timing import BrokenRun, Command, run

WORK = Path(__file__).parent / ".work"
LATENCY_S = 0.05
CONCURRENCY = 20
_TEMPLATE = Path(__file__).parent / "project"
_EXAMPLE = Path(__file__).parents[1] / "examples" / "support_triage"
_SEED = 7
_KEPT_VARIABLES = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
_NEVER_OFF = "anyio"  # comes with openai, so the yardstick pytest + openai has it too
_DIRECT = build_opener(ProxyHandler({}))  # loopback is never behind a proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A running stub of the model."""

    url: str

    def take_stats(self) -> dict[str, int]:
        """Return the calls since the last time, and the most that were in flight at once."""
        with _DIRECT.open(f"{self.url}/stats") as response:
            stats: dict[str, int] = json.load(response)
        return stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A copy of the application with a data set of its own; `hits` cases get a right answer."""

    folder: Path
    cases: int
    hits: int

    @property
    def said_by_pytest(self) -> str:
        """Return how pytest counts a run in which each wrong answer is a failed test."""
        misses = self.cases - self.hits
        passed = f"{self.hits} passed"
        return f"{misses} failed, {passed}" if misses else passed

    @property
    def said_by_llmprod(self) -> str:
        """Return how pytest-llmprod counts the same run."""
        return f"llmprod: sums {self.hits}/{self.cases} "


class Workload:
    """All projects and commands of one benchmark, made when they are first asked for."""

    def __init__(self, stubs: ExitStack) -> None:
        """Begin with an empty work folder; `stubs` ends the stubs that are started."""
        shutil.rmtree(WORK, ignore_errors=True)
        self._stubs = stubs
        self._projects: dict[int, Project] = {}
        self._recorded: set[tuple[str, int]] = set()

    @cached_property
    def quick_stub(self) -> Stub:
        """Return the stub that recordings are made from; it answers at once."""
        return self._stubs.enter_context(serving(latency_s=0))

    @cached_property
    def slow_stub(self) -> Stub:
        """Return the stub for live calls."""
        return self._stubs.enter_context(serving(latency_s=LATENCY_S))

    def nothing(self, *, plugins: tuple[str, ...]) -> Command:
        """Return a run of one trivial test with these plugins."""
        return self._pytest(
            self.project(1), "test_nothing.py", plugins=plugins, exit_status=0, says="1 passed"
        )

    def bare(self, cases: int) -> Command:
        """Return a run of parametrised items on an in-memory transport."""
        project = self.project(cases)
        return self._pytest(
            project,
            "test_bare.py",
            plugins=(),
            exit_status=1 if project.hits < cases else 0,
            says=project.said_by_pytest,
        )

    def replay(self, cases: int) -> Command:
        """Return a replay of all cases from one cassette."""
        self._record("test_replay.py", cases)
        return self._eval("test_replay.py", cases, self.quick_stub)

    def clients(self, cases: int) -> Command:
        """Return the same replay with a client built for each case, from the same recordings."""
        self._record("test_replay.py", cases)
        cassettes = self.project(cases).folder / "cassettes"
        shutil.copytree(cassettes / "test_replay", cassettes / "test_clients", dirs_exist_ok=True)
        return self._eval("test_clients.py", cases, self.quick_stub)

    def live(self, cases: int) -> Command:
        """Return a run that asks the slow stub for all cases, several at once."""
        return self._eval(
            "test_task.py",
            cases,
            self.slow_stub,
            "--llm-record=all",
            f"--llm-concurrency={CONCURRENCY}",
        )

    def plain_loop(self, cases: int) -> Command:
        """Return the same live calls by a plain asyncio program."""
        project = self.project(cases)
        return Command(
            arguments=(sys.executable, "plain_loop.py", str(CONCURRENCY)),
            folder=project.folder,
            environment=_environment(self.slow_stub),
            exit_status=0,
            says=f"{project.hits} hits",
        )

    def pytest_recording(self, cases: int) -> Command:
        """Return a replay by pytest-recording, with a cassette for each test."""
        if ("test_recording.py", cases) not in self._recorded:
            self._recorded.add(("test_recording.py", cases))
            run(self._with_pytest_recording(cases, "once"))
            self._expect_calls(cases)
        return self._with_pytest_recording(cases, "none")

    def cassette(self, cases: int) -> Path:
        """Return the cassette of the replay."""
        self._record("test_replay.py", cases)
        folder = self.project(cases).folder / "cassettes" / "test_replay"
        (path,) = folder.iterdir()
        return path

    def vcrpy_cassette(self, cases: int) -> Path:
        """Return what pytest-recording recorded, put together into one file of vcrpy's."""
        self.pytest_recording(cases)
        folder = self.project(cases).folder
        head, tail = "interactions:\n", "version: 1\n"
        recorded = sorted((folder / "cassettes" / "test_recording").iterdir())
        texts = [path.read_text(encoding="utf-8") for path in recorded]
        parts = [text.removeprefix(head).removesuffix(tail) for text in texts]
        path = folder / "vcrpy.yaml"
        path.write_text(head + "".join(parts) + tail, encoding="utf-8")
        return path

    def loads(self, rounds: int, *cassettes: Path) -> Command:
        """Return a process that times the loading of these cassettes."""
        arguments = (sys.executable, "time_loads.py", str(rounds), *map(str, cassettes))
        return Command(
            arguments=arguments,
            folder=self.project(1).folder,
            environment=_environment(),
            exit_status=0,
            says='"load":',
        )

    def waits(self, rounds: int) -> Command:
        """Return a program that times what a caller waits for."""
        return Command(
            arguments=(sys.executable, "time_waits.py", str(rounds)),
            folder=self.project(1).folder,
            environment=_environment(),
            exit_status=0,
            says='"replays"',
        )

    def misses(self, kind: str) -> Command:
        """Write a cassette with prompts of a kind, and return a run that misses all of them."""
        project = self.project(1)
        environment = {**_environment(), "BENCHMARK_KIND": kind}
        write = Command(
            arguments=(sys.executable, "write_prompts.py"),
            folder=project.folder,
            environment=environment,
            exit_status=0,
            says="wrote ",
        )
        run(write)
        command = self._pytest(
            project, "test_misses.py", plugins=("llmprod",), exit_status=1, says="2 failed"
        )
        return replace(command, environment=environment)

    def times_of_misses(self, case: str) -> list[float]:
        """Return the CPU, in seconds, of each miss of a case in the last run that missed all."""
        path = self.project(1).folder / f"misses_{case}.json"
        times: list[float] = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return times

    def diffs(self, rounds: int) -> Command:
        """Return a process that times ways to find the changed words of a text."""
        return Command(
            arguments=(sys.executable, "time_diffs.py", str(rounds)),
            folder=self.project(1).folder,
            environment=_environment(),
            exit_status=0,
            says='"ours":',
        )

    def statistics(self, rounds: int) -> Command:
        """Return a process that times all statistics of a large suite."""
        return Command(
            arguments=(sys.executable, "time_statistics.py", str(rounds)),
            folder=self.project(1).folder,
            environment=_environment(),
            exit_status=0,
            says='"findings":',
        )

    def guardrails(self, rounds: int) -> Command:
        """Return a process that times every detector on hostile texts."""
        root = str(Path(__file__).parents[1])
        return Command(
            arguments=(sys.executable, "time_guardrails.py", str(rounds)),
            folder=self.project(1).folder,
            environment={**_environment(), "PYTHONPATH": root},
            exit_status=0,
            says='"detectors":',
        )

    def log(self, rounds: int) -> Command:
        """Return a process that times the request log, in a folder that is empty."""
        folder = self.project(1).folder
        shutil.rmtree(folder / "log", ignore_errors=True)
        return Command(
            arguments=(sys.executable, "time_log.py", str(rounds), "log"),
            folder=folder,
            environment=_environment(),
            exit_status=0,
            says='"dropped":',
        )

    def strategies(self, rounds: int) -> Command:
        """Return a process that times how fast each strategy makes values."""
        return Command(
            arguments=(sys.executable, "time_strategies.py", str(rounds)),
            folder=self.project(1).folder,
            environment=_environment(),
            exit_status=0,
            says='"pii_documents":',
        )

    @cached_property
    def example(self) -> Project:
        """Return a copy of the example, with its drills on sockets beside those in the process."""
        folder = WORK / "example"
        ignored = shutil.ignore_patterns("__pycache__", "llmprod-*.json*")
        shutil.copytree(_EXAMPLE, folder, ignore=ignored)
        shutil.copy(_TEMPLATE / "test_sockets.py", folder)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        return Project(folder=folder, cases=0, hits=0)

    def drills(self, test_file: str) -> Command:
        """Return a run of the example's drills, without those in an event loop."""
        return self._pytest(
            self.example,
            test_file,
            "-k",
            "not event_loop",
            plugins=("llmprod",),
            exit_status=0,
            says="drills of ticket-triage: survived 76 of 76 faults",
        )

    def ask_log(self, *words: str, says: str) -> Command:
        """Return a command `llmprod log` on the log that `log` has written."""
        return Command(
            arguments=(sys.executable, "-m", "pytest_llmprod.cli", "log", *words, "--folder=log"),
            folder=self.project(1).folder,
            environment=_environment(),
            exit_status=0,
            says=says,
        )

    def check_that_nothing_was_sent(self) -> None:
        """Raise BrokenRun where a replay asked the stub after all."""
        if "quick_stub" in self.__dict__:
            self._expect_calls(0)

    def project(self, cases: int) -> Project:
        """Return the project with this many cases."""
        if cases not in self._projects:
            self._projects[cases] = _make_project(cases)
        return self._projects[cases]

    def _record(self, test_file: str, cases: int) -> None:
        if (test_file, cases) in self._recorded:
            return
        self._recorded.add((test_file, cases))
        run(self._eval(test_file, cases, self.quick_stub, "--llm-record=all"))
        self._expect_calls(cases)

    def _expect_calls(self, count: int) -> None:
        calls = self.quick_stub.take_stats()["calls"]
        if calls != count:
            raise BrokenRun(f"The stub was asked {calls} times and should have been {count} times.")

    def _eval(self, test_file: str, cases: int, stub: Stub, *options: str) -> Command:
        project = self.project(cases)
        return self._pytest(
            project,
            test_file,
            "--llm-eval",
            *options,
            plugins=("llmprod",),
            exit_status=0,
            says=project.said_by_llmprod,
            stub=stub,
        )

    def _with_pytest_recording(self, cases: int, mode: str) -> Command:
        project = self.project(cases)
        return self._pytest(
            project,
            "test_recording.py",
            f"--record-mode={mode}",
            plugins=("recording",),
            exit_status=1 if project.hits < cases else 0,
            says=project.said_by_pytest,
            stub=self.quick_stub,
        )

    def _pytest(
        self,
        project: Project,
        *arguments: str,
        plugins: tuple[str, ...],
        exit_status: int,
        says: str,
        stub: Stub | None = None,
    ) -> Command:
        always = ("-c", "pytest.ini", "--rootdir", ".", "-q", "--tb=no", "-p", "no:cacheprovider")
        off = [f"-pno:{name}" for name in unrelated_plugins(plugins)]
        return Command(
            arguments=(sys.executable, "-m", "pytest", *always, *off, *arguments),
            folder=project.folder,
            environment=_environment(stub),
            exit_status=exit_status,
            says=says,
        )


def unrelated_plugins(wanted: tuple[str, ...] = ()) -> list[str]:
    """Return the installed plugins that are switched off where only `wanted` are timed."""
    installed = {entry.name for entry in entry_points(group="pytest11")}
    return sorted(installed - {_NEVER_OFF, *wanted})


def is_installed(plugin: str) -> bool:
    """Say whether a pytest plugin is installed."""
    return any(entry.name == plugin for entry in entry_points(group="pytest11"))


@contextmanager
def serving(*, latency_s: float) -> Iterator[Stub]:
    """Start a stub that takes this long for each answer, and end it with the block."""
    process = subprocess.Popen(
        (sys.executable, str(_TEMPLATE / "stub.py"), str(latency_s)),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None, "it was asked for above"
        port = process.stdout.readline().strip()
        if not port:
            raise BrokenRun("The stub of the model did not start; its error stands above.")
        yield Stub(url=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.communicate()


def _environment(stub: Stub | None = None) -> dict[str, str]:
    """Return an environment without anything that would change a run of pytest or of openai."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    if stub is not None:
        kept["BENCHMARK_URL"] = f"{stub.url}/v1"
    return kept


def _make_project(cases: int) -> Project:
    folder = WORK / f"cases_{cases}"
    shutil.copytree(_TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    rows = sums(cases)
    lines = [json.dumps(row) + "\n" for row in rows]
    (folder / "cases.jsonl").write_text("".join(lines), encoding="utf-8")
    hits = sum(answer(row["input"]) == row["expected"] for row in rows)
    return Project(folder=folder, cases=cases, hits=hits)


def sums(count: int) -> list[dict[str, Any]]:
    """Return sums with their results; the first rows are the same for every count."""
    source = random.Random(_SEED)
    questions: dict[str, None] = {}
    while len(questions) < count:
        left, sign, right = source.randint(10, 999), source.choice("+-*"), source.randint(10, 999)
        questions[f"What is {left} {sign} {right}? Answer with the number only."] = None
    return [
        {"id": f"r{number:04d}", "input": question, "expected": right_answer(question)}
        for number, question in enumerate(questions)
    ]

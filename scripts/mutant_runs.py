"""Mutant runs: does any test see what a mutant of mutmut changes?

mutmut makes the mutants, notes which tests reach which function, and keeps the results. Its own
command runs all tests once more before the first mutant, and the mutants in the order of their
time; here they run in the order in which they were drawn, so that a run which is stopped has
measured a fair sample. Needs the group `mutation` of `pyproject.toml`.
"""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

from mutmut.__main__ import (
    collect_or_load_stats,
    copy_also_copy_files,
    copy_src_dir,
    create_mutants,
    mangled_name_from_mutant_name,
    setup_source_paths,
    state,
)
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.runners.harness import PytestRunner
from mutmut.workers.isolation import get_mutant_runner

MUTANTS = Path("mutants")
TIMED_OUT = 36
NO_TEST = 33
# A test that takes longer, simulations mostly, is left out: thousands of mutants would wait for it.
_LONGEST_S = 12.0
# How much slower than the tests took together a mutant may be, and what any may take.
_SLOWER = 8
_LEAST_S = 30


def make_mutants() -> None:
    """Write the mutants of all modules; those of functions that are as they were keep results."""
    MUTANTS.mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(max_children=1)


def run(drawn: Iterable[tuple[str, str]], tell: Callable[[str], None]) -> None:
    """Run the tests of each mutant (module, name), and keep the exit code beside the mutant."""
    setup_source_paths()
    collect_or_load_stats(get_mutant_runner(1))
    results: dict[str, SourceFileMutationData] = {}
    for module, name in drawn:
        if module not in results:
            results[module] = SourceFileMutationData(path=Path(module))
            results[module].load()
        start = time.monotonic()
        code = _exit_code(name)
        results[module].exit_code_by_key[name] = code
        results[module].save()
        tell(f"{code:3} {time.monotonic() - start:5.1f} s  {name}")


def _exit_code(name: str) -> int:
    """Return the exit code of pytest, in a process of its own, with the quickest test first."""
    duration_s = state().duration_by_test
    reaching = state().tests_by_mangled_function_name.get(mangled_name_from_mutant_name(name), ())
    tests = sorted(
        (each for each in reaching if duration_s[each] <= _LONGEST_S), key=duration_s.get
    )
    if not tests:
        return NO_TEST
    limit_s = int(_LEAST_S + _SLOWER * sum(duration_s[each] for each in tests))
    child = os.fork()
    if not child:
        _be_child(name, tests, limit_s)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _be_child(name: str, tests: list[str], limit_s: int) -> None:
    """Run the tests with this mutant and end the process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGALRM, _time_out)
    signal.alarm(limit_s)
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
    set_mutant_under_test(name)
    code = 4  # as pytest's: it could not run them, which says nothing of the mutant
    try:
        code = PytestRunner().run_tests(mutant_name=name, tests=tests)
    finally:
        os._exit(code)


def _time_out(number: int, frame: FrameType | None) -> None:
    os._exit(TIMED_OUT)

"""Task runs: the `task=` of a suite on its cases, each with the wire of its trial."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress

from pytest_llmprod.composition.trial import Trial
from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.evals.task import TaskResult, run_task


def run_on(
    trials: Sequence[Trial],
    done: Callable[[Trial], None],
    *,
    carrying: Callable[[Trial], AbstractContextManager[None]],
    concurrency: int,
) -> None:
    """Run the suite's `task=` on the cases of `trials`, several at once, and keep the answers.

    The trials must be of one suite. `done` is told of each when its answer has come, and `carrying`
    returns a context in which requests belong to a trial. What ends the run, Ctrl-C for instance,
    is raised, and the tapes of all these are stopped first.
    """
    suite = trials[0].suite
    if suite is None or suite.task is None:
        raise ValueError("run_task() needs trials of a suite with a task")

    def keep(number: int, result: TaskResult) -> None:
        trials[number].result = result
        done(trials[number])

    inputs = [None if trial.case is None else trial.case.input for trial in trials]
    try:
        run_task(
            suite.task,
            list(zip(inputs, map(carrying, trials), strict=True)),
            concurrency=concurrency,
            done=keep,
        )
    except BaseException:  # no test of these will run
        for trial in trials:
            is_answered = trial.result is not None and trial.result.error is None
            with suppress(LlmprodError):  # no room: then older answers stay
                trial.tape.stop(is_answered=is_answered)
        raise

"""Fuzzing: many examples of each property, and what the simplest failing one was.

Hypothesis tells the text of a failing example and not its values. Its own way in for plugins, the
attribute `hypothesis.inner_test` of a test, is asked for these: `docs/design/strategies.md`.
"""

import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import is_hypothesis_test, settings
from hypothesis.database import DirectoryBasedExampleDatabase

PROFILE = "llmprod-fuzz"
_DATABASE = Path(".llmprod", "examples")
_REMEMBERED = 64  # the last failures; Hypothesis runs those that it reports once more at the end


def load_profile(examples: int, rootpath: Path) -> None:
    """Let each property try so many examples, without a deadline, and others in each run.

    What the profile that is loaded now says otherwise, as which health checks are off, stays.
    """
    settings.register_profile(
        PROFILE,
        parent=settings.get_profile(settings.get_current_profile_name()),
        max_examples=examples,
        deadline=None,
        derandomize=False,
        database=DirectoryBasedExampleDatabase(rootpath / _DATABASE),
    )
    settings.load_profile(PROFILE)


def is_property(test: Any) -> bool:
    """Say whether Hypothesis draws what a test is called with."""
    return is_hypothesis_test(test)


class Watch:
    """What a property was called with when it failed."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._failures: deque[tuple[BaseException, Mapping[str, Any]]] = deque(maxlen=_REMEMBERED)

    def saw(self, error: BaseException, arguments: Mapping[str, Any]) -> None:
        """Remember a failure."""
        self._failures.append((error, arguments))

    def arguments_of(self, error: BaseException) -> Iterator[Mapping[str, Any]]:
        """Yield the arguments behind a failure that Hypothesis reports, one or a group of them."""
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from self.arguments_of(each)
            return
        for seen, arguments in self._failures:
            if seen is error:
                yield arguments


@contextmanager
def watched(test: Any) -> Iterator[Watch]:
    """Watch the calls of a test while it runs; one without a property is left alone."""
    watch = Watch()
    handle = getattr(test, "hypothesis", None)
    if handle is None or not is_hypothesis_test(test):  # a state machine has no arguments
        yield watch
        return
    inner = handle.inner_test
    handle.inner_test = _watching(inner, watch)
    try:
        yield watch
    finally:
        handle.inner_test = inner


def _watching(inner: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    @functools.wraps(inner)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return inner(*args, **kwargs)
        except BaseException as error:
            watch.saw(error, kwargs)
            raise

    @functools.wraps(inner)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return await inner(*args, **kwargs)
        except BaseException as error:
            watch.saw(error, kwargs)
            raise

    return call_async if inspect.iscoroutinefunction(inner) else call

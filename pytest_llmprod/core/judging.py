"""Judging: is a judge asking now, and no part of the application?

The wire keeps the requests of judges apart: `--llm-model` and `--llm-swap` leave them alone, they
have cassettes of their own, and neither their cost nor their time is the feature's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_JUDGING: ContextVar[bool | None] = ContextVar("llmprod_is_judging", default=None)


@contextmanager
def judging(is_judge: bool = True) -> Iterator[None]:
    """Make every request of this block, in this task or thread, one of a judge, or of no judge."""
    token = _IS_JUDGING.set(is_judge)
    try:
        yield
    finally:
        _IS_JUDGING.reset(token)


def is_judging() -> bool | None:
    """Say whether a request that is made here and now is one of a judge.

    None where nothing in this task or thread says so.
    """
    return _IS_JUDGING.get()

"""Judging: is a judge asking now, and no part of the application?

The wire keeps the requests of judges apart: `--llm-model` and `--llm-swap` leave them alone, they
have cassettes of their own, and neither their cost nor their time is the feature's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_JUDGING: ContextVar[bool] = ContextVar("llmprod_is_judging", default=False)


@contextmanager
def judging() -> Iterator[None]:
    """Make every request of this block, in this task or thread, one of a judge."""
    token = _IS_JUDGING.set(True)
    try:
        yield
    finally:
        _IS_JUDGING.reset(token)


def is_judging() -> bool:
    """Say whether a request that is made here and now is one of a judge."""
    return _IS_JUDGING.get()

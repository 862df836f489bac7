"""Fork lock: a lock that a forked child process gets anew.

A fork copies the locks that other threads hold, but not these threads: nobody would ever release
them in the child.
"""

import os
import threading
from types import TracebackType
from weakref import WeakSet


class ForkLock:
    """A lock for `with`, free in a child process whoever held it in the parent.

    A thread that holds it may take it again: Python may collect garbage anywhere, and so close a
    stream that a test broke off, whose recording is then stored in the middle of another's.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        """Make a lock that nobody holds."""
        self._lock = threading.RLock()
        _LOCKS.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Forget who held it."""
        self._lock = threading.RLock()


_LOCKS: WeakSet[ForkLock] = WeakSet()


def _renew_all() -> None:
    for lock in list(_LOCKS):
        lock.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_renew_all)

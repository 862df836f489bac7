"""Doubles: callables of the application in whose place, for a while, others run."""

import functools
from collections.abc import Callable
from typing import Any

from pytest_llmprod.faults.spies import Spy


class Double(Spy):
    """A callable in whose place another one runs, which is made of it."""

    def __init__(self, path: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Let what `make` returns run in place of `package.module:name`; see Spy."""
        super().__init__(path)
        self._make = make

    def _wrapper(self) -> Callable[..., Any]:
        raw = vars(self._owner).get(self._name) if isinstance(self._owner, type) else None
        original = getattr(raw, "__func__", self._original)
        return functools.wraps(original)(self._make(original))

"""Patches: an HTTP library is patched when it has been imported, at any moment of the session.

A run that does without a library pays nothing for it. requests and botocore send through urllib3,
openai's client through httpx2, and so do all that are built on them.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from pytest_llmprod.wire.clients import shared_tls, via_aiohttp, via_httpx, via_urllib3
from pytest_llmprod.wire.clients.passage import Passage
from pytest_llmprod.wire.replacements import Replacements

_REPLACEMENTS: Mapping[str, Callable[[Any, Passage], Sequence[tuple[Any, str, Any]]]] = {
    "aiohttp": via_aiohttp.replacements,
    "httpcore2": shared_tls.replacements,
    "httpx": via_httpx.replacements,
    "httpx2": via_httpx.replacements,
    "urllib3": via_urllib3.replacements,
}


class ClientPatches:
    """The patches of one session on HTTP libraries."""

    def __init__(self, passage: Passage) -> None:
        """Make the patches without installing them; requests go through `passage`."""
        self._passage = passage
        self._replacements = Replacements()
        self._arrivals = _Arrivals(self._patch)

    def install(self) -> None:
        """Patch the libraries that have been imported, and each other one when it will be."""
        for name in _REPLACEMENTS:
            module = sys.modules.get(name)
            if module is not None:
                self._patch(module)
            else:
                self._arrivals.awaited.add(name)
        sys.meta_path.insert(0, self._arrivals)

    def uninstall(self) -> None:
        """Put every original back, the last first."""
        if self._arrivals in sys.meta_path:  # others rewrite it too
            sys.meta_path.remove(self._arrivals)
        self._arrivals.awaited.clear()
        self._replacements.undo()

    def _patch(self, module: ModuleType) -> None:
        for owner, name, replacement in _REPLACEMENTS[module.__name__](module, self._passage):
            self._replacements.put(owner, name, replacement)


class _Arrivals(importlib.abc.MetaPathFinder):
    """Tells when an awaited module has been imported; finds nothing by itself."""

    def __init__(self, arrived: Callable[[ModuleType], None]) -> None:
        self.awaited: set[str] = set()
        self._arrived = arrived

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.awaited:
            return None
        self.awaited.remove(name)  # the search below comes here again
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            self.awaited.add(name)
            return None
        execute = spec.loader.exec_module

        def execute_and_tell(module: ModuleType) -> None:
            execute(module)
            self._arrived(module)

        spec.loader.exec_module = execute_and_tell  # type: ignore[method-assign]  # of this loader only
        return spec

"""Patches: an HTTP library is patched when it has been executed, at any moment of the session.

A run that does without a library pays nothing for it. requests and botocore send through urllib3,
openai's client through httpx2, and so do all that are built on them.
"""

import importlib
import importlib.abc
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from pytest_llmprod.wire.clients import (
    shared_tls,
    via_aiohttp,
    via_httpx,
    via_stainless,
    via_urllib3,
)
from pytest_llmprod.wire.clients.passage import Passage
from pytest_llmprod.wire.replacements import Replacements

_Adapter = Callable[[Any, Passage], Sequence[tuple[Any, str, Any]]]

_ADAPTERS: Mapping[str, _Adapter] = {
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
        self._is_installed = False

    def install(self) -> None:
        """Patch the libraries that have been imported, and each one when it will be."""
        self._is_installed = True
        sys.meta_path.insert(0, self._arrivals)
        for name, module in list(sys.modules.items()):  # other threads import meanwhile
            adapter = _adapter_of(name)
            if adapter is not None and module is not None:
                whole = importlib.import_module(name)  # waits where a thread is still at it
                self._patch(adapter, whole)

    def uninstall(self) -> None:
        """Put every original back, the last first."""
        self._is_installed = False
        if self._arrivals in sys.meta_path:  # others rewrite it too
            sys.meta_path.remove(self._arrivals)
        self._replacements.undo()

    def _patch(self, adapter: _Adapter, module: ModuleType) -> None:
        """Patch what a module holds, and leave what it still holds from an earlier execution."""
        if not self._is_installed:
            return
        for owner, attribute, replacement in adapter(module, self._passage):
            if not self._replacements.holds(owner, attribute):
                self._replacements.put(owner, attribute, replacement)


def _adapter_of(name: str) -> _Adapter | None:
    if name.endswith(via_stainless.MODULES):
        return via_stainless.replacements
    return _ADAPTERS.get(name)


class _Arrivals(importlib.abc.MetaPathFinder):
    """Has the loader of each module that has an adapter tell when it has executed the module.

    Whoever only asks whether a library is installed searches for it too, so a search says nothing.
    What a finder before this one finds does not come by here.
    """

    def __init__(self, arrived: Callable[[_Adapter, ModuleType], None]) -> None:
        self._arrived = arrived
        self._searching = _Searching()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        adapter = _adapter_of(name)
        if adapter is None or name in self._searching.names:
            return None
        self._searching.names.add(name)  # other hooks on imports ask all finders in their turn
        try:
            spec = self._found_by_others(name, path, target)
        finally:
            self._searching.names.remove(name)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _TellingLoader(spec.loader, partial(self._arrived, adapter))
        return spec

    def _found_by_others(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
        return None


class _Searching(threading.local):
    """The modules for which this thread searches."""

    def __init__(self) -> None:
        self.names: set[str] = set()


class _TellingLoader(importlib.abc.Loader):
    """Stands for a loader, which may serve other modules too, until it has executed its module."""

    def __init__(self, loader: Any, arrived: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._arrived = arrived

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader  # which the module and others may ask for its files
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._arrived(module)

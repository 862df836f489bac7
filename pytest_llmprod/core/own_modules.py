"""Own modules: which of the imported modules are those of the application?

Those whose files lie below the root of the project, and are not installed there. This package is
none of them, though its own tests run it from below their root.
"""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

_THIS_PACKAGE = __name__.partition(".")[0]


def own_modules(root: Path) -> tuple[ModuleType, ...]:
    """Return the modules below `root` that are imported now."""
    return tuple(
        sys.modules[name] for name in _names(root, len(sys.modules)) if name in sys.modules
    )


def is_own(root: Path, name: str) -> bool:
    """Say whether the module called `name` is one of the application."""
    return _is_applications(name) and _is_below(root, sys.modules.get(name))


def place_of(root: Path, error: BaseException) -> str:
    """Return where our code was when an error came out of it, as "app/triage.py:18", or ''."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if _is_path_below(root, path):
            place = f"{path.removeprefix(f'{root}/')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def names_of(
    modules: tuple[ModuleType, ...], originals: dict[int, Any]
) -> Iterator[tuple[ModuleType, str, Any]]:
    """Yield (module, name, value) where a module holds one of `originals`, by their ids."""
    for module in modules:
        for name, value in list(vars(module).items()):
            if id(value) in originals:
                yield module, name, value


@lru_cache(maxsize=8)
def _names(root: Path, count: int) -> tuple[str, ...]:
    """Return the names of our modules, looked for again only when their number has changed."""
    return tuple(
        name
        for name, module in list(sys.modules.items())
        if _is_applications(name) and _is_below(root, module)
    )


def _is_applications(name: str) -> bool:
    return name.partition(".")[0] != _THIS_PACKAGE


def _is_below(root: Path, module: Any) -> bool:
    path = getattr(module, "__file__", None)
    return isinstance(module, ModuleType) and isinstance(path, str) and _is_path_below(root, path)


def _is_path_below(root: Path, path: str) -> bool:
    return path.startswith(f"{root}/") and "site-packages" not in path

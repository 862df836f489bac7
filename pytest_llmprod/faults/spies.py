"""Spies: callables of the application that are watched while they run as ever."""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.own_modules import names_of, own_modules
from pytest_llmprod.core.text import printable


class Spy:
    """A callable that is watched: it runs as ever, and each of its calls is noted.

    `calls` counts how often it was called, `finished` how often it came to its end, and `returned`
    is what it returned last. `first_at_s` is when it was called first, by the clock it was given,
    and None before.
    """

    def __init__(self, path: str, clock: Callable[[], float] = lambda: 0.0) -> None:
        """Watch nothing yet; raise FaultError where `path` names no callable.

        `path` reads `package.module:name`, or `package.module:Class.method`.
        """
        self.path = path
        self.calls = 0
        self.finished = 0
        self.returned: Any = None
        self.first_at_s: float | None = None
        self._clock = clock
        self._owner, self._name, self._original = _find(path)

    @property
    def called(self) -> bool:
        """Say whether it was called."""
        return self.calls > 0

    @contextmanager
    def watching(self, root: Path | None = None) -> Iterator["Spy"]:
        """Watch in this block, under every name that a module below `root` has for it."""
        wrapper = self._wrapper()
        raw = vars(self._owner).get(self._name, self._original)
        kind = type(raw)
        placed = kind(wrapper) if kind in (staticmethod, classmethod) else wrapper
        with ExitStack() as undo:
            undo.callback(setattr, self._owner, self._name, raw)
            setattr(self._owner, self._name, placed)
            for module, name in _other_names(self._owner, self._original, root):
                undo.callback(setattr, module, name, self._original)
                setattr(module, name, wrapper)
            yield self

    def _wrapper(self) -> Callable[..., Any]:
        raw = vars(self._owner).get(self._name) if isinstance(self._owner, type) else None
        original = getattr(raw, "__func__", self._original)
        if inspect.iscoroutinefunction(original):

            @functools.wraps(original)
            async def watched_async(*args: Any, **kwargs: Any) -> Any:
                self._begins()
                return self._ended(await original(*args, **kwargs))

            return watched_async

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._begins()
            return self._ended(original(*args, **kwargs))

        return watched

    def _begins(self) -> None:
        self.calls += 1
        if self.first_at_s is None:
            self.first_at_s = self._clock()

    def _ended(self, value: Any) -> Any:
        self.finished += 1
        self.returned = value
        return value


def resolve(path: str) -> Any:
    """Return what `package.module:name` names; raise FaultError where there is none."""
    return _find(path)[2]


def _find(path: str) -> tuple[Any, str, Any]:
    """Return the owner of a callable, its name there, and itself."""
    module_name, colon, names = path.partition(":")
    if not (module_name and colon and names):
        raise FaultError(
            f"{path!r} names no callable. Write the module, a colon and the name: "
            f"'app.rules:triage_by_rules'."
        )
    try:
        owner: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise FaultError(
            f"{path!r}: {module_name} cannot be imported ({printable(str(error))}). Correct the "
            f"module, or set pythonpath in [tool.pytest.ini_options] so that pytest finds it."
        ) from error
    *owners, name = names.split(".")
    for each in owners:
        owner = getattr(owner, each, None)
    found = getattr(owner, name, None)
    if not callable(found):
        what = f"names no callable, but {found!r}" if hasattr(owner, name) else "is not there"
        raise FaultError(f"{path!r} {what}. {_known(owner, name)}Correct the name.")
    return owner, name, found


def _known(owner: Any, name: str) -> str:
    """Say which callables there are instead of `name`, the nearest alone where one is near."""
    names = [each for each, value in _members(owner) if callable(value) and each[:1] != "_"]
    near = get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]!r}? "
    return f"There are {', '.join(names)}. " if names else ""


def _members(owner: Any) -> list[tuple[str, Any]]:
    """Return what is defined in a module or a class, and not what it has imported."""
    members = vars(owner).items() if hasattr(owner, "__dict__") else ()
    if not isinstance(owner, ModuleType):
        return [*members]
    return [(k, v) for k, v in members if getattr(v, "__module__", "") == owner.__name__]


def _other_names(owner: Any, original: Any, root: Path | None) -> Iterator[tuple[ModuleType, str]]:
    """Yield where other modules hold the same callable: the application's, and its package's."""
    if not isinstance(owner, ModuleType):
        return
    package = owner.__name__.partition(".")[0]
    near = {each.__name__: each for each in (own_modules(root) if root is not None else ())}
    below = f"{package}."
    for name, module in list(sys.modules.items()):
        if (name == package or name.startswith(below)) and isinstance(module, ModuleType):
            near[name] = module
    near.pop(owner.__name__, None)
    for module, name, _ in names_of(tuple(near.values()), {id(original): original}):
        yield module, name

"""Marks: which of our markers stand above which tests, read from the source without running it.

What is written out counts: texts, numbers, lists of them, and names that the module sets once to
such a value. Any other value is unknown, and is left out of the arguments.
"""

import ast
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAMES = frozenset({"llm_eval", "llm_budget", "llm_drill", "llm_guardrail", "llm_records"})
#: The fixture of tests that hold the application's own log to the contract.
_RECORDS = "llm_records"
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "build", "dist"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A marker above a test function, or, under the name `llm_records`, a test with that fixture.

    `test` is the name of the function, after that of its class and a dot. `path` is relative to
    the project, `line` counts from 1. `positional` and `arguments` hold the values that are written
    out.
    """

    name: str
    path: str
    line: int
    test: str
    positional: tuple[Any, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return an argument that is a text, '' where it is none or unknown."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else ""


def read_marks(root: Path) -> tuple[Mark, ...]:
    """Return the markers in all test files below `root`, in order of the files and their lines."""
    found: list[Mark] = []
    for path in _test_files(root):
        found += _marks_in(path, path.relative_to(root).as_posix())
    return tuple(found)


def _test_files(root: Path) -> Iterator[Path]:
    """Yield `test_*.py` and `*_test.py`, and enter no environment and nothing hidden."""
    for name, folders, files in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".")
            and each not in _SKIPPED_FOLDERS
            and not os.path.exists(os.path.join(name, each, "pyvenv.cfg"))
        )
        for file in sorted(files):
            if file.endswith(".py") and (file.startswith("test_") or file.endswith("_test.py")):
                yield Path(name, file)


def _marks_in(path: Path, name: str) -> list[Mark]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the module's own style, an escape for instance
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    reader = _Reader(name, _constants(tree.body), _named_markers(tree.body))
    reader.read(tree.body, reader.shared(tree.body))
    return sorted(reader.found, key=lambda mark: mark.line)


def _constants(body: Iterable[ast.stmt]) -> dict[str, Any]:
    """Return the names that a module sets once, at its top, to a value that is written out."""
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for name, value in _assigned(body):
        known = None if value is None else _value(value, {})
        if name in seen or known is None:
            found.pop(name, None)
        else:
            found[name] = known
        seen.add(name)
    return found


def _named_markers(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    """Return the markers to which a module gives a name of its own: `survives = pytest.mark...`."""
    return {name: value for name, value in _assigned(body) if isinstance(value, ast.Call)}


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that statements set, with their values; `x += y` gives an unknown one."""
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
            value = None if isinstance(statement, ast.AugAssign) else statement.value
            is_bare = isinstance(statement, ast.AnnAssign) and value is None  # it sets nothing
            if isinstance(statement.target, ast.Name) and not is_bare:
                yield statement.target.id, value


class _Reader:
    """Reads one module."""

    def __init__(
        self, path: str, constants: Mapping[str, Any], named: Mapping[str, ast.expr]
    ) -> None:
        self.found: list[Mark] = []
        self._path = path
        self._constants = constants
        self._named = named

    def shared(self, body: Iterable[ast.stmt]) -> list[ast.expr]:
        """Return the markers that `pytestmark` gives to all tests of a module or a class."""
        for name, value in _assigned(body):
            if name == "pytestmark" and value is not None:
                return list(value.elts) if isinstance(value, ast.List | ast.Tuple) else [value]
        return []

    def read(self, body: Iterable[ast.stmt], outer: list[ast.expr], prefix: str = "") -> None:
        """Read the tests of a module or a class; `outer` are the markers around them."""
        for statement in body:
            if isinstance(statement, ast.ClassDef):
                own = [*statement.decorator_list, *self.shared(statement.body)]
                self.read(statement.body, [*own, *outer], f"{prefix}{statement.name}.")
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._read_test(statement, outer, prefix)
            else:  # an `if` at the top of a module, for instance
                for name in ("body", "orelse", "finalbody"):
                    self.read(getattr(statement, name, ()), outer, prefix)

    def _read_test(
        self, test: ast.FunctionDef | ast.AsyncFunctionDef, outer: list[ast.expr], prefix: str
    ) -> None:
        if not test.name.startswith("test"):
            return
        name = prefix + test.name
        marks = (self._mark(decorator, name) for decorator in [*test.decorator_list, *outer])
        self.found += [mark for mark in marks if mark is not None]
        arguments = (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)
        if any(each.arg == _RECORDS for each in arguments):
            self.found.append(Mark(name=_RECORDS, path=self._path, line=test.lineno, test=name))

    def _mark(self, decorator: ast.expr, test: str) -> Mark | None:
        line = decorator.lineno
        if isinstance(decorator, ast.Name):
            decorator = self._named.get(decorator.id, decorator)
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            return None
        name, of = decorator.func.attr, decorator.func.value
        is_mark = getattr(of, "attr", getattr(of, "id", "")) == "mark"
        if not is_mark or name not in _NAMES:
            return None
        named = {each.arg: each.value for each in decorator.keywords if each.arg}
        values = {key: _value(node, self._constants) for key, node in named.items()}
        positional = [_value(each, self._constants) for each in decorator.args]
        return Mark(
            name=name,
            path=self._path,
            line=line,
            test=test,
            positional=tuple(each for each in positional if each is not None),
            arguments={key: value for key, value in values.items() if value is not None},
        )


def _value(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    """Return a value that is written out, None where it is not known."""
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None

"""Source: which tests and fixtures does a Python file define, as far as reading it can tell?"""

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_MAKES_NAMES = frozenset({"exec", "globals", "locals", "setattr", "vars"})


@dataclass(slots=True)
class Source:
    """What the text of a module says about the names in it; classes stand before their members.

    `functions` holds the functions that are written out, `fixtures` these and the other names that
    fixtures were given, `bound` the names that an import or an assignment makes. The members of
    `open_classes` cannot be known, for a base or a decorator comes from elsewhere; `multiplied`
    are functions whose decorator may make others of similar names. `datasets` holds the data sets
    that `llm_eval` names above the functions, where they are written out. `open_because` says why
    any name at all may exist, and is empty where none may.
    """

    functions: set[str] = field(default_factory=set)
    fixtures: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    open_classes: set[str] = field(default_factory=set)
    multiplied: set[str] = field(default_factory=set)
    datasets: dict[str, str] = field(default_factory=dict)
    open_because: str = ""

    def may_hold(self, name: str) -> bool:
        """Say whether a test `Class.function`, or `function`, may be there, from elsewhere too."""
        if self.open_because or name in self.functions:
            return True
        elsewhere = self.open_classes | self.bound
        if any(name == each or name.startswith(f"{each}.") for each in elsewhere):
            return True
        return any(name.startswith(each) for each in self.multiplied)


def read_source(text: bytes) -> Source:
    """Read the text of a module; one that is no Python is open to any name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the module's own style, an escape for instance
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(open_because="cannot be read as Python")
    reader = _Reader()
    reader.read(tree.body, "")
    reader.close_classes()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func) in _MAKES_NAMES:
            reader.source.open_because = f"calls {_dotted(node.func)}(), which may make any name"
    return reader.source


class _Reader:
    """Reads one module, statement by statement."""

    def __init__(self) -> None:
        self.source = Source()
        self._bases: dict[str, list[str]] = {}

    def read(self, statements: Iterable[ast.stmt], prefix: str) -> None:
        """Read the statements of a module, or of the class that `prefix` names, with a dot."""
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._read_function(statement, prefix)
            elif isinstance(statement, ast.ClassDef):
                self._read_class(statement, prefix)
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                self._read_import(statement, prefix)
            else:
                self.source.bound |= {prefix + name for name in _stored_names(statement)}
                for block in _blocks(statement):
                    self.read(block, prefix)

    def _read_function(self, function: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> None:
        dataset = _written_dataset(function.decorator_list)
        if dataset and prefix + function.name not in self.source.functions:
            self.source.datasets[prefix + function.name] = dataset
        else:  # the branches of an `if` may define it twice
            self.source.datasets.pop(prefix + function.name, None)
        self.source.functions.add(prefix + function.name)
        self.source.fixtures.add(function.name)
        for decorator in function.decorator_list:
            self.source.fixtures |= set(_given_names(decorator))
            if not _is_pytests(decorator):
                self.source.multiplied.add(prefix + function.name)

    def _read_class(self, class_: ast.ClassDef, prefix: str) -> None:
        name = prefix + class_.name
        if not all(map(_is_pytests, class_.decorator_list)):
            self.source.open_because = f"has a decorator on {name} that may make other classes"
        if class_.keywords:
            self.source.open_classes.add(name)
        # Extended, not replaced: the branches of an `if` may define a class of one name twice.
        self._bases.setdefault(name, []).extend(map(_dotted, class_.bases))
        self.read(class_.body, f"{name}.")

    def _read_import(self, statement: ast.Import | ast.ImportFrom, prefix: str) -> None:
        for alias in statement.names:
            if alias.name == "*":
                self.source.open_because = "imports * from another file"
            else:
                name = alias.asname or alias.name.partition(".")[0]
                self.source.bound.add(prefix + name)

    def close_classes(self) -> None:
        """Give each class what it inherits, and note where that is not known."""
        for name in self._bases:
            for base in self._ancestors(name):
                if base not in self._bases or base in self.source.open_classes:
                    self.source.open_classes.add(name)
                inherited = {
                    name + each.removeprefix(base)
                    for each in self.source.functions
                    if each.startswith(f"{base}.")
                }
                self.source.functions |= inherited

    def _ancestors(self, name: str) -> list[str]:
        """Return the names of all bases of a class, those of its bases too, but `object`."""
        found: dict[str, None] = {}
        ahead = list(self._bases[name])
        while ahead:
            base = ahead.pop()
            if base not in found and base != "object":
                found[base] = None
                ahead += self._bases.get(base, ())
        return list(found)


def _dotted(node: ast.expr) -> str:
    """Return the name that an expression spells, `pytest.mark.slow` for instance, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _is_pytests(decorator: ast.expr) -> bool:
    """Say whether a decorator is a mark, a fixture or a method's kind: it makes no other name."""
    name = _dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    known = ("pytest.", "pytest_asyncio.", "mark.")
    return name.startswith(known) or name in ("fixture", "staticmethod", "classmethod")


def _written_dataset(decorators: Iterable[ast.expr]) -> str:
    """Return the data set that `@pytest.mark.llm_eval(dataset=...)` names, '' where it is unknown.

    It is known where one such marker stands there, and names it as a text.
    """
    markers = [
        each
        for each in decorators
        if _dotted(each.func if isinstance(each, ast.Call) else each).endswith("mark.llm_eval")
    ]
    if len(markers) != 1 or not isinstance(markers[0], ast.Call):
        return ""
    arguments = {each.arg: each.value for each in markers[0].keywords}
    value = arguments.get("dataset")
    if None in arguments or not isinstance(value, ast.Constant):  # None is that of **
        return ""
    return value.value if isinstance(value.value, str) else ""


def _given_names(decorator: ast.expr) -> Iterator[str]:
    """Yield the name that `@pytest.fixture(name=...)` gives."""
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
            yield str(keyword.value.value)


def _stored_names(statement: ast.stmt) -> Iterator[str]:
    nested = {id(part) for block in _blocks(statement) for part in block}
    ahead: list[ast.AST] = [statement]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        ahead += [each for each in ast.iter_child_nodes(node) if id(each) not in nested]


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the statements that stand inside of another, in each of its branches."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for branch in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield branch.body

"""House: what imports what, and what each module answers, drawn from the code.

`make reference` writes the drawing into `docs/architecture.md`, and `docs/modules.md` anew.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest_llmprod

PACKAGE = Path(pytest_llmprod.__file__).parent
DOCS = Path(__file__).parents[1] / "docs"
ARCHITECTURE = DOCS / "architecture.md"
MODULES = DOCS / "modules.md"
PACKAGES = ("budgets", "evals", "faults", "guardrails", "handoff", "records", "report")
PACKAGES += ("strategies", "wire")
#: From the top down: what stands on one floor may import what stands on it, and below.
FLOORS = (
    ("plugin",),
    ("cli", "commands"),
    ("hooks",),
    ("markers", "fixtures", "hookspecs"),
    ("session",),
    ("run", "settings", "composition"),
    PACKAGES,
    ("core", "gates"),
)
_DRAWING = re.compile(r"(?<=<!-- house -->\n).*?(?=<!-- /house -->)", re.DOTALL)
_HEAD = """# Modules

Each module, with the first line of what it says of itself. This page is made from the code by
`make reference`; [the architecture](architecture.md) says how they hang together.
"""


def drawing() -> str:
    """Return the block that stands between the marks of the page on architecture."""
    floors = ["\n".join(_floor(floor)) for floor in FLOORS]
    return "\n".join(["```text", "\n\n".join(floors), "```", ""])


def _floor(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        ours = sorted(imports(name), key=_place)
        yield f"{name:<12} {' '.join(ours) or '-'}"
        libraries = sorted(_libraries(name))
        if libraries:
            yield f"{'':<12}   and {' '.join(libraries)}"


def _place(name: str) -> tuple[int, str]:
    return next(number for number, floor in enumerate(FLOORS) if name in floor), name


def imports(name: str) -> set[str]:
    """Return the modules and packages of ours that one of the top imports, also for types only."""
    found = {each.split(".")[1] for each in _imported(name) if _is_ours(each) and "." in each}
    return found & {each for floor in FLOORS for each in floor} - {name}


def _libraries(name: str) -> set[str]:
    heads = {each.split(".")[0] for each in _imported(name) if not _is_ours(each)}
    return heads - sys.stdlib_module_names - {"compression"}  # of Python 3.14


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == "pytest_llmprod"


def _imported(name: str) -> Iterator[str]:
    folder = PACKAGE / name
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_page() -> str:
    """Return the text of the page on modules."""
    folders: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        says = _first_line(path)
        if name.stem == "__init__":
            folders.setdefault(name.parent.as_posix(), []).insert(
                0, f"{says}\n\n| module | |\n|---|---|"
            )
        else:
            folders.setdefault(name.parent.as_posix(), []).append(f"| `{name.stem}` | {says} |")
    parts = [
        f"## `{_titled(folder)}`\n\n" + "\n".join(rows) for folder, rows in sorted(folders.items())
    ]
    return "\n\n".join([_HEAD.rstrip(), *parts]) + "\n"


def _titled(folder: str) -> str:
    return "pytest_llmprod" if folder == "." else f"{folder}/"


def _first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def write() -> None:
    """Write both into the pages."""
    page = ARCHITECTURE.read_text(encoding="utf-8")
    ARCHITECTURE.write_text(_DRAWING.sub(lambda _: drawing(), page), encoding="utf-8")
    MODULES.write_text(modules_page(), encoding="utf-8")


def drawn() -> str:
    """Return the drawing that the page has."""
    found = _DRAWING.search(ARCHITECTURE.read_text(encoding="utf-8"))
    return found[0] if found else ""

"""The floors of the house: what may import what."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import pytest_llmprod

PACKAGE = Path(pytest_llmprod.__file__).parent
ROOMS = ("wire", "evals", "budgets", "faults", "guardrails", "records", "report", "strategies")
ROOMS += ("handoff",)
#: What lies in no package: the ways in, and what puts all packages together.
WAYS_IN = {"__init__", "plugin", "fixtures", "markers", "hookspecs", "cli", "gates"}
ROOTS = {"session", "run", "settings"}
KNOWS_PYTEST = ("plugin", "fixtures", "markers", "hookspecs", "hooks/")
ONLY_IMPORTER = {
    "vcr": "wire",
    "brotli": "wire",
    "backports": "wire",
    "deepdiff": "evals wire",
    "httpx2": "wire",
    "genai_prices": "budgets",
    "pydantic": "evals",
    "rapidfuzz": "evals",
    "yaml": "evals handoff",
    "tabulate": "report",
    "jinja2": "report",
    "markupsafe": "report",
    "leather": "report",
    "opentelemetry": "records",
    "openai": " evals",
    "hypothesis": "strategies",
}
# The packages of `wire`, from the bottom up; what lies in `wire` itself may use them all.
FLOORS_OF_THE_WIRE = ("dialects", "scanners", "cassettes", "comparing", "misses", "clients")
# Part of the contract with users: `from pytest_llmprod.evals import statistics`.
MAY_SHADOW = {"evals/statistics.py"}


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted(PACKAGE.rglob("*.py")))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


@cache
def imports_of(path: Path) -> frozenset[str]:
    """All modules that a file imports, also under TYPE_CHECKING and inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def heads_of(path: Path) -> set[str]:
    """The top-level names of all that a file imports."""
    return {name.split(".")[0] for name in imports_of(path)}


def ours(path: Path) -> set[str]:
    """The modules of this package that a file imports, as names below the package."""
    names = {name.removeprefix("pytest_llmprod.") for name in imports_of(path) if "." in name}
    return names & known()


@cache
def known() -> frozenset[str]:
    """The dotted names of all modules, below the package."""
    return frozenset(dotted(path) for path in modules())


def dotted(path: Path) -> str:
    return name_of(path).replace("/", ".").removesuffix(".__init__")


def room_of(name: str) -> str:
    head = name.replace("/", ".").split(".")[0]
    return head if head in ROOMS else ""


def modules_in(*rooms: str) -> list[Path]:
    return [path for path in modules() if name_of(path).startswith(tuple(f"{r}/" for r in rooms))]


@pytest.mark.parametrize("path", modules_in("core"), ids=name_of)
def test_core_imports_the_standard_library_and_core(path: Path) -> None:
    outside = {
        name
        for name in imports_of(path)
        if not name.startswith("pytest_llmprod.core")
        and name.split(".")[0] not in sys.stdlib_module_names
    }

    assert not outside


@pytest.mark.parametrize("path", modules_in(*ROOMS), ids=name_of)
def test_a_room_imports_no_other_room_and_nothing_above_it(path: Path) -> None:
    room = room_of(name_of(path))
    allowed = {name for name in ours(path) if name.split(".")[0] in ("core", room)}

    assert ours(path) == allowed


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_the_way_in_knows_pytest(path: Path) -> None:
    forbidden = {"_pytest"} if name_of(path).startswith(KNOWS_PYTEST) else {"_pytest", "pytest"}

    assert forbidden.isdisjoint(heads_of(path))


def test_the_top_holds_the_ways_in_and_what_puts_packages_together() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == WAYS_IN | ROOTS


@pytest.mark.parametrize("path", modules_in("hooks"), ids=name_of)
def test_a_module_of_hooks_needs_pytest(path: Path) -> None:
    assert path.stem == "__init__" or "pytest" in heads_of(path)


@pytest.mark.parametrize(
    "path",
    [*modules_in("composition"), *(PACKAGE / f"{name}.py" for name in sorted(ROOTS))],
    ids=name_of,
)
def test_what_puts_packages_together_knows_no_hook(path: Path) -> None:
    above = {name for name in ours(path) if name.split(".")[0] in ("hooks", "commands", *WAYS_IN)}

    assert above <= {"gates"}


@pytest.mark.parametrize(
    ("path", "above"),
    [
        pytest.param(path, FLOORS_OF_THE_WIRE[number:], id=name_of(path))
        for number, package in enumerate(FLOORS_OF_THE_WIRE[:-1], 1)
        for path in modules_in(f"wire/{package}")
    ],
)
def test_a_package_of_the_wire_imports_none_above_it(path: Path, above: tuple[str, ...]) -> None:
    assert not {name for name in ours(path) if name.startswith(tuple(f"wire.{a}" for a in above))}


def test_the_nouns_of_masking_come_from_its_face() -> None:
    """`docs/hooks.md` names it; only what is below it knows where the nouns are defined."""
    home = "pytest_llmprod.core.scanning"
    nouns = {f"{home}.Finding", f"{home}.Scanner"}
    above = [path for path in modules() if path.parent.name not in ("scanners", "core")]

    assert [name_of(path) for path in above if nouns & imports_of(path)] == ["wire/masking"]


def test_every_package_of_the_wire_has_its_floor() -> None:
    folders = {path.parent.name for path in modules() if path.parent.parent.name == "wire"}

    assert folders == set(FLOORS_OF_THE_WIRE)


def test_the_page_on_architecture_names_every_module_of_the_wire() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_]+", page))

    names = {path.stem for path in (PACKAGE / "wire").glob("*.py")} - {"__init__"}
    assert names - words == set()


def test_nobody_imports_the_plugin() -> None:
    importers = [name_of(path) for path in modules() if "plugin" in ours(path)]

    assert importers == []


def test_gates_need_the_standard_library_only() -> None:
    assert heads_of(PACKAGE / "gates.py") <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(("library", "room"), ONLY_IMPORTER.items(), ids=ONLY_IMPORTER)
def test_each_heavy_library_has_importers_in_its_rooms_only(library: str, room: str) -> None:
    importers = [path for path in modules() if library in heads_of(path)]
    rooms = {room_of(name_of(path)) for path in importers if name_of(path) != "cli"}

    assert " ".join(sorted(rooms)) == room


def test_there_is_no_import_circle() -> None:
    graph = {dotted(path): ours(path) for path in modules()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"circle: {' -> '.join([*way, name])}"
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_no_file_is_named_after_a_standard_library_module() -> None:
    shadowing = {
        f"{name_of(path)}.py" for path in modules() if path.stem in sys.stdlib_module_names
    }

    assert shadowing == MAY_SHADOW


@pytest.mark.parametrize(
    ("module", "may_import"),
    [
        ("plugin", set()),
        ("gates", set()),
        ("cli", set()),
        ("evals.metrics", set()),  # a conftest.py with a metric imports it in every run
        ("hooks.recorder", {"pydantic"}),
        ("run", {"pydantic"}),
        ("wire.intercept", set()),
    ],
)
def test_importing_a_module_imports_nothing_heavy(module: str, may_import: set[str]) -> None:
    heavy = {"vcr", "openai", "httpx", "httpx2", "hypothesis", "pydantic", "tabulate", "deepdiff"}
    heavy |= {"genai_prices", "yaml", "brotli", "backports", "aiohttp", "requests", "urllib3"}
    heavy |= {"rapidfuzz", "jinja2", "leather", "opentelemetry"}
    script = (
        f"import sys, pytest_llmprod.{module}\n"
        f"print(sorted(name for name in {heavy - may_import!r} if name in sys.modules))"
    )

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_a_module_has_room_for_one_question() -> None:
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in modules()}

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}

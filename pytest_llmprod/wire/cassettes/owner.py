"""Owner: is the test or the fixture to which a cassette belongs still there?

A cassette lies in `cassettes/<module>/<Class.function>.<model>.json` beside `<module>.py`. That
file is read and never run, so not all can be known: tests come from base classes in other files,
from imports and from decorators. Gone is only what certainly is; cassettes without any Python file
beside their folder are a copy that somebody keeps.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pytest_llmprod.core.source import Source, read_source
from pytest_llmprod.wire.cassettes.folders import FOLDER
from pytest_llmprod.wire.label import file_name, is_cassette_of

_FIXTURE = "fixture."
_JUDGE = ".judge."  # as `key.judge_shelf` has it
_ROOT_FILES = ("pyproject.toml", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "setup.py")


class Standing(NamedTuple):
    """Whether the owner of a cassette is there; `why` says how that is known, or why it is not.

    `dataset` is where an eval finds its data set, if its source and the folders tell that.
    """

    state: Literal["there", "gone", "unknown"]
    why: str = ""
    dataset: Path | None = None


def find_owners(paths: Iterable[Path]) -> dict[Path, Standing]:
    """Return for each cassette of ours whether its test or fixture is still there."""
    folders: dict[Path, Source | Standing] = {}
    standings = {}
    for path in paths:
        folder = path.absolute().parent
        if folder.parent.name != FOLDER:
            standings[path] = Standing("unknown", "it lies in no folder cassettes/<module>")
            continue
        if folder not in folders:
            folders[folder] = _read_owner(folder)
        found = folders[folder]
        standings[path] = found if isinstance(found, Standing) else _find(path.name, folder, found)
    return standings


def _read_owner(folder: Path) -> Source | Standing:
    """Read the module beside `cassettes` after which a folder in it is named."""
    home, module = folder.parent.parent, folder.name
    path = home / f"{module}.py"
    if path.is_file():
        try:
            return read_source(path.read_bytes())
        except OSError as error:
            return Standing("unknown", f"{path.name} cannot be read ({error.strerror})")
    # Other plugins collect tests from other files: Markdown, notebooks.
    if namesake := _doubt_of_namesakes(folder):
        return Standing("unknown", namesake)
    if module == "conftest" and (doubt := _doubt_of_root(home)):
        return doubt
    if not any(each.suffix == ".py" and each.is_file() for each in home.iterdir()):
        return Standing("unknown", f"no Python file lies beside the folder {FOLDER}")
    return Standing("gone", f"there is no {module}.py")


def _doubt_of_namesakes(folder: Path) -> str:
    """Return a doubt where another file than a module has the name of a folder of cassettes."""
    files = (each for each in folder.parent.parent.iterdir() if each.is_file())
    names = sorted(each.name for each in files if each.stem == folder.name)
    others = [name for name in names if name != f"{folder.name}.py"]
    return f"it may belong to {others[0]}" if others else ""


def _doubt_of_root(home: Path) -> Standing | None:
    """Return a doubt where `home` may be pytest's root folder, and None where it is none.

    The cassettes of fixtures that a plugin defines lie there, and no conftest.py names them.
    """
    above = [folder for folder in home.parents if _has_root_file(folder)]
    if above and not _has_root_file(home):
        return None
    return Standing("unknown", "a plugin may define the fixture")


def _has_root_file(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _ROOT_FILES)


def _find(file: str, folder: Path, source: Source) -> Standing:
    stem = file.removesuffix(".json")
    if stem.startswith(_FIXTURE):
        return _find_fixture(file, folder, source)
    owners = [each for each in source.functions if is_cassette_of(each, file)]
    if owners:
        return Standing("there", dataset=_dataset(owners, folder, source))
    doubt = _doubt(stem, folder, source)
    if not doubt and _JUDGE in stem:  # what a judge says of labels lies in a folder of their name
        doubt = _doubt_of_namesakes(folder)
    if doubt:
        return Standing("unknown", doubt)
    return Standing("gone", f"{folder.name}.py has no such test")


def _dataset(owners: Sequence[str], folder: Path, source: Source) -> Path | None:
    """Return the data set of the one owner, None where anything else may give it another."""
    name = source.datasets.get(owners[0])
    is_open = source.open_because or owners[0] in source.multiplied | source.bound
    if name is None or is_open or len(owners) > 1:
        return None
    return _found_from(folder.parent.parent, name)


def _found_from(home: Path, name: str) -> Path:
    """Return the data set beside the tests, else the one in what may be pytest's root folder.

    Where two folders above may be the root and hold such a file, nobody can tell which is read.
    """
    beside = home / name
    if beside.is_file():
        return beside
    roots = [each for each in (home, *home.parents) if _has_root_file(each)]
    found = [each / name for each in roots if (each / name).is_file()]
    return found[0] if len(found) == 1 else beside


def _is_of_one(file: str, functions: Iterable[str]) -> bool:
    return any(is_cassette_of(function, file) for function in functions)


def _doubt(stem: str, folder: Path, source: Source) -> str:
    """Say why a test that is not written out may be there all the same, or nothing."""
    if source.open_because:
        return f"{folder.name}.py {source.open_because}"
    for name in sorted(source.open_classes | source.bound):
        # The digest in a changed file name covers the whole name, of which this is the beginning.
        if stem.startswith(f"{name}.") or file_name(name) != name:
            return f"part of {name} in {folder.name}.py comes from elsewhere"
    for name in sorted(source.multiplied):
        if stem.startswith(name):
            return f"a decorator of {name} in {folder.name}.py may make other tests"
    return ""


def _find_fixture(file: str, folder: Path, source: Source) -> Standing:
    if _is_of_one(file, (f"{_FIXTURE}{name}" for name in source.fixtures)):
        return Standing("there")
    name = file.removeprefix(_FIXTURE).partition(".")[0]
    if source.open_because:
        return Standing("unknown", f"{folder.name}.py {source.open_because}")
    if source.open_classes or any(name in each for each in source.bound):
        return Standing("unknown", f"{folder.name}.py may have it from another file")
    if folder.name == "conftest" and (doubt := _doubt_of_root(folder.parent.parent)):
        return doubt
    return Standing("gone", f"{folder.name}.py has no such fixture")

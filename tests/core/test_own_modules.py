"""Which modules are those of the application, and where an error came out of them."""

import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from pytest_llmprod.core.own_modules import is_own, names_of, own_modules, place_of


def imported(monkeypatch: pytest.MonkeyPatch, name: str, path: Path | None) -> ModuleType:
    module = ModuleType(name)
    if path is not None:
        module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_a_module_below_the_root_is_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = imported(monkeypatch, "triage_of_shop", tmp_path / "app" / "triage.py")

    assert own_modules(tmp_path) == (module,)
    assert is_own(tmp_path, "triage_of_shop")


@pytest.mark.parametrize(
    "place",
    [
        ".venv/lib/python3.11/site-packages/shop/triage.py",
        "../beside/triage.py",
    ],
)
def test_a_module_that_is_installed_or_elsewhere_is_not_own(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    imported(monkeypatch, "triage_of_shop", (root / place).resolve())

    assert own_modules(root) == ()
    assert not is_own(root, "triage_of_shop")


def test_a_folder_whose_name_begins_as_the_root_does_is_not_below_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    imported(monkeypatch, "triage_of_shop", tmp_path / "shop-old" / "triage.py")

    assert not is_own(tmp_path / "shop", "triage_of_shop")


def test_a_module_without_a_file_and_one_not_imported_are_not_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    imported(monkeypatch, "built_by_shop", None)

    assert not is_own(tmp_path, "built_by_shop")
    assert not is_own(tmp_path, "never_imported_by_shop")


def test_this_package_is_never_own() -> None:
    root = Path(sys.modules["pytest_llmprod"].__file__ or "").parents[1]

    assert not is_own(root, "pytest_llmprod.core.own_modules")
    assert not {each.__name__ for each in own_modules(root)} & {
        name for name in sys.modules if name.startswith("pytest_llmprod")
    }


def test_a_module_imported_later_is_found_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = imported(monkeypatch, "first_of_shop", tmp_path / "first.py")
    assert own_modules(tmp_path) == (first,)

    second = imported(monkeypatch, "second_of_shop", tmp_path / "second.py")

    assert own_modules(tmp_path) == (first, second)


def test_the_names_under_which_modules_hold_a_function_are_found() -> None:
    waiting, other = ModuleType("waiting_shop"), ModuleType("other_shop")
    vars(waiting).update(pause=time.sleep, limit=3)

    found = list(names_of((waiting, other), {id(time.sleep): None}))

    assert found == [(waiting, "pause", time.sleep)]


def raised_by(code: str, path: Path) -> BaseException:
    """An error that came out of a file with this code, called from this one."""
    names: dict[str, object] = {}
    exec(compile(code, str(path), "exec"), names)
    with pytest.raises(ValueError, match="no label") as caught:
        names["ask"]()  # type: ignore[operator]
    return caught.value


def test_the_place_of_an_error_is_the_innermost_line_of_the_application(tmp_path: Path) -> None:
    code = "def ask():\n    check()\n\ndef check():\n    raise ValueError('no label')\n"

    error = raised_by(code, tmp_path / "app" / "triage.py")

    assert place_of(tmp_path, error) == "app/triage.py:5"


def test_an_error_of_a_library_has_the_place_of_who_called_it(tmp_path: Path) -> None:
    library = tmp_path / "site-packages" / "words.py"
    names: dict[str, object] = {}
    exec(compile("def check():\n    raise ValueError('no label')\n", str(library), "exec"), names)
    code = "def ask():\n    CHECK()\n"
    caller: dict[str, object] = {"CHECK": names["check"]}
    exec(compile(code, str(tmp_path / "triage.py"), "exec"), caller)

    with pytest.raises(ValueError, match="no label") as caught:
        caller["ask"]()  # type: ignore[operator]

    assert place_of(tmp_path, caught.value) == "triage.py:2"


def test_an_error_that_came_from_elsewhere_has_no_place(tmp_path: Path) -> None:
    error = raised_by("def ask():\n    raise ValueError('no label')\n", tmp_path / "ask.py")

    assert place_of(tmp_path / "project", error) == ""
    assert place_of(tmp_path, ValueError("never raised")) == ""

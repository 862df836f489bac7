"""The page on architecture draws the house as it is."""

import re

import pytest

from scripts import house

MAP = house.ARCHITECTURE.read_text(encoding="utf-8").split("```")[1]
TOP = [name for floor in house.FLOORS for name in floor]


def test_the_drawing_is_the_one_that_the_code_makes() -> None:
    assert house.drawn() == house.drawing(), "run `make reference`"


def test_the_page_on_modules_is_the_one_that_the_code_makes() -> None:
    page = house.MODULES.read_text(encoding="utf-8")

    assert page == house.modules_page(), "run `make reference`"
    assert [line for line in page.splitlines() if re.search(r"\| *\|$", line) and "`" in line] == []


def test_the_floors_have_all_that_stands_at_the_top() -> None:
    there = {path.stem for path in house.PACKAGE.iterdir() if path.suffix == ".py"}
    there |= {path.parent.name for path in house.PACKAGE.glob("*/__init__.py")}

    assert sorted(TOP) == sorted(there - {"__init__"})


@pytest.mark.parametrize("name", TOP)
def test_nothing_imports_what_stands_on_a_floor_above_it(name: str) -> None:
    number = next(number for number, floor in enumerate(house.FLOORS) if name in floor)
    above = {each for floor in house.FLOORS[:number] for each in floor}

    assert house.imports(name) & above == set()


def test_an_import_of_what_stands_above_is_seen() -> None:
    assert "core" in house.imports("wire")
    assert "wire" not in house.imports("core")


def test_what_the_map_names_is_there() -> None:
    folders = {path.name for path in house.PACKAGE.rglob("*") if path.is_dir()}
    files = {path.stem for path in house.PACKAGE.rglob("*.py")}

    assert set(re.findall(r"\b([a-z_]+)/", MAP)) - folders == {"pytest_llmprod"}
    assert set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", MAP)) - files == {"pytest_llmprod"}


@pytest.mark.parametrize("folder", ["hooks", "composition", "guardrails", "strategies", "handoff"])
def test_the_map_names_each_module_of(folder: str) -> None:
    words = set(re.findall(r"[a-z_]+", MAP))
    names = {path.stem for path in (house.PACKAGE / folder).rglob("*.py")} - {"__init__"}

    assert names - words == set()

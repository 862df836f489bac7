"""Owner: a cassette is an orphan only where its test or fixture is certainly gone."""

from pathlib import Path

import pytest

from pytest_llmprod.wire.cassettes.owner import Standing, find_owners
from pytest_llmprod.wire.label import file_name

LONG = "test_" + "long_" * 25
MODULE = """
import asyncio
from typing import Generic
import pytest
from helpers import imported_test, Imported
from mixins import Base

def test_plain(): ...
async def test_async(): ...

if True:
    def test_in_a_branch(): ...
else:
    try:
        from other import test_late
    except ImportError:
        def test_in_a_handler(): ...

made_test = imported_test

@pytest.mark.slow
class TestOwn:
    def test_a(self): ...
    class TestInner:
        def test_b(self): ...

class TestChild(TestOwn, object):
    def test_c(self): ...

class TestForeign(Base):
    def test_d(self): ...

class TestGrandchild(TestForeign): ...
class TestGeneric(Generic[int]): ...
class TestMeta(metaclass=type): ...
class TestBody:
    test_bound = test_plain

class TestExpanded:
    @parameterized.expand([1, 2])
    def test_e(self): ...

def test_\u00fcber(): ...
def LONG(): ...

@pytest.fixture(scope="module", name="given")
def _fixture(): ...

@pytest.fixture(scope="module")
def spoken(): ...
""".replace("LONG", LONG)


def standing(
    folder: Path, name: str, source: str | None = MODULE, module: str = "test_m"
) -> Standing:
    if source is not None:
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
    path = folder / "cassettes" / module / f"{name}.json"
    return find_owners([path])[path]


@pytest.mark.parametrize(
    "function",
    [
        "test_plain",
        "test_async",
        "test_in_a_branch",
        "test_in_a_handler",
        "TestOwn.test_a",
        "TestOwn.TestInner.test_b",
        "TestChild.test_a",
        "TestChild.test_c",
        "TestForeign.test_d",
        "TestGrandchild.test_d",
        "TestExpanded.test_e",
        "test_\u00fcber",
        LONG,
        "fixture.given",
        "fixture.spoken",
    ],
)
@pytest.mark.parametrize("model", ["gpt-4.1-mini", "no-model", "ft:gpt/x"])
def test_what_is_written_out_is_there(tmp_path: Path, function: str, model: str) -> None:
    name = f"{file_name(function)}.{file_name(model)}"

    assert standing(tmp_path, name) == Standing("there")


@pytest.mark.parametrize(
    "name",
    [
        "test_gone.gpt-5",
        "test_plai.gpt-5",
        "test_plain",
        "TestOwn.test_gone.gpt-5",
        "TestOwn.test_b.gpt-5",
        "TestGone.test_a.gpt-5",
        "TestChild.test_d.gpt-5",
        "test_a.gpt-5",
    ],
)
def test_what_is_not_written_out_and_can_come_from_nowhere_is_gone(
    tmp_path: Path, name: str
) -> None:
    assert standing(tmp_path, name) == Standing("gone", "test_m.py has no such test")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "TestForeign.test_inherited.gpt-5",
            "part of TestForeign in test_m.py comes from elsewhere",
        ),
        ("TestGrandchild.test_inherited.gpt-5", "part of TestGrandchild in"),
        ("TestGeneric.test_x.gpt-5", "part of TestGeneric in"),
        ("TestMeta.test_x.gpt-5", "part of TestMeta in"),
        ("TestBody.test_bound.gpt-5", "part of TestBody.test_bound in"),
        ("Imported.test_x.gpt-5", "part of Imported in"),
        ("imported_test.gpt-5", "part of imported_test in"),
        ("made_test.gpt-5", "part of made_test in"),
        ("test_late.gpt-5", "part of test_late in"),
        ("TestExpanded.test_e_0_one.gpt-5", "a decorator of TestExpanded.test_e in test_m.py may"),
    ],
)
def test_what_may_come_from_elsewhere_cannot_be_told(tmp_path: Path, name: str, why: str) -> None:
    found = standing(tmp_path, name)

    assert found.state == "unknown"
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("from others import *", "imports * from another file"),
        ("globals()['test_x'] = 1", "calls globals(), which may make any name"),
        ("for n in 'ab': exec(f'def test_{n}(): ...')", "calls exec(), which may make any name"),
        ("@parameterized_class([1])\nclass TestX: ...", "has a decorator on TestX that may make"),
        ("def test_x(:", "cannot be read as Python"),
        ("\x00", "cannot be read as Python"),
    ],
)
def test_a_module_that_may_hold_any_name_tells_nothing(
    tmp_path: Path, source: str, why: str
) -> None:
    found = standing(tmp_path, "test_gone.gpt-5", source)

    assert found.state == "unknown"
    assert found.why.startswith(f"test_m.py {why}")


def test_a_style_of_which_python_warns_is_no_matter(tmp_path: Path) -> None:
    assert standing(tmp_path, "test_x.m", 'def test_x(): "\\d"').state == "there"


def test_a_class_that_two_branches_define_is_as_open_as_one_of_them(tmp_path: Path) -> None:
    source = "if a:\n class TestX(Base): ...\nelse:\n class TestX: ...\n"

    assert standing(tmp_path, "TestX.test_y.m", source).state == "unknown"


EVAL = """
import pytest
DATASET = "data.jsonl"
ARGUMENTS = {}

@pytest.mark.llm_eval(feature="f", dataset="evals/data.jsonl", threshold=0.5)
@pytest.mark.parametrize("lang", ["de", "fr"])
def test_literal(llm_case): ...

class TestIn:
    @mark.llm_eval(feature=FEATURE, dataset="data.csv", threshold=THRESHOLD)
    async def test_class(self, llm_case): ...

class TestChild(TestIn): ...

@pytest.mark.llm_eval(feature="f", dataset=DATASET, threshold=0.5)
def test_name(llm_case): ...

@pytest.mark.llm_eval(feature="f", dataset=f"{DATASET}", threshold=0.5)
def test_formatted(llm_case): ...

@pytest.mark.llm_eval(feature="f", dataset="data.jsonl", **ARGUMENTS)
def test_starred(llm_case): ...

@pytest.mark.llm_eval(feature="f", dataset="a.jsonl", threshold=0.5)
@pytest.mark.llm_eval(feature="f", dataset="b.jsonl", threshold=0.5)
def test_marked_twice(llm_case): ...

@custom
@pytest.mark.llm_eval(feature="f", dataset="a.jsonl", threshold=0.5)
def test_decorated(llm_case): ...

if True:
    @pytest.mark.llm_eval(feature="f", dataset="a.jsonl", threshold=0.5)
    def test_defined_twice(llm_case): ...
else:
    @pytest.mark.llm_eval(feature="f", dataset="b.jsonl", threshold=0.5)
    def test_defined_twice(llm_case): ...

@pytest.mark.llm_eval(feature="f", dataset="a.jsonl", threshold=0.5)
def test_rebound(llm_case): ...
test_rebound = test_literal

@pytest.mark.llm_eval
@pytest.mark.other(dataset="data.jsonl")
def test_bare(llm_case): ...
"""


@pytest.mark.parametrize(
    ("function", "dataset"),
    [("test_literal", "evals/data.jsonl"), ("TestIn.test_class", "data.csv")],
)
def test_the_data_set_that_a_marker_writes_out_is_known(
    tmp_path: Path, function: str, dataset: str
) -> None:
    found = standing(tmp_path, f"{function}.gpt-5", EVAL)

    assert found == Standing("there", dataset=tmp_path / dataset)


@pytest.mark.parametrize(
    "function",
    [
        "TestChild.test_class",
        "test_name",
        "test_formatted",
        "test_starred",
        "test_marked_twice",
        "test_decorated",
        "test_defined_twice",
        "test_rebound",
        "test_bare",
    ],
)
def test_a_data_set_that_is_not_written_out_is_unknown(tmp_path: Path, function: str) -> None:
    assert standing(tmp_path, f"{function}.gpt-5", EVAL) == Standing("there")


def test_in_a_module_that_may_hold_any_name_no_data_set_is_known(tmp_path: Path) -> None:
    found = standing(tmp_path, "test_literal.gpt-5", f"{EVAL}\nfrom others import *\n")

    assert found == Standing("there")


def test_without_its_module_a_cassette_is_an_orphan(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").touch()

    found = standing(tmp_path, "test_x.gpt-5", None)

    assert found == Standing("gone", "there is no test_m.py")


@pytest.mark.parametrize("name", ["test_x.gpt-5", "fixture.thing.gpt-5"])
@pytest.mark.parametrize("module", ["test_m", "conftest"])
def test_where_no_python_file_lies_nothing_is_certain(
    tmp_path: Path, name: str, module: str
) -> None:
    (tmp_path / "pytest.ini").touch()
    backup = tmp_path / "backup"
    (backup / "cassettes").mkdir(parents=True)
    (backup / "notes.txt").touch()

    found = standing(backup, name, None, module)

    assert found == Standing("unknown", "no Python file lies beside the folder cassettes")


def test_another_file_of_that_name_may_hold_the_test(tmp_path: Path) -> None:
    (tmp_path / "test_m.ipynb").write_text("{}")

    assert standing(tmp_path, "test_x.gpt-5", None) == Standing(
        "unknown", "it may belong to test_m.ipynb"
    )


def test_labels_beside_a_module_of_their_name_may_own_what_a_judge_said(tmp_path: Path) -> None:
    (tmp_path / "judges.csv").write_text("id,input,output,label\n")

    found = standing(tmp_path, "politeness.judge.gpt", "def test_x(): ...", module="judges")
    of_a_test = standing(tmp_path, "test_gone.gpt", "def test_x(): ...", module="judges")

    assert found == Standing("unknown", "it may belong to judges.csv")
    assert of_a_test.state == "gone"


def test_a_cassette_in_another_place_cannot_be_judged(tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "a.json"

    assert find_owners([path])[path].why == "it lies in no folder cassettes/<module>"


def test_relative_paths_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_m.py").write_text("def test_x(): ...")
    (tmp_path / "cassettes" / "test_m").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "cassettes" / "test_m")
    path = Path("test_x.gpt-5.json")

    assert find_owners([path]) == {path: Standing("there")}


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ("def thing(): ...", "there"),
        ("import pytest\n@pytest.fixture(name='thing')\ndef other(): ...", "there"),
        ("class TestX:\n  def thing(self): ...", "there"),
        ("from helpers import thing", "unknown"),
        ("from helpers import thing_fixture", "unknown"),
        ("class TestX(Base): ...", "unknown"),
        ("from helpers import *", "unknown"),
        ("from helpers import other", "gone"),
        ("import pytest\n@pytest.fixture(scope='thing')\ndef other(): ...", "gone"),
        ("def other(): ...", "gone"),
    ],
)
@pytest.mark.parametrize("module", ["test_m", "conftest"])
def test_fixtures_are_looked_for_by_name(
    tmp_path: Path, source: str, state: str, module: str
) -> None:
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "sub"
    folder.mkdir()

    assert standing(folder, "fixture.thing.gpt-5", source, module).state == state


@pytest.mark.parametrize("source", ["def other(): ...", None])
def test_in_the_root_folder_a_plugin_may_define_the_fixture(
    tmp_path: Path, source: str | None
) -> None:
    (tmp_path / "pyproject.toml").touch()

    found = standing(tmp_path, "fixture.thing.gpt-5", source, "conftest")

    assert found == Standing("unknown", "a plugin may define the fixture")


def test_a_folder_with_settings_of_its_own_may_be_the_root(tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    for each in (tmp_path, folder):
        (each / "pyproject.toml").touch()

    found = standing(folder, "fixture.thing.gpt-5", "", "conftest")

    assert found == Standing("unknown", "a plugin may define the fixture")


def test_below_the_root_folder_a_fixture_without_a_conftest_is_gone(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").touch()
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "test_m.py").touch()

    found = standing(folder, "fixture.thing.gpt-5", None, "conftest")

    assert found == Standing("gone", "there is no conftest.py")

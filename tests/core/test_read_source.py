"""Which tests and fixtures a Python file may define."""

import pytest

from pytest_llmprod.core.source import Source, read_source


def read(text: str) -> Source:
    return read_source(text.encode())


def test_functions_have_the_names_of_their_classes_before_them() -> None:
    source = read(
        "def test_a(): ...\nclass TestB:\n  class TestC:\n    async def test_d(self): ..."
    )

    assert source.functions == {"test_a", "TestB.TestC.test_d"}
    assert source.may_hold("TestB.TestC.test_d")
    assert not source.may_hold("TestB.test_d")
    assert not source.may_hold("test_d")


@pytest.mark.parametrize(
    "decorator",
    [
        "pytest.mark.slow",
        "pytest.mark.parametrize('a', [1])",
        "pytest_asyncio.fixture",
        "mark.slow",
        "fixture",
        "fixture()",
        "staticmethod",
        "classmethod",
    ],
)
def test_a_decorator_of_pytest_makes_no_other_name(decorator: str) -> None:
    source = read(f"@{decorator}\ndef test_a(): ...\n")

    assert source.multiplied == set()
    assert not source.may_hold("test_a_with_another")


@pytest.mark.parametrize("decorator", ["every_model", "own.fixture", "mypytest.mark", "fixtures"])
def test_another_decorator_may_make_names_that_begin_alike(decorator: str) -> None:
    source = read(f"@{decorator}\ndef test_a(): ...\ndef test_b(): ...\n")

    assert source.multiplied == {"test_a"}
    assert source.may_hold("test_a_with_another")
    assert not source.may_hold("test_b_with_another")


def test_a_fixture_has_the_name_that_it_was_given_and_its_own() -> None:
    source = read("@pytest.fixture(scope='module', name='client')\ndef make_client(): ...\n")

    assert source.fixtures == {"client", "make_client"}


def test_a_fixture_whose_given_name_is_worked_out_has_its_own() -> None:
    source = read("@pytest.fixture(name=NAME)\ndef make_client(): ...\n")

    assert source.fixtures == {"make_client"}


def test_imports_and_assignments_bind_names() -> None:
    source = read("import a.b, c as d\nfrom e import f as g\nh = i = 1\nfor j in (): k: int = 2\n")

    assert source.bound == {"a", "d", "g", "h", "i", "j", "k"}
    assert source.may_hold("d.test_x")
    assert not source.may_hold("da.test_x")


def test_names_are_read_in_each_branch_of_a_statement() -> None:
    text = """
if a:
    def test_if(): ...
else:
    def test_else(): ...
try:
    def test_try(): ...
except E:
    def test_except(): ...
finally:
    def test_finally(): ...
match a:
    case 1:
        def test_case(): ...
"""
    branches = ("if", "else", "try", "except", "finally", "case")

    assert read(text).functions == {f"test_{each}" for each in branches}


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("from base import *", "imports * from another file"),
        ("setattr(module, 'test_a', f)", "calls setattr(), which may make any name"),
        ("globals()['test_a'] = f", "calls globals(), which may make any name"),
        ("@made\nclass TestA: ...", "has a decorator on TestA that may make other classes"),
        ("def broken(:", "cannot be read as Python"),
        ("nul\0", "cannot be read as Python"),
    ],
)
def test_a_file_that_may_define_anything_says_why(text: str, because: str) -> None:
    source = read(text)

    assert source.open_because == because
    assert source.may_hold("test_never_written")


def test_a_class_inherits_the_tests_of_its_bases_and_of_theirs() -> None:
    source = read(
        "class A:\n  def test_a(self): ...\n"
        "class B(A):\n  def test_b(self): ...\n"
        "class C(B, object): ...\n"
    )

    assert source.functions == {"A.test_a", "B.test_b", "B.test_a", "C.test_b", "C.test_a"}
    assert source.open_classes == set()


@pytest.mark.parametrize("head", ["A(Base)", "A(base.Tests)", "A(metaclass=Made)"])
def test_a_class_made_from_elsewhere_may_hold_any_test_and_so_may_its_heirs(head: str) -> None:
    source = read(f"class {head}: ...\nclass B(A): ...\nclass C: ...\n")

    assert source.open_classes == {"A", "B"}
    assert source.may_hold("B.test_any")
    assert not source.may_hold("C.test_any")


def test_the_data_set_of_an_eval_is_known_where_it_is_written_out() -> None:
    source = read("@pytest.mark.llm_eval(dataset='rows.jsonl')\ndef test_a(): ...\n")

    assert source.datasets == {"test_a": "rows.jsonl"}


@pytest.mark.parametrize(
    "marker",
    [
        "@pytest.mark.llm_eval(dataset=ROWS)",
        "@pytest.mark.llm_eval(dataset=7)",
        "@pytest.mark.llm_eval(dataset='rows.jsonl', **more)",
        "@pytest.mark.llm_eval('rows.jsonl')",
        "@pytest.mark.llm_eval",
        "@pytest.mark.llm_eval(dataset='a')\n@pytest.mark.llm_eval(dataset='b')",
        "@pytest.mark.slow(dataset='rows.jsonl')",
    ],
)
def test_another_data_set_is_not_known(marker: str) -> None:
    assert read(f"{marker}\ndef test_a(): ...\n").datasets == {}


def test_the_data_set_of_a_test_that_is_defined_twice_is_not_known() -> None:
    eval_ = "@pytest.mark.llm_eval(dataset='rows.jsonl')\ndef test_a(): ...\n"

    assert read(eval_ + "def test_a(): ...\n").datasets == {}
    assert read(eval_ + eval_).datasets == {}


def test_a_warning_about_the_text_of_a_module_is_not_ours() -> None:
    assert read("def test_a(): return '\\d'\n").functions == {"test_a"}


def test_what_a_function_inside_of_a_block_assigns_is_no_name_of_the_module() -> None:
    source = read("if True:\n  def test_a():\n    local = 1\n  outside = 2\n")

    assert source.bound == {"outside"}

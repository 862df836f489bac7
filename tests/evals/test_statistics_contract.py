import doctest
import importlib
from inspect import signature
from pathlib import Path

import pytest

import pytest_llmprod
from pytest_llmprod.evals import statistics

MODULES = ("core.distributions", "core.intervals", "core.mcnemar", "evals.clusters")
MODULES += ("evals.paired", "evals.corrections", "evals.passes", "evals.power")
MODULES += ("evals.agreement", "evals.resampling")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("wilson", ["hits", "n", "confidence"]),
        ("mcnemar_exact", ["b", "c"]),
        ("paired_difference", ["table", "confidence"]),
        ("clustered_stderr", ["scores", "clusters"]),
        ("holm", ["ps"]),
        ("pass_hat_k", ["successes", "trials", "k"]),
    ],
)
def test_scripts_find_what_they_were_promised(name: str, parameters: list[str]) -> None:
    found = list(signature(getattr(statistics, name)).parameters)

    assert found[: len(parameters)] == parameters


def test_every_name_is_there_and_no_other() -> None:
    # pytest adds names of its own that are no identifiers.
    names = {name for name in vars(statistics) if name.isidentifier() and name[0] != "_"}

    assert names == set(statistics.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"pytest_llmprod.{name}")

    assert doctest.testmod(module).failed == 0


def test_the_statistics_import_no_library_and_nothing_of_the_rest() -> None:
    folder = Path(pytest_llmprod.__path__[0])
    lines = [
        line
        for name in (*MODULES, "evals.statistics")
        for line in (folder / f"{name.replace('.', '/')}.py")
        .read_text(encoding="utf-8")
        .splitlines()
        if line.startswith(("import ", "from "))
    ]
    imported = {line.split()[1] for line in lines}

    ours = {f"pytest_llmprod.{name}" for name in MODULES}
    standard = {"collections", "collections.abc", "dataclasses", "functools", "itertools", "math"}
    assert imported - ours <= standard | {"random", "statistics", "typing"}

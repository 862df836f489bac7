"""docs/metrics.md shows code that runs, and names what there is."""

import ast
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from project import Project

from pytest_llmprod.evals.metrics import BUILT_IN

PAGE = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
TRIAGE, OPTIONS, OWN, USE, EXCHANGES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.M)
TRIAGE_APP = "def triage(value):\n    return value['label']\n"
INVOICES_APP = """
import json

from pydantic import BaseModel


class Invoice(BaseModel):
    items: list[str]
    total: float


def read_invoice(value):
    return {"items": value["items"], "total": value["total"]}
"""
INVOICES = [
    {"items": ["tea"], "total": 10.05},
    {"items": ["tea", "milk"], "total": 10},
    {"items": [], "total": 3},
]


@pytest.fixture
def app(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        monkeypatch.delitem(sys.modules, name)  # that of the example
    (pytester.path / "app").mkdir()
    (pytester.path / "app" / "__init__.py").touch()
    (pytester.path / "app" / "triage.py").write_text(TRIAGE_APP)
    (pytester.path / "app" / "invoices.py").write_text(INVOICES_APP)
    pytester.syspathinsert()
    wanted = {"items": ["tea"], "total": 10}
    write(pytester, "tickets", [({"label": "refund"}, "refund"), ({"label": "spam"}, "refund")])
    write(pytester, "invoices", [(invoice, wanted) for invoice in INVOICES])
    return pytester


def write(pytester: pytest.Pytester, name: str, rows: list[tuple[Any, Any]]) -> None:
    folder = pytester.path / "evals"
    folder.mkdir(exist_ok=True)
    lines = [
        json.dumps({"id": f"c{number}", "input": given, "expected": expected})
        for number, (given, expected) in enumerate(rows)
    ]
    (folder / f"{name}.jsonl").write_text("\n".join(lines))


def scores(pytester: pytest.Pytester) -> dict[str, list[float]]:
    """The scores of the cases, by metric."""
    pytester.runpytest_inprocess("--llm-eval", "--llm-json=run.json")
    document = json.loads((pytester.path / "run.json").read_text())
    return {
        suite["metric"]: [case["scores"][suite["metric"]] for case in document["cases"]]
        for suite in document["suites"]
    }


def test_metrics_by_name(app: pytest.Pytester) -> None:
    app.makepyfile(TRIAGE)

    assert scores(app) == {"exact": [1.0, 0.0], "not_contains": [0.0, 1.0]}


def test_metrics_with_options(app: pytest.Pytester) -> None:
    app.makepyfile(OPTIONS)

    assert scores(app) == {
        "json_model(model=Invoice)": [1.0, 1.0, 1.0],
        "length(at_most=400)": [1.0, 1.0, 1.0],
    }


@pytest.mark.parametrize("place", ["conftest.py", "test_invoices.py"])
def test_metrics_of_ones_own(app: pytest.Pytester, place: str) -> None:
    imports = "import pytest\nfrom app.invoices import read_invoice\n"
    test = app.path / "test_invoices.py"
    test.write_text(imports + USE)
    other = app.path / place
    other.write_text(OWN + (other.read_text() if other.exists() else ""))

    assert scores(app) == {
        "total": [1.0, 1.0, 0.0],
        "items, half for the total": [1.0, pytest.approx(5 / 6), 0.0],
    }


def test_a_metric_of_exchanges(recorded: Project) -> None:
    recorded.pytester.makeconftest(EXCHANGES)
    recorded.edit("test_words.py", "threshold=0.5", 'threshold={"asks_once": 1.0}')

    (suite,) = recorded.data()["suites"]

    assert suite["score"] == 1.0


def rows() -> dict[str, str]:
    """The table of the page: the last cell, the options, of each metric."""
    table = PAGE.partition("## The metrics")[2].partition("Give options")[0]
    lines = [line.strip("|") for line in table.splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: line.rpartition("|")[2] for line in lines}


def test_the_table_names_every_metric() -> None:
    assert sorted(rows()) == sorted(["passed", *BUILT_IN])


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_table_names_the_options_with_their_defaults(name: str) -> None:
    told = {
        option: ast.literal_eval(default) if default else None
        for option, default in re.findall(r"`(\w+)(?:=([^`]*))?`", rows()[name])
    }

    parameters = inspect.signature(BUILT_IN[name]).parameters.values()
    assert told == {
        each.name: None if each.default is each.empty else each.default
        for each in parameters
        if each.kind is each.KEYWORD_ONLY and each.name != "exchanges"
    }

"""Nothing that a user can write is missing from the reference page."""

import ast
import json
import re
from pathlib import Path

import pytest
from project import Project

import pytest_llmprod
from pytest_llmprod import strategies
from pytest_llmprod.composition.evidence_history import contract_rows, guard_rows, swap_rows
from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.core.mode_test import ModeTest
from pytest_llmprod.wire.recording import Failure, Recording
from scripts import file_keys, reference

PACKAGE = Path(pytest_llmprod.__file__).parent
HEADINGS = [line[4:].strip("`") for line in reference.page().splitlines() if line[:4] == "### "]


def fixtures_of_the_package() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    return {
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("pytest.fixture" in ast.unparse(each) for each in node.decorator_list)
    }


def test_each_fixture_has_an_entry() -> None:
    names = fixtures_of_the_package()

    assert {"llm_case", "llm_fault"} < names
    assert names - set(HEADINGS) == set()


def test_each_option_of_pytest_has_an_entry(pytester: pytest.Pytester) -> None:
    printed = pytester.runpytest_inprocess("--help").stdout.str()
    options = set(re.findall(r"^  (--llm-[a-z-]+)", printed, re.M))

    assert "--llm-eval" in options
    assert options - {heading.partition("=")[0] for heading in HEADINGS} == set()


def test_each_marker_has_an_entry(pytester: pytest.Pytester) -> None:
    printed = pytester.runpytest_inprocess("--markers").outlines
    names = {
        line.split(".")[2].split("(")[0] for line in printed if line.startswith("@pytest.mark.llm_")
    }

    assert "llm_eval" in names
    assert names - set(HEADINGS) == set()


def test_each_name_of_the_strategies_has_an_entry() -> None:
    page = reference.page()
    _, _, rest = page.partition("## Strategies\n")
    section = rest.partition("\n## ")[0]

    for name in strategies.__all__:
        assert f"\n### `{name}(" in section or f"\n| `{name}` | " in section, name


def test_the_lines_of_evidence_have_the_keys_of_the_reference() -> None:
    dated = {"commit", "when"}
    passed = ModeTest(feature="f", mode="hostile input", test="t", passed=True, kind="pii")
    (guard,) = guard_rows([passed], [])
    (contract,) = contract_rows([True])

    assert set(guard) | dated | {"bounds"} == set(file_keys.HISTORY_GUARDRAIL)
    assert set(contract) | dated == set(file_keys.HISTORY_CONTRACT)


def test_a_line_of_compared_models_has_the_keys_of_the_reference() -> None:
    class Compared:
        feature, model_a, model_b, outcome = "f", "a", "b", "INFERIOR"

    (row,) = swap_rows([Compared()])  # type: ignore[list-item]  # all that a row is made of

    assert set(row) | {"commit", "when"} == set(file_keys.HISTORY_SWAP)


def test_the_looks_of_a_run_have_the_keys_of_the_reference(recorded: Project) -> None:
    document = json.loads((recorded.path / "llmprod-looks.json").read_text())
    (suite,) = document["suites"].values()

    found = set(document)
    found |= {f"suites.<name>.{key}" for key in suite}
    found |= {f"suites.<name>.looks.{key}" for key in suite["looks"][0]}

    assert found == set(file_keys.LOOKS)


def test_a_cassette_has_the_keys_of_the_reference(recorded: Project) -> None:
    document = json.loads(recorded.cassette().read_text())
    full = Recording(
        case="c",
        key="k",
        recorded_at="2026-11-26T00:00:00Z",
        latency_s=1.0,
        ttft_s=0.5,
        model="m",
        usage=Usage(input_tokens=1, output_tokens=1),
        attempt=2,
        complete=False,
        request={},
        response={"status": {"code": 0}},
        backoff_s=1.0,
        failure=Failure(error="ReadTimeout", message=""),
        named_model="n",
        unfinished=True,
        in_child=True,
        judged="",
    ).to_json()

    found = {*document, "request", "response"}
    found |= {f"llmprod.{key}" for key in full["llmprod"]}

    assert found == set(file_keys.CASSETTE)
    assert set(document["interactions"][0]) == set(full)

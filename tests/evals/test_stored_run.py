import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from runs import case, document, suite, write

from pytest_llmprod.core.errors import StoredRunError
from pytest_llmprod.evals import stored_run


def loaded(path: Path, document: Any) -> Any:
    path.write_text(json.dumps(document), encoding="utf-8")
    return stored_run.load(path)


def test_a_suite_holds_its_cases_in_the_order_of_the_file(tmp_path: Path) -> None:
    cases = [
        case("b", 1.0, cost_usd="0.25", latency_s=2, output={"a": 1}),
        case("a", 0.0),
        case("c", 1.0, suite="t.py::test_other"),
    ]

    (found,) = loaded(tmp_path / "run.json", document(cases))

    assert list(found.cases) == ["b", "a"]
    assert found.cases["b"].cost_usd == Decimal("0.25")
    assert found.cases["b"].latency_s == 2.0
    assert found.cases["b"].output == {"a": 1}
    assert (found.score("b"), found.score("a")) == (1.0, 0.0)


def test_an_error_and_a_case_that_is_not_there_score_0(tmp_path: Path) -> None:
    (found,) = loaded(tmp_path / "run.json", document([case("a", None)]))

    assert found.score("a") == 0.0
    assert found.score("nowhere") == 0.0


def test_skipped_cases_are_left_out(tmp_path: Path) -> None:
    rows = [case("a", 1.0), case("b", 0.0, outcome="skip")]

    (found,) = loaded(tmp_path / "run.json", document(rows))

    assert list(found.cases) == ["a"]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ([], "is no run in schema 1"),
        ({"schema": 2}, "is no run in schema 1"),
        ({"schema": 1, "suites": []}, "lacks the key 'cases'"),
        (document([{"suite": "t"}]), "lacks the key 'outcome'"),
        (document([case("a", 2.0)]), "a score must be a number in 0..1, not 2.0"),
        (document([], [suite(threshold="high")]), "not 'high'"),
        (document([case("a", 1.0, cost_usd="much")]), "holds what no run holds"),
        ({"schema": 1, "suites": 3, "cases": []}, "holds what no run holds"),
        ({"schema": 1, "suites": [], "cases": [1]}, "holds what no run holds"),
    ],
)
def test_what_is_no_run_is_refused_with_the_command_that_makes_one(
    tmp_path: Path, document: Any, what: str
) -> None:
    with pytest.raises(StoredRunError) as caught:
        loaded(tmp_path / "old.json", document)

    assert what in str(caught.value)
    assert str(caught.value).endswith("with `pytest --llm-eval --llm-json=old.json`.")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(text)

    with pytest.raises(StoredRunError, match="cannot be read"):
        stored_run.load(path)


def test_what_a_test_wrote_is_read(tmp_path: Path) -> None:
    (found,) = stored_run.load(write(tmp_path / "run.json", {"a": 1.0, "b": None}))

    assert found.name == ("t.py::test_a", "passed")
    assert found.cases["b"].outcome == "error"

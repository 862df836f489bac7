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
        (document([], [suite(margin=-1)]), "not -1"),
        (document([], [suite(margin=1.0)]), "a margin must be below 1"),
        (document([], [suite(confidence=1.0)]), "a confidence must lie between 0 and 1, not 1.0"),
        (document([], [suite(look=0)]), "a look must be a whole number from 1, not 0"),
        (document([], [suite(skipped="x")]), "skipped cases must be a whole number from 0"),
        (document([], [suite(score=None)]), "not None"),
        (document([case("a", 1.0, repeat=None)]), "a repeat must be a whole number from 1"),
        (document([case("a", 1.0, latency_s=10**400)]), "holds what no run holds"),
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
    assert str(caught.value).endswith("with `pytest --llm-eval --llm-json=run.json`.")


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


def test_a_case_that_was_asked_several_times_has_the_mean_of_its_scores(tmp_path: Path) -> None:
    rows = [
        case("a", 1.0, repeat=1, cost_usd="0.2", latency_s=1.0, tokens=10, output="good"),
        case("a", None, repeat=2, cost_usd="0.4", latency_s=2.0, tokens=20, output="bad"),
        case("a", 0.5, repeat=3, cost_usd="0.3", latency_s=3.0, tokens=30, output="so so"),
    ]

    (found,) = loaded(tmp_path / "run.json", document(rows))

    (joined,) = found.cases.values()
    assert found.score("a") == 0.5
    assert (joined.outcome, joined.output) == ("error", "bad")
    assert (joined.cost_usd, joined.latency_s, joined.tokens) == (Decimal("0.3"), 2.0, 20.0)


def test_what_one_repeat_cost_is_unknown_for_all_where_one_is(tmp_path: Path) -> None:
    rows = [case("a", 1.0, cost_usd="0.2", tokens=3), case("a", 1.0, repeat=2)]

    (found,) = loaded(tmp_path / "run.json", document(rows))

    assert (found.cases["a"].cost_usd, found.cases["a"].tokens) == (None, None)


@pytest.mark.parametrize(
    ("test", "model", "shared"),
    [
        ("t.py::test_a[gpt-nano]", "gpt-nano", "t.py::test_a"),
        ("t.py::test_a[en-gpt-nano]", "gpt-nano", "t.py::test_a[en]"),
        ("t.py::test_a[en]", "", "t.py::test_a[en]"),
    ],
)
def test_the_suites_of_several_models_share_a_test(
    tmp_path: Path, test: str, model: str, shared: str
) -> None:
    row = suite(test, asked_model=model)

    (found,) = loaded(tmp_path / "run.json", document([], [row]))

    assert found.shared_test == shared


def test_the_models_that_a_run_compared_are_kept_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**document([]), "run": {"models": ["old", "new"]}}))

    assert stored_run.load_run(path).models == ("old", "new")


def test_the_answers_to_a_case_that_was_asked_again_are_kept_and_averaged(tmp_path: Path) -> None:
    scores = [1.0, 0.0, None]
    cases = [
        case("a", score, repeat=number, cost_usd="0.25", latency_s=number, output=number)
        for number, score in enumerate(scores, 1)
    ]

    (found,) = loaded(tmp_path / "run.json", document([*cases, case("b", 1.0, cluster="c")]))

    joined = found.cases["a"]
    assert found.score("a") == pytest.approx(1 / 3)
    assert [each.outcome for each in joined.answers] == ["hit", "miss", "error"]
    assert found.cases["b"].answers == (found.cases["b"],)
    assert found.cases["b"].cluster == "c"


def test_the_same_scores_in_another_order_are_the_same_mean(tmp_path: Path) -> None:
    orders = [(0.1, 0.2, 0.3), (0.3, 0.2, 0.1)]
    means = []
    for scores in orders:
        rows = [case("a", score, repeat=number) for number, score in enumerate(scores, 1)]
        (found,) = loaded(tmp_path / "run.json", document(rows))
        means.append(found.score("a"))

    assert means == [0.2, 0.2]

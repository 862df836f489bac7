import json
from pathlib import Path

import pytest

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.cluster_field import clustered_by
from pytest_llmprod.evals.dataset import load


def clusters(tmp_path: Path, field: str, *rows: object) -> list[str | None]:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [case.cluster for case in clustered_by(load(path), field).cases]


def test_a_field_of_the_rows_names_the_clusters(tmp_path: Path) -> None:
    rows = [{"id": str(n), "input": 1, "customer": name} for n, name in enumerate(["a", 7, None])]

    assert clusters(tmp_path, "customer", *rows, {"id": "x", "input": 1}) == ["a", "7", None, None]


def test_a_field_may_lie_inside_of_another(tmp_path: Path) -> None:
    rows = [{"id": "1", "input": {"from": {"name": "a"}}}, {"id": "2", "input": "text"}]

    assert clusters(tmp_path, "input.from.name", *rows) == ["a", None]


def test_it_takes_the_place_of_the_clusters_that_the_rows_name(tmp_path: Path) -> None:
    rows = [{"id": "1", "input": 1, "cluster": "x", "day": "mo"}]
    rows += [{"id": "2", "input": 1, "cluster": "x"}]

    assert clusters(tmp_path, "day", *rows) == ["mo", None]


def test_columns_of_csv_are_found_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("id,input.text,input.customer,day\n1,hello,a,mo\n2,hello,b,\n")

    assert [case.cluster for case in clustered_by(load(path), "input.customer").cases] == ["a", "b"]
    assert [case.cluster for case in clustered_by(load(path), "day").cases] == ["mo", None]


def test_a_field_that_no_row_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no row has the field 'costumer', which cluster= of"):
        clusters(tmp_path, "costumer", {"id": "1", "input": 1, "customer": "a"})


@pytest.mark.parametrize("value", [True, 1.5, [], {"a": 1}])
def test_what_names_no_cluster_is_refused_with_its_line(tmp_path: Path, value: object) -> None:
    with pytest.raises(DatasetError, match=r"data\.jsonl, line 2: .* cannot name a cluster"):
        clusters(tmp_path, "day", {"id": "1", "input": 1}, {"id": "2", "input": 1, "day": value})

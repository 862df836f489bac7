from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from log_samples import a_line, an_exchange, write

from pytest_llmprod.records import reading, retention
from pytest_llmprod.records.search import Filter, Hit, grep, leaves


def found(runs: Path, text: str, **wanted: Any) -> list[Hit]:
    return grep(reading.read(*reading.folders_of(runs)).entries, text, Filter(**wanted))


def cases(hits: list[Hit]) -> list[str]:
    return [hit.entry.text("llmprod.case") for hit in hits]


def asked(text: Any) -> Any:
    return an_exchange(request={"messages": [{"role": "user", "content": text}]})


def test_a_complaint_leads_to_its_exchange(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_line(1, exchange=asked("Customer 4710: refund!")),
        a_line(2, exchange=asked("Dear team, it is customer 4711 again: where is my parcel?")),
    )

    (hit,) = found(tmp_path, "CUSTOMER 4711")

    assert cases([hit]) == ["t-002"]
    assert hit.where == "input"
    assert hit.excerpt == "Dear team, it is customer 4711 again: where is my parcel?"


@pytest.mark.parametrize(
    "text",
    [
        "GRÖSSE",
        "größe",
        '"quoted"',
        "back\\slash",
        "two\nlines",
        "\U0001f600",
        "\ud83d alone",
        "4711",
    ],
)
@pytest.mark.parametrize("other", ["", "\udc00"])
def test_a_text_is_found_however_json_spells_it(tmp_path: Path, text: str, other: str) -> None:
    said = 'Größe GRÖSSE "quoted" back\\slash two\nlines \U0001f600 \ud83d alone'
    write(tmp_path, a_line(1, exchange=asked([said, {"n": 4711}, other])), a_line(2))

    assert cases(found(tmp_path, text))[0] == "t-001"


def test_the_names_of_members_are_not_what_was_said(tmp_path: Path) -> None:
    write(tmp_path, a_line(1), a_line(2, exchange=asked("which messages?")))

    assert cases(found(tmp_path, "messages")) == ["t-002"]


def test_answers_and_reasons_are_searched_too(tmp_path: Path) -> None:
    write(tmp_path, a_line(1, exchange=an_exchange(text="a parrot")), a_line(2, why="it is dead"))

    assert [(hit.where, hit.excerpt) for hit in found(tmp_path, "parrot")] == [
        ("output", "a parrot")
    ]
    assert [(hit.where, hit.excerpt) for hit in found(tmp_path, "dead")] == [("why", "it is dead")]


def test_an_exchange_is_found_by_its_names_when_its_text_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, a_line(1), a_line(2, response_id="chatcmpl-77"))
    retention.drop_bodies(tmp_path / "run-1")

    assert cases(found(tmp_path, "T-001")) == ["t-001"]
    assert cases(found(tmp_path, "chatcmpl-77")) == ["t-002"]
    assert found(tmp_path, "parcel") == []


def test_an_excerpt_of_a_megabyte_is_short(tmp_path: Path) -> None:
    text = "x" * 500_000 + " needle " + "y" * 500_000
    write(tmp_path, a_line(exchange=an_exchange(text=text)))

    (hit,) = found(tmp_path, "needle")

    assert hit.excerpt.startswith("...xxx")
    assert hit.excerpt.endswith("yyy...")
    assert len(hit.excerpt) < 150


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"feature": "other"}, ["t-002"]),
        ({"model": "gpt-5-mini"}, ["t-001", "t-002"]),
        ({"model": "llama"}, ["t-003"]),
        ({"status": "error"}, ["t-003"]),
        ({"status": "500"}, ["t-003"]),
        ({"status": "hit"}, ["t-002"]),
        ({"since": datetime(2026, 11, 19, 14, 2, 3, tzinfo=UTC)}, ["t-003"]),
    ],
)
def test_a_filter_takes_what_is_asked_for(
    tmp_path: Path, wanted: dict[str, Any], expected: list[str]
) -> None:
    failed = an_exchange(status=500, model_requested="llama", model="llama-4")
    write(
        tmp_path,
        a_line(1),
        a_line(2, feature="other", verdict="hit"),
        a_line(3, exchange=failed),
        a_line(4, timestamp="yesterday", feature="undated", exchange=an_exchange(model="x"))
        if "since" in wanted
        else a_line(1, timestamp=""),
    )

    assert list(dict.fromkeys(cases(found(tmp_path, "t-00", **wanted)))) == expected


def test_leaves_come_in_order_however_deep_they_are() -> None:
    value: Any = ["deepest"]
    for _ in range(5_000):
        value = [value]

    assert list(leaves({"a": 1, "b": [None, True, {"c": "x"}], "d": value})) == [
        *("1", "True", "x", "deepest")
    ]

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from dataset_files import ROWS, Rows
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_llmprod.evals.dataset import Case, Dataset
from pytest_llmprod.evals.lock import Changes, Lock, find_changes, freeze, named

NOW = datetime(2026, 11, 26, 12, 30, 15, 999, tzinfo=UTC)
CASES = tuple(Case(id=each, input=each, expected=1) for each in ("a", "b", "c"))


def data(*cases: Case) -> Dataset:
    return Dataset(path=Path("evals/a.jsonl"), cases=cases, sha256="")


def as_dataset(rows: Rows) -> Dataset:
    return data(*[Case(**{**row, "tags": tuple(row.get("tags", ()))}) for row in rows])


def frozen(dataset: Dataset, old: Lock | None = None, **changes: Any) -> Lock:
    facts: dict[str, Any] = {"name": "a.jsonl", "who": "Ann", "why": "first", "now": NOW}
    return freeze(dataset, old, **{**facts, **changes})


@given(rows=ROWS)
def test_what_was_just_frozen_differs_in_nothing(rows: Rows) -> None:
    dataset = as_dataset(rows)

    lock = frozen(dataset)

    assert not find_changes(dataset, lock)
    assert lock.agrees_with_itself
    assert frozen(dataset, lock, who="Bob", why="again") is lock


@given(rows=ROWS, at=st.integers(0, 4), other=ROWS)
def test_any_change_of_one_row_is_named(rows: Rows, at: int, other: Rows) -> None:
    at %= len(rows)
    lock = frozen(as_dataset(rows))
    changed = {**other[0], "id": rows[at]["id"]}
    assume(as_dataset([changed]).cases != as_dataset([rows[at]]).cases)
    assume(not any("\r\n" in json.dumps(row).replace("\\r\\n", "\r\n") for row in (*rows, changed)))

    changes = find_changes(as_dataset([*rows[:at], changed, *rows[at + 1 :]]), lock)

    assert changes == Changes(changed=(rows[at]["id"],))


@given(rows=ROWS, extra=ROWS)
def test_rows_that_come_and_go_are_named(rows: Rows, extra: Rows) -> None:
    known = {row["id"] for row in rows}
    new = [row for row in extra if row["id"] not in known]

    added = find_changes(as_dataset([*new, *rows]), frozen(as_dataset(rows)))
    removed = find_changes(as_dataset(rows), frozen(as_dataset([*rows, *new])))

    assert added == Changes(added=tuple(row["id"] for row in new))
    assert removed == Changes(removed=tuple(sorted(row["id"] for row in new)))


def test_the_order_of_rows_is_no_change() -> None:
    lock = frozen(data(*CASES))

    assert not find_changes(data(*reversed(CASES)), lock)
    assert frozen(data(*reversed(CASES)), lock) is lock


def test_a_new_revision_keeps_the_earlier_ones_in_order() -> None:
    first = frozen(data(*CASES[:1]))
    second = frozen(data(*CASES[:2]), first, who="Bob", why="one more")
    third = frozen(data(*CASES), second, who="Cyd", why="all of them", now=NOW + timedelta(days=1))

    assert [(each.cases, each.who, each.why) for each in (*third.earlier, third.latest)] == [
        (1, "Ann", "first"),
        (2, "Bob", "one more"),
        (3, "Cyd", "all of them"),
    ]
    assert third.latest.frozen_at == datetime(2026, 11, 27, 12, 30, 15, tzinfo=UTC)
    assert sorted(third.rows) == ["a", "b", "c"]


def test_the_time_is_kept_in_utc() -> None:
    lock = frozen(data(*CASES), now=NOW.astimezone(timezone(timedelta(hours=5))))

    assert lock.model_dump(mode="json")["latest"]["frozen_at"] == "2026-11-26T12:30:15Z"


def test_another_name_of_the_file_is_a_revision() -> None:
    lock = frozen(data(*CASES))

    assert len(frozen(data(*CASES), lock, name="a.csv").earlier) == 1


def test_a_lock_that_mixes_two_others_does_not_agree_with_itself() -> None:
    one, other = frozen(data(*CASES[:2])), frozen(data(*CASES[1:]))
    mixed = one.model_copy(update={"rows": {**one.rows, **other.rows}})

    assert not mixed.agrees_with_itself
    assert not find_changes(data(*CASES), mixed)
    healed = frozen(data(*CASES), mixed)
    assert healed.agrees_with_itself
    assert len(healed.earlier) == 1


def test_a_tag_is_a_change() -> None:
    lock = frozen(data(*CASES))

    assert find_changes(data(replace(CASES[0], tags=("x",)), *CASES[1:]), lock).changed == ("a",)


def test_changes_are_told_with_at_most_five_ids_of_a_kind() -> None:
    changes = Changes(
        added=("t-300",), changed=tuple(f"t-{n}" for n in range(1207)), removed=("x\x1b[31m", "y")
    )

    assert changes.summary() == "1 row added, 1,207 rows changed, 2 rows removed"
    assert changes.lines() == [
        "added    t-300",
        "changed  t-0, t-1, t-2, t-3, t-4 and 1,202 more",
        "removed  x\\x1b[31m, y",
    ]


def test_five_ids_are_all_named_and_a_long_one_is_cut() -> None:
    assert named(("a", "b", "c", "d", "e")) == "a, b, c, d, e"
    assert named(("x" * 50,)) == "x" * 37 + "..."

"""Inspection: what is wrong with a cassette is found, and what only looks so is not."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lab import KEY, chat_request, recording

from pytest_llmprod.wire import masking
from pytest_llmprod.wire.cassettes import inspection
from pytest_llmprod.wire.cassettes.owner import Standing
from pytest_llmprod.wire.recording import Recording

PATH = Path("cassettes/test_m/test_x.gpt-test.json")
NOW = datetime(2026, 12, 2, 12, 30, tzinfo=UTC)


def inspect(*recordings: Recording, max_age_days: int | None = None) -> list[tuple[str, str]]:
    found = inspection.inspect(PATH, recordings, now=NOW, max_age_days=max_age_days)
    return [(each.kind, each.text) for each in found]


def test_a_cassette_in_order_has_no_finding() -> None:
    assert inspect(recording("a"), recording("b"), max_age_days=10) == []


def test_a_secret_is_found_with_its_line_and_not_shown() -> None:
    text = f"a: 1\nb: {KEY}\nc: ok\nd: 'x {KEY}'\n"

    found = list(inspection.find_secrets(PATH, text, [], masking.BUILT_IN))

    assert [(each.kind, each.text, each.line) for each in found] == [
        ("secret", "key", 2),
        ("secret", "key", 4),
    ]
    assert KEY not in repr(found)


def test_an_exact_copy_is_a_duplicate() -> None:
    recordings = [recording("a"), recording("b"), recording("a"), recording("a")]

    assert inspection.duplicates(recordings) == [2, 3]
    assert inspect(*recordings) == [("duplicate", "2 recordings there twice")]


@pytest.mark.parametrize(
    "changes",
    [
        {"case": "other"},
        {"key": "other"},
        {"recorded_at": "2026-11-22T12:30:01Z"},
        {"latency_s": 0.250001},
        {"attempt": 2},
    ],
)
def test_two_exchanges_of_one_question_are_no_duplicates(changes: dict[str, Any]) -> None:
    assert inspection.duplicates([recording("a"), recording("a", **changes)]) == []


def test_where_the_moment_is_unknown_nothing_is_a_duplicate() -> None:
    assert inspection.duplicates([recording("a", recorded_at="")] * 3) == []


def test_recordings_are_old_after_the_days_that_are_allowed() -> None:
    old, new = recording("a"), recording("b", recorded_at="2026-12-02T12:00:00Z")

    assert inspect(old, new, max_age_days=9) == [
        ("old", "1 recording older than 9 days, the oldest 10 days")
    ]
    assert inspect(old, new, max_age_days=10) == []
    assert inspect(old, new) == []


@pytest.mark.parametrize("recorded_at", ["", "yesterday"])
def test_an_unknown_age_is_a_note(recorded_at: str) -> None:
    (found,) = inspection.inspect(
        PATH, [recording("a", recorded_at=recorded_at)], now=NOW, max_age_days=1
    )

    assert (found.kind, found.text) == ("cannot tell", "1 recording of an unknown age")
    assert found.is_note


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert inspect(recording("a", recorded_at="2026-12-02T12:00:00"), max_age_days=1) == []


def test_a_name_that_stood_for_several_versions_is_a_note() -> None:
    again = [recording(text, model=f"gpt-test-{text}") for text in "122"]
    again[2] = replace(again[2], latency_s=1.0)

    assert inspect(*again) == [
        ("alias drift", "asked gpt-test, answered by gpt-test-2 (2), gpt-test-1 (1)")
    ]
    assert "alias drift" in inspection.NOTES


def test_two_names_and_errors_are_no_drift() -> None:
    asked = {**recording().request, "body": {"json": chat_request("a", model="other")}}
    limited = {**recording().response, "status": {"code": 429, "message": ""}}

    assert (
        inspect(
            recording("a", model="gpt-test-1"),
            recording("a", model="other-1", request=asked),
            recording("a", model="gpt-test", response=limited),
        )
        == []
    )


def test_an_answer_that_was_not_read_to_its_end_is_a_note() -> None:
    (found,) = inspection.inspect(PATH, [recording(complete=False)], now=NOW, max_age_days=None)

    assert (found.kind, found.is_note) == ("broke off", True)
    assert found.text == "1 recording that the client stopped reading before the end"


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing("there"), []),
        (Standing("gone", "why"), [("orphan", "why", False)]),
        (Standing("unknown", "why"), [("cannot tell", "whether a test plays it: why", True)]),
    ],
)
def test_only_what_is_gone_is_an_orphan(
    standing: Standing, expected: list[tuple[str, str, bool]]
) -> None:
    found = inspection.judge_owner(PATH, standing)

    assert [(each.kind, each.text, each.is_note) for each in found] == expected

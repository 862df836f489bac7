import errno
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import GatesFileError
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.verdict import Verdict, VerdictName
from pytest_llmprod.evals.gates_file import gate_entries, suite_entries, write
from pytest_llmprod.gates import gate

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
THREE_TESTS = "def test_a(): ...\ndef test_b(): ...\ndef test_c(): ...\n"


def suite(
    feature: str = "triage",
    test: str = "test_a.py::test_a",
    *,
    metric: str = "passed",
    is_open: bool = True,
    name: VerdictName = "PASS",
    low: float = 0.92,
    reason: str = "because",
    judged: bool = True,
    recorded: str = "",
) -> SuiteResult:
    return SuiteResult(
        feature=feature,
        test=test,
        metric=metric,
        models=("gpt-5-mini", "gpt-5-nano"),
        cases=100,
        cases_in_dataset=100,
        hits=95.0,
        errors=0,
        unrecorded=0,
        skipped=0,
        score=0.95,
        interval=(low, 0.98),
        stderr=0.02,
        threshold=0.9,
        confidence=0.95,
        interval_confidence=0.95,
        verdict=Verdict(name=name, reason=reason, is_open=is_open) if judged else None,
        cost_usd=Decimal(0),
        unpriced=0,
        unpriced_models=(),
        without_usage=0,
        requests=0,
        p95_latency_s=None,
        source="replayed",
        recorded_at="",
        newest_recorded_at=recorded,
        dataset="data.jsonl",
        dataset_sha256="ab" * 32,
        gate_nodeid=f"{test}::gate",
        slices=(),
    )


def put(
    path: Path, *suites: SuiteResult, now: datetime = NOW, valid_days: int = 90, **run: Any
) -> dict[str, Any]:
    entries = gate_entries(suites, now=now, valid_days=valid_days)
    return write(path, entries, run_id="run-1", now=now, **run)


def on_disk(path: Path) -> Mapping[str, Any]:
    gates: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["gates"]
    return gates


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "llmprod-gates.json"


def test_an_entry_says_all_that_the_decision_rests_on(path: Path) -> None:
    entry = put(path, suite())["triage"]

    figures = {
        "enabled": True,
        "why": "because",
        "verdict": "PASS",
        "test": "test_a.py::test_a",
        "metric": "passed",
        "model": "gpt-5-mini + gpt-5-nano",
        "cases": 100,
        "score": 0.95,
        "interval": [0.92, 0.98],
        "threshold": 0.9,
        "dataset": "data.jsonl",
        "dataset_sha256": "ab" * 32,
    }
    for key, value in figures.items():
        assert entry[key] == value
        assert entry["suites"][0][key] == value
    assert entry["valid_until"] == "2027-02-20T12:00:00+00:00"


def test_a_feature_is_on_only_when_every_gate_is_open(path: Path) -> None:
    gates = put(
        path,
        suite("both", "test_a.py::test_a"),
        suite("both", "test_b.py::test_b"),
        suite("one", "test_c.py::test_c"),
        suite("one", "test_d.py::test_d", is_open=False, name="FAIL", reason="too low"),
    )

    assert gates["both"]["enabled"] is True
    assert gates["one"]["enabled"] is False
    assert gates["one"]["why"] == "too low"


def test_the_closed_suite_decides_before_one_with_less_room(path: Path) -> None:
    entry = put(
        path,
        suite(test="test_a.py::tight", low=0.85, name="INCONCLUSIVE"),
        suite(test="test_b.py::closed", low=0.95, is_open=False, name="FAIL"),
    )["triage"]

    assert entry["test"] == "test_b.py::closed"


def test_among_open_suites_the_one_with_least_room_decides(path: Path) -> None:
    entry = put(
        path, suite(test="test_a.py::wide", low=0.95), suite(test="test_b.py::tight", low=0.905)
    )["triage"]

    assert entry["test"] == "test_b.py::tight"


def test_a_suite_without_verdict_is_never_written(path: Path) -> None:
    with pytest.raises(ValueError, match="was not judged"):
        put(path, suite(judged=False))

    assert not path.exists()


def test_same_input_gives_the_same_bytes_sorted_and_with_lf(path: Path) -> None:
    put(path, suite("b"), suite("a"))
    first = path.read_bytes()

    put(path, suite("a"), suite("b"))

    assert path.read_bytes() == first
    assert b"\r" not in first
    assert first.endswith(b"}\n")
    assert list(on_disk(path)) == ["a", "b"]


def test_the_run_is_named_in_the_file(path: Path) -> None:
    put(path, suite())

    document = json.loads(path.read_text())
    assert document["schema"] == 1
    assert document["run"] == {"id": "run-1", "written_at": "2026-11-22T12:00:00+00:00"}


def test_what_is_returned_is_what_the_file_holds(path: Path) -> None:
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    put(path, suite("old", "test_b.py::test_b"))

    returned = put(path, suite("new"), now=LATER)

    assert returned == on_disk(path)
    assert set(returned) == {"old", "new"}


def test_other_features_are_kept_as_they_were(path: Path) -> None:
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    before = put(path, suite("old", "test_b.py::test_b", is_open=False, name="FAIL"))["old"]

    put(path, suite("new"), now=LATER)

    assert on_disk(path)["old"] == before
    assert on_disk(path)["new"]["valid_until"] > before["valid_until"]


def test_a_suite_of_a_test_file_that_still_exists_is_kept(path: Path) -> None:
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    put(path, suite(test="test_b.py::test_b", is_open=False, name="FAIL", reason="b is low"))

    entry = put(path, suite(test="test_a.py::test_a"), now=LATER)["triage"]

    assert [each["test"] for each in entry["suites"]] == ["test_a.py::test_a", "test_b.py::test_b"]
    assert entry["enabled"] is False
    assert entry["why"] == "b is low"


def test_a_suite_of_a_test_file_that_is_gone_is_dropped(path: Path) -> None:
    put(path, suite(test="test_b.py::test_b", is_open=False, name="FAIL"))

    entry = put(path, suite(test="test_a.py::test_a"), now=LATER)["triage"]

    assert [each["test"] for each in entry["suites"]] == ["test_a.py::test_a"]
    assert entry["enabled"] is True


def test_a_test_that_is_gone_from_a_file_that_ran_is_dropped(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    put(path, suite(test="test_a.py::test_old", is_open=False, name="FAIL"))

    entry = put(path, suite(test="test_a.py::test_new"), now=LATER)["triage"]

    assert [each["test"] for each in entry["suites"]] == ["test_a.py::test_new"]


def test_a_feature_whose_test_file_is_gone_is_dropped(path: Path) -> None:
    put(path, suite("old", "test_b.py::test_b"))

    assert set(put(path, suite("new"), now=LATER)) == {"new"}
    assert set(on_disk(path)) == {"new"}


def test_a_feature_whose_test_function_is_gone_is_dropped(path: Path) -> None:
    (path.parent / "test_b.py").write_text("def test_bb(): ...")
    put(path, suite("old", "test_b.py::test_b"))

    gates = put(path, suite("new"), now=LATER)

    assert set(gates) == {"new"}


def test_a_test_that_has_moved_to_another_feature_leaves_the_old_one(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    put(path, suite("old", is_open=False, name="FAIL"))

    assert set(put(path, suite("new"), now=LATER)) == {"new"}


def test_a_run_that_left_out_a_closed_suite_does_not_open_the_gate(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    put(path, suite("triage"), suite("triage", "test_a.py::test_b", is_open=False, name="FAIL"))

    gates = put(path, suite("triage"), now=LATER)

    assert gates["triage"]["enabled"] is False


def test_a_function_that_ran_replaces_all_its_old_variants(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    put(path, suite("triage", "test_a.py::TestX::test_a[old]", is_open=False, name="FAIL"))

    gates = put(path, suite("triage", "test_a.py::TestX::test_a[new]"), now=LATER)

    assert [each["test"] for each in gates["triage"]["suites"]] == ["test_a.py::TestX::test_a[new]"]


def test_an_old_file_with_a_byte_order_mark_is_read(path: Path) -> None:
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    put(path, suite("old", "test_b.py::test_b"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert set(put(path, suite("new"), now=LATER)) == {"old", "new"}


def test_a_suite_that_ran_again_replaces_its_old_result(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    put(path, suite(metric="exact", is_open=False, name="FAIL"))

    entry = put(path, suite(metric="exact"), now=LATER)["triage"]

    assert len(entry["suites"]) == 1
    assert entry["enabled"] is True


def test_a_kept_suite_is_not_made_younger_by_a_run_without_it(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    put(path, suite(test="test_b.py::test_b"))

    entry = put(path, suite(test="test_a.py::test_a"), now=LATER)["triage"]

    assert entry["valid_until"] == "2027-02-20T12:00:00+00:00"


def test_suites_that_ran_one_after_the_other_expire_with_the_older(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    after = LATER + timedelta(days=1)
    put(path, suite(test="test_b.py::test_b", recorded=NOW.isoformat()))
    put(path, suite(test="test_a.py::test_a", recorded=LATER.isoformat()), now=LATER)

    again = suite(test="test_b.py::test_b", recorded=after.isoformat())
    entry = put(path, again, now=after)["triage"]

    assert entry["valid_until"] == "2027-03-22T12:00:00+00:00"


OLD = "2026-10-01T12:00:00Z"


def test_a_gate_expires_with_its_newest_recording_and_not_with_the_run(path: Path) -> None:
    entry = put(path, suite(recorded=OLD))["triage"]

    assert entry["valid_until"] == "2026-12-30T12:00:00+00:00"
    assert entry["suites"][0]["recorded_at"] == "2026-10-01T12:00:00+00:00"


@pytest.mark.parametrize("recorded", ["2030-01-01T00:00:00Z", "yesterday", ""])
def test_a_day_that_cannot_be_is_that_of_the_run(path: Path, recorded: str) -> None:
    assert put(path, suite(recorded=recorded))["triage"]["valid_until"].startswith("2027-02-20T12")


@pytest.mark.parametrize("recorded", [OLD, ""])
def test_a_run_that_finds_the_same_leaves_the_file_as_it_is(path: Path, recorded: str) -> None:
    put(path, suite(recorded=recorded), suite(test="test_a.py::test_b", recorded=recorded))
    before = path.read_bytes()

    returned = put(
        path,
        suite(test="test_a.py::test_b", recorded=recorded),
        suite(recorded=recorded),
        now=LATER,
    )

    assert path.read_bytes() == before
    assert returned == on_disk(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 0.91},
        {"is_open": False},
        {"name": "INCONCLUSIVE"},
        {"reason": "other"},
        {"recorded": "2026-11-01T00:00:00Z"},
        {"feature": "other"},
    ],
)
def test_a_run_that_finds_something_else_writes_it(path: Path, changes: dict[str, Any]) -> None:
    put(path, suite(recorded=OLD))

    gates = put(path, suite(**{"recorded": OLD, **changes}), now=LATER)

    assert gates == on_disk(path)
    assert "2026-12-22" in path.read_text()


def test_answers_without_a_date_are_renewed_when_half_their_time_is_over(path: Path) -> None:
    put(path, suite())

    entry = put(path, suite(), now=NOW + timedelta(days=46))["triage"]

    assert entry["valid_until"] == "2027-04-07T12:00:00+00:00"


def test_a_gate_whose_recordings_are_younger_is_renewed_each_time(path: Path) -> None:
    put(path, suite(recorded=NOW.isoformat()))
    later = NOW + timedelta(days=1)

    entry = put(path, suite(recorded=later.isoformat()), now=later)["triage"]

    assert entry["valid_until"] == "2027-02-21T12:00:00+00:00"


def test_a_gate_of_dated_recordings_expires_by_the_days_of_the_newest_run(path: Path) -> None:
    put(path, suite(recorded=OLD))

    entry = put(path, suite(recorded=OLD), valid_days=60)["triage"]

    assert entry["valid_until"] == "2026-11-30T12:00:00+00:00"


def test_times_of_other_zones_are_compared_as_times(path: Path) -> None:
    (path.parent / "test_a.py").write_text(THREE_TESTS)
    (path.parent / "test_b.py").write_text(THREE_TESTS)
    first = put(path, suite(), suite(test="test_b.py::test_b"))["triage"]
    # By its text the second comes first, by its time it is the later one.
    times = ["2027-02-20T09:00:00+00:00", "2027-02-20T08:00:00-05:00"]
    suites = [
        {**each, "valid_until": time} for each, time in zip(first["suites"], times, strict=True)
    ]
    document = json.loads(path.read_text())
    document["gates"]["triage"] = {**first, "suites": suites}
    path.write_text(json.dumps(document))

    entry = put(path, suite(feature="other", test="test_c.py::test_c"))["triage"]

    assert entry["valid_until"] == times[0]


def test_an_interval_has_six_digits_in_the_file(path: Path) -> None:
    entry = put(path, suite(low=0.92345678))["triage"]

    assert entry["suites"][0]["interval"] == [0.923457, 0.98]


HOSTILE = ["", "new\nline", "quote\"'\\", "nul\x00", "esc\x1b[31m", "half\ud800", "北京", "\u2028"]


@pytest.mark.parametrize("feature", HOSTILE)
def test_hostile_names_are_written_and_found_again(path: Path, feature: str) -> None:
    put(path, suite(feature, reason=feature), now=datetime.now(UTC))

    found = gate(feature, path)

    assert found.enabled
    assert found.reason == feature


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": 1}',
        b'{"schema": 1, "gates": []}',
        b'{"schema": 2, "gates": {}}',
        b'{"schema": "1", "gates": {}}',
        b'{"gates": {}}',
        b'{"schema": 1, "gates": {"x": 5}}',
        b'{"schema": 1, "gates": {"x": {}}}',
        b'{"schema": 1, "gates": {"x": {"suites": [], "valid_until": "2027-01-01"}}}',
        b'{"schema": 1, "gates": {"x": {"suites": [5], "valid_until": "2027-01-01"}}}',
        b'<<<<<<< HEAD\n{"schema": 1, "gates": {}}\n',
    ],
)
def test_a_broken_old_file_is_kept_and_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(GatesFileError) as caught:
        put(path, suite())

    message = str(caught.value)
    assert message.startswith(f"{path}: the old gates cannot be read (")
    assert "Restore the file from version control or delete it, then run `pytest" in message
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["llmprod-gates.json"]


@pytest.mark.parametrize("missing", ["test", "metric", "enabled", "interval", "threshold"])
def test_an_old_suite_without_a_key_is_told(path: Path, missing: str) -> None:
    put(path, suite())
    document = json.loads(path.read_text())
    del document["gates"]["triage"]["suites"][0][missing]
    path.write_text(json.dumps(document))

    with pytest.raises(GatesFileError, match=rf"cannot be read \(KeyError: '{missing}'\)"):
        put(path, suite())


@pytest.mark.parametrize("test", [5, None, ["test_a.py"]])
def test_an_old_suite_with_a_wrong_type_is_told(path: Path, test: object) -> None:
    put(path, suite())
    document = json.loads(path.read_text())
    document["gates"]["triage"]["suites"][0]["test"] = test
    path.write_text(json.dumps(document))

    with pytest.raises(GatesFileError, match="the old gates cannot be read"):
        put(path, suite())


def test_a_folder_in_the_place_of_the_file_is_told(path: Path) -> None:
    path.mkdir()

    with pytest.raises(GatesFileError, match="the old gates cannot be read"):
        put(path, suite())


def assert_refused(path: Path, reason: str) -> None:
    old = path.read_bytes()

    with pytest.raises(GatesFileError) as caught:
        put(path, suite("new"))

    message = str(caught.value)
    assert message.startswith(f"{path}: cannot be written ({reason}). The application still reads")
    assert "Make the file and its folder writable and make room, then run `pytest" in message
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == ["llmprod-gates.json"]


def test_a_read_only_file_is_told_and_kept(path: Path) -> None:
    put(path, suite("old"))
    path.chmod(0o444)

    assert_refused(path, "the file is read-only")


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_full_disk_is_told_and_the_old_file_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put(path, suite("old"))

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)

    assert_refused(path, "No space left on device")


def test_an_unwritable_folder_is_told_and_the_old_file_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, suite("old"))

    open_path = Path.open

    def refuse_new(self: Path, mode: str = "r", *rest: Any, **others: Any) -> Any:
        if "x" in mode:
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_path(self, mode, *rest, **others)

    monkeypatch.setattr(Path, "open", refuse_new)

    assert_refused(path, "Permission denied")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text(THREE_TESTS)

    with pytest.raises(GatesFileError, match=r"llmprod-gates.json: "):
        put(tmp_path / "taken" / "llmprod-gates.json", suite())


def test_names_stay_readable_in_the_file_and_half_a_character_does_not_spoil_it(
    path: Path,
) -> None:
    put(path, suite("prüfung", reason="half \ud800"))

    text = path.read_text(encoding="utf-8")
    assert '"prüfung"' in text
    assert "half \\ud800" in text


def test_the_suites_of_all_gates_are_listed_and_those_without_expiry_have_their_gates(
    path: Path,
) -> None:
    put(path, suite("both", "test_a.py::test_a"), suite("other", "test_b.py::test_b"))
    document = json.loads(path.read_text(encoding="utf-8"))
    until = document["gates"]["other"]["suites"][0].pop("valid_until")
    path.write_text(json.dumps(document), encoding="utf-8")

    listed = suite_entries(path)

    assert [each["test"] for each in listed] == ["test_a.py::test_a", "test_b.py::test_b"]
    assert [each["valid_until"] for each in listed] == [until, until]
    assert suite_entries(path.with_name("no-gates.json")) == []

import hashlib
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_llmprod.gates import Gate, gate

DATA = b'{"id": "a"}\n{"id": "b"}\n'
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")


def entry(**changes: Any) -> dict[str, Any]:
    suite = {
        "enabled": True,
        "dataset": "evals/data.jsonl",
        "dataset_sha256": hashlib.sha256(DATA).hexdigest(),
    }
    return {
        "enabled": True,
        "why": "95/100 reaches the threshold",
        "valid_until": TOMORROW,
        "suites": [suite],
        **changes,
    }


def write(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "llmprod-gates.json"
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    path.write_bytes(content)
    return path


def gates_of(**entries: Any) -> dict[str, Any]:
    return {"schema": 1, "gates": entries}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "evals" / "data.jsonl"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


@pytest.mark.usefixtures("data")
def test_a_gate_that_was_opened_is_open_and_says_why(tmp_path: Path) -> None:
    found = gate("triage", write(tmp_path, gates_of(triage=entry())))

    assert found == Gate("triage", True, "95/100 reaches the threshold")


def test_a_gate_without_its_data_set_beside_it_is_open(tmp_path: Path) -> None:
    assert gate("triage", write(tmp_path, gates_of(triage=entry()))).enabled


def test_a_gate_that_was_closed_is_closed_and_says_why(tmp_path: Path) -> None:
    path = write(tmp_path, gates_of(triage=entry(enabled=False, why="50/100 is below")))

    assert gate("triage", path) == Gate("triage", False, "50/100 is below")


@pytest.mark.parametrize("enabled", [1, "true", "yes", [True], {"x": 1}, None, 1.0])
def test_only_true_itself_opens_a_gate(tmp_path: Path, enabled: object) -> None:
    assert not gate("triage", write(tmp_path, gates_of(triage=entry(enabled=enabled)))).enabled


def test_a_missing_file_closes_and_says_what_writes_it(tmp_path: Path) -> None:
    found = gate("triage", tmp_path / "nowhere.json")

    assert not found.enabled
    assert found.reason == (
        f"there is no {tmp_path}/nowhere.json; `pytest --llm-eval` writes llmprod-gates.json into "
        f"pytest's rootdir, ship it to this place"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b'{"schema": 1, "gates": {"triage": {"enabled": tr', "is not valid JSON"),
        (b"\xff\xfe{}", "cannot be understood: UnicodeDecodeError"),
        (b"[]", "cannot be understood: TypeError"),
        (b"null", "cannot be understood: TypeError"),
        (b"{}", "cannot be understood: KeyError 'schema'"),
        (b'{"schema": 1}', "cannot be understood: KeyError 'gates'"),
        (b'{"schema": 2, "gates": {}}', "has schema 2, this version reads 1"),
        (b'{"schema": "1", "gates": {}}', "has schema '1', this version reads 1"),
        (b'{"schema": 1, "gates": ["triage"]}', "cannot be understood: TypeError"),
        (b'{"schema": 1, "gates": "a triage b"}', "cannot be understood: TypeError"),
        (b'{"schema": 1, "gates": {"triage": true}}', "the gate for 'triage' is no object"),
        (b"[" * 100_000, "cannot be understood: RecursionError"),
        (b"9" * 10_000, "is not valid JSON"),
    ],
)
def test_a_broken_file_closes_and_says_what_is_wrong(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = write(tmp_path, content)

    found = gate("triage", path)

    assert not found.enabled
    assert str(path) in found.reason
    assert reason in found.reason


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe{}"])
def test_a_file_that_cannot_be_read_names_the_cure(tmp_path: Path, content: bytes) -> None:
    found = gate("triage", write(tmp_path, content))

    assert found.reason.endswith("; run `pytest --llm-eval` again")


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + json.dumps(gates_of(triage=entry())).encode()

    assert gate("triage", write(tmp_path, content)).enabled


def test_a_folder_in_the_place_of_the_file_closes(tmp_path: Path) -> None:
    found = gate("triage", tmp_path)

    assert found == Gate("triage", False, f"{tmp_path} cannot be read: Is a directory")


def test_an_unknown_feature_is_closed_and_the_nearest_name_is_offered(tmp_path: Path) -> None:
    found = gate("ticket-triag", write(tmp_path, gates_of(**{"ticket-triage": entry()})))

    assert not found.enabled
    assert "has no gate for 'ticket-triag'; did you mean 'ticket-triage'?" in found.reason


def test_an_expired_gate_is_closed_and_says_since_when(tmp_path: Path) -> None:
    found = gate("f", write(tmp_path, gates_of(f=entry(valid_until="2020-01-02T00:00:00+00:00"))))

    assert found.reason == (
        "the gate expired on 2020-01-02; record its answers anew with "
        "`pytest --llm-eval --llm-record=rewrite`"
    )
    assert not found.enabled


def test_expiry_is_compared_across_time_zones(tmp_path: Path) -> None:
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    local = (an_hour_ago + timedelta(hours=14)).strftime("%Y-%m-%dT%H:%M:%S+14:00")

    assert not gate("f", write(tmp_path, gates_of(f=entry(valid_until=local)))).enabled


@pytest.mark.parametrize(
    "until", [None, 99999999999, "", "never", "2999-01-01", "2999-01-01T00:00"]
)
def test_an_expiry_that_is_no_point_in_time_closes(tmp_path: Path, until: object) -> None:
    assert not gate("f", write(tmp_path, gates_of(f=entry(valid_until=until)))).enabled


def test_other_data_close_the_gate_and_are_named(tmp_path: Path, data: Path) -> None:
    path = write(tmp_path, gates_of(f=entry()))
    data.write_bytes(DATA + b'{"id": "c"}\n')

    found = gate("f", path)

    assert not found.enabled
    assert found.reason == (
        f"the gate was made for other data: {data} has changed since; run `pytest --llm-eval` again"
    )


def test_line_ends_of_windows_are_no_other_data(tmp_path: Path, data: Path) -> None:
    data.write_bytes(DATA.replace(b"\n", b"\r\n"))

    assert gate("f", write(tmp_path, gates_of(f=entry()))).enabled


@pytest.mark.usefixtures("data")
def test_each_suite_of_a_gate_is_compared_with_its_data(tmp_path: Path) -> None:
    good = entry()["suites"][0]
    changed = {**good, "dataset_sha256": "00"}

    assert not gate("f", write(tmp_path, gates_of(f=entry(suites=[good, changed])))).enabled


@pytest.mark.parametrize("key", ["enabled", "why", "valid_until", "suites"])
def test_an_entry_without_a_key_is_closed(tmp_path: Path, key: str) -> None:
    broken = entry()
    del broken[key]

    found = gate("f", write(tmp_path, gates_of(f=broken)))

    assert not found.enabled
    assert found.reason.endswith(f"KeyError '{key}'; run `pytest --llm-eval` again")


@pytest.mark.parametrize("suites", [[], {}, "", None, [5], [{}], [{"dataset": "x"}], {"a": 1}])
def test_an_entry_whose_suites_are_not_ours_is_closed(tmp_path: Path, suites: object) -> None:
    assert not gate("f", write(tmp_path, gates_of(f=entry(suites=suites)))).enabled


def test_a_closed_suite_closes_the_gate_whatever_the_entry_says(tmp_path: Path) -> None:
    closed = {**entry()["suites"][0], "enabled": False}

    assert not gate("f", write(tmp_path, gates_of(f=entry(suites=[closed])))).enabled


@pytest.mark.parametrize("feature", [None, 5, ["triage"], {"triage": 1}, b"triage"])
def test_a_feature_that_is_no_text_is_closed(tmp_path: Path, feature: Any) -> None:
    assert not gate(feature, write(tmp_path, gates_of(triage=entry()))).enabled


@pytest.mark.parametrize("path", [5, b"llmprod-gates.json", "nul\x00byte", ["x"], "x" * 5000])
def test_a_path_that_is_none_closes_and_does_not_raise(path: Any) -> None:
    found = gate("triage", path)

    assert not found.enabled
    assert found.reason


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, gates_of(f=entry())).rename(tmp_path / "elsewhere.json")
    monkeypatch.setenv("LLMPROD_GATES", str(path))

    assert gate("f").enabled
    assert not gate("f", tmp_path / "nowhere.json").enabled


def test_without_a_name_the_file_of_the_working_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, gates_of(f=entry()))
    monkeypatch.delenv("LLMPROD_GATES", raising=False)
    monkeypatch.chdir(tmp_path)

    assert gate("f").enabled


def test_a_gate_itself_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"ask for gate\(...\).enabled"):
        bool(Gate("f", True, ""))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["f", TOMORROW, 1, math.nan]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.just(True) | JSON,
        "why": JSON,
        "valid_until": st.just(TOMORROW) | JSON,
        "suites": JSON,
    },
)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(document=JSON | st.fixed_dictionaries({"schema": st.just(1), "gates": JSON}))
def test_no_json_that_we_did_not_write_opens_a_gate(tmp_path: Path, document: Any) -> None:
    assert not gate("f", write(tmp_path, document)).enabled


@QUIET
@given(found=ENTRY)
def test_no_entry_with_suites_that_we_did_not_write_opens_a_gate(
    tmp_path: Path, found: dict[str, Any]
) -> None:
    assert not gate("f", write(tmp_path, gates_of(f=found))).enabled


@QUIET
@given(content=st.binary(max_size=100))
def test_no_bytes_open_a_gate(tmp_path: Path, content: bytes) -> None:
    assert not gate("f", write(tmp_path, content)).enabled


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-3], lambda text: text[1:], lambda text: text + "x"]
)
def test_a_file_that_was_cut_or_added_to_is_closed(
    tmp_path: Path, spoil: Callable[[str], str]
) -> None:
    text = json.dumps(gates_of(f=entry()))

    assert not gate("f", write(tmp_path, spoil(text).encode())).enabled


def test_what_the_page_puts_in_the_place_of_a_gate_is_one() -> None:
    page = (Path(__file__).parents[1] / "docs" / "evals.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"`monkeypatch\.setattr\(\"app\.triage\.gate\", (.*?)\)`, with", page)

    stand_in = eval(source, {"Gate": Gate})

    assert stand_in("triage") == Gate(feature="triage", enabled=True, reason="a test")

"""Cassette files: what is saved is loaded, and what cannot be read says where and why."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lab import chat_request, recording

from pytest_llmprod import cli
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.bodies import encode_body
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.cassette_file import load, save
from pytest_llmprod.wire.recording import Recording

HOSTILE = [
    "$lines",
    "\ud800",
    "\u2028\u2029\x85",
    "\n  },\n  {\n",
    '\n    "case": "other",\n    "key": "other"\n',
    '"case": ',
    "\n ],\n",
    "\\n  },",
    "\r\n",
    "a,",
    'say "x"',
    "",
]
TEXTS = st.text(max_size=12) | st.sampled_from(HOSTILE)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BODIES = VALUES.map(lambda value: encode_body(json.dumps(value).encode()))
SECONDS = st.integers(0, 10**9).map(lambda micros: micros / 10**6)
COUNTS = st.integers(0, 10**6)
RECORDINGS = st.builds(
    recording,
    text=TEXTS,
    case=TEXTS,
    key=TEXTS,
    latency_s=SECONDS,
    ttft_s=st.none() | SECONDS,
    model=TEXTS,
    usage=st.none()
    | st.builds(
        Usage,
        input_tokens=COUNTS,
        output_tokens=COUNTS,
        cache_read_tokens=COUNTS,
        reasoning_tokens=COUNTS,
    ),
    attempt=st.integers(1, 5),
    complete=st.booleans(),
    request=st.fixed_dictionaries({"body": BODIES, "uri": TEXTS}),
    response=st.fixed_dictionaries(
        {"body": BODIES, "status": st.just({"code": 200, "message": "OK"})}
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(RECORDINGS, max_size=4))
@example([])
@example([recording(case=case, key=case, request={"body": {"text": case}}) for case in HOSTILE])
def test_what_is_saved_is_loaded(tmp_path: Path, recordings: list[Recording]) -> None:
    path = tmp_path / "c.json"
    save(path, recordings)
    cassette = load(path)

    assert cassette.all() == recordings
    assert len(cassette) == len(recordings)
    assert list(cassette.cases) == list(dict.fromkeys(each.case for each in recordings))
    for case in cassette.cases:
        assert cassette.section(case) == [each for each in recordings if each.case == case]
    for each in recordings:
        equal = [other for other in recordings if (other.case, other.key) == (each.case, each.key)]
        found = [
            cassette.read(each.case, each.key, n)
            for n in range(cassette.count(each.case, each.key))
        ]
        assert found == equal


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(RECORDINGS, max_size=3), st.sampled_from([None, 4, "\t"]))
def test_a_cassette_that_somebody_laid_out_anew_is_loaded(
    tmp_path: Path, recordings: list[Recording], indent: Any
) -> None:
    path = tmp_path / "c.json"
    save(path, recordings)
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=indent))

    assert load(path).all() == recordings


def test_a_cassette_whose_head_alone_was_laid_out_anew_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("one")])
    path.write_bytes(
        path.read_bytes().replace(b'{\n "interactions": [\n', b'{"interactions": [', 1)
    )

    assert load(path).all() == [recording("one")]


def test_a_cassette_with_other_line_ends_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("one"), recording("two")])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert load(path).all() == [recording("one"), recording("two")]


def test_the_same_recordings_are_saved_as_the_same_bytes(tmp_path: Path) -> None:
    shuffled = recording(request=dict(reversed(recording().request.items())))
    save(tmp_path / "one.json", [recording(), recording("b")])
    save(tmp_path / "two.json", [shuffled, recording("b")])

    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_file_that_is_loaded_and_saved_keeps_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("Grüße"), recording("\ud800"), recording(case="b")])
    before = path.read_bytes()
    save(path, load(path).all())

    assert path.read_bytes() == before


def test_the_layout_is_what_the_documents_show(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    request = {"body": {"json": {"b": 1, "a": "Grüße"}}}
    save(path, [recording(case="t-1", usage=None, ttft_s=0.1, request=request, response={})])

    assert path.read_text(encoding="utf-8") == (
        "{\n"
        ' "interactions": [\n'
        "  {\n"
        '   "llmprod": {\n'
        '    "attempt": 1,\n'
        '    "case": "t-1",\n'
        '    "key": "k1",\n'
        '    "latency_s": 0.25,\n'
        '    "model": "gpt-test-1",\n'
        '    "recorded_at": "2026-11-22T12:30:00Z",\n'
        '    "ttft_s": 0.1\n'
        "   },\n"
        '   "request": {\n'
        '    "body": {\n'
        '     "json": {\n'
        '      "a": "Grüße",\n'
        '      "b": 1\n'
        "     }\n"
        "    }\n"
        "   },\n"
        '   "response": {}\n'
        "  }\n"
        " ],\n"
        ' "llmprod": {\n'
        '  "format": 1,\n'
        '  "key_version": 4\n'
        " },\n"
        ' "version": 1\n'
        "}\n"
    )


def test_a_line_of_a_prompt_is_a_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    body = encode_body(json.dumps(chat_request("first line\nsecond line\n")).encode())
    save(path, [recording(request={"body": body})])

    lines = [line.strip(" ,") for line in path.read_text().splitlines()]
    assert '"first line\\n"' in lines
    assert '"second line\\n"' in lines


def test_a_missing_file_is_an_empty_cassette(tmp_path: Path) -> None:
    cassette = load(tmp_path / "none.json")

    assert len(cassette) == 0
    assert cassette.all() == []
    assert cassette.count("", "k1") == 0
    assert cassette.section("x") == []


def test_a_cassette_cut_short_anywhere_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("one", case="a"), recording("two", case="b")])
    whole = path.read_bytes()

    for length in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(CassetteError) as caught:
            load(path)
        line = whole[:length].count(b"\n") + 1
        assert f"{path}, line {line}:" in str(caught.value) or length == 0
        assert "--llm-record=once" in str(caught.value)


def test_conflict_marks_of_a_merge_are_an_error_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("one"), recording("two")])
    between = b"  },\n  {\n"
    mine = b"  },\n<<<<<<< HEAD\n  {\n"
    before, after = path.read_bytes().split(between)
    path.write_bytes(before + mine + after)

    with pytest.raises(CassetteError, match="conflict marks of a merge") as caught:
        load(path)
    line = before.count(b"\n") + 2
    assert f"{path}, line {line}:" in str(caught.value)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "is no cassette"),
        ({"interactions": {}}, "is no cassette"),
        ({"openapi": "3.1"}, "is no cassette"),
        ({"interactions": [], "version": 1}, "was not written by pytest-llmprod"),
        (
            {"interactions": [], "llmprod": {"format": 2, "key_version": 1}},
            "pip install --upgrade pytest-llmprod`, or delete the file and record it again with "
            "--llm-record=once",
        ),
        (
            {"interactions": [], "llmprod": {"format": 1, "key_version": 1}, "version": 2},
            "and version 2, and this version of pytest-llmprod reads format 1",
        ),
        (
            {"interactions": [], "llmprod": {"format": 1, "key_version": 9}},
            "key version 9",
        ),
    ],
)
def test_another_file_is_an_error_that_names_it_and_the_cure(
    tmp_path: Path, document: Any, says: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(document))

    with pytest.raises(CassetteError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
    assert "--llm-record=" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000], ids=["empty", "bad", "deep"]
)
def test_a_file_that_is_no_json_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)

    with pytest.raises(CassetteError, match="line 1"):
        load(path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b'    "case": "b",\n', b"", 46),
        (b'    "case": "b",\n', b'    "case": 5,\n', 49),
        (b'    "case": "b",\n', b'    "case": "\xff",\n', 49),
        (b'    "key": "k2",\n', b"", 46),
    ],
    ids=["no-case", "number", "no-utf8", "no-key"],
)
def test_a_recording_without_case_or_key_is_an_error_with_its_line(
    tmp_path: Path, old: bytes, new: bytes, line: int
) -> None:
    path = tmp_path / "c.json"
    save(path, [recording(case="a"), recording(case="b", key="k2")])
    content = path.read_bytes()
    assert old in content
    start = content[: content.index(old)].count(b"\n") + 1
    path.write_bytes(content.replace(old, new))

    with pytest.raises(CassetteError) as caught:
        load(path)
    told = int(str(caught.value).split("line ")[1].split(":")[0])
    assert start - 4 <= told <= start
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"latency_s": 0.25', b'"latency_s": "soon"'),
        (b'"latency_s": 0.25', b'"latency": 0.25'),
        (b'"latency_s": 0.25', b'"latency_s": \xff'),
        (b'   "request": {', b'   "requests": {'),
    ],
    ids=["type", "missing", "no-utf8", "no-request"],
)
def test_a_broken_recording_is_an_error_when_it_is_played(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    path = tmp_path / "c.json"
    save(path, [recording(case="a"), recording(case="b")])
    head, middle, tail = path.read_bytes().rpartition(old)
    path.write_bytes(head + new + tail)
    assert middle
    cassette = load(path)

    assert cassette.section("a") == [recording(case="a")]
    start = head.rindex(b"\n  {\n") + 1
    line = head.count(b"\n", 0, start) + 1
    with pytest.raises(CassetteError) as caught:
        cassette.section("b")
    assert f"{path}, line {line}: a recording cannot be read" in str(caught.value)


def test_a_file_that_may_not_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.mkdir()

    with pytest.raises(CassetteError, match="cannot be read") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_cassette_that_cannot_be_written_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("old")])
    os.chmod(path, 0o444)

    with pytest.raises(CassetteError, match="The old file is as it was"):
        save(path, [recording("new")])
    assert load(path).all() == [recording("old")]


def test_a_save_that_fails_on_its_way_leaves_the_old_file_alone_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.json"
    save(path, [recording("old")])

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(CassetteError, match="No space left"):
            save(path, [recording("new")])

    assert load(path).all() == [recording("old")]
    assert os.listdir(tmp_path) == ["c.json"]


def test_the_recordings_of_the_example_are_in_our_layout() -> None:
    folder = Path(__file__).parents[3] / "examples" / "support_triage" / "cassettes"
    paths = sorted(folder.rglob("*.json"))

    assert paths
    for path in paths:
        recordings = load(path).all()
        assert recordings
        again = cassette_file.dump([each.to_json() for each in recordings])
        assert again == path.read_bytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is not valid JSON"), (b"{}", "is no cassette"), (b"[]", "is no cassette")],
)
def test_showing_a_file_that_is_nobodys_tells_it_in_our_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)

    assert cli.main(["cassette", "show", str(path)]) == 1
    assert says in (told := capsys.readouterr().err)
    assert "vcrpy" not in told

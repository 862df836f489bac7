"""`llmprod cassette check`: what has to be mended fails, what is to be known does not."""

import base64
import gzip
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from recordings import CHAT_URL, HOSTILE, KEY, cassette, recording, save

from pytest_llmprod.cli import main
from pytest_llmprod.core.text import counted, width

EXAMPLE = Path(__file__).parents[1] / "examples" / "support_triage"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a test, in whose folder the commands run."""
    (tmp_path / "test_m.py").write_text("def test_x(): ...\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = main(["cassette", "check", *arguments])
    return status, capsys.readouterr().out.splitlines()


def test_cassettes_in_order_pass(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette(project, recording(), recording(asked="b"))

    assert check(capsys) == (0, ["1 cassette, 2 recordings: 0 findings, 0 notes"])


def test_the_example_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys, str(EXAMPLE)) == (
        0,
        ["4 cassettes, 868 recordings: 0 findings, 0 notes"],
    )


def test_a_secret_is_told_with_its_line_and_not_shown(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cassette(project, recording(f"the key is {KEY}"))
    line = path.read_text().split(KEY)[0].count("\n") + 1

    status, lines = check(capsys)

    assert status == 1
    assert lines == [
        "cassettes/test_m/test_x.gpt-test.json",
        f"  secret       line {line}: key",
        "mend",
        "  secret       withdraw it, take it out of the file, keep it out of the prompt",
        "1 cassette, 1 recording: 1 finding, 0 notes",
    ]


def spread_over_a_stream(secret: str) -> dict[str, Any]:
    """A recording whose answer says `secret` in pieces of three characters."""
    pieces = [secret[start : start + 3] for start in range(0, len(secret), 3)]
    events = [
        {"t": 0.1, "data": {"choices": [{"index": 0, "delta": {"content": each}}]}}
        for each in pieces
    ]
    response = recording().response
    return {"response": {**response, "body": {"stream": events, "text": ""}}}


@pytest.mark.parametrize("secret", [KEY, "correct-horse-7-battery"])
def test_a_secret_is_found_where_nobody_can_read_it(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
) -> None:
    monkeypatch.setenv("MY_TOKEN", "correct-horse-7-battery")
    kind = "key" if secret == KEY else "MY_TOKEN"
    path = cassette(
        project,
        recording(),
        recording(**spread_over_a_stream(secret)),
        recording(asked=base64.b64encode(f"it is {secret}, yes".encode()).decode()),
    )
    assert secret not in path.read_text()

    status, lines = check(capsys)

    assert status == 1
    assert [line.rpartition(" ")[2] for line in lines if " secret " in line][:2] == [kind] * 2


def test_a_secret_in_a_cassette_of_vcrpy_is_found(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interaction = {
        "request": {
            "method": "POST",
            "uri": CHAT_URL,
            "headers": {"authorization": ["Bearer 0123456789abcdef0123456789abcdef"]},
            "body": '{"model": "gpt-test"}',
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"set-cookie": ["__cf_bm=4aUqv1zG9rTt0"]},
            "body": {"string": "{}"},
        },
    }
    path = project / "cassettes" / "test_m" / "test_x.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [interaction]}))

    status, lines = check(capsys)

    assert status == 1
    assert [line.rpartition(" ")[2] for line in lines if " secret " in line][:2] == [
        "authorization",
        "set-cookie",
    ]


def vcrpys(project: Path, *, asked: str, content: bytes, **headers: str) -> Path:
    """Write a cassette as vcrpy does, with this answer."""
    interaction = {
        "request": {"method": "POST", "uri": CHAT_URL, "headers": {}, "body": asked},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {name.replace("_", "-"): [value] for name, value in headers.items()},
            "body": {"string": content},
        },
    }
    path = project / "cassettes" / "test_m" / "test_x.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [interaction]}))
    return path


def streamed(secret: str) -> bytes:
    """The body of a stream whose answer says `secret` in pieces of three characters."""
    stream = spread_over_a_stream(secret)["response"]["body"]["stream"]
    return b"".join(f"data: {json.dumps(event['data'])}\n\n".encode() for event in stream)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (gzip.compress(KEY.encode()), {"content_encoding": "gzip"}),
        (streamed(KEY), {"content_type": "text/event-stream"}),
    ],
    ids=["compressed", "stream"],
)
@pytest.mark.parametrize("asked", ["hello", 'who wrote "llmprod"?'])
def test_a_secret_in_a_cassette_of_vcrpy_is_found_where_nobody_can_read_it(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    asked: str,
    content: bytes,
    headers: dict[str, str],
) -> None:
    path = vcrpys(project, asked=asked, content=content, **headers)
    assert KEY not in path.read_text()

    status, lines = check(capsys)

    assert status == 1
    assert lines[1] == "  secret       line 2: key"


def test_a_file_that_is_no_text_is_searched_all_the_same(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cassette(project)
    path.write_bytes(b"\xff\n" + KEY.encode())

    status, lines = check(capsys)

    assert status == 1
    assert lines[1] == "  secret       line 2: key"
    assert lines[2].startswith("  unreadable   ")


def test_every_kind_of_finding_is_told_with_its_mend(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text("[tool.llmprod.wire]\nmax_age_days = 30\n")
    days_ago = datetime.now(UTC) - timedelta(days=40, minutes=5)
    old = recording(recorded_at=days_ago.isoformat())
    cassette(project, old, old)
    cassette(project, recording(recorded_at=""), test="test_gone")
    (project / "cassettes" / "broken.json").write_text("{")

    status, lines = check(capsys, ".")

    assert status == 1
    assert lines == [
        "cassettes/broken.json",
        "  unreadable   line 1: the cassette is not valid JSON (Expecting property name",
        "               enclosed in double quotes); it may be cut short or hold conflict",
        "               marks of a merge",
        "cassettes/test_m/test_gone.gpt-test.json",
        "  orphan       test_m.py has no such test",
        "  cannot tell  1 recording of an unknown age",
        "cassettes/test_m/test_x.gpt-test.json",
        "  duplicate    1 recording there twice",
        "  old          2 recordings older than 30 days, the oldest 40 days",
        "mend",
        "  unreadable   restore the file from version control, or record it again",
        "  old          pytest --llm-eval --llm-record=rewrite",
        "  orphan       llmprod cassette prune; after a rename, move the file instead",
        "  duplicate    llmprod cassette prune",
        "3 cassettes, 3 recordings: 4 findings, 1 note",
    ]


def test_notes_alone_pass(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette(project, recording(complete=False), recording(version="gpt-test-2"))
    save(project / "cassettes" / "elsewhere.json", recording())

    status, lines = check(capsys)

    assert status == 0
    assert lines == [
        "cassettes/elsewhere.json",
        "  cannot tell  whether a test plays it: it lies in no folder cassettes/<module>",
        "cassettes/test_m/test_x.gpt-test.json",
        "  alias drift  asked gpt-test, answered by gpt-test-1 (1), gpt-test-2 (1)",
        "  broke off    1 recording that the client stopped reading before the end",
        "2 cassettes, 3 recordings: 0 findings, 3 notes",
    ]


def test_many_findings_of_a_kind_are_counted(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(project, *(recording(KEY, asked=str(number)) for number in range(8)))

    status, lines = check(capsys)

    assert status == 1
    assert sum(line.startswith("  secret       line") for line in lines) == 5
    assert "  secret       and 3 more: --json lists all of them" in lines
    assert lines[-1] == "1 cassette, 8 recordings: 8 findings, 0 notes"


def test_everything_is_told_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cassette(project, recording(), test="test_gone")

    status, lines = check(capsys, "--json", str(path))

    assert status == 1
    assert json.loads("\n".join(lines)) == {
        "cassettes": 1,
        "recordings": 1,
        "findings": [
            {
                "path": path.as_posix(),
                "kind": "orphan",
                "line": None,
                "text": "test_m.py has no such test",
                "is_note": False,
            }
        ],
    }


def test_cassettes_of_vcrpys_are_searched_for_secrets_and_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project / "cassettes" / "test_gone"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("version: 1\ninteractions: []\n")
    (folder / "b.yaml").write_text(f"version: 1\ninteractions:\n- {KEY}\n")

    status, lines = check(capsys)

    assert status == 1
    assert lines[:2] == ["cassettes/test_gone/b.yaml", "  secret       line 3: key"]
    assert lines[2].startswith("  unreadable   is no cassette that vcrpy can read")
    assert lines[-1] == "2 cassettes, 0 recordings: 2 findings, 0 notes"


@pytest.mark.parametrize(
    ("name", "case", "model", "notes"),
    [
        ("test_x", "", "gpt-test", 1),
        ("test_x[t-1]", "t-1", "gpt-test", 1),
        ("test_x[t-1]", "t-2", "gpt-test", 0),
        ("test_x[t-1", "t-1", "gpt-test", 0),
        ("test_x", "", "other", 0),
    ],
)
def test_a_cassette_of_vcrpys_beside_ours_of_the_same_test_is_noted(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    case: str,
    model: str,
    notes: int,
) -> None:
    cassette(project, recording(case=case))
    asked = json.dumps({"model": model, "messages": []})
    beside = vcrpys(project, asked=asked, content=b"{}").rename(
        project / "cassettes" / "test_m" / f"{name}.yaml"
    )

    status, lines = check(capsys)

    assert status == 0
    assert lines[-1] == f"2 cassettes, 2 recordings: 0 findings, {counted(notes, 'note')}"
    assert (
        lines[:-1]
        == [
            f"cassettes/test_m/{beside.name}",
            "  two files    test_x.gpt-test.json plays this test first: delete this one if",
            "               the test passes without it",
        ]
        * notes
    )


@pytest.mark.parametrize("days", ["0", "-1", "true", '"30"', "1.5"])
def test_an_age_that_is_no_number_of_days_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], days: str
) -> None:
    (project / "pyproject.toml").write_text(f"[tool.llmprod.wire]\nmax_age_days = {days}\n")
    cassette(project, recording())

    status = main(["cassette", "check"])

    assert status == 1
    assert "[tool.llmprod.wire] max_age_days must be " in capsys.readouterr().err


@pytest.mark.parametrize("table", ["", "[tool.other]", "[tool.llmprod.wire]"])
def test_without_an_age_nothing_is_old(
    project: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    (project / "pyproject.toml").write_text(table)
    cassette(project, recording(recorded_at="2001-01-01T00:00:00Z"))

    assert check(capsys)[0] == 0


def test_the_nearest_configuration_counts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text("[tool.llmprod.wire]\nmax_age_days = 1\n")
    (project / "sub").mkdir()
    (project / "sub" / "pyproject.toml").write_text("")
    shutil.copy(project / "test_m.py", project / "sub")
    cassette(project / "sub", recording(recorded_at="2001-01-01T00:00:00Z"))

    assert check(capsys)[0] == 0


def test_a_broken_configuration_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text("[tool")
    cassette(project, recording())

    status = main(["cassette", "check"])

    assert status == 1
    assert "pyproject.toml: cannot be read" in capsys.readouterr().err


def test_hostile_text_is_escaped_in_lines_of_80_columns(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = recording(version=f"{HOSTILE} {'漢' * 90}", case=HOSTILE)
    cassette(project, one, recording(version="b" * 300, case="t-2"))

    status, lines = check(capsys)

    assert status == 0
    assert lines[1].startswith("  alias drift  asked gpt-test")
    assert all(line.isprintable() and width(line) <= 80 for line in lines)


def test_where_there_is_nothing_to_check_it_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(["cassette", "check"])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith("llmprod: ")

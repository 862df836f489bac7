"""docs/cassettes.md shows what the commands print."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from checkout import check_out
from recordings import CHAT_URL, KEY

from pytest_llmprod.cli import main
from pytest_llmprod.wire.cassettes import cassette_file

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cassettes.md").read_text(encoding="utf-8")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, in whose folder the commands run."""
    folder = tmp_path / "support_triage"
    check_out(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def neglected(example: Path) -> Path:
    """The example with a renamed test, a recording that is there twice, and a key in a ticket."""
    test = example / "test_triage.py"
    test.write_text(test.read_text().replace("test_judges_urgency", "test_urgency"))
    folder = example / "cassettes" / "test_triage"
    doubled = folder / "test_labels_a_ticket.gpt-5-mini.json"
    recordings = cassette_file.load(doubled).all()
    cassette_file.save(doubled, [*recordings[:9], recordings[8], *recordings[9:]])
    leaking = folder / "test_labels_a_ticket.gpt-5-nano.json"
    (first, *others) = cassette_file.load(leaking).all()
    document = first.request["body"]["json"]
    ticket = {"role": "user", "content": f"My key {KEY} does not work."}
    body = {"json": {**document, "messages": [document["messages"][0], ticket]}}
    cassette_file.save(leaking, [replace(first, request={**first.request, "body": body}), *others])
    return example


@pytest.fixture
def greets(example: Path) -> Path:
    """The example with cassettes that pytest-recording left."""
    interaction = {
        "request": {
            "method": "POST",
            "uri": CHAT_URL,
            "headers": {},
            "body": '{"model": "gpt-5-mini", "messages": []}',
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": '{"model": "gpt-5-mini-2025-08-07", "choices": []}'},
        },
    }
    folder = example / "cassettes" / "test_chat"
    folder.mkdir()
    numbers = {"test_greets": 2, "test_answers[parcel]": 1, "test_answers[refund]": 2}
    for name, number in numbers.items():
        document = {"version": 1, "interactions": [interaction] * number}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    tests = "def test_greets(): ...\ndef test_answers(ticket): ...\n"
    (example / "test_chat.py").write_text(tests)
    return example


def shown(verb: str) -> tuple[list[str], str]:
    """Return the arguments of a command on the page, and the output below it."""
    match = re.search(rf"\$ llmprod (cassette {verb}(?:.*\\\n)*.*)\n((?:.*\n)*?)```", PAGE)
    assert match, f"docs/cassettes.md shows no `llmprod cassette {verb}`"
    return shlex.split(match[1].replace("\\\n", " ")), match[2]


@pytest.mark.usefixtures("example")
def test_the_comparison_of_two_models_is_what_diff_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, output = shown("diff")
    monkeypatch.chdir("cassettes/test_triage")

    status = main(arguments)

    assert capsys.readouterr().out == output
    assert status == 1


@pytest.mark.usefixtures("neglected")
def test_the_findings_are_what_check_prints(capsys: pytest.CaptureFixture[str]) -> None:
    arguments, output = shown("check")

    status = main(arguments)

    assert capsys.readouterr().out == output
    assert status == 1


@pytest.mark.usefixtures("neglected")
def test_what_is_removed_is_what_prune_prints(capsys: pytest.CaptureFixture[str]) -> None:
    arguments, output = shown("prune")

    status = main(arguments)

    assert (status, capsys.readouterr().out) == (0, output)


@pytest.mark.usefixtures("greets")
def test_what_is_written_is_what_import_prints(capsys: pytest.CaptureFixture[str]) -> None:
    arguments, output = shown("import")

    status = main(arguments)

    assert (status, capsys.readouterr().out) == (0, output)


@pytest.mark.usefixtures("example")
def test_what_is_written_is_what_export_prints(capsys: pytest.CaptureFixture[str]) -> None:
    arguments, output = shown("export")

    status = main(arguments)

    assert (status, capsys.readouterr().out) == (0, output)


def test_no_output_is_wider_than_80_columns() -> None:
    outputs = [shown(verb)[1] for verb in ("diff", "check", "prune", "import", "export")]

    assert all(output for output in outputs)
    assert all(len(line) <= 80 for output in outputs for line in output.splitlines())


def test_every_command_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cassette", "--help"])

    verbs = re.findall(r"(?m)^    (\w+) ", capsys.readouterr().out)
    named = re.findall(r"(?m)^\| `(\w+) (?:FILE|OLD|PATH|\[)", PAGE)
    assert len(verbs) == 6
    assert sorted(named) == sorted(verbs)

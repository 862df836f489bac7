"""Bad input at the door of pytest: each error names the place and the cure, and nothing is lost."""

import json
import stat

import pytest
from project import Project


def mark(project: Project, arguments: str, function: str = "test_doubles(llm_case)") -> None:
    project.pytester.makepyfile(
        test_words=f"""
        import pytest

        @pytest.mark.llm_eval({arguments})
        def {function}:
            pass
        """
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            'feature="f", dataset="nowhere.jsonl", threshold=0.5',
            "*dataset='nowhere.jsonl': there is no such file; looked for *Create it*",
        ),
        (
            'feature="f", dataset=".", threshold=0.5',
            "*dataset='.': * is a folder. Name a file in it, with its ending.*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold=90',
            "*threshold must be a share between 0 and 1 (0.9 for 90 %), not 90.*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold=True',
            "*threshold must be a share between 0 and 1*not True.*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold={"exat": 0.5}',
            "*the metric 'exat', which is not known. Did you mean 'exact'?*",
        ),
        (
            'feature="f", dataset="words.jsonl", treshold=0.5',
            "*there is no argument 'treshold'. Did you mean 'threshold'?*",
        ),
        ('feature="f", threshold=0.5', "*the argument 'dataset' is missing. Write @pytest*"),
        ('"f", dataset="words.jsonl", threshold=0.5', "*takes named arguments only, not 'f'*"),
        ('feature="", dataset="words.jsonl", threshold=0.5', "*feature must be a name*"),
        (
            'feature="f", dataset="words.jsonl", threshold=0.5, task="app.ask"',
            "*task must be callable, not 'app.ask'. Name the function itself*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold=0.5, confidence=95',
            "*confidence must be a share from 0.5 to below 1, such as 0.95, not 95.*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold=0.5, margin=2',
            "*margin must be a share from 0 to below 1, such as 0.02, not 2.*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold=0.5, margin=True',
            "*margin must be a share from 0 to below 1, such as 0.02, not True.*",
        ),
        (
            'feature="f", dataset="words.jsonl", threshold=0.5, max_errors=-1',
            "*max_errors must be a whole number from 0 up, not -1.*",
        ),
    ],
)
def test_a_wrong_marker_argument_is_a_collection_error_that_names_the_cure(
    project: Project, arguments: str, expected: str
) -> None:
    mark(project, arguments)

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*test_words.py::test_doubles: {expected}"])
    assert "Traceback" not in result.stdout.str()


def test_a_test_function_without_llm_case_is_told_so(project: Project) -> None:
    mark(project, 'feature="f", dataset="words.jsonl", threshold=0.5', "test_doubles()")

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*has no argument llm_case. Write `def test_doubles(llm_case):`*"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "*words.jsonl: has no rows.*"),
        (b'{"id": "a", "input": 1}\n{"id": \n', "*words.jsonl, line 2: is not valid JSON*"),
        (b'{"input": "a"}\n', "*words.jsonl, line 1: id: is missing.*"),
        (
            b'{"id": "a", "input": 1}\n\n{"id": "a", "input": 2}\n',
            "*line 3: the id 'a' was used before, in line 1.*",
        ),
        (b'{"id": "a"}\n{"id": "\xff"}\n', "*line 2: byte 0xff is not UTF-8.*"),
    ],
)
def test_a_broken_data_set_names_file_line_and_cure(
    project: Project, content: bytes, expected: str
) -> None:
    (project.path / "words.jsonl").write_bytes(content)

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([expected])


def test_one_broken_eval_leaves_the_others_collectable(project: Project) -> None:
    mark(project, 'feature="f", dataset="nowhere.jsonl", threshold=0.5')
    project.pytester.makepyfile(test_plain="def test_plain(): pass")

    result = project.run("--continue-on-collection-errors")

    assert result.parseoutcomes() == {"passed": 1, "errors": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool.llmprod]\nconcurency = 3", "*no key 'concurency'. Did you mean 'concurrency'?*"),
        ("[tool.llmprod]\nconcurrency = 'many'", "*concurrency must be a whole number*"),
        ("[tool.llmprod.wire]\nallow_hosts = 'x'", "*allow_hosts must be a list*"),
        ("[tool.llmprod", "*pyproject.toml*"),
    ],
)
def test_wrong_settings_are_usage_errors(project: Project, text: str, expected: str) -> None:
    (project.path / "pyproject.toml").write_text(text)

    result = project.run("-c", "/dev/null", f"--rootdir={project.path}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([expected])


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--llm-swap=gpt", "*--llm-swap takes OLD=NEW, two model names, not 'gpt'.*"),
        ("--llm-concurrency=0", "*--llm-concurrency must be at least 1, not 0.*"),
        ("--llm-record=always", "*invalid choice: 'always'*"),
    ],
)
def test_wrong_options_are_usage_errors(project: Project, option: str, expected: str) -> None:
    result = project.run(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([expected])


@pytest.mark.parametrize("damage", ["cut", "newer", "other"])
def test_a_cassette_that_cannot_be_read_fails_each_case_with_the_cure(
    recorded: Project, damage: str
) -> None:
    path = recorded.cassette()
    content = path.read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "newer": content.replace(b'"format": 1', b'"format": 2'),
        "other": b'{"openapi": "3.0"}',
    }[damage]
    path.write_bytes(broken)

    result = recorded.run("-k", "one")

    expected = {
        "cut": "*test_doubles.gpt-test.json, line *: the cassette is not valid JSON*cut short*",
        "newer": "*was written in format 2 *this version *reads format 1*pip install --upgrade*",
        "other": "*is no cassette, for it has no list of interactions.*",
    }[damage]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([expected])
    assert "the tests that got no answer say how to mend it" in result.outlines
    result.stdout.no_fnmatch_line("record what is missing with*")  # it would end like this run
    assert path.read_bytes() == broken


def test_nothing_is_sent_and_paid_for_that_no_cassette_could_take(recorded: Project) -> None:
    path = recorded.cassette()
    path.write_bytes(path.read_bytes()[:500])
    broken = path.read_bytes()

    result = recorded.record("--llm-record=all")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert path.read_bytes() == broken
    assert recorded.server.requests == []
    path.unlink()
    assert recorded.record("--llm-record=once").ret == pytest.ExitCode.OK


def test_a_broken_gates_file_is_kept_and_the_run_fails(recorded: Project) -> None:
    gates = recorded.path / "llmprod-gates.json"
    gates.write_text("{")

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert gates.read_text() == "{"
    result.stdout.fnmatch_lines(["*the old gates cannot be read*Restore the file*"])


def test_a_read_only_gates_file_is_kept_and_the_run_fails(recorded: Project) -> None:
    gates = recorded.path / "llmprod-gates.json"
    before = gates.read_text()
    gates.chmod(stat.S_IRUSR)
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.4")  # something to write

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert gates.read_text() == before
    result.stdout.fnmatch_lines(["*llmprod-gates.json: cannot be written*read-only*"])


def test_a_full_disk_keeps_the_old_gates_and_the_run_fails(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = recorded.path / "llmprod-gates.json"
    before = gates.read_text()
    recorded.pytester.makeconftest(
        """
        import os

        def pytest_runtestloop():
            def full(*args):
                raise OSError(28, "No space left on device")
            os.replace = full
        """
    )
    import os

    monkeypatch.setattr(os, "replace", os.replace)
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.4")  # something to write

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert gates.read_text() == before
    result.stdout.fnmatch_lines(["*llmprod-gates.json: cannot be written (No space left*"])
    assert not list(recorded.path.glob(".*.tmp"))


def test_a_json_report_that_cannot_be_written_fails_the_run(recorded: Project) -> None:
    (recorded.path / "folder").mkdir()

    result = recorded.run("--llm-json=folder")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*folder: cannot be written*Name another file with --llm-json*"])


@pytest.mark.parametrize(
    "body",
    [
        "\x1b[2J\x1b]0;owned\x07",
        "line one\nline two\r\n",
        "‮evil‬ text",
        "nul \x00 inside",
        "<script>alert(1)</script>]]>",
    ],
)
def test_hostile_model_output_reaches_no_report_raw(project: Project, body: str) -> None:
    project.server.answer = lambda request: body

    project.record("--junit-xml=junit.xml", "--llm-json=run.json")
    result = project.run("--junit-xml=junit.xml", "--llm-json=run.json")

    text = result.stdout.str()
    assert "\x1b[2J" not in text
    assert "‮" not in text.split("= llmprod =")[1]
    assert json.loads((project.path / "run.json").read_text())["suites"][0]["hits"] == 0
    import xml.etree.ElementTree as ET

    assert ET.parse(project.path / "junit.xml").getroot().tag == "testsuites"

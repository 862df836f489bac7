"""A run on data that differ from their lock, as a user sees it."""

import re
import shlex

import pytest
from project import Project

from pytest_llmprod.cli import main


def freeze(project: Project) -> None:
    assert main(["dataset", "freeze", str(project.path / "words.jsonl"), "--why", "x"]) == 0


def test_frozen_data_run_as_before(recorded: Project) -> None:
    freeze(recorded)

    result = recorded.run()

    assert result.ret == pytest.ExitCode.OK


def test_changed_data_fail_at_collection_and_name_the_rows(recorded: Project) -> None:
    freeze(recorded)
    gates = (recorded.path / "llmprod-gates.json").read_bytes()
    recorded.edit("words.jsonl", '"expected": "two two"', '"expected": "two"')

    result = recorded.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*words.jsonl: differs from its lock: 1 row changed since 20*",
            "*  changed  two",
            '*  llmprod dataset freeze */words.jsonl --why "..."',
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert (recorded.path / "llmprod-gates.json").read_bytes() == gates


def test_the_command_in_the_error_mends_it(
    recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    freeze(recorded)
    recorded.edit("words.jsonl", '"two two"', '"two"')
    output = recorded.run().stdout.str()
    match = re.search(r'llmprod (dataset freeze .*) "\.\.\."', output)
    assert match, output

    status = main([*shlex.split(match[1]), "two is enough"])

    assert status == 0
    assert recorded.run().ret == pytest.ExitCode.OK


def test_a_lock_that_cannot_be_read_fails_the_run(recorded: Project) -> None:
    (recorded.path / "words.lock").write_text("nonsense")

    result = recorded.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*words.lock: cannot be read as the lock of a data set*"])


def test_changed_data_fail_in_every_worker(recorded: Project) -> None:
    freeze(recorded)
    recorded.edit("words.jsonl", '"two two"', '"two"')

    result = recorded.run("-n2", subprocess=True)

    assert result.ret != pytest.ExitCode.OK
    assert "differs from its lock" in result.stdout.str()


def test_a_run_without_evals_looks_at_no_lock(recorded: Project) -> None:
    (recorded.path / "words.lock").write_text("nonsense")

    result = recorded.pytester.runpytest_inprocess()

    result.stdout.fnmatch_lines(["*1 eval was deselected*"])

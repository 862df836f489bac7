"""First contact: machines, terminals and options that a newcomer may have."""

import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from project import Project

from pytest_llmprod.core.files import path_from
from pytest_llmprod.core.text import width
from pytest_llmprod.wire.label import cassette_name, file_name

PYTEST = ("-m", "pytest", "--llm-eval", "-p", "no:cacheprovider")
DRILL = """
    import pytest
    from feature import ask

    def by_rules(word):
        return "rules"

    def answer(word):
        try:
            return ask(word)
        except Exception:
            return by_rules(word)

    @pytest.mark.llm_drill(
        feature="doubling", faults="quota", fallback="test_drill:by_rules", log=False
    )
    def test_survives(llm_fault, llm_script):
        llm_script.reply("two two")
        assert answer("two") in {"two two", "rules"}
"""
SETPRIV = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def started(
    folder: Path, *arguments: str, before: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder`, in an environment that has neither a home nor any program."""
    kept = ("HOME", "USERPROFILE", "OPENAI_API_KEY", "OPENAI_BASE_URL", "COLUMNS")
    lean = {name: value for name, value in os.environ.items() if name not in kept}
    return subprocess.run(
        [*before, sys.executable, *arguments],
        cwd=folder,
        env={**lean, "PATH": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bare_machine_and_an_odd_path_change_nothing(recorded: Project, tmp_path: Path) -> None:
    home = tmp_path / "ein Projekt für Ümläute" / "and spaces"
    shutil.copytree(recorded.path, home)
    (home / "llmprod-gates.json").unlink()
    (home / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    below = home / "sub folder"
    below.mkdir()

    result = started(below, "-W", "error", *PYTEST, "-W", "error", "--import-mode=importlib", "..")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "  pytest --llm-eval '../test_words.py::test_doubles[seven]'\n" in result.stdout
    assert "gate doubling: open" in result.stdout
    assert (home / "llmprod-gates.json").exists()
    assert list(below.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ("-p", "no:cacheprovider"),
        ("--import-mode=importlib", "--override-ini=pythonpath=."),
        ("-W", "error"),
        ("-p", "no:terminal"),
    ],
    ids=" ".join,
)
def test_an_option_of_pytest_leaves_the_verdict_as_it_is(
    recorded: Project, options: tuple[str, ...]
) -> None:
    (recorded.path / "llmprod-gates.json").unlink()
    good = recorded.run(*options)
    is_open = recorded.gates()["doubling"]["enabled"]
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.99")
    bad = recorded.run(*options)

    assert (good.ret, is_open) == (0, True)
    assert (bad.ret, recorded.gates()["doubling"]["enabled"]) == (1, False)


def test_a_report_that_pytest_takes_for_a_test_path_is_told(recorded: Project) -> None:
    home = recorded.path / "project"
    home.mkdir()
    (home / "pytest.ini").write_text("[pytest]\n")
    (home / "test_one.py").write_text("def test_one():\n    pass\n")
    report = recorded.path / "old.md"
    report.touch()

    apart = started(home, *PYTEST, "--llm-markdown", str(report))
    together = started(home, *PYTEST, f"--llm-markdown={report}")
    within = started(home, *PYTEST, "--llm-markdown", "old.md")

    assert apart.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"Write --llm-markdown={report}, as one word." in apart.stderr
    assert (together.returncode, within.returncode) == (0, 0), together.stdout + within.stdout


def test_without_the_plugin_an_eval_is_an_error_and_no_pass(recorded: Project) -> None:
    result = recorded.pytester.runpytest_inprocess("-p", "no:llmprod")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'llm_case' not found"])


def test_python_without_asserts_still_judges_and_never_opens_a_gate(recorded: Project) -> None:
    judged = started(recorded.path, "-O", *PYTEST)
    refused = started(recorded.path, "-O", *PYTEST, "--assert=plain")

    assert judged.returncode == 0
    assert "10 passed, 1 warning, 1 missed" in judged.stdout
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "executes no assert: every case would be a hit. Leave out one of them." in refused.stderr


@pytest.mark.parametrize(
    ("names", "is_coloured"),
    [
        ((), False),
        (("FORCE_COLOR",), True),
        (("NO_COLOR",), False),
        (("FORCE_COLOR", "NO_COLOR"), False),
    ],
    ids=str,
)
def test_colours_are_as_the_environment_asks(
    recorded: Project, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], is_coloured: bool
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, "1")

    text = "\n".join(recorded.run().outlines)

    assert ("gate doubling: \x1b[32mopen" in text) == is_coloured
    assert ("\x1b" in text) == is_coloured


def summary(result: pytest.RunResult) -> list[str]:
    """Return the lines of our section."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "= llmprod =" in line)
    return lines[start + 1 : -1]


def test_a_summary_has_80_columns_on_every_terminal(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for columns in ("40", "60", "80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        told.append(summary(recorded.run()))

    assert all(lines == told[0] for lines in told)
    assert any("misses in" in line or "miss in" in line for line in told[0])
    assert max(map(width, told[0])) <= 80


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_folder_that_nobody_may_write_loses_the_log_and_no_verdict(recorded: Project) -> None:
    for path in (recorded.path, *recorded.path.rglob("*")):
        if path.is_dir():
            path.chmod(0o555)
    before = tuple(SETPRIV) if os.geteuid() == 0 else ()
    before = (str(shutil.which("setpriv")), *before[1:]) if before else ()

    result = started(recorded.path, *PYTEST, before=before)
    recorded.path.chmod(0o755)

    assert result.returncode == 0, result.stdout
    assert "llmprod: the request log is incomplete: " in result.stdout
    assert "gate doubling: open" in result.stdout


def test_evidence_that_cannot_be_kept_is_told_and_fails_no_drill(project: Project) -> None:
    project.pytester.makepyfile(test_drill=DRILL)
    (project.path / "llmprod-history.jsonl").mkdir()

    result = project.run("test_drill.py")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["llmprod: the evidence of this run is lost: llmprod-history.jsonl: *"]
    )


@pytest.mark.parametrize(
    ("path", "start", "told"),
    [
        (
            PureWindowsPath(r"C:\work\tests\test_a.py"),
            PureWindowsPath(r"c:\Work"),
            "tests/test_a.py",
        ),
        (PureWindowsPath(r"C:\work\test_a.py"), PureWindowsPath(r"C:\work\sub"), "../test_a.py"),
        (PureWindowsPath(r"D:\work\test_a.py"), PureWindowsPath(r"C:\work"), "D:/work/test_a.py"),
        (PureWindowsPath(r"\\host\share\a.py"), PureWindowsPath(r"C:\work"), "//host/share/a.py"),
        (PurePosixPath("/work/tests/a b.py"), PurePosixPath("/work/sub"), "../tests/a b.py"),
        (PurePosixPath("/work"), PurePosixPath("/work"), "."),
    ],
    ids=str,
)
def test_a_path_is_told_from_where_one_stands(path: PurePath, start: PurePath, told: str) -> None:
    assert path_from(path, start) == told


@pytest.mark.parametrize(
    "name",
    ["con", "NUL", "aux.thing", "Com1.test_a", "lpt9", "a:b", "a\\b", 'x"<>|?*', "end. ", "ü"],
)
def test_every_name_of_a_cassette_is_one_that_windows_takes(name: str) -> None:
    made = PureWindowsPath(cassette_name(name, "gpt-5-mini"))

    assert not made.is_reserved()
    assert made.name == str(made)
    assert not set('<>:"/\\|?*') & set(made.name)
    assert file_name(name) != file_name(f"{name}x")


@pytest.mark.parametrize("name", ["test_con", "contact.test_a", "auxiliary", "common", "com10"])
def test_a_name_that_only_looks_like_a_device_stays(name: str) -> None:
    assert file_name(name) == name


def test_the_longest_name_of_a_cassette_leaves_room_for_its_folder() -> None:
    assert len(cassette_name("test_" + "x" * 500, "m" * 500)) <= 224

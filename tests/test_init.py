"""`llmprod init`: what it writes runs at once, is green, and can fail."""

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest
import warm
from loopback import Provider

from pytest_llmprod.cli import main

NAIVE = """
import openai


def triage(text):
    completion = openai.OpenAI().chat.completions.create(
        model="gpt-test", messages=[{"role": "user", "content": text}]
    )
    return completion.choices[0].message.content
"""
ASYNC = """
import openai

client = openai.AsyncOpenAI()  # when it is imported, which needs a key


async def triage(text):
    completion = await client.chat.completions.create(
        model="gpt-test", messages=[{"role": "user", "content": text}]
    )
    return completion.choices[0].message.content
"""
OF_TWO = NAIVE.replace("def triage(text):", 'def triage(text, *, language, tone="kind"):')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with spaces in its path, without git and without a key."""
    path = tmp_path / "a new project"
    path.mkdir()
    monkeypatch.chdir(path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "LLMPROD_GATES"):
        monkeypatch.delenv(name, raising=False)
    return path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def init(callable_name: str = "app.triage:triage") -> int:
    return main(["init", "--feature=ticket-triage", f"--callable={callable_name}"])


def run_pytest(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    script = str(Path(sys.executable).with_name("pytest"))
    environ = {**os.environ, "PATH": str(folder / "no-git"), **variables}
    return warm.run([script, "-p", "no:cacheprovider", *arguments], cwd=folder, env=environ)


def content_below(folder: Path) -> Mapping[str, bytes]:
    # Asking whether the callable is there imports it, which may leave bytecode.
    paths = (
        path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"
    )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_in_an_empty_folder_everything_is_written_and_green(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init() == 0

    told = capsys.readouterr().out
    result = run_pytest(folder, "--llm-eval", "-rs", "-W", "error")
    assert result.returncode == 0, result.stdout
    assert re.search(r"survived (\d+) of \1 faults", result.stdout)
    assert "ticket_triage.jsonl: say in its rows what is expected" in result.stdout
    assert not (folder / "llmprod-gates.json").exists()
    assert sorted(content_below(folder)) == sorted(
        [
            *(".github/workflows/llmprod.yml", ".gitignore", "RUNBOOK.md", "app/__init__.py"),
            *("app/ticket_triage_gated.py", "app/triage.py", "evals/ticket_triage.jsonl"),
            *("pyproject.toml", "tests/test_ticket_triage_drill.py"),
            *("tests/test_ticket_triage_eval.py", "tests/test_ticket_triage_guardrails.py"),
            "llmprod-history.jsonl",
            *(name for name in content_below(folder) if "__pycache__" in name),
        ]
    )
    assert "wrote       app/triage.py\n" in told
    assert told.index("--llm-record=once") < told.index("llmprod runbook ")
    assert told.endswith("runs the drill and the guardrails, and no eval\n")


@pytest.mark.parametrize("name", ["ask", "ask_in_time", "answer", "gate"])
def test_a_function_may_have_a_name_that_is_used_beside_it(folder: Path, name: str) -> None:
    assert init(f"app.triage:{name}") == 0

    result = run_pytest(folder, "-q", "-W", "error", "tests/test_ticket_triage_drill.py")
    assert result.returncode == 0, result.stdout
    assert re.search(r"survived (\d+) of \1 faults", result.stdout)


@pytest.mark.parametrize(
    ("source", "called"),
    [
        pytest.param(NAIVE, "app.triage.triage(llm_case.input)", id="plain"),
        pytest.param(ASYNC, "await app.triage.triage(given)", id="async"),
        pytest.param(OF_TWO, "app.triage.triage(**llm_case.input)", id="of-two-arguments"),
    ],
)
def test_a_callable_that_is_there_is_called_as_it_wants(
    folder: Path, source: str, called: str
) -> None:
    write(folder, "app/triage.py", source)

    assert init() == 0

    result = run_pytest(folder, "--llm-eval", "-W", "error")
    assert result.returncode == 0, result.stdout
    assert "drills of ticket-triage: survived 8 of 8 faults" in result.stdout
    assert called in (folder / "tests" / "test_ticket_triage_eval.py").read_text()
    assert (folder / "app" / "triage.py").read_text() == source


def test_the_drill_asks_for_an_answer_that_a_function_that_is_there_takes(folder: Path) -> None:
    write(folder, "app/triage.py", NAIVE)

    assert init() == 0

    drill = (folder / "tests" / "test_ticket_triage_drill.py").read_text()
    assert 'llm_script.reply("yes")  # TODO: an answer that triage takes for good\n' in drill


@pytest.mark.parametrize("place", ["elsewhere", "a new project/env/lib/site-packages"])
def test_what_is_written_for_an_installed_function_stands_in_the_project(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    write(tmp_path / place, "app/__init__.py", "")
    write(tmp_path / place, "app/triage.py", NAIVE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / place))

    assert init() == 0

    assert (folder / "ticket_triage_gated.py").is_file()
    assert not (folder / "app").exists()
    assert run_pytest(folder, "--llm-eval").returncode == 0


def test_the_other_steps_of_its_workflow_pass_before_and_after_the_rows_are_filled_in(
    folder: Path,
) -> None:
    init()
    workflow = (folder / ".github" / "workflows" / "llmprod.yml").read_text()
    steps = re.findall(r"- run: llmprod ([a-z -]+)", workflow)

    def statuses() -> list[int]:
        command = ["-m", "pytest_llmprod.cli"]
        return [warm.run([*command, *step.split()], cwd=folder).returncode for step in steps]

    before = statuses()
    data = folder / "evals" / "ticket_triage.jsonl"
    data.write_text(data.read_text().replace("null", '"yes"'))

    assert [step.strip() for step in steps] == ["runbook --check", "selfcheck"]
    assert before == statuses() == [0, 0]


@pytest.mark.parametrize(
    ("name", "text", "installed"),
    [
        ("requirements.txt", "openai\n", "-r requirements.txt pytest-llmprod"),
        ("pyproject.toml", '[project]\nname = "shop"\n', "-e . pytest-llmprod"),
        ("pyproject.toml", "[tool.ruff]\n", "pytest-llmprod"),
        ("README.md", "", "pytest-llmprod"),
    ],
)
def test_the_workflow_installs_what_the_project_says(
    folder: Path, name: str, text: str, installed: str
) -> None:
    (folder / name).write_text(text)

    init()

    workflow = (folder / ".github" / "workflows" / "llmprod.yml").read_text()
    assert f"pip install {installed}\n" in workflow


def test_the_import_mode_importlib_finds_the_application_too(folder: Path) -> None:
    init()

    result = run_pytest(folder, "--llm-eval", "--import-mode=importlib")

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("source", [NAIVE, ASYNC, ""], ids=["plain", "async", "written"])
def test_the_eval_that_is_written_opens_and_closes_the_gate(
    folder: Path, server: Provider, source: str
) -> None:
    if source:
        write(folder, "app/triage.py", source)
    init()
    app = folder / "app" / "triage.py"
    app.write_text(app.read_text().replace('"yes", "no"', '"word1 word1", "word2 word2"'))
    rows = [{"id": f"t-{n}", "input": f"say word{n}", "expected": f"word{n} word{n}"} for n in "12"]
    data = folder / "evals" / "ticket_triage.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    # No model has a price here, so the budgets of what it costs would fail.
    test = folder / "tests" / "test_ticket_triage_eval.py"
    test.write_text(test.read_text().replace('"cost < 0.01", ', ""))
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text().replace('"sum(cost) < 1"', ""))
    variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-live-0123456789abcdefghij"}

    recorded = run_pytest(folder, "--llm-eval", "--llm-record=once", **variables)
    replayed = run_pytest(folder, "--llm-eval")
    checked = [main(["runbook", *words]) for words in (["--check"], [], ["--check"])]
    data.write_text(data.read_text().replace("word1 word1", "wrong").replace("word2 word2", "too"))
    wrong = run_pytest(folder, "--llm-eval")

    assert recorded.returncode == 0, recorded.stdout
    assert replayed.returncode == 0, replayed.stdout
    # The workflow that is written checks the runbook: a recording puts it out of date.
    assert checked == [1, 0, 0]
    assert "gate ticket-triage: open" in replayed.stdout
    assert len(server.requests) == 2
    assert wrong.returncode == 1
    assert "gate ticket-triage: closed" in wrong.stdout


def test_an_answer_that_is_no_label_is_a_miss_that_shows_it(folder: Path, server: Provider) -> None:
    init()
    rows = [{"id": f"t-{n}", "input": f"say word{n}", "expected": "yes"} for n in "12"]
    data = folder / "evals" / "ticket_triage.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-live-0123456789abcdefghij"}

    result = run_pytest(
        folder, "--llm-eval", "--llm-record=once", "--llm-json=run.json", **variables
    )

    cases = json.loads((folder / "run.json").read_text())["cases"]
    assert "2 misses in 2" in result.stdout
    assert [each["why"] for each in cases] == [
        "no label: 'word1 word1', ended by 'stop'",
        "no label: 'word2 word2', ended by 'stop'",
    ]


def test_the_good_answer_of_the_drill_is_one_of_the_labels(folder: Path) -> None:
    init()
    app = folder / "app" / "triage.py"
    app.write_text(app.read_text().replace('"yes", "no"', '"billing", "other"'))
    drill = folder / "tests" / "test_ticket_triage_drill.py"
    call = "app.ticket_triage_gated.answer(GIVEN)"
    drill.write_text(drill.read_text().replace(call, f'assert {call} == "billing"'))

    result = run_pytest(folder, "-k", "slow-answer")

    assert "1 passed" in result.stdout


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (None, "dataset='evals/ticket_triage.jsonl': there is no such file"),
        ("{broken\n", "ticket_triage.jsonl, line 1: "),
        ("", "ticket_triage.jsonl: "),
    ],
    ids=["missing", "broken", "empty"],
)
def test_a_data_set_that_is_spoilt_is_told_by_its_file_and_line(
    folder: Path, rows: str | None, told: str
) -> None:
    init()
    data = folder / "evals" / "ticket_triage.jsonl"
    if rows is None:
        data.unlink()
    else:
        data.write_text(rows)

    result = run_pytest(folder, "--llm-eval", "tests/test_ticket_triage_eval.py")

    assert result.returncode == 2, result.stdout
    assert told in result.stdout
    assert "Traceback" not in result.stdout
    assert "json.decoder" not in result.stdout


def test_the_drill_and_the_guardrails_that_are_written_can_fail(folder: Path) -> None:
    init()
    gated = folder / "app" / "ticket_triage_gated.py"
    gated.write_text(gated.read_text().replace('%s", what)', '%s for %s", what, text)'))
    data = folder / "evals" / "ticket_triage.jsonl"
    data.write_text(data.read_text().replace("TODO", "Write to ann.miller@example.com", 1))
    starter = folder / "app" / "triage.py"
    whole = 'choice.finish_reason != "stop" or label not in LABELS'
    starter.write_text(starter.read_text().replace(whole, "not label"))

    result = run_pytest(folder, "-rf")

    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert result.returncode == 1
    assert any("test_the_data_set_holds_nothing_personal" in line for line in failed)
    assert any("test_the_log_does_not_repeat" in line for line in failed)
    assert any("test_survives_its_provider[length]" in line for line in failed)
    assert "ann.miller" not in result.stdout


def test_a_second_call_leaves_everything_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init()
    before = content_below(folder)
    capsys.readouterr()

    status = init()

    told = capsys.readouterr().out.partition("next\n")[0].splitlines()
    assert status == 0
    assert content_below(folder) == before
    assert [line for line in told if not line.startswith("left alone  ")] == []
    assert "left alone  RUNBOOK.md: renew it with `llmprod runbook`" in told
    assert "left alone  evals/ticket_triage.jsonl: it is there already" in told


def test_a_second_feature_gets_its_own_files_and_its_own_table(folder: Path) -> None:
    init()

    assert main(["init", "--feature=summary", "--callable=app.summary:summarise"]) == 0

    settings = tomllib.loads((folder / "pyproject.toml").read_text())
    assert list(settings["tool"]["llmprod"]["features"]) == ["ticket-triage", "summary"]
    assert settings["tool"]["llmprod"]["wire"] == {"forbid": ["pii", "secrets"]}
    assert run_pytest(folder, "--llm-eval").returncode == 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_a_user_wrote_stays_as_it_is(folder: Path, end: str) -> None:
    ours = '[tool.llmprod]\nlog = "live"  # by hand\n\n[tool.pytest.ini_options]\nminversion = "9"'
    written = ours.replace("\n", end).encode()
    (folder / "pyproject.toml").write_bytes(written)
    (folder / ".gitignore").write_bytes(f"*.log{end}".encode())

    init()

    content = (folder / "pyproject.toml").read_bytes()
    table = tomllib.loads(content.decode())["tool"]
    assert content.startswith(written + end.encode())
    assert content.count(b"\r\n") == (content.count(b"\n") if end == "\r\n" else 0)
    assert table["llmprod"]["log"] == "live"
    assert "wire" not in table["llmprod"]
    assert table["llmprod"]["features"]["ticket-triage"]["requests_per_month"] == 10000
    assert (folder / ".gitignore").read_bytes() == f"*.log{end}.llmprod/{end}".encode()
    # pytest is configured already, so a conftest.py says where the application is.
    assert (folder / "conftest.py").is_file()
    assert run_pytest(folder, "--llm-eval").returncode == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tool = {llmprod = {log = 'all'}}\n", "add a table [tool.llmprod.features.ticket-triage]"),
        (
            "[tool.llmprod.features.ticket-triage]\n",
            "it has [tool.llmprod.features.ticket-triage] already",
        ),
    ],
)
def test_settings_that_cannot_be_added_to_are_left_alone(
    folder: Path, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pyproject.toml").write_text(text)

    main(["init", "--feature=ticket-triage", "--callable=app.triage:triage"])

    assert (folder / "pyproject.toml").read_text() == text
    assert f"left alone  pyproject.toml: {reason}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "half"\n',
        '[project]\nname = "half"  # [tool.llmprod] comes later',
        "[tool.ruff]\n\n[tool.llmprod]\n",
    ],
)
def test_settings_that_were_only_begun_are_completed(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)

    init()

    content = (folder / "pyproject.toml").read_text()
    table = tomllib.loads(content)["tool"]["llmprod"]
    assert content.startswith(text)
    assert list(table["features"]) == ["ticket-triage"]
    assert table["wire"] == {"forbid": ["pii", "secrets"]}


def test_tests_go_where_pytest_looks_for_them(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = checks/unit\npythonpath = src\n")
    write(folder, "src/app/triage.py", NAIVE)

    init()

    assert (folder / "checks" / "unit" / "test_ticket_triage_eval.py").is_file()
    assert (folder / "src" / "app" / "ticket_triage_gated.py").is_file()
    assert run_pytest(folder, "--llm-eval").returncode == 0


def test_tests_stay_in_the_project_wherever_else_pytest_looks_for_them(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = ../shared . part_*/checks\n")

    init()

    assert (folder / "tests" / "test_ticket_triage_eval.py").is_file()


def test_a_folder_of_almost_that_name_does_not_keep_the_log_out_of_git(folder: Path) -> None:
    (folder / ".gitignore").write_text(".llmprod-old/\n")

    init()

    assert (folder / ".gitignore").read_text() == ".llmprod-old/\n.llmprod/\n"


def test_a_module_beside_the_application_is_in_nobodys_way(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = src\n")
    write(folder, "src/app/triage.py", NAIVE)
    write(folder, "inspect.py", "raise RuntimeError('a script of ours')\n")

    assert init() == 0


def test_a_project_on_gitlab_gets_no_workflow_of_github(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".gitlab-ci.yml").write_text("test:\n  script: pytest\n")

    init()

    assert not (folder / ".github").exists()
    told = "left alone  .gitlab-ci.yml: add `pytest --llm-eval` to a job of it\n"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "callable_name", "told"),
    [
        ("import nowhere_at_all\n", "app.triage:triage", "cannot be imported: No module named"),
        ("1 / 0\n", "app.triage:triage", "app.triage cannot be imported: ZeroDivisionError: divis"),
        (NAIVE, "app.triage:traige", "no callable 'traige'. Its functions are: triage."),
        ("def triage(): ...\n", "app.triage:triage", "takes no argument"),
        (NAIVE, "app.triage", "names no callable. Write module and function with a colon"),
        (NAIVE, "app.triage.more:triage", "triage.py is a module, and no package"),
        (NAIVE, "app.tri age:triage", "names no callable"),
    ],
)
def test_a_callable_that_cannot_be_used_is_told_and_nothing_is_written(
    folder: Path,
    source: str,
    callable_name: str,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder, "app/triage.py", source)

    status = init(callable_name)

    assert status == 1
    assert told in capsys.readouterr().err
    assert [name for name in content_below(folder) if "__pycache__" not in name] == [
        "app/triage.py"
    ]


def test_settings_that_cannot_be_read_are_told_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pyproject.toml").write_text("[tool\n")

    status = init()

    assert status == 1
    assert "pyproject.toml: cannot be read" in capsys.readouterr().err
    assert list(content_below(folder)) == ["pyproject.toml"]


@pytest.mark.parametrize("name", ["ticket triage", "4711", "", "tri/age", "ärger"])
def test_a_name_that_is_none_for_files_is_refused(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["init", f"--feature={name or ' '}", "--callable=app.triage:triage"])

    assert status == 1
    assert "names no feature. Write letters, digits and -" in capsys.readouterr().err
    assert content_below(folder) == {}


def test_it_asks_for_what_is_not_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ticket-triage\napp.triage:triage\n"))

    assert main(["init"]) == 0

    told = capsys.readouterr().out
    assert told.startswith("Name of the feature, such as ticket-triage: Function that asks the")
    assert (folder / "app" / "triage.py").is_file()


def test_a_name_that_is_none_is_refused_before_the_next_question(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Ticket triage!\n"))

    assert main(["init"]) == 1

    told = capsys.readouterr()
    assert "Function that asks" not in told.out
    assert "'Ticket triage!' names no feature" in told.err


def test_the_drill_that_is_written_has_its_imports_in_order(folder: Path) -> None:
    init("app.classify:triage")  # before the module with the gate, app.ticket_triage_gated

    lines = (folder / "tests" / "test_ticket_triage_drill.py").read_text().splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    assert imports == sorted(imports)
    assert len(imports) == 3


def test_without_an_answer_it_is_called_in_a_wrong_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ticket-triage\n"))

    with pytest.raises(SystemExit) as caught:
        main(["init"])

    assert caught.value.code == 2
    assert "give it with --callable" in capsys.readouterr().err
    assert content_below(folder) == {}


def test_a_folder_that_is_read_only_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "app").write_text("")  # a file where a folder has to be: root may write anywhere

    status = init()

    assert status == 1
    assert "app/__init__.py: cannot be written" in capsys.readouterr().err


def test_the_templates_are_files_of_the_package() -> None:
    folder = files("pytest_llmprod.handoff") / "templates"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".template"))

    assert len(names) == 14
    assert {"eval.py.template", "drill.py.template", "workflow.yml.template"} <= set(names)

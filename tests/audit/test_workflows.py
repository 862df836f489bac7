"""Does a workflow run the evals on every change, and fail with them?"""

from pathlib import Path

import pytest
from ci_files import github

from pytest_llmprod.handoff.audit.shell_lines import runs_of_evals
from pytest_llmprod.handoff.audit.workflows import read_ci

WORKFLOW = ".github/workflows/ci.yml"


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def weaknesses(root: Path, name: str, text: str) -> list[str]:
    write(root, name, text)
    return [run.weakness for run in read_ci(root).runs]


@pytest.mark.parametrize(
    "command",
    [
        "pytest --llm-eval",
        "python -m pytest -q tests --llm-eval --llm-html=report.html",
        ".venv/bin/pytest --llm-eval",
        "pip install . && pytest --llm-eval",
        "pytest --llm-eval || exit 1",
        "pytest --llm-eval > log.txt 2>&1",
        "pytest --llm-eval &> log.txt",
        "pytest --llm-eval & wait $!",
        "set -o pipefail; pytest --llm-eval | tee log.txt",
        "pytest \\\n            --llm-eval",
        "echo 'the evals; all' && pytest --llm-eval",
        "pytest --llm-eval  # all of them || true",
        "false && make lint; pytest --llm-eval",
        "true || make lint && pytest --llm-eval",
        "false && make lint || pytest --llm-eval",
    ],
)
def test_a_command_that_fails_with_the_evals_is_found_at_its_line(
    tmp_path: Path, command: str
) -> None:
    write(tmp_path, WORKFLOW, github(command))

    (run,) = read_ci(tmp_path).runs

    assert run.weakness == ""
    assert (run.path, run.line) == (WORKFLOW, 12)


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "echo pytest --llm-eval",
        "# pytest --llm-eval",
        "pytest --llm-evaluation",
        "grep 'x' --llm-eval",
        "make lint  # not yet: pytest --llm-eval",
        "echo 'now; pytest --llm-eval'",
        "cat > evals.sh <<EOF\n          pytest --llm-eval\n          EOF",
        ": <<-'END'\n          pytest --llm-eval\n          END\n          make",
    ],
)
def test_what_runs_no_evals_is_not_taken_for_it(tmp_path: Path, command: str) -> None:
    assert weaknesses(tmp_path, WORKFLOW, github(command)) == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("pytest --llm-eval || true", "`|| true` hides a failure"),
        ("pytest --llm-eval || :", "`|| :` hides a failure"),
        ("pytest --llm-eval || echo failed", "`|| echo failed` hides a failure"),
        ("pytest --llm-eval || exit 0", "`|| exit 0` hides a failure"),
        ("pytest --llm-eval | tee log", "`| tee` decides in its place, for pipefail is not set"),
        ("pytest --llm-eval &", "`&` waits for no result"),
        ("if pytest --llm-eval; then echo ok; fi", "`if` takes the failure for an answer"),
        ("! pytest --llm-eval", "`!` takes the failure for an answer"),
        ("pytest --llm-eval --collect-only", "--collect-only runs no test"),
        ("pytest --llm-eval --llm-plan", "--llm-plan runs no test"),
        ("pytest --llm-eval --setup-plan", "--setup-plan runs no test"),
        ("pytest --help --llm-eval", "--help runs no test"),
        ("pytest --llm-eval --llm-fallback-only", "--llm-fallback-only decides no gate"),
        ("pytest --llm-eval & wait", "`&` waits for no result"),
        ("set +o errexit\n          pytest --llm-eval", "set +e keeps the script going"),
        ("set +e\n          pytest --llm-eval", "set +e keeps the script going"),
        ("false && pytest --llm-eval", "`false &&` keeps it from running"),
        ("cd x; false && pip install . && pytest --llm-eval", "`false &&` keeps it from running"),
        ("true || pytest --llm-eval", "`true ||` keeps it from running"),
        (
            "if false; then\n            pytest --llm-eval\n          fi",
            "`if false` keeps it from running",
        ),
        (
            "if false\n          then\n          if x\n          then\n          y\n          fi\n"
            "          pytest --llm-eval\n          fi",
            "`if false` keeps it from running",
        ),
        ("exit 0\n          pytest --llm-eval", "`exit 0` above it ends the script"),
    ],
)
def test_a_command_that_hides_a_failure_says_how(tmp_path: Path, command: str, why: str) -> None:
    assert weaknesses(tmp_path, WORKFLOW, github(command)) == [why]


@pytest.mark.parametrize(
    "script",
    [
        "bash <<EOF\n          pytest --llm-eval\n          EOF",
        "cat <<EOF\n          text\n          EOF\n          pytest --llm-eval",
        "cat <<EOF\n          that never ends\n          pytest --llm-eval",
        "cat <<<EOF\n          pytest --llm-eval\n          EOF",
        "if false; then\n          make\n          else\n          pytest --llm-eval\n          fi",
        "if false; then\n            make\n          fi\n          pytest --llm-eval",
        "if [ -z $X ]; then\n            exit 1\n          fi\n          pytest --llm-eval",
    ],
)
def test_evals_beside_what_never_runs_count(tmp_path: Path, script: str) -> None:
    assert weaknesses(tmp_path, WORKFLOW, github(script)) == [""]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("set -e\npytest --llm-eval\nmake\n", [""]),
        ("cat <<EOF\npytest --llm-eval\nEOF\n", []),
        ("false && pytest --llm-eval\n", ["`false &&` keeps it from running"]),
        ("exit 0\npytest --llm-eval\n", ["`exit 0` above it ends the script"]),
        ("pytest --llm-eval\n# the end\n", [""]),
    ],
)
def test_a_script_that_is_called_is_read_the_same_way(
    tmp_path: Path, script: str, why: list[str]
) -> None:
    write(tmp_path, "ci/evals.sh", script)

    assert weaknesses(tmp_path, WORKFLOW, github("pip install . && ./ci/evals.sh")) == why


@pytest.mark.parametrize("where", ["job", "step"])
@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("continue-on-error: true", "continue-on-error lets it fail"),
        ("continue-on-error: ${{ matrix.new }}", "continue-on-error lets it fail"),
        ("continue-on-error: false", ""),
        ("if: false", "if: false leaves changes out"),
        ("if: ${{ github.event_name == 'schedule' }}", "if: github.event_name == 'schedule'"),
        ("if: github.actor != 'bot'", ""),
        ("if: github.ref == 'refs/heads/main'", "if: github.ref == 'refs/heads/main'"),
        ("if: startsWith(github.ref, 'refs/tags/')", "if: startswith(github.ref"),
        ("if: github.ref != 'refs/heads/old'", ""),
        ("if: github.event_name == 'pull_request' || github.ref == 'refs/heads/main'", ""),
    ],
)
def test_a_job_or_step_of_github_that_may_fail_says_so(
    tmp_path: Path, where: str, key: str, why: str
) -> None:
    (found,) = weaknesses(tmp_path, WORKFLOW, github(**{where: key}))

    assert found.startswith(why)
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("push", ""),
        ("{push: {branches: [main]}, pull_request: }", ""),
        ("{pull_request: {types: [opened, synchronize]}}", ""),
        ("{push: {branches: ['**']}}", ""),
        ("{push: {branches: ['**'], tags: ['v*']}}", ""),
        ("{push: {tags: ['v*']}}", "it runs when a tag is made, and not before"),
        ("schedule", "on: schedule leaves changes out"),
        ("[workflow_dispatch]", "on: workflow_dispatch leaves changes out"),
        ("{push: {branches: [main]}}", "it runs when a change is on main, and not before"),
        ("{pull_request: {paths: ['src/**']}}", "paths of pull_request leaves out changes"),
        ("{push: {paths-ignore: ['*.md']}}", "paths-ignore of push leaves out changes"),
        ("{pull_request: {types: [labeled]}}", "types of pull_request leave out new commits"),
    ],
)
def test_a_workflow_that_changes_do_not_start_says_which(tmp_path: Path, on: str, why: str) -> None:
    (found,) = weaknesses(tmp_path, WORKFLOW, github(on=on))

    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_shell_bash_sets_pipefail_on_github(tmp_path: Path) -> None:
    text = github("pytest --llm-eval | tee log", step="shell: bash")

    assert weaknesses(tmp_path, WORKFLOW, text) == [""]


GITLAB = """\
.base:
  script:
    - pytest --llm-eval
evals:
  extends: .base
  {job}
"""


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ("stage: test", ""),
        ("allow_failure: false", ""),
        ("allow_failure: true", "allow_failure lets it fail"),
        ("allow_failure: {exit_codes: [1]}", "allow_failure lets it fail"),
        ("when: manual", "when: manual leaves it out"),
        ("only: [schedules]", "only: schedules leaves other changes out"),
        ("only: [merge_requests]", ""),
        ("only: {changes: [src/*]}", "only: changes leaves out changes of some files"),
        ("rules: [{if: $CI_MERGE_REQUEST_ID}]", ""),
        ("rules: [{if: $X, allow_failure: true}]", "allow_failure in its rules lets it fail"),
        ("rules: [{when: manual}, {when: never}]", "its rules start it by hand or never"),
        ("rules: [{changes: [a]}]", "changes in its rules leaves out changes of some files"),
    ],
)
def test_a_job_of_gitlab_with_a_template_is_read_as_one(tmp_path: Path, job: str, why: str) -> None:
    assert weaknesses(tmp_path, ".gitlab-ci.yml", GITLAB.format(job=job)) == [why]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            ".base: {allow_failure: true, script: [pytest --llm-eval]}\n"
            "evals: {extends: .base, allow_failure: false}\n",
            [""],
        ),
        (
            ".base: {allow_failure: true}\nevals: {extends: .base, script: [pytest --llm-eval]}\n",
            ["allow_failure lets it fail"],
        ),
        (
            ".base: {script: [pytest --llm-eval]}\nevals: {extends: .base, script: [make]}\n",
            [],
        ),
        (
            ".a: {script: [pytest --llm-eval]}\n.b: {script: [make]}\nevals: {extends: [.a, .b]}\n",
            [],
        ),
        (
            ".a: {script: [pytest --llm-eval]}\n.b: {extends: .a}\nevals: {extends: .b}\n",
            [""],
        ),
        (
            ".a: &a {allow_failure: true, script: [pytest --llm-eval]}\n"
            "evals: {<<: *a, allow_failure: false}\n",
            [""],
        ),
        (
            ".a: &a {script: [pytest --llm-eval]}\n.b: &b {script: [make]}\n"
            "evals: {<<: [*a, *b]}\n",
            [""],
        ),
        (
            ".a: {extends: .b, script: [pytest --llm-eval]}\n.b: {extends: .a}\n"
            "evals: {extends: .b}\n",
            [""],
        ),
        ("evals: {variables: {.x: {script: [pytest --llm-eval]}}}\n", [""]),
    ],
    ids=[
        *("a key of its own", "a key of the template", "a script of its own", "the later one"),
        *("a template of a template", "merged", "the first one merged", "in a circle", "a dot"),
    ],
)
def test_what_a_job_says_itself_wins_over_its_template(
    tmp_path: Path, text: str, why: list[str]
) -> None:
    assert weaknesses(tmp_path, ".gitlab-ci.yml", text) == why


def test_a_file_that_holds_itself_ends(tmp_path: Path) -> None:
    write(tmp_path, ".gitlab-ci.yml", "evals: &e {script: [pytest --llm-eval], again: *e}\n")

    assert read_ci(tmp_path).unreadable == (".gitlab-ci.yml",)


def test_what_before_script_fails_with_stops_the_job(tmp_path: Path) -> None:
    text = "evals: {before_script: [pytest --llm-eval], script: [make]}\n"

    assert weaknesses(tmp_path, ".gitlab-ci.yml", text) == [""]


def test_what_after_script_fails_with_counts_for_nothing(tmp_path: Path) -> None:
    text = "evals:\n  script: [make]\n  after_script:\n    - pytest --llm-eval\n"

    assert weaknesses(tmp_path, ".gitlab-ci.yml", text) == [
        "what after_script fails with counts for nothing"
    ]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            ".circleci/config.yml",
            "jobs:\n  evals:\n    steps:\n      - run: pytest --llm-eval\n",
            "",
        ),
        (
            ".circleci/config.yml",
            "jobs:\n  e:\n    steps:\n      - run:\n          command: pytest --llm-eval || true\n",
            "`|| true` hides a failure",
        ),
        (
            "azure-pipelines.yml",
            "trigger: [main]\nsteps:\n- script: pytest --llm-eval\n  continueOnError: true\n",
            "continueOnError lets it fail",
        ),
        (
            "azure-pipelines.yml",
            "trigger: none\npr: none\nsteps:\n- script: pytest --llm-eval\n",
            "trigger: none and pr: none start it by hand",
        ),
        (
            "bitbucket-pipelines.yml",
            "pipelines:\n  custom:\n    e:\n    - step:\n        script:\n"
            "        - pytest --llm-eval\n",
            "a custom pipeline is started by hand",
        ),
        (
            ".woodpecker.yml",
            "steps:\n- name: e\n  failure: ignore\n  commands:\n  - pytest --llm-eval\n",
            "failure: ignore lets it fail",
        ),
        (
            ".buildkite/pipeline.yml",
            "steps:\n- command: pytest --llm-eval\n  soft_fail: true\n",
            "soft_fail lets it fail",
        ),
        (".travis.yml", "script: pytest --llm-eval\n", ""),
        (".drone.yml", "steps:\n- name: e\n  commands: [pytest --llm-eval]\n", ""),
        (".forgejo/workflows/e.yaml", github(on="schedule"), "on: schedule leaves changes out"),
    ],
)
def test_workflows_of_others_are_read(tmp_path: Path, name: str, text: str, why: str) -> None:
    assert weaknesses(tmp_path, name, text) == [why]


@pytest.mark.parametrize(
    ("makefile", "why"),
    [
        ("evals: venv\n\tpytest --llm-eval\n", ""),
        ("evals:\n\t@pytest --llm-eval\n", ""),
        ("evals:\n\t-pytest --llm-eval\n", "the `-` in the Makefile ignores what evals fails"),
        ("evals:\n\tpytest --llm-eval || true\n", "`|| true` hides a failure"),
    ],
)
def test_a_target_of_make_is_looked_into(tmp_path: Path, makefile: str, why: str) -> None:
    write(tmp_path, "Makefile", makefile)

    (found,) = weaknesses(tmp_path, WORKFLOW, github("make evals"))

    assert found.startswith(why)
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("set -eu\npytest --llm-eval\necho done\n", ""),
        ("#!/bin/sh\npytest --llm-eval\n", ""),
        ("pytest --llm-eval\necho done\n", "ci/run.sh goes on after it without `set -e`"),
    ],
)
def test_a_script_is_looked_into(tmp_path: Path, script: str, why: str) -> None:
    write(tmp_path, "ci/run.sh", script)

    assert weaknesses(tmp_path, WORKFLOW, github("bash ci/run.sh")) == [why]


def test_a_good_run_beside_one_that_may_fail_is_there_too(tmp_path: Path) -> None:
    write(tmp_path, ".github/workflows/a.yml", github("pytest --llm-eval || true"))
    write(tmp_path, ".github/workflows/b.yml", github())

    runs = read_ci(tmp_path).runs

    assert [bool(run.weakness) for run in runs] == [True, False]


def test_the_workflows_of_the_repository_around_the_project_count(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, WORKFLOW, github())
    project = tmp_path / "examples" / "one"
    project.mkdir(parents=True)

    (run,) = read_ci(project).runs

    assert run.path == f"../../{WORKFLOW}"


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("apps/one", ""),
        ("./apps/../apps/one/", ""),
        ("apps/one/tests", ""),
        ("apps", ""),
        ("apps/two", "it runs in apps/two"),
        ("${{ matrix.app }}", ""),
    ],
)
@pytest.mark.parametrize("where", ["step", "defaults", "azure"])
def test_the_evals_of_another_project_in_the_repository_are_not_ours(
    tmp_path: Path, folder: str, why: str, where: str
) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("apps/one/tests", "apps/two"):
        (tmp_path / name).mkdir(parents=True)
    if where == "azure":
        text = f"steps: [{{script: pytest --llm-eval, workingDirectory: '{folder}'}}]\n"
        write(tmp_path, "azure-pipelines.yml", text)
    elif where == "step":
        write(tmp_path, WORKFLOW, github(step=f"working-directory: {folder}"))
    else:
        job = f"defaults: {{run: {{working-directory: '{folder}'}}}}"
        write(tmp_path, WORKFLOW, github(job=job))

    (run,) = read_ci(tmp_path / "apps" / "one").runs

    assert run.weakness == why


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    write(tmp_path, WORKFLOW, "jobs: [\n")

    found = read_ci(tmp_path)

    assert found.unreadable == (WORKFLOW,)
    assert found.runs == ()


def test_anchors_that_multiply_themselves_end(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
    )

    write(tmp_path, ".gitlab-ci.yml", bomb)

    assert read_ci(tmp_path).unreadable == (".gitlab-ci.yml",)


@pytest.mark.parametrize(
    "part",
    ["pytest ", "false && ", "echo 'a' ", "if false; then\n", "cat <<EOF\n", ": a; ", "x \\\n"],
)
def test_a_line_without_end_is_cut_before_it_is_searched(part: str) -> None:
    calls = list(runs_of_evals(f"pytest --llm-eval\n{part * (400_000 // len(part))}", ()))

    assert [call.command for call in calls] == ["pytest --llm-eval"]

"""Which changes a job of CircleCI, Azure Pipelines, GitLab or Bitbucket leaves out."""

from pathlib import Path

import pytest
from ci_files import BY_TAG, ON_MAIN, github, weakness

from pytest_llmprod.handoff.audit.workflows import read_ci

CIRCLECI = """\
jobs:
  evals: {{steps: [{{run: pytest --llm-eval}}]}}
workflows:
  all: {workflow}
"""


@pytest.mark.parametrize(
    ("workflow", "why"),
    [
        ("{jobs: [evals]}", ""),
        ("{jobs: [{evals: {filters: {branches: {only: main}}}}]}", ON_MAIN),
        ("{jobs: [{evals: {filters: {branches: {only: /.*/}}}}]}", ""),
        (
            "{jobs: [{evals: {filters: {branches: {only: '*'}}}}]}",  # no pattern there
            "it runs when a change is on *, and not before",
        ),
        (
            "{when: 'pipeline.git.branch ==\n\n    \"main\"', jobs: [evals]}",
            'when: pipeline.git.branch == "main" leaves changes out',
        ),
        (
            "{jobs: [{evals: {filters: 'pipeline.git.branch ==\n\n    \"main\"'}}]}",
            'filters: pipeline.git.branch == "main" leaves changes out',
        ),
        ("{jobs: [{evals: {filters: {branches: {ignore: docs}}}}]}", ""),
        ("{jobs: [{evals: {filters: {branches: {ignore: /.*/}, tags: {only: /v.*/}}}}]}", BY_TAG),
        ("{jobs: [{evals: {filters: {branches: {only: main}}}}, evals]}", ""),
        ("{jobs: [lint]}", "no workflow runs the job evals"),
        (
            "{triggers: [{schedule: {cron: '0 0 * * *'}}], jobs: [evals]}",
            "its workflow runs by schedule only",
        ),
        (
            "{jobs: [{ask: {type: approval}}, {evals: {requires: [ask]}}]}",
            "it waits until somebody approves it",
        ),
        ("{jobs: [lint, {evals: {requires: [lint]}}]}", ""),
    ],
)
def test_a_job_of_circleci_runs_as_its_workflows_say(
    tmp_path: Path, workflow: str, why: str
) -> None:
    text = CIRCLECI.format(workflow=workflow)

    assert weakness(tmp_path, ".circleci/config.yml", text) == why


@pytest.mark.parametrize("top", ["commands", "jobs"])
def test_without_workflows_nothing_is_left_out_on_circleci(tmp_path: Path, top: str) -> None:
    text = f"{top}:\n  build: {{steps: [{{run: pytest --llm-eval}}]}}\n"

    assert weakness(tmp_path, ".circleci/config.yml", text) == ""


def test_a_command_that_circleci_runs_after_a_failure_alone_runs_no_evals(tmp_path: Path) -> None:
    text = "jobs: {e: {steps: [{run: {command: pytest --llm-eval, when: on_fail}}]}}\n"

    assert weakness(tmp_path, ".circleci/config.yml", text) == "when: on_fail leaves it out"


AZURE = "{triggers}\nsteps:\n- bash: {command}\n  {step}\n"


@pytest.mark.parametrize(
    ("triggers", "why"),
    [
        ("trigger: [main]", ""),  # each pull request starts it too
        ("trigger: none", ""),
        ("pr: none", ""),  # each push starts it
        ("trigger: [main]\npr: [main]", ""),
        ("trigger: [main]\npr: none", ON_MAIN),
        ("trigger: {branches: {include: [main]}}\npr: none", ON_MAIN),
        ("trigger: ['*']\npr: none", ""),
        ("trigger: {batch: true}\npr: none", ""),
        ("trigger: none\npr: none", "trigger: none and pr: none start it by hand"),
        (
            "trigger: {paths: {include: [src]}}\npr: none",
            "paths of trigger leaves out changes of some files",
        ),
        (
            "trigger: [main]\npr: {paths: {exclude: [docs]}}",
            "paths of pr leaves out changes of some files",
        ),
    ],
)
def test_a_pipeline_of_azure_is_started_by_pushes_and_pull_requests(
    tmp_path: Path, triggers: str, why: str
) -> None:
    text = AZURE.format(triggers=triggers, command="pytest --llm-eval", step="name: evals")

    assert weakness(tmp_path, "azure-pipelines.yml", text) == why


@pytest.mark.parametrize(
    ("step", "is_weak"),
    [
        ("condition: succeeded()", False),
        ("condition: false", True),
        ("condition: failed()", True),
        ("condition: eq(variables['Build.SourceBranch'], 'refs/heads/main')", True),
        ("condition: and(succeeded(), eq(variables['Build.SourceBranchName'], 'main'))", True),
        ("condition: or(failed(), eq(variables['Build.SourceBranchName'], 'main'))", False),
        ("condition: ne(variables['Build.SourceBranchName'], 'main')", False),
        ("condition: not(eq(variables['Build.SourceBranchName'], 'docs'))", False),
        ("condition: eq(variables['Build.Reason'], 'Schedule')", True),
        ("condition: eq(variables['Build.Reason'], 'PullRequest')", False),
        ("enabled: false", True),
        ("enabled: true", False),
        ("continueOnError: no", False),
    ],
)
def test_a_step_of_azure_may_be_left_out(tmp_path: Path, step: str, is_weak: bool) -> None:
    text = AZURE.format(triggers="trigger: ['*']", command="pytest --llm-eval", step=step)

    assert bool(weakness(tmp_path, "azure-pipelines.yml", text)) == is_weak


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("|\n    pip install .\n    pytest --llm-eval", ""),
        ("|\n    pytest --llm-eval\n    echo done", "without `set -e` the script goes on"),
        ("|\n    set -e\n    pytest --llm-eval\n    echo done", ""),
        (
            "pytest --llm-eval | tee log",
            "`| tee` decides in its place, for pipefail is not set",
        ),
    ],
)
def test_a_script_of_azure_ends_with_its_last_command(
    tmp_path: Path, command: str, why: str
) -> None:
    text = AZURE.format(triggers="trigger: ['*']", command=command, step="name: evals")

    assert weakness(tmp_path, "azure-pipelines.yml", text) == why


@pytest.mark.parametrize("name", ["azure-pipelines.yml", "azure-pipelines.yaml"])
@pytest.mark.parametrize("key", ["script", "bash", "pwsh", "powershell"])
def test_each_way_to_write_a_command_of_azure_is_read(tmp_path: Path, name: str, key: str) -> None:
    assert weakness(tmp_path, name, f"steps: [{{{key}: pytest --llm-eval}}]\n") == ""


def of_few(condition: str) -> str:
    return f"its rules leave out changes but those of {condition}"


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ("[{if: '$CI_COMMIT_BRANCH == \"main\"'}]", of_few('$ci_commit_branch == "main"')),
        (
            "[{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}, {if: $CI_COMMIT_TAG}]",
            of_few("$ci_commit_branch == $ci_default_branch"),
        ),
        ("[{if: $CI_COMMIT_TAG}]", of_few("$ci_commit_tag")),
        ("[{if: $CI_COMMIT_TAG == null}]", ""),
        (
            "[{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]",
            of_few('$ci_pipeline_source == "schedule"'),
        ),
        ("[{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]", ""),
        (
            "[{if: '$CI_COMMIT_BRANCH == \"main\"'}, "
            "{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]",
            "",
        ),
        ("[{if: '$CI_COMMIT_BRANCH == \"main\" || $CI_MERGE_REQUEST_ID'}]", ""),
        ("[{if: $CI_COMMIT_BRANCH, when: never}, {if: $CI_COMMIT_TAG}]", of_few("$ci_commit_tag")),
        ("[{if: $A, changes: [src]}, {when: always}]", ""),
        ("[{when: on_failure}]", "its rules start it by hand or never"),
        ("[]", ""),
    ],
)
@pytest.mark.parametrize("where", ["job", "workflow"])
def test_rules_of_gitlab_say_which_pipelines_have_the_job(
    tmp_path: Path, rules: str, why: str, where: str
) -> None:
    own = f", rules: {rules}" if where == "job" else ""
    whole = f"workflow: {{rules: {rules}}}\n" if where == "workflow" else ""
    text = f"{whole}evals: {{script: [pytest --llm-eval]{own}}}\n"

    assert weakness(tmp_path, ".gitlab-ci.yml", text) == why


@pytest.mark.parametrize("when", ["on_failure", "delayed", "manual", "never"])
def test_a_job_of_gitlab_that_no_change_starts_is_none(tmp_path: Path, when: str) -> None:
    text = f"evals: {{script: [pytest --llm-eval], when: {when}}}\n"

    assert weakness(tmp_path, ".gitlab-ci.yml", text) == f"when: {when} leaves it out"


def test_only_names_its_refs_under_a_key_of_their_own_too(tmp_path: Path) -> None:
    text = "evals: {script: [pytest --llm-eval], only: {refs: [branches]}}\n"

    assert weakness(tmp_path, ".gitlab-ci.yml", text) == ""


@pytest.mark.parametrize(
    ("pipelines", "why"),
    [
        ("{default: [*e]}", ""),
        ("{script: [pytest --llm-eval]}", ""),
        ("{pull-requests: {'**': [*e]}}", ""),
        ("{branches: {'**': [*e]}}", ""),
        ("{branches: {'*': [*e]}}", "* matches no / in the name of a branch: write **"),
        ("{branches: {main: [*e]}}", ON_MAIN),
        ("{tags: {'v*': [*e]}}", BY_TAG),
        ("{default: [{step: {script: [make]}}], custom: {all: [*e]}}", "a custom pipeline is st"),
    ],
)
def test_a_step_of_bitbucket_counts_where_a_pipeline_has_it(
    tmp_path: Path, pipelines: str, why: str
) -> None:
    step = "definitions: {steps: [&e {step: {script: [pytest --llm-eval]}}]}\n"

    found = weakness(tmp_path, "bitbucket-pipelines.yml", f"{step}pipelines: {pipelines}\n")

    assert found.startswith(why)
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    "condition", ["failure()", "${{ cancelled() }}", "github.event_name == 'workflow_dispatch'"]
)
def test_a_step_of_github_after_a_failure_or_by_hand_is_left_out(
    tmp_path: Path, condition: str
) -> None:
    text = github(step=f"if: {condition}")

    assert weakness(tmp_path, ".github/workflows/ci.yml", text).endswith("leaves changes out")


def test_a_push_on_all_branches_but_some_is_a_change(tmp_path: Path) -> None:
    text = github(on="{push: {tags: ['v*'], branches-ignore: [docs]}}")

    assert weakness(tmp_path, ".github/workflows/ci.yml", text) == ""


def test_of_two_events_one_that_leaves_nothing_out_is_enough(tmp_path: Path) -> None:
    text = github(on="{pull_request: {paths: [src]}, push: }")

    assert weakness(tmp_path, ".github/workflows/ci.yml", text) == ""


GITHUB_JOB = """\
on: {on}
jobs:
  evals:
    {job}
    steps: [{{run: pytest --llm-eval}}]
  deploy:
    if: github.ref == 'refs/heads/main'
    steps: [{{run: make}}]
  push:
    needs: deploy
    steps: [{{run: make}}]
"""
MAIN_OR_PULL = "{push: {branches: [main]}, pull_request: }"


@pytest.mark.parametrize(
    ("condition", "on", "is_sound"),
    [
        ("github.event_name == 'pull_request' || github.event_name == 'schedule'", "", True),
        ("github.event_name != 'workflow_dispatch'", "", True),
        ("github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'", "", False),
        ("github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/')", "", False),
        ("github.ref == 'refs/heads/main' || github.event_name == 'pull_request'", "", True),
        ("github.ref_name == github.event.repository.default_branch", "", False),
        ("github.base_ref == github.event.repository.default_branch", "", True),
        ("contains(github.event.pull_request.labels.*.name, 'evals')", "", False),
        ("${{ !contains(github.event.pull_request.labels.*.name, 'skip') }}", "", True),
        ("github.event.pull_request.merged == true", "", False),
        ("${{ !github.event.pull_request.merged }}", "", True),
        ("${{ !(github.event_name == 'schedule') }}", "", True),
        ("github.event_name == 'push'", "", False),
        ("github.event_name == 'push'", "[push, pull_request]", True),
        ("github.event_name == 'push'", "pull_request", False),
        ("github.event_name != 'pull_request'", "", False),
        ("github.event_name != 'pull_request'", "[pull_request, merge_group]", True),
    ],
)
def test_a_condition_of_github_leaves_changes_out_if_each_of_its_alternatives_does(
    tmp_path: Path, condition: str, on: str, is_sound: bool
) -> None:
    text = GITHUB_JOB.format(on=on or MAIN_OR_PULL, job=f'if: "{condition}"')

    found = weakness(tmp_path, ".github/workflows/e.yml", text)

    assert found.endswith(" leaves changes out") is not is_sound
    assert bool(found) is not is_sound


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ("needs: deploy", "it needs the job deploy, which leaves changes out"),
        ("needs: [push]", "it needs the job deploy, which leaves changes out"),
        ("needs: [evals]", ""),
        ("{needs: deploy, if: always()}", ""),
        ("{needs: deploy, if: '!cancelled()'}", ""),
    ],
)
def test_a_job_of_github_is_left_out_with_those_that_it_needs(
    tmp_path: Path, job: str, why: str
) -> None:
    text = GITHUB_JOB.format(on=MAIN_OR_PULL, job=job.strip("{}").replace(", ", "\n    "))

    assert weakness(tmp_path, ".github/workflows/e.yml", text) == why


BY_FILES = "changes in its rules leaves out changes of some files"
MERGES = "if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'"


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (f"[{{{MERGES}, changes: [src/**]}}, {{if: $CI_COMMIT_BRANCH == 'main'}}]", BY_FILES),
        (f"[{{{MERGES}, changes: [src/**]}}, {{when: on_success}}]", ""),
        (f"[{{{MERGES}, changes: ['**/*']}}]", ""),
        (f"[{{{MERGES}, changes: {{paths: ['**/*']}}}}]", ""),
        (f"[{{when: never}}, {{{MERGES}}}]", "its rules start it by hand or never"),
        (f"[{{if: $CI_COMMIT_TAG, when: never}}, {{{MERGES}}}]", ""),
        (
            "[{if: $CI_PIPELINE_SOURCE == 'web' || $CI_PIPELINE_SOURCE == 'api'}]",
            "its rules leave out changes but those of "
            "$ci_pipeline_source == 'web' || $ci_pipeline_source == 'api'",
        ),
        (
            "[{if: '$CI_PIPELINE_SOURCE\n\n    == \"web\"'}]",
            'its rules leave out changes but those of $ci_pipeline_source == "web"',
        ),
        (f"[{{{MERGES[:-1]} || $CI_COMMIT_TAG'}}]", ""),
    ],
)
def test_rules_of_gitlab_are_read_together(tmp_path: Path, rules: str, why: str) -> None:
    text = f"evals:\n  rules: {rules}\n  script: pytest --llm-eval\n"

    assert weakness(tmp_path, ".gitlab-ci.yml", text) == why


@pytest.mark.parametrize(
    ("rest", "why"), [("", ""), ("when: manual", "when: manual leaves it out")]
)
def test_a_script_is_found_that_a_job_of_gitlab_refers_to(
    tmp_path: Path, rest: str, why: str
) -> None:
    script = ".evals: {script: [pytest --llm-eval]}\nevals:\n"
    text = f"{script}  script: [make, !reference [.evals, script]]\n  {rest}\n"

    assert weakness(tmp_path, ".gitlab-ci.yml", text) == why


@pytest.mark.parametrize(
    "reference", ["[.other, script]", "[.evals, script, more]", "[evals, script]"]
)
def test_a_reference_that_leads_nowhere_runs_nothing(tmp_path: Path, reference: str) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(
        f".evals: {{script: [make]}}\nevals: {{script: [!reference {reference}]}}\n"
    )

    assert read_ci(tmp_path).runs == ()


NIGHTLY = "parameters: {nightly: {type: boolean, default: false}}\n"


@pytest.mark.parametrize(
    ("workflow", "why"),
    [
        (
            "{when: {equal: [scheduled_pipeline, << pipeline.trigger_source >>]}, jobs: [evals]}",
            "its workflow runs by schedule only",
        ),
        (
            "{when: {not: {equal: [scheduled_pipeline, << pipeline.trigger_source >>]}}, "
            "jobs: [evals]}",
            "",
        ),
        ("{when: {equal: [main, << pipeline.git.branch >>]}, jobs: [evals]}", ON_MAIN),
        (
            "{when: << pipeline.parameters.nightly >>, jobs: [evals]}",
            "its workflow waits for the parameter nightly",
        ),
        ("{when: << pipeline.parameters.other >>, jobs: [evals]}", ""),
        ("{unless: << pipeline.parameters.nightly >>, jobs: [evals]}", ""),
        (
            "{jobs: [{ask: {type: approval}}, {put: {requires: [ask]}}, "
            "{evals: {requires: [put]}}]}",
            "it waits until somebody approves it",
        ),
        ("{jobs: [{put: {requires: [evals]}}, {evals: {requires: [put]}}]}", ""),
    ],
)
def test_a_workflow_of_circleci_may_wait(tmp_path: Path, workflow: str, why: str) -> None:
    text = NIGHTLY + CIRCLECI.format(workflow=workflow)

    assert weakness(tmp_path, ".circleci/config.yml", text) == why


@pytest.mark.parametrize(
    ("steps", "filters", "why"),
    [
        ("[checkout]", "", "no job runs the command evals"),
        ("[checkout, evals]", "", ""),
        ("[{evals: {model: a}}]", "", ""),
        ("[{when: {condition: true, steps: [evals]}}]", "", ""),
        ("[evals]", ": {filters: {branches: {only: main}}}", ON_MAIN),
    ],
)
def test_a_command_of_circleci_runs_where_a_job_has_it(
    tmp_path: Path, steps: str, filters: str, why: str
) -> None:
    text = (
        "commands: {evals: {steps: [{run: pytest --llm-eval}]}}\n"
        f"jobs: {{build: {{steps: {steps}}}}}\n"
        f"workflows:\n  all:\n    jobs:\n      - build{filters}\n"
    )

    assert weakness(tmp_path, ".circleci/config.yml", text) == why


def test_a_command_of_circleci_that_another_has_is_not_followed(tmp_path: Path) -> None:
    text = (
        "commands: {evals: {steps: [{run: pytest --llm-eval}]}, all: {steps: [evals]}}\n"
        "jobs: {build: {steps: [all]}}\nworkflows: {all: {jobs: [build]}}\n"
    )

    assert weakness(tmp_path, ".circleci/config.yml", text) == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (
            "eq(variables['Build.SourceBranch'], 'refs/heads/main')",
            "if eq(variables['Build.SourceBranch'], 'refs/heads/main') leaves changes out",
        ),
        ("eq(variables['Build.Reason'], 'PullRequest')", ""),
    ],
)
def test_steps_of_azure_stand_below_an_expression(
    tmp_path: Path, expression: str, why: str
) -> None:
    text = f"steps:\n- ${{{{ if {expression} }}}}:\n  - script: pytest --llm-eval\n"

    assert weakness(tmp_path, "azure-pipelines.yml", text) == why


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("trigger: manual", "trigger: manual leaves it out"),
        ("trigger: automatic", ""),
        (
            "condition: {changesets: {includePaths: [src/**]}}",
            "changesets in its condition leaves out changes of some files",
        ),
        ("on-fail: {strategy: ignore}", "on-fail: ignore lets it fail"),
        ("on-fail: {strategy: fail}", ""),
    ],
)
def test_a_step_of_bitbucket_may_be_left_out_or_fail(tmp_path: Path, key: str, why: str) -> None:
    text = f"pipelines: {{default: [{{step: {{{key}, script: [pytest --llm-eval]}}}}]}}\n"

    assert weakness(tmp_path, "bitbucket-pipelines.yml", text) == why

"""What the conditions and events of a job of continuous integration leave out."""

from pathlib import Path

import pytest
from ci_files import BY_TAG, ON_MAIN, github, weakness

MAIN_OR_PULL = "{push: {branches: [main]}, pull_request: }"
BY_FILES = "path of when leaves out changes of some files"
BUT_SLASHES = "* matches no / in the name of a branch: write **"


@pytest.mark.parametrize(("times", "is_sound"), [(10, False), (1_000, True)])
def test_a_condition_that_is_too_long_to_be_searched_leaves_nothing_out(
    tmp_path: Path, times: int, is_sound: bool
) -> None:
    own = "if: " + "success() && " * times + "github.ref == 'refs/heads/main'"

    found = weakness(tmp_path, ".github/workflows/e.yml", github(step=own))

    assert bool(found) is not is_sound


@pytest.mark.parametrize("place", ["job", "step"])
@pytest.mark.parametrize(
    ("condition", "on", "is_sound"),
    [
        ("github.event_name == 'push'", MAIN_OR_PULL, False),
        ("'push' == github.event_name", MAIN_OR_PULL, False),
        ("github.event_name == 'push' && github.actor != 'bot'", MAIN_OR_PULL, False),
        ("github.event_name == 'push'", "pull_request", False),
        ("github.event_name == 'push'", "[push, pull_request]", True),
        ("github.event_name == 'push' || github.event_name == 'pull_request'", MAIN_OR_PULL, True),
        ("github.event_name != 'pull_request'", MAIN_OR_PULL, False),
        ("!(github.event_name == 'push')", MAIN_OR_PULL, True),
        ("github.event_name == 'pull_request'", MAIN_OR_PULL, True),
        ("'refs/heads/main' == github.ref", MAIN_OR_PULL, False),
        ("github.event.repository.default_branch == github.ref_name", MAIN_OR_PULL, False),
        ("github.event.pull_request.merged == false", MAIN_OR_PULL, True),
        ("github.event.pull_request.merged != true", MAIN_OR_PULL, True),
        ("contains(github.event.pull_request.labels.*.name, 'do-not')", MAIN_OR_PULL, False),
        ("contains(github.event.pull_request.labels.*.name, 'skip') == false", MAIN_OR_PULL, True),
        ("contains(github.event.pull_request.labels.*.name, 'skip') != true", MAIN_OR_PULL, True),
        ("! contains(github.event.pull_request.labels.*.name, 'skip')", MAIN_OR_PULL, True),
        ("github.event.label.name == 'evals'", MAIN_OR_PULL, False),
        ("matrix.image-tag == 'slim'", MAIN_OR_PULL, True),
    ],
)
def test_a_condition_of_github_counts_on_a_step_as_on_a_job(
    tmp_path: Path, place: str, condition: str, on: str, is_sound: bool
) -> None:
    own = f'if: "{condition}"'
    text = github(on=on, job=own) if place == "job" else github(on=on, step=own)

    found = weakness(tmp_path, ".github/workflows/e.yml", text)

    assert found == ("" if is_sound else f"if: {condition} leaves changes out")


def test_a_condition_of_several_lines_is_told_on_one(tmp_path: Path) -> None:
    own = "if: |\n          github.ref ==\n          'refs/heads/main'"

    found = weakness(tmp_path, ".github/workflows/e.yml", github(step=own))

    assert found == "if: github.ref == 'refs/heads/main' leaves changes out"


@pytest.mark.parametrize(
    ("on", "why"),
    [(MAIN_OR_PULL, "it needs the job first, which leaves changes out"), ("push", "")],
)
def test_a_job_of_github_may_need_one_that_only_pushes_start(
    tmp_path: Path, on: str, why: str
) -> None:
    text = (
        f"on: {on}\njobs:\n"
        "  first: {if: github.event_name == 'push', steps: [{run: make}]}\n"
        "  evals: {needs: first, steps: [{run: pytest --llm-eval}]}\n"
    )

    assert weakness(tmp_path, ".github/workflows/e.yml", text) == why


@pytest.mark.parametrize(
    ("push", "why"),
    [
        ("{branches: ['**']}", ""),
        ("{branches: ['*', '*/**']}", ""),
        ("{branches: ['*', '**/*']}", ""),
        ("{branches: ['*']}", BUT_SLASHES),
        ("{tags-ignore: ['v*']}", BY_TAG),
        ("{tags: ['v*'], branches-ignore: ['**']}", BY_TAG),
        ("{tags: ['v*'], branches: ['**']}", ""),
    ],
)
def test_a_push_to_each_branch_of_github_is_a_change(tmp_path: Path, push: str, why: str) -> None:
    text = github(on=f"{{push: {push}}}")

    assert weakness(tmp_path, ".github/workflows/e.yml", text) == why


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("except: [branches]", "except: branches leaves other changes out"),
        ("except: {refs: [branches]}", "except: branches leaves other changes out"),
        ("except: [pushes]", "except: pushes leaves other changes out"),
        ("except: ['/.*/']", "except: /.*/ leaves other changes out"),
        ("except: {changes: [docs]}", "except: changes leaves out changes of some files"),
        ("except: {variables: [$SKIP]}", ""),
        ("except: [main]", ""),
        ("except: [tags, merge_requests, schedules]", ""),
        ("only: [branches], except: [pushes]", "except: pushes leaves other changes out"),
        ("only: [branches], except: [main]", ""),
        ("only: [merge_requests], except: [branches]", ""),
        ("only: ['/.*/']", ""),
        ("only: {variables: [$MODEL]}", ""),
        (
            "only: {kubernetes: active}, except: [branches]",
            "except: branches leaves other changes out",
        ),
        ("only: {refs: [main], variables: [$MODEL]}", "only: main leaves other changes out"),
    ],
)
def test_except_of_gitlab_is_taken_from_only(tmp_path: Path, keys: str, why: str) -> None:
    text = f"evals: {{script: [pytest --llm-eval], {keys}}}\n"

    assert weakness(tmp_path, ".gitlab-ci.yml", text) == why


@pytest.mark.parametrize(
    ("condition", "is_sound"),
    [
        ("$CI_COMMIT_BRANCH =~ /^main$/", False),
        ("$CI_COMMIT_REF_NAME =~ /^release/", False),
        ("$CI_COMMIT_BRANCH =~ /.*/", True),
        ("$CI_COMMIT_BRANCH =~ /^.+$/", True),
        ("$CI_COMMIT_BRANCH =~ $BRANCHES", True),
        ("$CI_COMMIT_BRANCH !~ /^docs/", True),
        ("$CI_MERGE_REQUEST_TARGET_BRANCH_NAME =~ /^main$/", True),
        ('"schedule" == $CI_PIPELINE_SOURCE', False),
        ('"merge_request_event" == $CI_PIPELINE_SOURCE', True),
        ("$CI_DEFAULT_BRANCH == $CI_COMMIT_BRANCH", False),
        ("$CI_DEFAULT_BRANCH != $CI_COMMIT_BRANCH", True),
        ("$CI_DEFAULT_BRANCH == $CI_MERGE_REQUEST_TARGET_BRANCH_NAME", True),
        ('$CI_COMMIT_BRANCH=="main"', False),
        ("$CI_COMMIT_BRANCH == null", True),
        ("null == $CI_COMMIT_TAG", True),
    ],
)
def test_a_rule_of_gitlab_asks_for_some_branches(
    tmp_path: Path, condition: str, is_sound: bool
) -> None:
    text = f"evals:\n  rules:\n  - if: '{condition}'\n  script: pytest --llm-eval\n"

    found = weakness(tmp_path, ".gitlab-ci.yml", text)

    why = f"its rules leave out changes but those of {condition.lower()}"
    assert found == ("" if is_sound else why)


REASON = "variables['Build.Reason']"


@pytest.mark.parametrize(
    ("trigger", "condition", "is_sound"),
    [
        ("[main]", f"ne({REASON}, 'PullRequest')", False),
        ("none", f"ne({REASON}, 'PullRequest')", False),
        ("['*']", f"ne({REASON}, 'PullRequest')", True),
        ("[main]", f"and(succeeded(), ne('PullRequest', {REASON}))", False),
        ("[main]", "ne(variables.Build.Reason, 'PullRequest')", False),
        ("[main]", f"not(eq({REASON}, 'PullRequest'))", False),
        ("[main]", f"eq({REASON}, 'IndividualCI')", False),
        ("[main]", f"in({REASON}, 'IndividualCI', 'BatchedCI')", False),
        ("[main]", f"in({REASON}, 'IndividualCI', 'PullRequest')", True),
        ("[main]", f"or(eq({REASON}, 'Manual'), ne({REASON}, 'PullRequest'))", True),
        ("[main]", f"ne({REASON}, 'Schedule')", True),
        ("['*']", "eq('refs/heads/main', variables['Build.SourceBranch'])", False),
        ("['*']", "eq(variables['Build.SourceBranch'], format('refs/heads/{0}', 'a'))", False),
        ("['*']", "startsWith(variables['Build.SourceBranch'], 'refs/tags/')", False),
    ],
)
@pytest.mark.parametrize(
    "steps",
    [
        '- bash: pytest --llm-eval\n  condition: "{}"',
        "- ${{{{ if {} }}}}:\n  - bash: pytest --llm-eval",
    ],
    ids=["condition", "expression"],
)
def test_a_condition_of_azure_keeps_pull_requests_out(
    tmp_path: Path, trigger: str, condition: str, is_sound: bool, steps: str
) -> None:
    text = f"trigger: {trigger}\nsteps:\n{steps.format(condition)}\n"

    found = weakness(tmp_path, "azure-pipelines.yml", text)

    assert found.lower().endswith(f"{condition.lower()} leaves changes out") is not is_sound
    assert bool(found) is not is_sound


@pytest.mark.parametrize(
    ("trigger", "why"),
    [
        ("{tags: {include: ['v*']}}", BY_TAG),
        ("{branches: {exclude: ['*']}, tags: {include: ['v*']}}", BY_TAG),
        ("{branches: {include: ['*']}, tags: {include: ['v*']}}", ""),
        ("{branches: {exclude: [docs]}}", ""),
    ],
)
def test_a_tag_is_no_change_of_azure(tmp_path: Path, trigger: str, why: str) -> None:
    text = f"trigger: {trigger}\npr: none\nsteps: [{{bash: pytest --llm-eval}}]\n"

    assert weakness(tmp_path, "azure-pipelines.yml", text) == why


@pytest.mark.parametrize("key", ["filters", "when"])
@pytest.mark.parametrize(
    ("expression", "is_sound"),
    [
        ('pipeline.git.branch == "main"', False),
        ('"main" == pipeline.git.branch', False),
        ('pipeline.git.branch == "main" or pipeline.git.branch starts-with "int-"', False),
        ('pipeline.git.branch == "main" or pipeline.event.name == "pull_request"', True),
        ('pipeline.git.branch == "main" and pipeline.git.commit.subject != "x"', False),
        ("pipeline.git.branch matches /^main$/", False),
        ("pipeline.git.branch matches /.*/", True),
        ("pipeline.git.branch.is_default", False),
        ("not pipeline.git.branch.is_default", True),
        ('pipeline.git.branch != "docs"', True),
        ('not (pipeline.git.branch == "docs")', True),
        ('pipeline.git.tag starts-with "v"', False),
        ('pipeline.git.tag == ""', True),
        ('pipeline.trigger_source == "scheduled_pipeline"', False),
    ],
)
def test_an_expression_of_circleci_asks_for_some_branches(
    tmp_path: Path, key: str, expression: str, is_sound: bool
) -> None:
    jobs = f"jobs: [{{evals: {{filters: '{expression}'}}}}]"
    workflow = jobs if key == "filters" else f"when: '{expression}', jobs: [evals]"
    text = (
        "jobs: {evals: {steps: [{run: pytest --llm-eval}]}}\n"
        f"workflows: {{all: {{{workflow}}}}}\n"
    )

    found = weakness(tmp_path, ".circleci/config.yml", text)

    assert found == ("" if is_sound else f"{key}: {expression} leaves changes out")


@pytest.mark.parametrize(
    ("condition", "is_sound"),
    [
        ("type = push AND branch = main", False),
        ("type != pull_request AND (branch = main OR tag =~ ^v)", False),
        ("tag IS present", False),
        ("type IN (cron, api)", False),
        ("type = api OR tag IS present", False),
        ("type = push", True),
        ("type IN (push, pull_request)", True),
        ("type IN (cron, push)", True),
        ("branch = main", True),  # that of a pull request is the one that it is for
        ("branch = main OR type = pull_request", True),
        ("NOT type = cron", True),
        ("tag IS blank", True),
    ],
)
@pytest.mark.parametrize("place", ["build", "job"])
def test_a_condition_of_travis_asks_for_some_changes(
    tmp_path: Path, condition: str, is_sound: bool, place: str
) -> None:
    own = f"script: pytest --llm-eval\n    if: {condition}\n"
    text = f"jobs:\n  include:\n  - {own}" if place == "job" else own.replace("    ", "")

    found = weakness(tmp_path, ".travis.yml", text)

    assert found == ("" if is_sound else f"if: {condition.lower()} leaves changes out")


def test_pull_requests_for_a_branch_that_travis_builds_are_built(tmp_path: Path) -> None:
    text = "branches: {only: [main]}\nscript: pytest --llm-eval\n"

    assert weakness(tmp_path, ".travis.yml", text) == ""


NO_CHANGE = "event of {key} leaves out pushes and pull requests"
EVENTS = [
    ("{event: [push, pull_request]}", ""),
    ("{event: push}", ""),
    ("{event: [push, tag]}", ""),
    ("{event: push, branch: main}", ON_MAIN),
    ("{event: push, branch: {include: [main]}}", ON_MAIN),
    ("{event: push, branch: {exclude: [docs]}}", ""),
    ("{event: push, branch: '*'}", BUT_SLASHES),
    ("{event: push, branch: '**'}", ""),
    ("{event: push, branch: ['*', '*/**']}", ""),
    ("{event: pull_request, branch: main}", ""),
    ("{branch: main}", ""),
    ("{event: [tag, cron]}", NO_CHANGE),
    ("{event: {include: [custom]}}", NO_CHANGE),
    ("{event: {exclude: [pull_request]}}", ""),
    ("{event: {exclude: [pull_request]}, branch: main}", ON_MAIN),
    ("{event: {exclude: [push, pull_request]}}", NO_CHANGE),
    ("{ref: [refs/heads/main]}", "it runs when a change is on refs/heads/main, and not before"),
    ("{ref: [refs/heads/**]}", ""),
    ("{ref: 'refs/**'}", ""),
    ("{ref: '**'}", ""),
    ("{ref: [refs/heads/main, refs/pull/*/head]}", ""),
    ("{platform: linux/amd64}", ""),
    ("{status: [failure]}", "status of {key} leaves it out until something fails"),
    ("{status: [success, failure]}", ""),
]


def step_file(text: str) -> str:
    return "steps:\n- name: e\n  commands: [pytest --llm-eval]\n  when: " + text + "\n"


@pytest.mark.parametrize("name", [".drone.yml", ".woodpecker.yaml", ".woodpecker/evals.yml"])
@pytest.mark.parametrize(("when", "why"), EVENTS)
def test_a_step_asks_for_events(tmp_path: Path, name: str, when: str, why: str) -> None:
    assert weakness(tmp_path, name, step_file(when)) == why.format(key="when")


@pytest.mark.parametrize(("name", "key"), [(".drone.yml", "trigger"), (".woodpecker.yml", "when")])
@pytest.mark.parametrize(("when", "why"), EVENTS)
def test_a_pipeline_asks_for_events(
    tmp_path: Path, name: str, key: str, when: str, why: str
) -> None:
    text = f"{key}: {when}\nsteps: [{{name: e, commands: [pytest --llm-eval]}}]\n"

    assert weakness(tmp_path, name, text) == why.format(key=key)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("[{event: push, branch: main}, {event: pull_request}]", ""),
        ("[{event: push, branch: main}, {event: manual}]", ON_MAIN),
        (
            "[{event: pull_request, path: 'src/**'}]",
            "path of when leaves out changes of some files",
        ),
        ("[{event: pull_request, path: 'src/**'}, {event: push}]", ""),
    ],
)
def test_one_of_several_conditions_of_woodpecker_is_enough(
    tmp_path: Path, when: str, why: str
) -> None:
    assert weakness(tmp_path, ".woodpecker.yml", step_file(when)) == why

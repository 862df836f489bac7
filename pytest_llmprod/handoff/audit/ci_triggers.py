"""CI triggers: which changes does a job of continuous integration leave out?

Each function returns the reason as a text, '' where nothing is left out.
"""

import re
from collections.abc import Sequence

import yaml

from pytest_llmprod.handoff.audit.yaml_nodes import entries, get, items, word, words

#: When a job or a command runs that no change starts, or that runs after a failure only.
_LEFT_OUT = ("manual", "never", "delayed", "on_failure", "on_fail")
#: A condition of GitHub that only one branch fulfils, or only tags do.
_OF_ONE_REF = re.compile(
    r"github\.ref(?:_name)? == '|github\.ref_type == 'tag'"
    r"|(?<!!)startswith\(github\.ref, ?'refs/tags"
)
#: The same of GitLab, with pipelines that no change starts.
_GITLAB_OF_FEW = re.compile(
    r"\$ci_commit_(?:branch|ref_name) == |^\$ci_commit_tag(?! == null)"
    r"|\$ci_pipeline_source == ['\"]?(?:schedule|web|api|trigger|pipeline)"
)
#: The same of Azure Pipelines.
_AZURE_OF_FEW = re.compile(
    r"\beq\(variables(?:\['build\.|\.build\.)(?:sourcebranch|reason'?\]?, ?'(?:schedule|manual)')"
)
_BY_TAG = "it runs when a tag is made, and not before"


def of_file(system: str, top: yaml.Node) -> str:
    """Return what keeps a whole file from being started."""
    if system == "github":
        return _github_triggers(top)
    if system == "azure":
        return _azure_triggers(top)
    return _rules(get(get(top, "workflow"), "rules")) if system == "gitlab" else ""


def of_place(system: str, top: yaml.Node, path: Sequence[str]) -> str:
    """Return what keeps the place from being started to which the keys of `path` lead."""
    if system == "circleci" and path[0] == "jobs":
        return _circleci_job(top, path[1])
    if system == "bitbucket" and path[0] == "pipelines" and len(path) > 2:
        return _bitbucket_pipeline(path[1], path[2])
    return ""


def of_mapping(node: yaml.Node) -> str:
    """Return what the keys of a job, or of a step, leave out."""
    when = word(get(node, "when"))
    if when in _LEFT_OUT:
        return f"when: {when} leaves it out"
    if word(get(node, "enabled")) == "false":
        return "enabled: false leaves it out"
    for key in ("if", "condition"):
        condition = word(get(node, key)).replace("${{", "").replace("}}", "").strip()
        if _is_of_few(condition):
            return f"{key}: {condition} leaves changes out"
    return _rules(get(node, "rules")) or _only(get(node, "only"))


def _is_of_few(condition: str) -> bool:
    """Say whether a condition of GitHub or Azure keeps a step from some changes, or from all."""
    if condition in ("false", "never()", "failure()", "failed()", "cancelled()", "canceled()"):
        return True
    if "== 'schedule'" in condition or "workflow_dispatch" in condition:
        return True
    if "||" in condition or re.search(r"\b(?:or|not)\(", condition):
        return False
    return bool(_OF_ONE_REF.search(condition) or _AZURE_OF_FEW.search(condition))


def _rules(rules: yaml.Node | None) -> str:
    """Return what the `rules` of GitLab leave out, of a job or of the whole pipeline."""
    kept = [rule for rule in entries(rules) if word(get(rule, "when")) not in _LEFT_OUT]
    if entries(rules) and not kept:
        return "its rules start it by hand or never"
    if not kept:
        return ""
    if all(get(rule, "changes") is not None for rule in kept):
        return "changes in its rules leaves out changes of other files"
    conditions = [word(get(rule, "if")) for rule in kept]
    if all(_GITLAB_OF_FEW.search(each) and "||" not in each for each in conditions):
        return f"its rules leave out changes but those of {conditions[0]}"
    return ""


def _only(only: yaml.Node | None) -> str:
    """Return what `only` of a job of GitLab leaves out."""
    if only is None:
        return ""
    if get(only, "changes") is not None:
        return "only: changes leaves out changes of other files"
    refs = words(get(only, "refs") or only)
    if not {"merge_requests", "branches", "pushes", "external_pull_requests"} & set(refs):
        return f"only: {', '.join(refs)} leaves other changes out"
    return ""


def _github_triggers(top: yaml.Node) -> str:
    on = get(top, "on")
    events = set(words(on))
    if not events & {"push", "pull_request", "pull_request_target", "merge_group"}:
        return f"on: {', '.join(sorted(events)) or 'nothing'} leaves changes out"
    reasons = []
    for event in ("pull_request", "pull_request_target", "merge_group", "push"):
        if event in events:
            reasons.append(_github_event(event, get(on, event)))
    return "" if "" in reasons else reasons[0]


def _github_event(event: str, node: yaml.Node | None) -> str:
    for key in ("paths", "paths-ignore"):
        if get(node, key) is not None:
            return f"{key} of {event} leaves out changes of other files"
    types = words(get(node, "types"))
    if types and event.startswith("pull_request") and "synchronize" not in types:
        return f"types of {event} leave out new commits"
    branches = words(get(node, "branches"))
    has_branches = bool(branches) or get(node, "branches-ignore") is not None
    if event == "push" and get(node, "tags") is not None and not has_branches:
        return _BY_TAG
    if event == "push" and branches and "**" not in branches:
        return _on_branches(branches)
    return ""


def _on_branches(names: Sequence[str]) -> str:
    return f"it runs when a change is on {', '.join(names)}, and not before"


def _azure_triggers(top: yaml.Node) -> str:
    """Return what `trigger` and `pr` leave out; without `pr`, each pull request starts it."""
    trigger, pull_request = get(top, "trigger"), get(top, "pr")
    if word(pull_request) != "none":
        has_paths = get(pull_request, "paths") is not None
        return "paths of pr leaves out changes of other files" if has_paths else ""
    if word(trigger) == "none":
        return "trigger: none and pr: none start it by hand"
    if get(trigger, "paths") is not None:
        return "paths of trigger leaves out changes of other files"
    is_list = not isinstance(trigger, yaml.MappingNode)
    branches = words(trigger if is_list else get(get(trigger, "branches"), "include"))
    return _on_branches(branches) if branches and "*" not in branches else ""


def _circleci_job(top: yaml.Node, job: str) -> str:
    """Return why no workflow of CircleCI runs a job for every change."""
    workflows = get(top, "workflows")
    if workflows is None:
        return ""
    reasons = []
    for _, workflow in items(workflows):
        for entry in entries(get(workflow, "jobs")):
            if job in words(entry):
                reasons.append(_circleci_schedule(workflow) or _circleci_entry(entry, workflow))
    if not reasons:
        return f"no workflow runs the job {job}"
    return "" if "" in reasons else reasons[0]


def _circleci_schedule(workflow: yaml.Node) -> str:
    """Return whether a workflow has triggers: there are none but schedules."""
    is_scheduled = get(workflow, "triggers") is not None
    return "its workflow runs by schedule only" if is_scheduled else ""


def _circleci_entry(entry: yaml.Node, workflow: yaml.Node) -> str:
    """Return what a job leaves out where a workflow names it."""
    settings = next((value for _, value in items(entry)), None)
    branches = get(get(settings, "filters"), "branches")
    only = words(get(branches, "only"))
    if only and "/.*/" not in only:
        return _on_branches(only)
    if "/.*/" in words(get(branches, "ignore")):
        return _BY_TAG
    approvals = {
        name
        for each in entries(get(workflow, "jobs"))
        for name, value in items(each)
        if word(get(value, "type")) == "approval"
    }
    if approvals.intersection(words(get(settings, "requires"))):
        return "it waits until somebody approves it"
    return ""


def _bitbucket_pipeline(kind: str, name: str) -> str:
    if kind == "custom":
        return "a custom pipeline is started by hand"
    if kind == "tags":
        return _BY_TAG
    return _on_branches([name]) if kind == "branches" and name != "**" else ""

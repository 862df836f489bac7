"""CI triggers: which changes does a job of continuous integration leave out?

Each function returns the reason as a text, '' where nothing is left out.
"""

import re
from collections.abc import Iterator, Sequence

import yaml

from pytest_llmprod.handoff.audit.yaml_nodes import entries, get, items, word, words

#: When a job or a command runs that no change starts, or that runs after a failure only.
_LEFT_OUT = ("manual", "never", "delayed", "on_failure", "on_fail")
#: A condition of GitHub that only one branch fulfils, only tags, a label, or no change at all.
_GITHUB_OF_FEW = re.compile(
    r"github\.ref(?:_name)? == (?:'|format\(|github\.event\.repository\.default_branch)"
    r"|github\.ref_type == 'tag'|(?<!!)startswith\(github\.ref, ?'refs/tags"
    r"|github\.event_name == '(?:schedule|workflow_dispatch|repository_dispatch|release)'"
    r"|(?<!!)contains\(github\.event\.pull_request\.labels|github\.event\.label\.name == "
    r"|(?<!!)github\.event\.pull_request\.merged\b(?! ?(?:!=|== ?false))"
)
#: What lets a job of GitHub run although one that it needs was left out.
_RUNS_ANYWAY = re.compile(r"\balways\(\)|!\s*(?:cancelled|failure)\(\)")
_ONLY_PUSHES = re.compile(r"github\.event_name (?:== 'push'|!= 'pull_request')")
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
    if system == "github" and path[0] == "jobs" and len(path) > 1:
        return _github_job(top, path[1])
    if system == "circleci" and path[0] == "jobs":
        return _circleci_job(top, path[1])
    if system == "circleci" and path[0] == "commands" and len(path) > 1:
        return _circleci_command(top, path[1])
    if system == "azure":
        return next(filter(None, map(_azure_expression, path)), "")
    if system == "bitbucket" and path[0] == "pipelines" and len(path) > 2:
        return _bitbucket_pipeline(path[1], path[2])
    return ""


def of_mapping(node: yaml.Node) -> str:
    """Return what the keys of a job, or of a step, leave out."""
    when = word(get(node, "when"))
    if when in _LEFT_OUT:
        return f"when: {when} leaves it out"
    if word(get(node, "trigger")) == "manual":  # as Bitbucket writes it
        return "trigger: manual leaves it out"
    if get(get(node, "condition"), "changesets") is not None:
        return "changesets in its condition leaves out changes of some files"
    if word(get(node, "enabled")) == "false":
        return "enabled: false leaves it out"
    for key in ("if", "condition"):
        condition = _condition(node, key)
        if _is_of_few(condition):
            return f"{key}: {condition} leaves changes out"
    return _rules(get(node, "rules")) or _only(get(node, "only"))


def _condition(node: yaml.Node | None, key: str) -> str:
    return word(get(node, key)).replace("${{", "").replace("}}", "").strip()


def _is_of_few(condition: str) -> bool:
    """Say whether a condition of GitHub or Azure keeps a step from some changes, or from all."""
    if condition in ("false", "never()", "failure()", "failed()", "cancelled()", "canceled()"):
        return True
    if re.search(r"\b(?:or|not)\(|!\s*\(", condition):
        return False
    if _AZURE_OF_FEW.search(condition):
        return True
    return _each_of_few(condition, _GITHUB_OF_FEW)


def _each_of_few(condition: str, few: re.Pattern[str]) -> bool:
    """Say whether whatever fulfils a condition fulfils `few`, by what stands between its `||`."""
    return all(few.search(each.strip(" ()")) for each in condition.split("||"))


def _rules(rules: yaml.Node | None) -> str:
    """Return what the `rules` of GitLab leave out, of a job or of the whole pipeline."""
    kept = [rule for rule in _met(rules) if word(get(rule, "when")) not in _LEFT_OUT]
    if not kept:
        return "its rules start it by hand or never" if entries(rules) else ""
    by_files = [rule for rule in kept if _leaves_files_out(get(rule, "changes"))]
    conditions = [word(get(rule, "if")) for rule in kept if rule not in by_files]
    if not all(_each_of_few(each, _GITLAB_OF_FEW) for each in conditions):
        return ""
    if by_files:
        return "changes in its rules leaves out changes of some files"
    return f"its rules leave out changes but those of {conditions[0]}"


def _met(rules: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield the rules of GitLab up to the first that asks for nothing: it is met by all."""
    for rule in entries(rules):
        yield rule
        if {"when"}.issuperset(words(rule)):
            return


def _leaves_files_out(changes: yaml.Node | None) -> bool:
    return changes is not None and "**/*" not in words(get(changes, "paths") or changes)


def _only(only: yaml.Node | None) -> str:
    """Return what `only` of a job of GitLab leaves out."""
    if only is None:
        return ""
    if get(only, "changes") is not None:
        return "only: changes leaves out changes of some files"
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


def _github_job(top: yaml.Node, name: str) -> str:
    """Return which changes leave out a job of GitHub, or a job that it waits for."""
    jobs = {each.lower(): job for each, job in items(get(top, "jobs"))}
    if reason := _of_pushes(_condition(jobs.get(name.lower()), "if"), get(top, "on")):
        return reason
    seen: set[str] = set()
    waiting = [name.lower()]
    while waiting:
        each = waiting.pop()
        seen.add(each)
        job = jobs.get(each)
        if each != name.lower() and job is not None and of_mapping(job):
            return f"it needs the job {each}, which leaves changes out"
        if not _RUNS_ANYWAY.search(_condition(job, "if")):
            waiting += [needed for needed in words(get(job, "needs")) if needed not in seen]
    return ""


def _of_pushes(condition: str, on: yaml.Node | None) -> str:
    """Return what a condition leaves out that keeps a job of GitHub from pull requests."""
    found = _ONLY_PUSHES.search(condition)
    if found is None or "||" in condition:
        return ""
    others = {"pull_request_target", "merge_group"} if "!=" in found[0] else set()
    if others.intersection(words(on)):
        return ""
    is_of_all = "push" in words(on) and not _github_event("push", get(on, "push"))
    return "" if is_of_all else f"if: {condition} leaves changes out"


def _github_event(event: str, node: yaml.Node | None) -> str:
    for key in ("paths", "paths-ignore"):
        if get(node, key) is not None:
            return f"{key} of {event} leaves out changes of some files"
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
        return "paths of pr leaves out changes of some files" if has_paths else ""
    if word(trigger) == "none":
        return "trigger: none and pr: none start it by hand"
    if get(trigger, "paths") is not None:
        return "paths of trigger leaves out changes of some files"
    is_list = not isinstance(trigger, yaml.MappingNode)
    branches = words(trigger if is_list else get(get(trigger, "branches"), "include"))
    return _on_branches(branches) if branches and "*" not in branches else ""


def _azure_expression(key: str) -> str:
    """Return what a key such as `${{ if eq(variables['Build.SourceBranch'], 'x') }}` leaves out."""
    found = re.fullmatch(r"\$\{\{\s*if\s+(.*?)\s*\}\}", key)
    if found and _is_of_few(found[1].lower()):
        return f"if {found[1]} leaves changes out"
    return ""


def _circleci_command(top: yaml.Node, command: str) -> str:
    """Return why no job that runs for every change has a command of CircleCI among its steps."""
    name = command.lower()
    if get(top, "workflows") is None:
        return ""
    if any(_has_step(each, name) for _, each in items(get(top, "commands"))):
        return ""
    jobs = [job for job, node in items(get(top, "jobs")) if _has_step(node, name)]
    reasons = [_circleci_job(top, job) for job in jobs]
    if not reasons:
        return f"no job runs the command {command}"
    return "" if "" in reasons else reasons[0]


def _has_step(node: yaml.Node, command: str) -> bool:
    """Say whether a command is run; a mapping among the steps may hold others, below `when`."""
    if isinstance(node, yaml.MappingNode):
        return any(
            key.lower() == command or _has_step(value, command) for key, value in items(node)
        )
    return word(node) == command or any(_has_step(each, command) for each in entries(node))


def _circleci_job(top: yaml.Node, job: str) -> str:
    """Return why no workflow of CircleCI runs a job for every change."""
    workflows = get(top, "workflows")
    if workflows is None:
        return ""
    reasons = []
    for _, workflow in items(workflows):
        for entry in entries(get(workflow, "jobs")):
            if job.lower() in map(str.lower, words(entry)):
                reasons.append(
                    _circleci_workflow(workflow, top) or _circleci_entry(entry, workflow)
                )
    if not reasons:
        return f"no workflow runs the job {job}"
    return "" if "" in reasons else reasons[0]


def _circleci_workflow(workflow: yaml.Node, top: yaml.Node) -> str:
    """Return what a workflow leaves out. In old files it has triggers: none but schedules."""
    when = get(workflow, "when")
    told = {word(each) for each in entries(get(when, "equal"))}
    if get(workflow, "triggers") is not None or "scheduled_pipeline" in told:
        return "its workflow runs by schedule only"
    if "<< pipeline.git.branch >>" in told:
        return _on_branches(sorted(told - {"<< pipeline.git.branch >>"}))
    asked = re.fullmatch(r"<<\s*pipeline\.parameters\.(\S+)\s*>>", word(when))
    for name, parameter in items(get(top, "parameters")):
        if asked and asked[1] == name.lower() and word(get(parameter, "default")) == "false":
            return f"its workflow waits for the parameter {name}"
    return ""


def _circleci_entry(entry: yaml.Node, workflow: yaml.Node) -> str:
    """Return what a job leaves out where a workflow names it."""
    settings = next((value for _, value in items(entry)), None)
    branches = get(get(settings, "filters"), "branches")
    only = words(get(branches, "only"))
    if only and "/.*/" not in only:
        return _on_branches(only)
    if "/.*/" in words(get(branches, "ignore")):
        return _BY_TAG
    if _waits(words(get(settings, "requires")), workflow):
        return "it waits until somebody approves it"
    return ""


def _waits(required: Sequence[str], workflow: yaml.Node) -> bool:
    """Say whether an approval is among the required jobs, or those which they require."""
    seen: set[str] = set()
    waiting = list(required)
    while waiting:
        job = waiting.pop()
        seen.add(job)
        for each in entries(get(workflow, "jobs")):
            for name, value in items(each):
                if name.lower() == job and word(get(value, "type")) == "approval":
                    return True
                if name.lower() == job or word(get(value, "name")) == job:
                    waiting += set(words(get(value, "requires"))) - seen
    return False


def _bitbucket_pipeline(kind: str, name: str) -> str:
    if kind == "custom":
        return "a custom pipeline is started by hand"
    if kind == "tags":
        return _BY_TAG
    return _on_branches([name]) if kind == "branches" and name != "**" else ""

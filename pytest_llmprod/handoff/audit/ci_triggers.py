"""CI triggers: which changes does a job of continuous integration leave out?

Each function returns the reason as a text, '' where nothing is left out.
"""

import re
from collections.abc import Iterator, Sequence

import yaml

from pytest_llmprod.handoff.audit.ci_conditions import is_of_few, pushes_asked_for
from pytest_llmprod.handoff.audit.yaml_nodes import entries, get, items, word, words

#: When a job or a command runs that no change starts, or that runs after a failure only.
_LEFT_OUT = ("manual", "never", "delayed", "on_failure", "on_fail")
#: What lets a job of GitHub run although one that it needs was left out.
_RUNS_ANYWAY = re.compile(r"\balways\(\)|!\s*(?:cancelled|failure)\(\)")
#: How `only` and `except` of GitLab name all branches.
_OF_BRANCHES = frozenset({"branches", "pushes", "/.*/", "/.+/", "/^.*$/"})
#: Patterns for the branches with a `/` in their names, which `*` leaves out.
_WITH_SLASH = frozenset({"*/**", "**/*"})
#: How patterns of Woodpecker and Drone for refs begin that changes fulfil.
_OF_CHANGES = ("refs/heads/**", "refs/pull", "refs/**", "**")
_BY_TAG = "it runs when a tag is made, and not before"


def of_file(system: str, top: yaml.Node) -> str:
    """Return what keeps a whole file from being started."""
    if system == "github":
        return _github_triggers(top)
    if system == "azure":
        return _azure_triggers(top)
    return _rules(get(get(top, "workflow"), "rules")) if system == "gitlab" else ""


def of_place(system: str, top: yaml.Node, path: Sequence[str], around: Sequence[yaml.Node]) -> str:
    """Return what keeps the place from being started to which the keys of `path` lead.

    `around` are the mappings that it stands in.
    """
    for node in around:
        for key in ("if", "condition"):
            condition = _condition(node, key)
            if _is_of_pushes(condition, system, top):
                return f"{key}: {condition} leaves changes out"
    if system == "github" and path[0] == "jobs" and len(path) > 1:
        return _github_job(top, path[1])
    if system == "circleci" and path[0] == "jobs":
        return _circleci_job(top, path[1])
    if system == "circleci" and path[0] == "commands" and len(path) > 1:
        return _circleci_command(top, path[1])
    if system == "azure":
        return next(filter(None, (_azure_expression(key, top) for key in path)), "")
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
        if is_of_few(condition):
            return f"{key}: {condition} leaves changes out"
    events = _events(node, "when") or _events(node, "trigger")
    return events or _rules(get(node, "rules")) or _only(get(node, "only"), get(node, "except"))


def _condition(node: yaml.Node | None, key: str) -> str:
    text = word(get(node, key)).replace("${{", "").replace("}}", "")
    return " ".join(text.split())


def _included(node: yaml.Node | None) -> list[str]:
    """Return a list, or what stands below `include` in its place."""
    return words(get(node, "include") if isinstance(node, yaml.MappingNode) else node)


def _events(node: yaml.Node, key: str) -> str:
    """Return what `when` of Woodpecker and Drone or `trigger` of Drone leaves out.

    Of several conditions, one is enough.
    """
    value = get(node, key)
    conditions = [each for each in (value, *entries(value)) if isinstance(each, yaml.MappingNode)]
    reasons = [_event(each, key) for each in conditions]
    return "" if "" in reasons else next(iter(reasons), "")


def _event(condition: yaml.Node, key: str) -> str:
    """Return what one condition leaves out; `branch` of a pull request is the one it is for."""
    if get(condition, "path") is not None:
        return f"path of {key} leaves out changes of some files"
    status = words(get(condition, "status"))
    if status and "success" not in status:
        return f"status of {key} leaves it out until something fails"
    refs = _included(get(condition, "ref"))
    if refs and not any(ref.startswith(_OF_CHANGES) for ref in refs):
        return _on_branches(refs)
    event = get(condition, "event")
    events = set(_included(event) or ("push", "pull_request")) - set(words(get(event, "exclude")))
    if "pull_request" in events:
        return ""
    if "push" not in events:
        return f"event of {key} leaves out pushes and pull requests"
    return _by_patterns(_included(get(condition, "branch")))


def _rules(rules: yaml.Node | None) -> str:
    """Return what the `rules` of GitLab leave out, of a job or of the whole pipeline."""
    kept = [rule for rule in _met(rules) if word(get(rule, "when")) not in _LEFT_OUT]
    if not kept:
        return "its rules start it by hand or never" if entries(rules) else ""
    by_files = [rule for rule in kept if _leaves_files_out(get(rule, "changes"))]
    conditions = [_condition(rule, "if") for rule in kept if rule not in by_files]
    if not all(map(is_of_few, conditions)):
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


def _only(only: yaml.Node | None, but: yaml.Node | None) -> str:
    """Return what `only` and `except` of a job of GitLab leave out."""
    for key, value in (("only", only), ("except", but)):
        if get(value, "changes") is not None:
            return f"{key}: changes leaves out changes of some files"
    refs = _refs(only) or ["branches"]
    dropped = _refs(but)
    kept = _pipelines(refs)
    if not kept:
        return f"only: {', '.join(refs)} leaves other changes out"
    lost = f"except: {', '.join(dropped)} leaves other changes out"
    return "" if kept - _pipelines(dropped) else lost


def _refs(node: yaml.Node | None) -> list[str]:
    """Return the refs of `only` or `except`; a mapping may ask for other things alone."""
    return words(get(node, "refs") if isinstance(node, yaml.MappingNode) else node)


def _pipelines(refs: Sequence[str]) -> set[str]:
    """Return which of the pipelines that changes start are among refs; a push is to a branch."""
    found = {"merge_requests", "external_pull_requests"}.intersection(refs)
    return found | {"branches"} if _OF_BRANCHES.intersection(refs) else found


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
    seen: set[str] = set()
    waiting = [name.lower()]
    while waiting:
        each = waiting.pop()
        seen.add(each)
        job = jobs.get(each)
        if each != name.lower() and job is not None and _leaves_out(job, top):
            return f"it needs the job {each}, which leaves changes out"
        if not _RUNS_ANYWAY.search(_condition(job, "if")):
            waiting += [needed for needed in words(get(job, "needs")) if needed not in seen]
    return ""


def _leaves_out(job: yaml.Node, top: yaml.Node) -> bool:
    return bool(of_mapping(job)) or _is_of_pushes(_condition(job, "if"), "github", top)


def _is_of_pushes(condition: str, system: str, top: yaml.Node) -> bool:
    """Say whether a condition asks for a push, and not each push starts the file."""
    asked = pushes_asked_for(condition)
    if not asked:
        return False
    if system == "azure":
        return bool(_azure_pushes(get(top, "trigger")))
    on = get(top, "on")
    others = {"pull_request_target", "merge_group"} if "!=" in asked else set()
    if others.intersection(words(on)):
        return False
    return "push" not in words(on) or bool(_github_event("push", get(on, "push")))


def _github_event(event: str, node: yaml.Node | None) -> str:
    for key in ("paths", "paths-ignore"):
        if get(node, key) is not None:
            return f"{key} of {event} leaves out changes of some files"
    types = words(get(node, "types"))
    if types and event.startswith("pull_request") and "synchronize" not in types:
        return f"types of {event} leave out new commits"
    return _github_push(node) if event == "push" else ""


def _github_push(node: yaml.Node | None) -> str:
    branches, ignored = words(get(node, "branches")), words(get(node, "branches-ignore"))
    has_tags = get(node, "tags") is not None or get(node, "tags-ignore") is not None
    if "**" in ignored or (has_tags and not branches and not ignored):
        return _BY_TAG
    return _by_patterns(branches)


def _by_patterns(branches: Sequence[str]) -> str:
    """Return what patterns for branches leave out, of which `**` matches all; '' without any."""
    if "**" in branches or ("*" in branches and _WITH_SLASH.intersection(branches)):
        return ""
    if "*" in branches:
        return "* matches no / in the name of a branch: write **"
    return _on_branches(branches) if branches else ""


def _on_branches(names: Sequence[str]) -> str:
    return f"it runs when a change is on {', '.join(names)}, and not before"


def _azure_triggers(top: yaml.Node) -> str:
    """Return what `trigger` and `pr` leave out; without `pr`, each pull request starts it."""
    trigger, pull_request = get(top, "trigger"), get(top, "pr")
    if word(pull_request) != "none":
        has_paths = get(pull_request, "paths") is not None
        return "paths of pr leaves out changes of some files" if has_paths else ""
    return _azure_pushes(trigger)


def _azure_pushes(trigger: yaml.Node | None) -> str:
    """Return which pushes `trigger` leaves out; with tags alone, no branch is included."""
    if word(trigger) == "none":
        return "trigger: none and pr: none start it by hand"
    if get(trigger, "paths") is not None:
        return "paths of trigger leaves out changes of some files"
    named = get(trigger, "branches") if isinstance(trigger, yaml.MappingNode) else trigger
    has_tags = get(trigger, "tags") is not None
    if (named is None and has_tags) or "*" in words(get(named, "exclude")):
        return _BY_TAG
    branches = _included(named)
    return _on_branches(branches) if branches and "*" not in branches else ""


def _azure_expression(key: str, top: yaml.Node) -> str:
    """Return what a key such as `${{ if eq(variables['Build.SourceBranch'], 'x') }}` leaves out."""
    found = re.fullmatch(r"\$\{\{\s*if\s+(.*?)\s*\}\}", key)
    if found is None:
        return ""
    condition = found[1].lower()
    is_left = is_of_few(condition) or _is_of_pushes(condition, "azure", top)
    return f"if {found[1]} leaves changes out" if is_left else ""


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
    condition = _condition(workflow, "when")
    if is_of_few(condition):
        return f"when: {condition} leaves changes out"
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
    filters = get(settings, "filters")
    condition = _condition(settings, "filters")
    if is_of_few(condition):
        return f"filters: {condition} leaves changes out"
    branches = get(filters, "branches")
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
    return _by_patterns([name]) if kind == "branches" else ""

"""Workflows: does continuous integration run the evals on every change, and may it say no?

Read are the files of GitHub, Gitea and Forgejo, GitLab, CircleCI, Azure Pipelines, Bitbucket,
Travis, Woodpecker, Drone and Buildkite. They have one thing in common: a command stands in a tree
of mappings, and a key in one of those around it may say that its failure counts for nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from pytest_llmprod.handoff.audit.shell_lines import runs_of_evals

_LIKE_GITHUB = (".github/workflows", ".gitea/workflows", ".forgejo/workflows")
_FOLDERS = (*_LIKE_GITHUB, ".woodpecker", ".buildkite")
_FILES = (
    *(".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml"),
    *(".travis.yml", ".woodpecker.yml", ".drone.yml"),
)
#: Under which keys commands stand.
_COMMANDS = frozenset({"run", "script", "before_script", "commands", "command", "bash", "pwsh"})
_MOST_NODES = 20_000  # what anchors multiply ends here
_MOST_BYTES = 1_000_000

_Around = tuple[yaml.MappingNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CiRun:
    """One place where a workflow runs the evals; `weakness` says why it cannot stop a change.

    `path` is relative to the project and may begin with `..`; `line` counts from 1.
    """

    path: str
    line: int
    command: str
    weakness: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """The workflows of a project: their files, those that cannot be read, and runs of evals."""

    files: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    runs: tuple[CiRun, ...] = ()


def read_ci(root: Path) -> Ci:
    """Return how the project in `root`, or the repository around it, runs its evals."""
    files: list[str] = []
    unreadable: list[str] = []
    runs: list[CiRun] = []
    for home in _homes(root):
        for path in _workflow_files(home):
            name = _relative(path, root)
            files.append(name)
            try:
                found = list(_Workflow(path, home, root, name).runs())
            except (OSError, ValueError, yaml.YAMLError, RecursionError):
                unreadable.append(name)
                continue
            runs += found
    return Ci(files=tuple(files), unreadable=tuple(unreadable), runs=tuple(runs))


def _homes(root: Path) -> list[Path]:
    """Return the folder of the project, and that of the repository around it."""
    above = (each for each in (root, *root.parents) if (each / ".git").exists())
    repository = next(above, root)
    return [root] if repository == root else [root, repository]


def _workflow_files(home: Path) -> list[Path]:
    found = [home / name for name in _FILES]
    for folder in _FOLDERS:
        found += sorted((home / folder).glob("*.y*ml"))
    return [path for path in found if path.is_file()]


def _relative(path: Path, root: Path) -> str:
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    steps = len(root.parts) - len(_common(path, root).parts)
    return "/".join([*[".."] * steps, *path.parts[len(_common(path, root).parts) :]])


def _common(path: Path, root: Path) -> Path:
    return next(each for each in root.parents if path.is_relative_to(each))


class _Workflow:
    """Reads one file."""

    def __init__(self, path: Path, home: Path, root: Path, name: str) -> None:
        self._path = path
        self._folders = tuple(dict.fromkeys((root, home)))
        self._name = name
        self._is_github = path.parent.relative_to(home).as_posix() in _LIKE_GITHUB
        self._left = _MOST_NODES

    def runs(self) -> Iterator[CiRun]:
        """Yield where the file runs the evals."""
        if self._path.stat().st_size > _MOST_BYTES:
            raise ValueError("the file is too long to be read")
        text = self._path.read_text(encoding="utf-8", errors="replace")
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
            if isinstance(document, yaml.MappingNode):
                trigger = _trigger_weakness(document, self._path.name) if self._is_github else ""
                trigger = trigger or _azure_weakness(document, self._path.name)
                yield from self._walk(document, (), document, trigger)

    def _walk(
        self, node: yaml.Node, around: _Around, top: yaml.MappingNode, trigger: str, key: str = ""
    ) -> Iterator[CiRun]:
        """Yield the runs at and below `node`; `around` are the mappings above it."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("the file holds too much")
        if isinstance(node, yaml.ScalarNode):
            if key in _COMMANDS or key == "after_script":
                yield from self._script(node, around, trigger, key)
        elif isinstance(node, yaml.SequenceNode):
            for each in node.value:
                yield from self._walk(each, around, top, trigger, key)
        elif isinstance(node, yaml.MappingNode) and node not in around:
            inner = (*around, node)
            for name, value in _items(node):
                is_template = len(around) == 0 and name.startswith(".")
                if not is_template:
                    yield from self._walk(value, inner, top, trigger, name)
            for template in _templates(node, top):
                yield from self._walk(template, inner, top, trigger)

    def _script(
        self, node: yaml.ScalarNode, around: _Around, trigger: str, key: str
    ) -> Iterator[CiRun]:
        has_pipefail = not self._is_github or _has_pipefail(around)
        start = node.start_mark.line + (1 if node.style in ("|", ">") else 0)
        late = "what after_script fails with counts for nothing" if key == "after_script" else ""
        ignored = next(filter(None, map(_weakness, reversed(around))), "")
        for call in runs_of_evals(str(node.value), self._folders, has_pipefail=has_pipefail):
            yield CiRun(
                path=self._name,
                line=start + call.line + 1,
                command=call.command,
                weakness=call.weakness or late or ignored or trigger,
            )


def _items(node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            yield str(key.value), value


def _get(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in _items(node) if key == name), None)


def _word(node: yaml.Node | None) -> str:
    """Return a scalar as it is written, in lower case; '' for anything else."""
    return str(node.value).strip().lower() if isinstance(node, yaml.ScalarNode) else ""


def _words(node: yaml.Node | None) -> list[str]:
    """Return a scalar, the scalars of a list, or the keys of a mapping."""
    if isinstance(node, yaml.SequenceNode):
        return [_word(each) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        return [name for name, _ in _items(node)]
    return [_word(node)] if _word(node) else []


def _templates(node: yaml.MappingNode, top: yaml.MappingNode) -> list[yaml.Node]:
    """Return the jobs that a job of GitLab extends."""
    names = _words(_get(node, "extends"))
    found = [value for name, value in _items(top) if name.lower() in names]
    return [each for each in found if each is not node]


def _has_pipefail(around: _Around) -> bool:
    """Say whether GitHub runs a step with pipefail: only where `shell: bash` is written."""
    for node in reversed(around):
        shell = _get(node, "shell") or _get(_get(_get(node, "defaults"), "run"), "shell")
        if shell is not None:
            return _word(shell) == "bash" or "pipefail" in _word(shell)
    return False


_NO = ("", "false", "no", "never")
#: A condition that only one branch fulfils, or only tags do.
_OF_ONE_REF = re.compile(
    r"github\.ref(?:_name)? == '|github\.ref_type == 'tag'"
    r"|(?<!!)startswith\(github\.ref, ?'refs/tags"
)


def _is_for_no_change(condition: str) -> bool:
    is_false = condition == "false"
    return is_false or "== 'schedule'" in condition or "workflow_dispatch" in condition


def _weakness(node: yaml.MappingNode) -> str:
    """Return why a failure below this mapping stops no change, '' where it does."""
    for key in ("continue-on-error", "continueOnError", "allow_failure", "soft_fail"):
        value = _get(node, key)
        if value is not None and (
            not isinstance(value, yaml.ScalarNode) or _word(value) not in _NO
        ):
            return f"{key} lets it fail"
    if _word(_get(node, "failure")) == "ignore":
        return "failure: ignore lets it fail"
    if _word(_get(node, "when")) in ("manual", "never", "delayed"):
        return f"when: {_word(_get(node, 'when'))} leaves it out"
    if _get(node, "custom") is not None and _get(node, "default") is None:
        return "a custom pipeline is started by hand"
    condition = _word(_get(node, "if")).replace("${{", "").replace("}}", "").strip()
    is_of_few = _OF_ONE_REF.search(condition) is not None and "||" not in condition
    if is_of_few or _is_for_no_change(condition):
        return f"if: {condition} leaves changes out"
    return _rules_weakness(_get(node, "rules")) or _only_weakness(_get(node, "only"))


def _rules_weakness(rules: yaml.Node | None) -> str:
    """Return what the `rules` of a job of GitLab leave out."""
    if not isinstance(rules, yaml.SequenceNode) or not rules.value:
        return ""
    for rule in rules.value:
        if _word(_get(rule, "allow_failure")) == "true":
            return "allow_failure in its rules lets it fail"
    kept = [rule for rule in rules.value if _word(_get(rule, "when")) not in ("manual", "never")]
    if not kept:
        return "its rules start it by hand or never"
    if all(_get(rule, "changes") is not None for rule in kept):
        return "changes in its rules leaves out changes of other files"
    if all("schedule" in _word(_get(rule, "if")) for rule in kept):
        return "its rules run it by schedule only"
    return ""


def _only_weakness(only: yaml.Node | None) -> str:
    """Return what `only` of a job of GitLab leaves out."""
    if only is None:
        return ""
    if _get(only, "changes") is not None:
        return "only: changes leaves out changes of other files"
    refs = _words(_get(only, "refs") or only)
    if not {"merge_requests", "branches", "pushes", "external_pull_requests"} & set(refs):
        return f"only: {', '.join(refs)} leaves other changes out"
    return ""


def _azure_weakness(document: yaml.MappingNode, name: str) -> str:
    if not name.startswith("azure-pipelines"):
        return ""
    if _word(_get(document, "trigger")) == "none" and _word(_get(document, "pr")) == "none":
        return "trigger: none and pr: none start it by hand"
    return ""


def _trigger_weakness(document: yaml.MappingNode, name: str) -> str:
    """Return which changes a workflow of GitHub is not started by, '' where there are none."""
    on = _get(document, "on") or _get(document, "true")  # YAML 1.1 reads `on` as true
    events = set(_words(on))
    if not events & {"push", "pull_request", "pull_request_target", "merge_group"}:
        return f"on: {', '.join(sorted(events)) or 'nothing'} leaves changes out"
    reasons = []
    for event in ("pull_request", "pull_request_target", "merge_group", "push"):
        if event in events:
            reasons.append(_event_weakness(event, _get(on, event)))
    return "" if "" in reasons else reasons[0]


def _event_weakness(event: str, node: yaml.Node | None) -> str:
    for key in ("paths", "paths-ignore"):
        if _get(node, key) is not None:
            return f"{key} of {event} leaves out changes of other files"
    types = _words(_get(node, "types"))
    if types and event.startswith("pull_request") and "synchronize" not in types:
        return f"types of {event} leave out new commits"
    branches = _words(_get(node, "branches"))
    has_branches = bool(branches) or _get(node, "branches-ignore") is not None
    if event == "push" and _get(node, "tags") is not None and not has_branches:
        return "it runs when a tag is made, and not before"
    if event == "push" and branches and "**" not in branches:
        return f"it runs when a change is on {', '.join(branches)}, and not before"
    return ""

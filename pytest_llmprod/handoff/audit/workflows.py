"""Workflows: does continuous integration run the evals on every change, and may it say no?

Read are the files of GitHub, Gitea and Forgejo, GitLab, CircleCI, Azure Pipelines, Bitbucket,
Travis, Woodpecker, Drone and Buildkite. They have one thing in common: a command stands in a tree
of mappings, and a key in one of those around it may say that its failure counts for nothing.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pytest_llmprod.core.files import path_from
from pytest_llmprod.handoff.audit import ci_triggers
from pytest_llmprod.handoff.audit.shell_lines import runs_of_evals
from pytest_llmprod.handoff.audit.yaml_nodes import entries, get, items, word, words

_LIKE_GITHUB = (".github/workflows", ".gitea/workflows", ".forgejo/workflows")
_FOLDERS = (*_LIKE_GITHUB, ".woodpecker", ".buildkite")
#: Where a file lies -> the system whose rules of starting a job are read, '' where the mappings
#: around a command say it all.
_FILES = {
    ".gitlab-ci.yml": "gitlab",
    ".circleci/config.yml": "circleci",
    "azure-pipelines.yml": "azure",
    "azure-pipelines.yaml": "azure",
    "bitbucket-pipelines.yml": "bitbucket",
    ".travis.yml": "",
    ".woodpecker.yml": "",
    ".woodpecker.yaml": "",
    ".drone.yml": "",
}
_AFTER = "after_script"
_FOLDER = "working-directory"
#: Under which keys commands stand.
_COMMANDS = frozenset(
    {"run", "script", "before_script", "commands", "command", "bash", "pwsh", "powershell", _AFTER}
)
#: What lets a step or a job fail, unless its value is one of these.
_MAY_FAIL = ("continue-on-error", "continueOnError", "allow_failure", "soft_fail")
_NO = ("", "false", "no", "never")
_MOST_NODES = 20_000  # what anchors multiply ends here
_DEEPEST = 50  # what an anchor that holds itself repeats ends here
_MOST_BYTES = 1_000_000

_Around = tuple[yaml.MappingNode, ...]
_Path = tuple[str, ...]


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
            name = path_from(path, root)
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


class _Workflow:
    """Reads one file."""

    def __init__(self, path: Path, home: Path, root: Path, name: str) -> None:
        self._path = path
        self._root = root
        self._home = home
        self._name = name
        self._system = _system_of(path.relative_to(home))
        self._left = _MOST_NODES

    def runs(self) -> Iterator[CiRun]:
        """Yield where the file runs the evals."""
        if self._path.stat().st_size > _MOST_BYTES:
            raise ValueError("the file is too long to be read")
        text = self._path.read_text(encoding="utf-8", errors="replace")
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
            if isinstance(document, yaml.MappingNode):
                yield from self._walk(document, (), (), document)

    def _walk(
        self, node: yaml.Node, around: _Around, path: _Path, top: yaml.MappingNode
    ) -> Iterator[CiRun]:
        """Yield the runs at and below `node`; `around` are the mappings above it.

        `path` has the keys that lead to it from `top`.
        """
        self._left -= 1
        if self._left < 0 or len(path) > _DEEPEST:
            raise ValueError("the file holds too much")
        if isinstance(node, yaml.ScalarNode):
            if path and path[-1] in _COMMANDS:
                yield from self._script(node, around, path, top)
        elif isinstance(node, yaml.SequenceNode):
            for each in _referred(node, top) or node.value:
                yield from self._walk(each, around, path, top)
        elif isinstance(node, yaml.MappingNode):
            whole = _whole(node, top)
            for name, value in items(whole):
                if path or not self._is_template(name):
                    yield from self._walk(value, (*around, whole), (*path, name), top)

    def _is_template(self, name: str) -> bool:
        """Say whether what stands under a key at the top runs only where others refer to it."""
        return name.startswith(".") or (self._system == "bitbucket" and name == "definitions")

    def _script(
        self, node: yaml.ScalarNode, around: _Around, path: _Path, top: yaml.MappingNode
    ) -> Iterator[CiRun]:
        start = node.start_mark.line + (1 if node.style in ("|", ">") else 0)
        late = f"what {_AFTER} fails with counts for nothing" if path[-1] == _AFTER else ""
        weak = (
            late
            or self._elsewhere(around)
            or next(filter(None, map(_weakness, reversed(around))), "")
            or ci_triggers.of_place(self._system, top, path, around)
            or ci_triggers.of_file(self._system, top)
        )
        calls = runs_of_evals(
            str(node.value),
            tuple(dict.fromkeys((self._root, self._home))),
            has_pipefail=self._has_pipefail(around),
            stops=self._system != "azure",
        )
        for call in calls:
            yield CiRun(
                path=self._name,
                line=start + call.line + 1,
                command=call.command,
                weakness=call.weakness or weak,
            )

    def _elsewhere(self, around: _Around) -> str:
        """Say where a step runs that leaves this project out, as one of several in a repository."""
        for node in reversed(around):
            named = get(node, _FOLDER) or get(get(get(node, "defaults"), "run"), _FOLDER)
            folder = named or get(node, "workingDirectory")  # as Azure writes it
            if isinstance(folder, yaml.ScalarNode):
                place = Path(os.path.normpath(self._home / str(folder.value)))
                is_around = self._root.is_relative_to(place) or place.is_relative_to(self._root)
                return "" if is_around or not place.is_dir() else f"it runs in {folder.value}"
        return ""

    def _has_pipefail(self, around: _Around) -> bool:
        """Say whether a step is run with pipefail: on GitHub where `shell: bash` is written."""
        if self._system != "github":
            return self._system != "azure"
        for node in reversed(around):
            shell = get(node, "shell") or get(get(get(node, "defaults"), "run"), "shell")
            if shell is not None:
                return word(shell) == "bash" or "pipefail" in word(shell)
        return False


def _system_of(path: Path) -> str:
    name = path.as_posix()
    return "github" if name.startswith(_LIKE_GITHUB) else _FILES.get(name, "")


def _whole(
    node: yaml.MappingNode, top: yaml.MappingNode, around: Sequence[yaml.Node] = ()
) -> yaml.MappingNode:
    """Return a mapping with what it merges (`<<`) or extends, which its own keys override."""
    merged = get(node, "<<")
    bases = [merged, *entries(merged), *reversed(_extended(node, top))]
    pairs = [pair for pair in node.value if word(pair[0]) != "<<"]
    for base in bases:
        if isinstance(base, yaml.MappingNode) and base is not node and base not in around:
            known = {word(key) for key, _ in pairs}
            inherited = _whole(base, top, (*around, node)).value
            pairs += [pair for pair in inherited if word(pair[0]) not in known]
    return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)


def _extended(node: yaml.MappingNode, top: yaml.MappingNode) -> list[yaml.Node]:
    """Return the jobs that a job of GitLab extends; of two, the later one wins."""
    names = words(get(node, "extends"))
    found = {name.lower(): value for name, value in items(top)}
    return [found[name] for name in names if name in found]


def _referred(node: yaml.SequenceNode, top: yaml.MappingNode) -> list[yaml.Node]:
    """Return what `!reference [.job, script]` of GitLab stands for, nothing for another list."""
    if node.tag != "!reference":
        return []
    found: yaml.Node | None = top
    for each in node.value:
        found = get(found, str(each.value))
    return [] if found is None else [found]


def _weakness(node: yaml.MappingNode) -> str:
    """Return why a failure below this mapping stops no change, '' where it does."""
    for key in _MAY_FAIL:
        value = get(node, key)
        if value is not None and (not isinstance(value, yaml.ScalarNode) or word(value) not in _NO):
            return f"{key} lets it fail"
    if any(word(get(rule, "allow_failure")) == "true" for rule in entries(get(node, "rules"))):
        return "allow_failure in its rules lets it fail"
    if word(get(node, "failure")) == "ignore":
        return "failure: ignore lets it fail"
    if word(get(get(node, "on-fail"), "strategy")) == "ignore":
        return "on-fail: ignore lets it fail"
    return ci_triggers.of_mapping(node)

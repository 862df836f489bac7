"""Ownership: who owns the project and who is called at night, as its files say?

Read are CODEOWNERS, Backstage's `catalog-info.yaml` and OpenSLO's files, where they exist.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.handoff.audit.yaml_nodes import entries, get, items

_CODEOWNERS = ("CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
_CATALOGUES = ("catalog-info.yaml", "catalog-info.yml")
_SLO_PLACES = ("*.y*ml", "slo/*.y*ml", "slos/*.y*ml", "openslo/*.y*ml", ".openslo/*.y*ml")
_PLACEHOLDER = re.compile(r"(?i)todo|tbd|fixme|unknown|none|n/a|x{3,}|\?+|<.*>|guests?")
#: What the keys, titles and addresses of those say who call somebody.
_PAGERS = re.compile(r"(?i)pagerduty|opsgenie|victorops|splunk.?on|incident\.io|on.?call|pager")
_MOST_BYTES = 1_000_000
_MOST_FILES = 200

#: What is said, by which key, and where.
_Said = tuple[str, str, yaml.Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name, and where it stands."""

    name: str
    at: Evidence


def is_name(text: str) -> bool:
    """Say whether a text names somebody, and is not what a template leaves to be filled in."""
    return bool(text.strip()) and _PLACEHOLDER.fullmatch(text.strip()) is None


def find_owner(root: Path, paths: Sequence[str]) -> Named | None:
    """Return who owns the files at `paths`, all of them, None where nobody is named."""
    return _code_owner(root, paths) or next(_said(root, _owners_in), None)


def find_on_call(root: Path) -> Named | None:
    """Return who is called, None where nobody is named."""
    return next(_said(root, _pagers_in), None)


def _code_owner(root: Path, paths: Sequence[str]) -> Named | None:
    for name in _CODEOWNERS:
        text = _text(root / name)
        if not text:
            continue
        rules = list(_rules(text))
        found = [_last_rule(rules, path) for path in paths or [""]]
        owned = [each for each in found if each is not None and each[1]]
        if owned and len(owned) == len(found):
            line, owners = owned[0]
            return Named(name=" ".join(owners), at=Evidence(path=name, line=line))
        return None
    return None


def _rules(text: str) -> Iterator[tuple[int, re.Pattern[str], list[str]]]:
    of_section: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        said = line.partition("#")[0]
        words = said.split()
        if words and words[0].startswith(("[", "^[")):
            # A section of GitLab: those behind it own what its rules name nobody for.
            of_section = _owners_among(said.rpartition("]")[2].split())
        elif words:
            yield number, _pattern(words[0]), _owners_among(words[1:]) or of_section


def _owners_among(words: Sequence[str]) -> list[str]:
    return [each for each in words if "@" in each and is_name(each.strip("@"))]


def _pattern(glob: str) -> re.Pattern[str]:
    """Return what a pattern of CODEOWNERS, which is one of .gitignore, means for a path."""
    is_anchored = "/" in glob.rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(meanings.get(part, re.escape(part)) for part in parts)
    start = "" if is_anchored else "(?:.*/)?"
    end = "" if glob.endswith("/*") else "(?:/.*)?"
    return re.compile(f"{start}{body}{end}")


def _last_rule(
    rules: Sequence[tuple[int, re.Pattern[str], list[str]]], path: str
) -> tuple[int, list[str]] | None:
    """Return the line and the owners of the last rule that is for `path`: it wins."""
    for number, pattern, owners in reversed(rules):
        if pattern.fullmatch(path):
            return number, owners
    return None


def _said(root: Path, read: "Callable[[_Document], Iterator[_Said]]") -> Iterator[Named]:
    """Yield what the catalogue and the SLO files say."""
    for path in _catalogue_files(root):
        name = path.relative_to(root).as_posix()
        try:
            documents = list(yaml.compose_all(_text(path), Loader=yaml.SafeLoader))
        except (yaml.YAMLError, RecursionError):
            continue
        for document in documents:
            for key, value, node in read(_Document(document)):
                if is_name(value):
                    at = Evidence(path=name, line=node.start_mark.line + 1)
                    yield Named(name=f"{value} ({key})" if key else value, at=at)


def _catalogue_files(root: Path) -> list[Path]:
    found = [root / name for name in _CATALOGUES]
    for place in _SLO_PLACES:
        found += sorted(root.glob(place))[:_MOST_FILES]
    return [path for path in dict.fromkeys(found) if path.is_file()]


class _Document:
    """One document of YAML, read by the paths of its keys."""

    def __init__(self, top: yaml.Node | None) -> None:
        self._top = top
        self.kind = self.text("kind")
        version = self.text("apiVersion")
        self.is_slo = version.startswith("openslo/")
        self.is_catalogue = version.startswith("backstage.io/")

    def at(self, path: str) -> yaml.Node | None:
        node = self._top
        for name in path.split("."):
            node = get(node, name)
        return node

    def text(self, path: str) -> str:
        return _scalar(self.at(path))


def _scalar(node: yaml.Node | None) -> str:
    return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""


def _owners_in(document: _Document) -> Iterator[_Said]:
    if document.is_catalogue:
        paths = ["spec.owner"]
    else:
        paths = ["metadata.labels.owner", "metadata.labels.team"] if document.is_slo else []
    for path in paths:
        node = document.at(path)
        if node is not None:
            yield "", _scalar(node), node


def _pagers_in(document: _Document) -> Iterator[_Said]:
    if document.is_catalogue:
        for key, node in items(document.at("metadata.annotations")):
            if _PAGERS.search(key):
                yield key, _scalar(node), node
        for node in entries(document.at("metadata.links")):
            link = _Document(node)
            if _PAGERS.search(f"{link.text('title')} {link.text('url')}"):
                yield link.text("title"), link.text("url"), node
    target = document.at("spec.target")
    if document.is_slo and document.kind == "AlertNotificationTarget" and target is not None:
        yield _scalar(target), document.text("metadata.name"), target


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""

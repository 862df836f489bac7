"""YAML nodes: a file read as a tree in which each value has its line, and nothing is constructed.

So tags that only one product knows do no harm.
"""

from collections.abc import Iterator

import yaml


def items(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Yield the keys of a mapping that are texts, with their values; none for any other node."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode):
            yield str(key.value), value


def get(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """Return the value of a key, None where the node is no mapping or has no such key."""
    return next((value for key, value in items(node) if key == name), None)


def entries(node: yaml.Node | None) -> list[yaml.Node]:
    """Return the entries of a list, none for any other node."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def word(node: yaml.Node | None) -> str:
    """Return a scalar as it is written, in lower case; '' for anything else."""
    return str(node.value).strip().lower() if isinstance(node, yaml.ScalarNode) else ""


def words(node: yaml.Node | None) -> list[str]:
    """Return a scalar, the scalars of a list, or the keys of a mapping."""
    if isinstance(node, yaml.MappingNode):
        return [name for name, _ in items(node)]
    return [word(each) for each in entries(node)] or ([word(node)] if word(node) else [])

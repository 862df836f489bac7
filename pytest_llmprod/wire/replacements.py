"""Replacements: attributes of other people's classes and modules, replaced for a session."""

from dataclasses import dataclass
from typing import Any

_INHERITED = object()


@dataclass(frozen=True, slots=True)
class _Replaced:
    """An attribute of `owner`, and what stood in the owner itself before it was replaced."""

    owner: Any
    name: str
    original: Any
    replacement: Any


class Replacements:
    """Attributes that were replaced, and what stood in their place.

    What somebody else puts on top of ours is removed together with it. If they put back later what
    they found, it is ours, which lets everything pass where no test is running.
    """

    def __init__(self) -> None:
        """Replace nothing yet."""
        self._replaced: list[_Replaced] = []

    def put(self, owner: Any, name: str, replacement: Any) -> None:
        """Let `replacement` stand for the attribute `name` of a class or a module."""
        original = vars(owner).get(name, _INHERITED)
        self._replaced.append(_Replaced(owner, name, original, replacement))
        setattr(owner, name, replacement)

    def holds(self, owner: Any, name: str) -> bool:
        """Say whether what stands there now is ours."""
        now = vars(owner).get(name, _INHERITED)
        return any(each.owner is owner and each.replacement is now for each in self._replaced)

    def undo(self) -> None:
        """Put every original back, the last first; an attribute that was inherited is so again."""
        while self._replaced:
            replaced = self._replaced.pop()
            if replaced.original is not _INHERITED:
                setattr(replaced.owner, replaced.name, replaced.original)
            elif replaced.name in vars(replaced.owner):
                delattr(replaced.owner, replaced.name)

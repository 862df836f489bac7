"""Placeholder: keys that are none, so that an application can use its clients in a replay.

`OpenAI()` refuses to be built without a key. While nothing can be sent, any text serves.
"""

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import cached_property

from pytest_llmprod.core.errors import CassetteError

PLACEHOLDER_KEY = "replayed-by-pytest-llmprod"

# For each variable the client that refuses without it, and variables by which it does without.
# Few, and of installed clients only: many an application chooses its provider by the keys that it
# finds. mistralai, for instance, needs none until a provider refuses it.
_VARIABLES: Mapping[str, tuple[str, Sequence[str]]] = {
    "OPENAI_API_KEY": ("openai", ()),
    "ANTHROPIC_API_KEY": ("anthropic", ("ANTHROPIC_AUTH_TOKEN",)),  # it warns where both are set
    "GEMINI_API_KEY": ("google.genai", ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI")),  # it too
}

#: In which header each key is sent.
_HEADERS = {
    "authorization": "OPENAI_API_KEY",
    "x-api-key": "ANTHROPIC_API_KEY",
    "x-goog-api-key": "GEMINI_API_KEY",
}


def missing_key(headers: Iterable[tuple[str, str]]) -> str:
    """Return the variable whose placeholder a request carries, '' for one with a key or none."""
    for name, value in headers:
        if PLACEHOLDER_KEY in value:
            return _HEADERS.get(name.lower(), "a key")
    return ""


def named_keys(text: str) -> list[str]:
    """Return the variables of keys that a text names; `AZURE_OPENAI_API_KEY` is another one."""
    return [name for name in _VARIABLES if re.search(rf"\b{name}\b", text)]


def refuse_to_send(headers: Iterable[tuple[str, str]]) -> None:
    """Raise CassetteError for a request that is to be recorded with a placeholder as its key."""
    wanted = missing_key(headers)
    if wanted:
        raise CassetteError(f"recording needs {wanted}, which is not set")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # its parent is not, or it is a stand-in without a spec
        return False


class LentKeys:
    """Placeholders in an environment, and what stood in their place."""

    def __init__(
        self,
        environ: MutableMapping[str, str],
        is_installed: Callable[[str], bool] = _is_installed,
    ) -> None:
        """Lend nothing to `environ` yet; `is_installed` is asked for modules at the first time."""
        self._environ = environ
        self._is_installed = is_installed
        self._before: dict[str, str | None] = {}

    @cached_property
    def _wanted(self) -> Mapping[str, Sequence[str]]:
        return {
            name: others
            for name, (client, others) in _VARIABLES.items()
            if self._is_installed(client)
        }

    def are_all_lacking(self) -> bool:
        """Say whether there are clients that want a key, and none of them finds any."""
        found = (each for name, others in self._wanted.items() for each in (name, *others))
        return bool(self._wanted) and not any(map(self._environ.get, found))

    def lend(self) -> None:
        """Set the placeholder for each client that finds nothing to authenticate with.

        What is lent already stays so.
        """
        for name, others in self._wanted.items():
            before = self._environ.get(name)
            if not (before or any(map(self._environ.get, others))):
                self._before.setdefault(name, before)  # it may be lent, and deleted since
                self._environ[name] = PLACEHOLDER_KEY

    def take_back(self) -> None:
        """Put back what was there before, and leave alone what the application has set since."""
        while self._before:
            name, before = self._before.popitem()
            if self._environ.get(name) != PLACEHOLDER_KEY:
                continue
            if before is None:
                del self._environ[name]
            else:
                self._environ[name] = before

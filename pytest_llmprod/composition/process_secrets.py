"""Process secrets: what is masked in all that this process stores and tells."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from pytest_llmprod.wire.masking import Scanner, mask
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets


class ProcessSecrets:
    """Finds the secrets of this process: `scanners` know forms, `known` what the environment has.

    The scanners, those of plugins among them, are asked for when something is first looked at.
    """

    def __init__(
        self, scanners: Callable[[], Sequence[Scanner]], environ: Mapping[str, str]
    ) -> None:
        """Look for nothing yet."""
        self._supplied = scanners
        self.known = EnvironmentSecrets(environ)

    @cached_property
    def scanners(self) -> Sequence[Scanner]:
        """Return what finds secrets by their forms, the same in the whole run."""
        return self._supplied()

    def masked(self, text: str) -> str:
        """Return `text` with secrets masked, and `?` for what UTF-8 and so xdist cannot carry."""
        if not text:
            return text
        scanners = [*self.scanners, *self.known.scanners()]
        return mask(text, scanners).encode("utf-8", "replace").decode()

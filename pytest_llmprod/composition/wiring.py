"""Wiring: how the requests of this process are caught, read, and kept from leaving.

The packages of the wire take what plugins supply and what the settings say as arguments: here they
get them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_llmprod.composition.extensions import Extensions
from pytest_llmprod.composition.process_secrets import ProcessSecrets
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.intercept import Intercept
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.live import WirePolicy
from pytest_llmprod.wire.router import Router

if TYPE_CHECKING:
    from pytest_llmprod.wire.leaving import Customs


class Wiring:
    """The patches of one process, made when somebody first needs them."""

    def __init__(
        self,
        settings: Settings,
        extensions: Extensions,
        secrets: ProcessSecrets,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        met: Callable[[Sequence[tuple[str, str]], str], None],
    ) -> None:
        """Patch nothing yet; `met` is told the headers and the URL of each request."""
        self._settings = settings
        self._extensions = extensions
        self._secrets = secrets
        self._now = now
        self._monotonic = monotonic
        self._met = met
        self.router = Router()

    @cached_property
    def intercept(self) -> Intercept:
        """Return the patches; making them installs none."""
        policy = WirePolicy(
            dialects=self._extensions.dialects(),
            scanners=self._secrets.scanners,
            known=self._secrets.known.scanners,
            allow_hosts=self._settings.allow_hosts,
            now=self._now,
            monotonic=self._monotonic,
            met=self._met,
            customs=self._customs,
        )
        return Intercept(self.router, policy)

    @cached_property
    def _customs(self) -> "Customs | None":
        """Return what looks at each request before it leaves, None where nothing is forbidden."""
        if not self._settings.leave_rules.is_set:
            return None
        # Only who forbids something needs it.
        from pytest_llmprod.composition.forbidding import customs_of

        secrets = self._secrets
        return customs_of(self._settings.leave_rules, secrets.scanners, secrets.known.scanners)

    def untold_refusals(self) -> list[str]:
        """Return why requests of tests without a tape were refused, each once."""
        if self._customs is None:
            return []
        untold = list(dict.fromkeys(self._customs.untold))
        self._customs.untold.clear()
        return untold

    def rekey(self, request: Mapping[str, Any]) -> str:
        """Return the key of a stored request, as the dialects and scanners of this run see it."""
        return stored_key(request, self._extensions.dialects(), self._secrets.scanners)

    def close(self) -> None:
        """Undo every patch."""
        if "intercept" in self.__dict__:
            self.intercept.uninstall()

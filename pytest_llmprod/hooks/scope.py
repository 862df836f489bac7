"""Scope: what a run covers, by its options and by what became of its tests.

Lives beside the Collector. What it imports at the top is light, for it is part of every pytest run.
"""

from collections.abc import Set
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.hooks.stash import NARROWED, SETTINGS

if TYPE_CHECKING:
    from pytest_llmprod.composition.beside_cases import BesideCases
    from pytest_llmprod.settings import Settings

STOPPED_EARLY = "the run was stopped early"


class Scope:
    """Which tests a run has chosen, by which words it is given again, and what it lacks.

    `incomplete` says in a sentence what workers have sent and nobody got, '' where all has come.
    `gap` says why something has not come, which before its end is so of every run.
    """

    def __init__(self, config: pytest.Config) -> None:
        """Make the scope of a run that has seen nothing."""
        self._config = config
        self.has_collection_errors = False
        self.incomplete = ""
        self.gap = STOPPED_EARLY

    @property
    def settings(self) -> "Settings":
        """Return what the run was asked to do; they are read where somebody needs them."""
        settings: Settings = self._config.stash[SETTINGS]()
        return settings

    def options(self) -> list[str]:
        """Return our options by which the tests of this run are run again."""
        flag = ["--llm-eval"] if self._config.option.llm_eval else []
        return [*flag, *self.settings.options]

    def selection(self) -> list[str]:
        """Return the options and the names by which this run chose its tests.

        A command without them would run, and pay for, more.
        """
        option = self._config.option
        words = []
        for name, flag in (("keyword", "-k"), ("markexpr", "-m")):
            if getattr(option, name, ""):
                words += [flag, getattr(option, name)]
        words += ["--lf"] if getattr(option, "lf", False) else []
        for name, flag in (("deselect", "--deselect"), ("ignore", "--ignore")):
            words += [f"{flag}={each}" for each in getattr(option, name, None) or ()]
        is_named = self._config.args_source == pytest.Config.ArgsSource.ARGS
        return [*words, *(self._config.args if is_named else ())]

    def words(self) -> list[str]:
        """Return all by which the tests of this run are run again, our options first."""
        return [*self.options(), *self.selection()]

    def capped_words(self) -> list[str]:
        """Return the same with the spend cap."""
        cap = f"--llm-max-spend={self.settings.max_spend_usd}"
        return [*self.options(), cap, *self.selection()]

    def missing(self, session: pytest.Session) -> str:
        """Return why something has not come that was to come, or ''."""
        if self.incomplete:
            return "the run is INCOMPLETE, see the failure above"
        if self.has_collection_errors:
            return "not every file could be collected"
        if session.shouldstop or session.shouldfail:
            return STOPPED_EARLY
        return ""

    def narrowing(self, session: pytest.Session) -> str:
        """Return why this run may have left out evals, or ''."""
        option = self._config.option
        for name, flag in (("keyword", "-k"), ("maxfail", "-x"), ("lf", "--lf")):
            if getattr(option, name, None):
                return f"a run with {flag} never writes them"
        if option.llm_record == "verify":
            return "--llm-record=verify writes nothing"
        if any("::" in argument for argument in self._config.args):
            return "single tests were named"
        if self._config.stash[NARROWED]:
            return f"{self._config.stash[NARROWED]} evals were deselected"
        return self.missing(session)

    def is_part(self, session: pytest.Session) -> bool:
        """Say whether some tests were left out, of whatever kind: then it is evidence of none."""
        option = self._config.option
        return bool(self.narrowing(session) or option.markexpr or option.deselect)

    def objection(self, session: pytest.Session, told: "BesideCases") -> str:
        """Return which --llm-swap or --llm-models met no request, though some were made, or ''.

        What is in no recording has not told its model, and a run that was stopped not every one.
        """
        if not told.asked or told.misses or session.shouldstop or session.shouldfail:
            return ""
        return self._unmet(told.asked)

    def _unmet(self, models: Set[str]) -> str:
        asked = ", ".join(sorted(models))
        choice = self.settings.choice
        if choice.models and models.isdisjoint(choice.models):
            return f"--llm-models {','.join(choice.models)} met no request; asked: {asked}"
        for old, new in choice.swaps.items():
            if old not in models:
                return f"--llm-swap {old}={new} met no request; asked: {asked}"
        return ""

    def other_model(self) -> str:
        """Return that the run asked another model than the application does, or ''."""
        choice = self.settings.choice
        if choice.models:
            return "a run with --llm-models only compares models"
        if choice.override or choice.swaps:
            option = "--llm-model" if choice.override else "--llm-swap"
            return f"{option} asks another model than the application does"
        return ""

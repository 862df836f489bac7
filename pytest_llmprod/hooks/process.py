"""Process: the settings and the session of this process, made when somebody first needs them."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.fixtures import SESSION
from pytest_llmprod.hooks.stash import RUN_ID, SETTINGS

if TYPE_CHECKING:
    from pytest_llmprod.composition.worker_files import Outbox
    from pytest_llmprod.core.exchange import Exchange
    from pytest_llmprod.guardrails import Finding
    from pytest_llmprod.session import Session
    from pytest_llmprod.settings import Settings


def settings_of(config: pytest.Config) -> "Settings":
    """Return the settings, decided at the first call."""
    from pytest_llmprod import settings  # a run without a test of ours needs none

    option = config.option
    try:
        decided = settings.load(
            rootpath=config.rootpath,
            record=option.llm_record,
            model=option.llm_model,
            swaps=option.llm_swap,
            models=option.llm_models,
            concurrency=option.llm_concurrency,
            is_strict=option.llm_strict,
            json_path=option.llm_json,
            max_spend=option.llm_max_spend,
            html_path=option.llm_html,
            markdown_path=option.llm_markdown,
            is_exported=option.llm_otel,
            is_fallback_only=option.llm_fallback_only,
        )
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SETTINGS] = lambda: decided
    return decided


def session_of(config: pytest.Config) -> "Session":
    """Return the session of this process, made when the first test needs it."""
    session = config.stash[SESSION]
    if session is None:
        # The session brings pydantic: a run without our tests does without it.
        from pytest_llmprod.composition.extensions import Extensions
        from pytest_llmprod.hooks.outcomes import StoppedTest
        from pytest_llmprod.session import Session

        session = config.stash[SESSION] = Session(
            config.stash[SETTINGS](),
            Extensions(
                dialects=lambda: _flat(config.hook.pytest_llmprod_dialects()),
                scanners=lambda: _flat(config.hook.pytest_llmprod_scanners()),
                prices=lambda folder: config.hook.pytest_llmprod_prices(
                    folder=folder, rootpath=config.rootpath
                ),
                on_exchange=lambda exchange: _tell(config, exchange),
                spend_stop=StoppedTest,
                find_pii=_find_pii,
            ),
            run_id=config.stash[RUN_ID],
            writer=getattr(config, "workerinput", {"workerid": "main"})["workerid"],
            now=lambda: datetime.now(UTC),
            monotonic=perf_counter,
            environ=os.environ,
            outbox=_outbox(config),
        )
    return session


def _find_pii(text: str) -> "Sequence[Finding]":
    """Return what is personal in a text."""
    from pytest_llmprod.guardrails import find_pii  # only a test of records needs it

    return find_pii(text)


def _outbox(config: pytest.Config) -> "Outbox | None":
    """Return where a worker leaves what the controller is to get, None where it sees that."""
    if not getattr(config, "workerinput", {}).get("llmprod_far"):
        return None
    # Only workers on another disk need it.
    from pytest_llmprod.composition.worker_files import Outbox

    return Outbox(config.stash[RUN_ID])


def _flat(supplied: list[Sequence[Any]]) -> list[Any]:
    """Join what plugins supply: the last registered plugin comes first, the built-in part last."""
    return [each for part in supplied for each in part]


def _tell(config: pytest.Config, exchange: "Exchange") -> None:
    hook = config.hook.pytest_llmprod_exchange
    if hook.get_hookimpls():  # hardly anybody asks, and each replayed request comes by here
        hook(exchange=exchange)

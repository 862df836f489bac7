"""Fixtures that run pytest inside of a test."""

import sys
from collections.abc import Iterator

# Imported here once: a run of pytest inside of a test forgets what it imported itself.
import deepdiff  # noqa: F401
import httpcore2  # noqa: F401
import openai  # noqa: F401
import pytest
import tabulate  # noqa: F401
import yaml  # noqa: F401
from hypothesis import settings
from loopback import Provider, last_word_doubled, provider
from project import Project

import pytest_llmprod.hooks.recorder
import pytest_llmprod.report.data
import pytest_llmprod.report.terminal
import pytest_llmprod.run  # noqa: F401

# A machine that others use too may be slow at any moment: no property is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def without_the_app_of_the_example(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a project call its package `app`, as the example does, which is collected as well."""
    if "pytester" in request.fixturenames:
        for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
            monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider(last_word_doubled) as running:
        yield running


@pytest.fixture
def project(
    pytester: pytest.Pytester, server: Provider, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A project that has recorded nothing yet."""
    # An edit within a second that keeps the size of a file would leave its bytecode valid.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    # Where CI is set, pytest repeats the whole text of a failure in its summary.
    monkeypatch.delenv("CI", raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester, server)


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project whose cassette and gates file exist; 9 of 10 cases hit."""
    result = project.record()
    assert result.ret == 0, result.outlines
    project.server.requests.clear()
    return project

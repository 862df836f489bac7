"""The secrets of an environment that changes while a run looks at it."""

import os

import pytest

from pytest_llmprod.wire.masking import mask
from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets

SECRET = "hunter-2-of-the-south"


def test_a_variable_is_known_as_soon_as_it_is_set_and_after_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = EnvironmentSecrets(os.environ)
    assert mask(SECRET, known.scanners()) == SECRET

    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_PASSWORD", SECRET)
        assert mask(SECRET, known.scanners()) == "[masked DATABASE_PASSWORD]"
        patch.setenv("DATABASE_PASSWORD", f"{SECRET}-anew")
        assert mask(f"{SECRET}-anew", known.scanners()) == "[masked DATABASE_PASSWORD]"

    assert mask(SECRET, known.scanners()) == "[masked DATABASE_PASSWORD]"


def test_the_name_of_the_running_test_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has another: all variables would be read anew for every request."""
    known = EnvironmentSecrets(os.environ)
    known.scanners()
    before = known._before
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "another one")

    known.scanners()
    assert known._before is before

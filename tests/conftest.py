"""Fixtures that run pytest inside of a test."""

import importlib
import os
import pkgutil
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import warm
from execnet import gateway_base, gateway_io
from hypothesis import settings
from loopback import Provider, last_word_doubled, provider
from project import Project

import pytest_llmprod

_LIBRARIES = (*warm.MODULES, "deepdiff", "google", "httpcore2")


def _import_once() -> None:
    """Import what tests need: a run of pytest inside of a test forgets what it imported itself."""
    own = pkgutil.walk_packages(pytest_llmprod.__path__, "pytest_llmprod.")
    for name in (*_LIBRARIES, *(module.name for module in own)):
        importlib.import_module(name)


_import_once()
# A client of httpx2 loads all certificates of the machine, 20 ms each time. No test needs one, and
# in this folder there is none.
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
os.environ.pop("SSL_CERT_FILE", None)

# A machine that others use too may be slow at any moment: no property is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fail a test that takes away the tracer: its process would measure no coverage any more."""
    tracer = sys.gettrace()
    try:
        return (yield)
    finally:
        if sys.gettrace() is not tracer:
            sys.settrace(tracer)
            pytest.fail("the tracer is another one than before, as after pdb.Pdb.set_continue()")


@pytest.fixture(autouse=True)
def without_the_app_of_the_example(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a project call its package `app`, as the example does, which is collected as well."""
    if "pytester" in request.fixturenames:
        for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
            monkeypatch.delitem(sys.modules, name)


class _WarmGateway(gateway_io.Popen2IOMaster):
    """A worker of xdist that has its libraries imported already."""

    def __init__(self, args: list[str], execmodel: gateway_base.ExecModel) -> None:
        self.popen = warm.Worker(args[1:])
        gateway_base.Popen2IO.__init__(self, self.popen.stdin, self.popen.stdout, execmodel)


@pytest.fixture(autouse=True)
def warm_workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs inside of tests start their workers of xdist as warm forks."""
    if "pytester" in request.fixturenames:
        monkeypatch.setattr(gateway_io, "Popen2IOMaster", _WarmGateway)


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


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what projects held after their first recording, by what they held before it."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture
def recorded(project: Project, recordings: Path) -> Project:
    """A project whose cassette and gates file exist; 9 of 10 cases hit."""
    kept = recordings / project.digest()
    if kept.exists():
        shutil.copytree(kept, project.path, dirs_exist_ok=True)
    else:
        result = project.record()
        assert result.ret == 0, result.outlines
        shutil.copytree(project.path, kept)
    project.server.requests.clear()
    return project

"""Patches: a library is patched whenever and however it is imported."""

import importlib
import importlib.util
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpcore2
import httpx
import httpx2
import openai
import pytest
import urllib3
import urllib3.connection
from lab import CHAT_URL, Lab

from pytest_llmprod.wire.attempts import Attempts
from pytest_llmprod.wire.clients import patches, via_aiohttp, via_stainless, via_urllib3
from pytest_llmprod.wire.clients.passage import Passage
from pytest_llmprod.wire.clients.patches import ClientPatches

HERE = Path(__file__).parents[1]
NOWHERE = Passage(
    owner=lambda: None,
    tape_for=lambda host, port: None,
    ask=None,  # type: ignore[arg-type]  # nothing is asked where there is no tape
    attempts=Attempts(time.perf_counter),
    allow_hosts=(),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which the library `late_library` is installed, and not imported."""
    (tmp_path / "late_library.py").write_text("def ask(): return 'original'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(patches._ADAPTERS, "late_library", late_replacements)
    yield tmp_path
    for name in ("late_library", "late_client._base_client", "late_client"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def late_replacements(module: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    original = module.ask
    return [(module, "ask", lambda: f"ours before {original()}")]


@pytest.fixture
def clients() -> Iterator[ClientPatches]:
    """Patches that are installed until the test ends."""
    made = ClientPatches(NOWHERE)
    try:
        made.install()
        yield made
    finally:
        made.uninstall()


def ask() -> str:
    return str(importlib.import_module("late_library").ask())


def test_uninstall_leaves_every_library_as_it_was(lab: Lab) -> None:
    owners = [
        httpx.HTTPTransport,
        httpx.AsyncHTTPTransport,
        httpx2.HTTPTransport,
        httpx2.AsyncHTTPTransport,
        httpcore2,
        urllib3.connectionpool.HTTPConnectionPool,
        urllib3.connectionpool.HTTPSConnectionPool,
        aiohttp.ClientSession,
        openai._base_client.SyncAPIClient,
        openai._base_client.AsyncAPIClient,
    ]

    def now() -> list[dict[str, Any]]:
        return [dict(vars(owner)) for owner in owners]

    before, finders = now(), list(sys.meta_path)
    with lab.run().patched():
        during = now()

    assert all(ours != original for ours, original in zip(during, before, strict=True))
    assert now() == before
    assert sys.meta_path == finders


LATE = """
import sys
from pathlib import Path

sys.path.insert(0, {here!r})
from lab import Lab, chat_request

with Lab(Path({root!r})).test("none") as tape:
    assert "urllib3" not in sys.modules
    assert "aiohttp" not in sys.modules
    import asyncio
    import urllib3
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession() as session:
            await session.post({url!r}, json=chat_request("hello"))

    for call in (
        lambda: urllib3.PoolManager().request("POST", {url!r}, json=chat_request("hello")),
        lambda: asyncio.run(ask()),
    ):
        try:
            call()
        except Exception as error:
            print(type(error).__name__)
assert "vcr" not in sys.modules
"""


def test_a_library_that_a_test_imports_in_its_body_is_patched(tmp_path: Path) -> None:
    script = LATE.format(here=str(HERE), root=str(tmp_path), url=CHAT_URL)

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert result.stderr == ""
    assert result.stdout.split() == ["CassetteMiss", "CassetteMiss"]


def test_a_library_that_is_not_installed_is_not_found_as_before(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(patches._ADAPTERS, "no_such_library", late_replacements)

    with lab.run().patched():
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError, match="'no_such_library'"):
                importlib.import_module("no_such_library")


@pytest.mark.usefixtures("clients")
def test_a_library_that_is_installed_after_a_first_try_is_patched(folder: Path) -> None:
    library = folder / "late_library.py"
    content = library.read_text()
    library.unlink()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        ask()
    library.write_text(content)
    importlib.invalidate_caches()

    assert ask() == "ours before original"


def test_a_library_whose_import_is_forbidden_is_left_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(patches._ADAPTERS, "forbidden", late_replacements)
    monkeypatch.setitem(sys.modules, "forbidden", None)

    with lab.run().patched(), pytest.raises(ModuleNotFoundError):
        importlib.import_module("forbidden")

    assert sys.modules["forbidden"] is None


@pytest.mark.usefixtures("folder", "clients")
def test_a_library_that_was_only_looked_for_is_patched_when_it_is_imported() -> None:
    for _ in range(2):
        assert importlib.util.find_spec("late_library") is not None

    assert ask() == "ours before original"


@pytest.mark.usefixtures("folder", "clients")
def test_a_library_is_patched_whose_first_import_failed(folder: Path) -> None:
    (folder / "late_library.py").write_text("raise RuntimeError('not today')")
    with pytest.raises(RuntimeError, match="not today"):
        ask()
    (folder / "late_library.py").write_text("def ask(): return 'repaired original'\n")
    importlib.invalidate_caches()

    assert ask() == "ours before repaired original"


@pytest.mark.usefixtures("folder", "clients")
def test_a_library_that_is_imported_anew_is_patched_anew() -> None:
    first = ask()
    del sys.modules["late_library"]

    assert (first, ask()) == ("ours before original", "ours before original")


@pytest.mark.usefixtures("folder")
def test_a_library_that_was_there_before_is_patched_also_when_it_is_imported_anew() -> None:
    before = ask()
    clients = ClientPatches(NOWHERE)
    clients.install()
    first = ask()
    del sys.modules["late_library"]
    anew = ask()
    clients.uninstall()

    assert (before, first, anew) == ("original", "ours before original", "ours before original")
    assert ask() == "original"


@pytest.mark.usefixtures("folder", "clients")
def test_what_a_module_that_is_executed_again_still_holds_is_not_patched_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Connection:
        @staticmethod
        def send() -> str:
            return "original"

    def replacements(module: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
        original = Connection.send
        return [(Connection, "send", staticmethod(lambda: f"ours before {original()}"))]

    monkeypatch.setitem(patches._ADAPTERS, "late_library", replacements)
    module = importlib.import_module("late_library")
    importlib.reload(module)

    assert Connection.send() == "ours before original"


@pytest.mark.usefixtures("folder", "clients")
def test_a_module_that_was_patched_looks_as_without_us() -> None:
    module = importlib.import_module("late_library")

    assert module.__spec__ is not None
    assert type(module.__spec__.loader) is type(module.__loader__)
    assert type(module.__loader__).__name__ == "SourceFileLoader"


@pytest.mark.usefixtures("clients")
def test_a_loader_that_serves_several_modules_is_left_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(folder / "libraries.zip", "w") as packed:
        packed.writestr("late_library.py", "def ask(): return 'zipped original'\n")
        packed.writestr("other_library.py", "def ask(): return 'other original'\n")
    monkeypatch.syspath_prepend(str(folder / "libraries.zip"))

    told = ask()
    other = importlib.import_module("other_library").ask()
    monkeypatch.delitem(sys.modules, "other_library")

    assert (told, other) == ("ours before zipped original", "other original")


def test_a_library_that_was_found_before_the_session_ended_is_not_patched_after_it(
    folder: Path,
) -> None:
    clients = ClientPatches(NOWHERE)
    clients.install()
    spec = importlib.util.find_spec("late_library")
    clients.uninstall()

    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.ask() == "original"


class Delegating:
    """A finder that asks for a module as the usual hooks on imports do: once, of all others."""

    def __init__(self) -> None:
        self._searching: set[str] = set()

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name in self._searching:
            return None
        self._searching.add(name)
        try:
            return importlib.util.find_spec(name)
        finally:
            self._searching.remove(name)


@pytest.mark.usefixtures("folder", "clients")
def test_a_library_is_patched_beside_another_hook_on_imports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "meta_path", [Delegating(), *sys.meta_path, Delegating()])

    assert ask() == "ours before original"


@pytest.mark.usefixtures("folder", "clients")
def test_two_sessions_in_one_process_both_patch_a_library() -> None:
    inner = ClientPatches(NOWHERE)
    inner.install()
    both = ask()
    inner.uninstall()

    assert both == "ours before ours before original"


LATE_CLIENT = """
class SyncAPIClient:
    def _sleep_for_retry(self, **situation): ...

class AsyncAPIClient:
    async def _sleep_for_retry(self, **situation): ...
"""


@pytest.mark.usefixtures("clients")
def test_a_client_of_stainless_is_patched_whatever_its_package_is_called(folder: Path) -> None:
    (folder / "late_client").mkdir()
    (folder / "late_client" / "__init__.py").write_text("")
    (folder / "late_client" / "_base_client.py").write_text(LATE_CLIENT)

    module = importlib.import_module("late_client._base_client")

    for owner in (module.SyncAPIClient, module.AsyncAPIClient):
        assert owner._sleep_for_retry.__module__ == via_stainless.__name__


@pytest.mark.usefixtures("clients")
def test_a_module_that_is_only_called_like_one_of_stainless_is_left_alone(folder: Path) -> None:
    (folder / "late_client").mkdir()
    (folder / "late_client" / "_base_client.py").write_text("class SyncAPIClient: ...")

    module = importlib.import_module("late_client._base_client")

    assert not hasattr(module.SyncAPIClient, "_sleep_for_retry")


SLOW_LIBRARY = """
import gate
gate.is_executing.set()
assert gate.may_go_on.wait(5)
def ask(): return "slow original"
"""


class Gate:
    """Stands in the middle of a library that is being executed in another thread."""

    def __init__(self) -> None:
        self.is_executing = threading.Event()
        self.may_go_on = threading.Event()


@pytest.fixture
def importing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The gate in a library that takes its time to be imported."""
    gate = Gate()
    monkeypatch.setitem(sys.modules, "gate", gate)
    (folder / "late_library.py").write_text(SLOW_LIBRARY)
    return gate


def in_thread(importing: Gate) -> threading.Thread:
    thread = threading.Thread(target=ask)
    thread.start()
    assert importing.is_executing.wait(5)
    threading.Timer(0.05, importing.may_go_on.set).start()
    return thread


@pytest.mark.usefixtures("clients")
def test_a_library_is_patched_that_two_threads_import_at_once(importing: Gate) -> None:
    first = in_thread(importing)

    spec = importlib.util.find_spec("late_library")
    told = ask()
    first.join()

    assert spec is not None
    assert told == "ours before slow original"


def test_a_library_is_patched_that_a_thread_is_importing_when_the_session_begins(
    importing: Gate,
) -> None:
    first = in_thread(importing)
    clients = ClientPatches(NOWHERE)

    clients.install()
    told = ask()
    first.join()
    clients.uninstall()

    assert told == "ours before slow original"


def test_versions_that_are_too_old_are_left_alone() -> None:
    class OldSession:
        async def _request(self, method: str, url: str) -> None: ...

    passage: Any = None
    old_aiohttp = SimpleNamespace(ClientSession=OldSession)
    old_urllib3 = SimpleNamespace(HTTPResponse=object)

    assert via_aiohttp.replacements(old_aiohttp, passage) == []
    assert via_urllib3.replacements(old_urllib3, passage) == []

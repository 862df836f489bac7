"""Merging: a run of pytest that takes its results from the stored runs of shards.

It is a run of pytest so that everything is as in one run of all tests: the settings, plugins and
conftest.py files with their hooks, and every line that is decided and printed after the last test.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_llmprod import settings
from pytest_llmprod.composition import shard_parts
from pytest_llmprod.core.errors import ShardError
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.evals import shards as reading
from pytest_llmprod.evals.shards import Shard
from pytest_llmprod.evals.standing import function_of
from pytest_llmprod.hooks import emitted
from pytest_llmprod.hooks.collector import Collector
from pytest_llmprod.hooks.scope import Scope
from pytest_llmprod.hooks.workers import Workers

_OURS = ("--llm-record=", "--llm-models=", "--llm-model=", "--llm-swap=")


class MergedScope(Scope):
    """The scope of all shards together."""

    def selection(self) -> list[str]:
        """Return no words: all tests were chosen."""
        return []


class MergedCollector(Collector):
    """The hooks of the process that sees the reports of all shards."""

    def pytest_sessionstart(self) -> None:
        """Leave recordings alone: shards have put theirs in place."""

    def take(self, shard: Shard) -> None:
        """Take all that a shard has seen."""
        for row in shard.rows():
            self.pytest_runtest_logreport(
                SimpleNamespace(nodeid=row["nodeid"], failed=False, when="teardown", llmprod=row)
            )
        for report in shard_parts.reports(shard.document["tests"]):
            self.pytest_runtest_logreport(report)

    def _fold_recordings(self, session: pytest.Session) -> None:
        """Leave recordings alone."""


class Merger:
    """Takes the place of collection and of the tests."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        """Make the one that joins these parts."""
        self._shards = shards
        self._collector: MergedCollector | None = None
        self._workers: Workers | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the place of the Collector of a run with tests."""
        started_at = min(datetime.fromisoformat(each.run["started_at"]) for each in self._shards)
        config.pluginmanager.unregister(name="llmprod-collector")
        self._workers = Workers(config)
        self._collector = MergedCollector(config, MergedScope(config), started_at, self._workers)
        config.pluginmanager.register(self._collector, "llmprod-collector")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Collect no test."""
        session.testscollected = sum(len(each.document["cases"]) for each in self._shards) or 1
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take what the shards have seen, and run no test."""
        collector, workers = self._collector, self._workers
        assert collector is not None, "pytest configures before it runs"
        assert workers is not None, "likewise"
        failed_in: dict[str, list[str]] = {}
        for shard in self._shards:
            collector.take(shard)
            for nodeid, found in shard.document["tests"].items():
                if "failed" in found:
                    failed_in.setdefault(nodeid, []).append(shard.name)
        for nodeid, names in failed_in.items():
            jobs = "its job" if len(names) == 1 else "their jobs"
            text = f"failed in {' and '.join(names)}: what {jobs} printed says why"
            emitted.report(session, nodeid, text)
        for problem in reading.missing_from(self._shards):
            workers.lack(problem)
        return True


def merge(folder: Path, expected: int, outputs: Sequence[str]) -> int:
    """Decide over the `expected` shards in `folder` what one run would, and return its status.

    It is that of pytest. `outputs` are options of pytest that name files to be written. Raises
    ShardError or StoredRunError where the parts do not fit together, or not to this project.
    """
    rootpath = Path.cwd()
    shards = reading.load(folder, expected)
    files = _test_files(shards, rootpath)
    _refuse_other_project(shards, rootpath)
    options = ["--no-header", "-p", "no:cacheprovider", "-o", "addopts=", f"--rootdir={rootpath}"]
    options += ["-W", "ignore:Module already imported so cannot be rewritten"]  # nor is it to be
    options += _options_of(shards[0].run["settings"], rootpath)
    print(f"llmprod: {counted(len(shards), 'shard')}: {', '.join(each.name for each in shards)}")
    with _without_more_options():
        return int(pytest.main([*options, *outputs, *files], plugins=[Merger(shards)]))


def _options_of(made_with: Mapping[str, Any], rootpath: Path) -> list[str]:
    """Return the options of pytest with which the parts were made.

    Raises ShardError for others than those of ours: what a job has stored may come from anybody,
    and an option can load code.
    """
    options = [f"--llm-record={made_with['record']}", *made_with["options"]]
    for option in options:
        if not str(option).startswith(_OURS):
            raise ShardError(
                f"{printable(str(option))}: is no option with which a shard is made. Take the "
                f"shards from the jobs of this project alone."
            )
    ini = made_with["ini"]
    if ini and not (rootpath / ini).is_file():
        raise ShardError(
            f"{printable(ini)}: there is no such configuration file in {rootpath}. Call `llmprod "
            f"merge` in the folder that pytest calls rootdir."
        )
    options += ["--llm-strict"] if made_with["strict"] else []
    return ["--llm-eval", *options, *(["-c", str(rootpath / ini)] if ini else [])]


@contextmanager
def _without_more_options() -> Iterator[None]:
    """Keep away what is to hold for runs with tests: workers, for instance."""
    more = os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        yield
    finally:
        if more is not None:
            os.environ["PYTEST_ADDOPTS"] = more


def _test_files(shards: Sequence[Shard], rootpath: Path) -> list[str]:
    """Return the files of all evals, whose conftest.py files may have hooks."""
    tests = [test for shard in shards for test, _ in shard.metas()]
    files = sorted({function_of(test).partition("::")[0] for test in tests})
    for file in files:
        if not (rootpath / file).is_file():
            raise ShardError(
                f"{file}: there is no such file below {rootpath}. Check out the commit of the "
                f"shards, and call `llmprod merge` in the folder that pytest calls rootdir."
            )
    return files


def _refuse_other_project(shards: Sequence[Shard], rootpath: Path) -> None:
    """Refuse shards of another commit or configuration than this project has."""
    here = settings.load(
        rootpath=rootpath,
        record="none",
        model=None,
        swaps=(),
        models=None,
        concurrency=None,
        is_strict=False,
        json_path=None,
    )
    own = shard_parts.settings_of(here, None)
    first = shards[0].run["settings"]
    compared = {**first, **{key: own[key] for key in ("version", "commit", "table_sha256")}}
    reading.refuse_other_settings(shards[0], compared, "as this project has")

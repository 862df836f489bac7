"""Workers: what those of xdist are told, what they tell, and whether all of it has come.

Exists beside the Collector. What it imports at the top is light, for it is part of every run.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.composition.counting import Counting
from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.files import path_from
from pytest_llmprod.hooks.stash import DESELECTED, LEFT_OUT, LOG_PROBLEM, NARROWED, RUN_ID

if TYPE_CHECKING:
    from pytest_llmprod.composition.worker_files import Inbox


class Workers:
    """The hooks by which xdist tells of its workers."""

    def __init__(self, config: pytest.Config) -> None:
        """Make one that has heard of no worker."""
        self._config = config
        self._counting = Counting()
        self._inbox: Inbox | None = None

    @property
    def problem(self) -> str:
        """Return in a sentence or more what has not come, '' where all has."""
        return self._counting.problem

    def lack(self, problem: str) -> None:
        """Note, in a sentence, that something has not come."""
        self._counting.lack(problem)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give the worker the id of this run, and tell it whether it shares this folder."""
        option = self._config.option
        is_far = _is_far(node)
        if is_far and option.llm_max_spend is not None and option.llm_record != "none":
            raise pytest.UsageError(
                f"--llm-max-spend holds for processes that share this folder, and the worker "
                f"{node.gateway.spec} does not. Record without --tx, or leave the cap out."
            )
        node.workerinput["llmprod_run"] = self._config.stash[RUN_ID]
        node.workerinput["llmprod_far"] = is_far
        start = path_from(self._config.invocation_params.dir, self._config.rootpath)
        node.workerinput["llmprod_start"] = start

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Refuse a worker whose tests have other names: it would record into other folders."""
        files = dict.fromkeys(each.partition("::")[0] for each in ids) if _is_far(node) else ()
        for file in files:
            if not (self._config.rootpath / file).exists():
                raise pytest.UsageError(
                    f"The worker {node.gateway.spec} names a test file {file}, and there is none "
                    f"in {self._config.rootpath}: it has another rootdir. Put a pytest.ini into "
                    f"the folder that --rsyncdir sends, and start pytest there."
                )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count what has come, and write what a worker on another disk has written there."""
        gateway = getattr(getattr(report, "node", None), "gateway", None)
        if gateway is None:
            return
        if getattr(report, "llmprod_counted", False):
            self._counting.came(gateway.id)
        # Taken away: what else stores reports could not write bytes as JSON.
        self._receive(report.__dict__.pop("llmprod_files", None))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take from the worker what it has sent and left out; all leave out the same."""
        output = getattr(node, "workeroutput", None)
        if output is None:
            self._counting.ended(node.gateway.id, None, str(error or ""))
            return
        stash = self._config.stash
        self._counting.ended(node.gateway.id, output.get("llmprod_sent", 0), "")
        self._receive(output.get("llmprod_files"))
        for key, name in ((DESELECTED, "llmprod_deselected"), (NARROWED, "llmprod_narrowed")):
            stash[key] = max(stash[key], output.get(name, 0))
        left_out: set[str] = stash[LEFT_OUT]
        left_out.update(output.get("llmprod_left_out", ()))
        stash[LOG_PROBLEM] = stash[LOG_PROBLEM] or output.get("llmprod_log", "")

    def _receive(self, files: Mapping[str, bytes] | None) -> None:
        if not files:
            return
        if self._inbox is None:
            # Only workers on another disk need it.
            from pytest_llmprod.composition.worker_files import Inbox

            self._inbox = Inbox(self._config.rootpath, self._config.stash[RUN_ID])
        try:
            self._inbox.take(files)
        except (LlmprodError, OSError) as error:
            self.lack(f"What a worker has recorded or logged cannot be written: {error}")

    def close(self) -> None:
        """Give back the files that came from workers, so that they can be folded."""
        if self._inbox is not None:
            self._inbox.close()


def _is_far(node: Any) -> bool:
    """Say whether a worker runs in another folder, and perhaps on another machine."""
    spec = node.gateway.spec
    return not spec.popen or bool(spec.chdir)

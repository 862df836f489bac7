"""Labels: what a test is called, and where its recordings lie."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_llmprod.core.files import path_from
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.wire.cassettes.vcrpy_file import recording_path
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.label import TapeLabel, file_name


def _typed_nodeid(item: pytest.Function) -> str:
    """Return the node id as a user types it, from the folder in which pytest was started."""
    _, separator, rest = item.nodeid.partition("::")
    start = _start(item.config)
    if start == item.config.rootpath:
        return item.nodeid
    return f"{path_from(item.path, start)}{separator}{rest}"


def _start(config: pytest.Config) -> Path:
    """Return the folder in which the user has started pytest; xdist starts workers elsewhere."""
    told: str | None = getattr(config, "workerinput", {}).get("llmprod_start")
    if told is None:
        return config.invocation_params.dir
    return Path(os.path.normpath(config.rootpath / told))


class TestName(NamedTuple):
    """What a test is called: `base` is its node id without parameters.

    `function` names it inside its file, with all its classes. `variant` is pytest's own id of its
    parameters, without the case: unique, and escaped. `asking` is None in a test that is no eval.
    """

    base: str
    folder: Path
    function: str
    asking: Asking | None
    variant: str

    @property
    def section(self) -> str:
        """Return the section of the cassette in which the recordings of the case stand."""
        return section_of(self.variant, self.asking.section if self.asking else "")

    @property
    def suite(self) -> str:
        """Return the name of the suite: each combination of other parameters has one of its own.

        So has each model, in a run of several.
        """
        model = self.asking.model if self.asking else ""
        parts = "-".join(each for each in (self.variant, model) if each)
        return f"{self.base}[{parts}]" if parts else self.base


def place_of(item: pytest.Function) -> tuple[Path, str]:
    """Return the folder of the cassettes of a test, and its function with all its classes."""
    classes = [each.name for each in item.listchain() if isinstance(each, pytest.Class)]
    folder = item.path.parent / "cassettes" / item.path.stem
    return folder, ".".join([*classes, item.originalname])


def refuse_shared_cassettes(items: Iterable[pytest.Item]) -> None:
    """Raise UsageError where two tests would share a cassette on Windows or macOS.

    File systems there take names that differ in letter case alone for one. It is told on every
    system: who records on Linux would else learn of it when somebody checks the files out.
    """
    functions = {
        (item.parent, item.originalname): item
        for item in items
        if isinstance(item, pytest.Function)
    }
    taken: dict[tuple[Path, str], pytest.Function] = {}
    for item in functions.values():
        folder, function = place_of(item)
        other = taken.setdefault((folder, file_name(function).lower()), item)
        if place_of(other)[1] != function:
            raise pytest.UsageError(
                f"{_function_id(other)} and {_function_id(item)} differ in letter case alone: on "
                f"Windows and macOS they would share a cassette. Give one of them another name; "
                f"the next run says where its recordings belong."
            )


def _function_id(item: pytest.Function) -> str:
    return f"{item.parent.nodeid if item.parent else ''}::{item.originalname}"


def suite_of(item: pytest.Item) -> str:
    """Return the name of the suite that an eval is part of."""
    base = f"{item.parent.nodeid if item.parent else ''}::{getattr(item, 'originalname', '')}"
    asking, variant = asking_and_variant(item)
    return TestName(base, Path(), "", asking, variant).suite


def label_of(
    item: pytest.Function, name: TestName, suite: Suite | None, choice: ModelChoice
) -> TapeLabel:
    """Return where the recordings of a test lie, by its name and the suite that it is part of.

    `choice` is that of the whole run.
    """
    model = name.asking.model if name.asking else ""
    is_repeat = name.asking is not None and name.asking.repeat > 1
    return TapeLabel(
        folder=name.folder,
        function=name.function,
        case=name.section if suite is not None else name.variant,
        cases=lambda: () if suite is None else _sections(name, suite),
        nodeid=_typed_nodeid(item),
        is_eval=suite is not None,
        choice=choice.of(model) if model else choice,
        foreign=lambda: recording_path(item.path, item.name, item.cls and item.cls.__name__),
        first=section_of(name.variant, name.asking.case.id) if name.asking and is_repeat else "",
    )


def section_of(variant: str, section: str) -> str:
    """Return the section of a case under other parameters, `section` without them."""
    return f"{variant}/{section}" if variant else section


def _sections(name: TestName, suite: Suite) -> tuple[str, ...]:
    """Name the sections of all cases of a suite, in the order of the data set."""
    return tuple(section_of(name.variant, each.section) for each in suite.askings)


def fixture_label(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest, running: TapeLabel
) -> TapeLabel:
    """Name the tape of a fixture after the file that defines it: a module, or a conftest.py.

    All that it ever asked stands in one section, however often and with whatever parameters it is
    set up: each time it finds its requests there.
    """
    home = request.config.rootpath / str(fixturedef.baseid).partition("::")[0]
    is_module = home.suffix == ".py"
    folder, stem = (home.parent, home.stem) if is_module else (home, "conftest")
    return TapeLabel(
        folder=folder / "cassettes" / stem,
        function=f"fixture.{fixturedef.argname}",
        case="",
        cases=tuple,
        nodeid=running.nodeid,
        is_eval=running.is_eval,
        choice=running.choice.shared,
        is_shared=True,
    )


def asking_and_variant(item: pytest.Item) -> tuple[Asking | None, str]:
    """Return what an eval asks, and pytest's own id of the other parameters of a test."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return None, ""
    fault = callspec.params.get("llm_fault")
    if fault is not None:  # all faults of a drill play the same recordings
        rest = str(callspec.id).removeprefix(fault.name).removeprefix("-")
        return None, rest
    asking: Asking | None = callspec.params.get("llm_case")
    if asking is None or len(callspec.params) == 1:
        return asking, "" if asking is not None else str(callspec.id)
    # Our parameter is the first, for our hook runs first; pytest escapes its id like this.
    escaped = asking.id.encode("unicode_escape").decode("ascii")
    return asking, str(callspec.id).removeprefix(f"{escaped}-")

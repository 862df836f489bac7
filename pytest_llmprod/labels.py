"""Labels: what a test is called, and where its recordings lie."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_llmprod.evals.suite import Suite
from pytest_llmprod.wire.cassettes.vcrpy_file import recording_path
from pytest_llmprod.wire.label import TapeLabel

if TYPE_CHECKING:
    from pytest_llmprod.evals.dataset import Case


def _typed_nodeid(item: pytest.Function) -> str:
    """Return the node id as a user types it, from the folder in which pytest was started."""
    _, separator, rest = item.nodeid.partition("::")
    start = item.config.invocation_params.dir
    if start == item.config.rootpath:
        return item.nodeid
    path = Path(os.path.relpath(item.path, start)).as_posix()
    return f"{path}{separator}{rest}"


class TestName(NamedTuple):
    """What a test is called: `base` is its node id without parameters.

    `function` names it inside its file, with all its classes. `variant` is pytest's own id of its
    parameters, without the case: unique, and escaped.
    """

    base: str
    folder: Path
    function: str
    case: "Case | None"
    variant: str

    @property
    def section(self) -> str:
        """Return the section of the cassette in which the recordings of the case stand."""
        return section_of(self.variant, self.case.id if self.case else "")


def label_of(item: pytest.Function, name: TestName, suite: Suite | None) -> TapeLabel:
    """Return where the recordings of a test lie, by its name and the suite that it is part of."""
    return TapeLabel(
        folder=name.folder,
        function=name.function,
        case=name.section if suite is not None else name.variant,
        cases=lambda: () if suite is None else _sections(name, suite),
        nodeid=_typed_nodeid(item),
        is_eval=suite is not None,
        foreign=lambda: recording_path(item.path, item.name, item.cls and item.cls.__name__),
    )


def section_of(variant: str, case_id: str) -> str:
    """Return the name of the section for a case under other parameters."""
    return f"{variant}/{case_id}" if variant else case_id


def _sections(name: TestName, suite: Suite) -> tuple[str, ...]:
    """Name the sections of all cases of a suite, in the order of the data set."""
    return tuple(section_of(name.variant, case.id) for case in suite.dataset.cases)


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
        is_shared=True,
    )


def case_and_variant(item: pytest.Function) -> "tuple[Case | None, str]":
    """Return the case of an eval, and pytest's own id of the other parameters of a test."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return None, ""
    case: Case | None = callspec.params.get("llm_case")
    if case is None or len(callspec.params) == 1:
        return case, "" if case is not None else str(callspec.id)
    # Our parameter is the first, for our hook runs first; pytest escapes its id like this.
    escaped = case.id.encode("unicode_escape").decode("ascii")
    return case, str(callspec.id).removeprefix(f"{escaped}-")

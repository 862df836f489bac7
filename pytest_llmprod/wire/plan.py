"""Plan: what a test would send if it recorded now, told from what it sent before.

Nothing is sent and no test runs. What a test asked when it was recorded is what it is expected to
ask again; a test that was never recorded is expected to ask what the others of its function asked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.library import file_name
from pytest_llmprod.wire.dialects import Dialect, find_dialect, provider_of
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model
from pytest_llmprod.wire.rules import RecordMode


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """A request that a test is expected to send.

    `model` is the one that it would ask, `told_by` the model whose recording tells of it, and
    `answered_by` the name under which that model answered this test function before, '' where it
    never did. `is_guess` says that the test itself was never recorded.
    """

    provider: str
    model: str
    answered_by: str
    told_by: str
    usage: Usage | None
    latency_s: float
    is_guess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTest:
    """What one test would record. `is_unknown` says that nothing tells how much that is."""

    function: str
    nodeid: str
    calls: tuple[PlannedCall, ...]
    is_unknown: bool = False


class Planner:
    """Tells for each test of a run what it would record."""

    def __init__(
        self,
        mode: RecordMode,
        choice: ModelChoice,
        dialects: Sequence[Dialect],
        open_cassette: Callable[[Path], CassetteFile],
    ) -> None:
        """Make a planner for a record mode and the models that the run asks for."""
        self._mode = mode
        self._choice = choice
        self._dialects = dialects
        self._open = open_cassette
        self._told: dict[tuple[Path, str], Mapping[str, Sequence[PlannedCall]]] = {}

    def plan(self, label: TapeLabel) -> PlannedTest:
        """Return what the test that `label` names would record."""
        cases = self._cases(label)
        calls = cases.get(label.case)
        planned = PlannedTest(function=label.function, nodeid=label.nodeid, calls=())
        if calls is None:
            guessed = _typical_calls(cases.values())
            return replace(planned, calls=guessed, is_unknown=not guessed)
        if self._mode in ("once", "new_episodes"):
            calls = [call for call in calls if not self._is_recorded(label, call)]
        return replace(planned, calls=tuple(calls))

    def _cases(self, label: TapeLabel) -> Mapping[str, Sequence[PlannedCall]]:
        """Return case -> what it is expected to ask, for all cases of a test function."""
        name = (label.folder, label.function)
        if name not in self._told:
            cases: dict[str, list[PlannedCall]] = {}
            recordings = list(self._recordings(label))
            names = {asked_model(each) or NO_MODEL: each.model for each in recordings}
            for recording in recordings:
                # What stood in for another model does not say what the application asks.
                if not recording.named_model:
                    call = self._call(recording, names)
                    cases.setdefault(recording.case, []).append(call)
            self._told[name] = cases
        return self._told[name]

    def _recordings(self, label: TapeLabel) -> Iterator[Recording]:
        start = f"{file_name(label.function)}."
        paths = sorted(label.folder.glob("*.json")) if label.folder.is_dir() else ()
        for path in paths:
            if path.name.startswith(start):
                yield from self._open(path).all()

    def _call(self, recording: Recording, names: Mapping[str, str]) -> PlannedCall:
        """Return the request of `recording`, of the model that this run asks.

        `names` maps the name by which a model was asked -> that by which it answered.
        """
        told_by = asked_model(recording) or NO_MODEL
        dialect = find_dialect(self._dialects, recording.request["uri"])
        model = self._choice.apply(told_by, dialect)
        return PlannedCall(
            provider=provider_of(dialect, recording.request["uri"]) if dialect else "",
            model=model,
            answered_by=names.get(model, ""),
            told_by=told_by,
            usage=recording.usage,
            latency_s=recording.latency_s,
        )

    def _is_recorded(self, label: TapeLabel, call: PlannedCall) -> bool:
        path = label.folder / f"{file_name(label.function)}.{file_name(call.model)}.json"
        return label.case in self._open(path).cases


def _typical_calls(cases: Iterable[Sequence[PlannedCall]]) -> tuple[PlannedCall, ...]:
    """Return the calls of the case in the middle, by its output tokens."""
    ranked = sorted(cases, key=lambda calls: sum(_output_tokens(call) for call in calls))
    if not ranked:
        return ()
    return tuple(replace(call, is_guess=True) for call in ranked[len(ranked) // 2])


def _output_tokens(call: PlannedCall) -> int:
    return call.usage.output_tokens if call.usage else 0

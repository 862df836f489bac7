"""Plan: what a test would send if it recorded now, told from what it sent before.

Nothing is sent and no test runs. What a test asked when it was recorded is what it is expected to
ask again; a test that was never recorded is expected to ask what the others of its function asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.cassettes import folding
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import Dialect, find_dialect, provider_of
from pytest_llmprod.wire.key import ModelChoice, judge_shelf, names_of
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model
from pytest_llmprod.wire.rules import RecordMode

_Function = tuple[Path, str]
_Swaps = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """A request that a test is expected to send.

    `model` is the one that it would ask, `told_by` the model whose recording tells of it, and
    `answered_by` the name under which that model answered this test function before, '' where it
    never did. `is_guess` says that the test itself was never recorded. `shelf` stands for the model
    in the name of the cassette.
    """

    provider: str
    model: str
    answered_by: str
    told_by: str
    usage: Usage | None
    latency_s: float
    shelf: str
    is_guess: bool = False

    @property
    def is_judge(self) -> bool:
        """Say whether a judge sends it, which no option makes another model."""
        return self.shelf != self.model


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
        dialects: Sequence[Dialect],
        library: Library,
        labels: Iterable[TapeLabel],
    ) -> None:
        """Make a planner for a record mode.

        `labels` name all tests of the run: the others of its function tell what a test will ask.
        """
        self._mode = mode
        self._dialects = dialects
        self._library = library
        self._told: dict[tuple[_Function, _Swaps], Mapping[str, Sequence[PlannedCall]]] = {}
        self._swaps: dict[str, str] = {}
        self._models: tuple[str, ...] = ()
        self._labels: dict[_Function, list[TapeLabel]] = {}
        self._met: set[tuple[str, str]] = set()
        self._has_unknown = False
        for label in labels:
            self._labels.setdefault(_function_of(label), []).append(label)
            if label.choice.models:  # of these the application asks only one
                self._models = label.choice.models
            else:
                self._swaps.update(label.choice.swaps)

    def plan(self, label: TapeLabel) -> PlannedTest:
        """Return what the test that `label` names would record."""
        cases = self._cases(label)
        calls = cases.get(label.case)
        planned = PlannedTest(function=label.function, nodeid=label.nodeid, calls=())
        if calls is None:
            guessed = _typical_calls(cases.values())
            self._note(guessed)
            return replace(planned, calls=guessed, is_unknown=not guessed)
        self._note(calls)
        if self._mode in ("once", "new_episodes"):
            has_recorded = self._library.has_recorded
            calls = [call for call in calls if not has_recorded(label, call.shelf)]
        return replace(planned, calls=tuple(calls))

    def _note(self, calls: Sequence[PlannedCall]) -> None:
        """Note what the application of a test asks, whether or not it would be sent."""
        self._met |= {(call.told_by, call.model) for call in calls if not call.is_judge}
        self._has_unknown |= not calls

    @property
    def asked(self) -> list[str]:
        """Return the models that the tests which were planned so far ask, sorted."""
        return sorted({model for _, model in self._met})

    def unmet(self) -> Iterator[str]:
        """Yield the options that no test met which was planned; none where a test is unknown."""
        if self._has_unknown:
            return
        if self._models and not any(model in self._models for _, model in self._met):
            yield f"--llm-models {','.join(self._models)}"
        for old, new in self._swaps.items():
            if (old, new) not in self._met:
                yield f"--llm-swap {old}={new}"

    def waiting(self) -> int:
        """Return how many recordings a killed run has left for the next one that records."""
        return folding.waiting(self._library.journal.rootpath)

    def _cases(self, label: TapeLabel) -> Mapping[str, Sequence[PlannedCall]]:
        """Return case -> what it is expected to ask, for all cases of a test function."""
        name = (_function_of(label), tuple(label.choice.swaps.items()))
        if name not in self._told:
            cases: dict[str, list[PlannedCall]] = {}
            recordings = list(self._recordings(label))
            names = {self._asked(each): each.model for each in recordings}
            for recording in recordings:
                # What stood in for another model does not say what the application asks.
                if not recording.named_model and recording.judged is None:
                    call = self._call(recording, names, label.choice)
                    cases.setdefault(recording.case, []).append(call)
            for case, group in _by_case(recordings).items():
                asked = list(self._judge_calls(group, cases.get(case, ()), names, label.choice))
                if asked:
                    cases.setdefault(case, []).extend(asked)
            self._told[name] = cases
        return self._told[name]

    def _judge_calls(
        self,
        recordings: Sequence[Recording],
        calls: Sequence[PlannedCall],
        names: Mapping[str, str],
        choice: ModelChoice,
    ) -> Iterator[PlannedCall]:
        """Yield what judges ask of a case in which the application makes `calls`."""
        told = names_of(call.told_by for call in calls)
        judged = names_of(call.model for call in calls)
        for recording in recordings:
            if recording.judged == told:  # and not what a swapped model said
                call = self._call(recording, names, choice)
                yield replace(call, shelf=judge_shelf(call.model, judged))

    def _recordings(self, label: TapeLabel) -> Iterator[Recording]:
        """Yield what was recorded of a test function, and what pytest-recording did of its tests.

        What both recorded of one test comes once.
        """
        own = [each for path in self._library.of_function(label) for each in self._all(path)]
        yield from own
        known = {(each.case, each.key) for each in own}
        for other in self._labels.get(_function_of(label), ()):
            foreign = self._library.foreign(other)
            for each in foreign.cassette.all() if foreign is not None else ():
                if (each.case, each.key) not in known:
                    yield each

    def _all(self, path: Path) -> Sequence[Recording]:
        return self._library.open(path).all()

    def _asked(self, recording: Recording) -> str:
        return asked_model(recording, self._dialects) or NO_MODEL

    def _call(
        self, recording: Recording, names: Mapping[str, str], choice: ModelChoice
    ) -> PlannedCall:
        """Return the request of `recording`, of the model that `choice` asks.

        `names` maps the name by which a model was asked -> that by which it answered.
        """
        told_by = self._asked(recording)
        dialect = find_dialect(self._dialects, recording.request["uri"])
        is_judge = recording.judged is not None
        model = told_by if is_judge else choice.apply(told_by, dialect)
        return PlannedCall(
            provider=provider_of(dialect, recording.request["uri"]) if dialect else "",
            model=model,
            answered_by=names.get(model, ""),
            told_by=told_by,
            usage=recording.usage,
            latency_s=recording.latency_s,
            shelf=model,
        )


def _function_of(label: TapeLabel) -> _Function:
    return label.folder, label.function


def _by_case(recordings: Iterable[Recording]) -> Mapping[str, Sequence[Recording]]:
    cases: dict[str, list[Recording]] = {}
    for recording in recordings:
        cases.setdefault(recording.case, []).append(recording)
    return cases


def _typical_calls(cases: Iterable[Sequence[PlannedCall]]) -> tuple[PlannedCall, ...]:
    """Return the calls of the case in the middle, by its output tokens."""
    ranked = sorted(cases, key=lambda calls: sum(_output_tokens(call) for call in calls))
    if not ranked:
        return ()
    return tuple(replace(call, is_guess=True) for call in ranked[len(ranked) // 2])


def _output_tokens(call: PlannedCall) -> int:
    return call.usage.output_tokens if call.usage else 0

"""Suite: one test function with its data set and its threshold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pytest_llmprod.evals.dataset import Case, Dataset
from pytest_llmprod.evals.judging import judge_of
from pytest_llmprod.evals.metrics import Scorer
from pytest_llmprod.evals.outputs import Output


class Asking(NamedTuple):
    """One time that a case is asked: the how-manieth, counted from 1, and of which model.

    `repeats` is how often each case of its suite is asked. `model` is '' where the run leaves it to
    the application.
    """

    case: Case
    repeat: int = 1
    repeats: int = 1
    model: str = ""

    @property
    def id(self) -> str:
        """Return what stands in the brackets of the node id."""
        parts = [f"{self.case.id}#{self.repeat}" if self.repeats > 1 else self.case.id]
        return "-".join([*parts, self.model] if self.model else parts)

    @property
    def section(self) -> str:
        """Return the section of the cassette, which every model and the first repeat share."""
        return section_of_repeat(self.case.id, self.repeat)


def section_of_repeat(case_id: str, repeat: int) -> str:
    """Return the section for a case that is asked the `repeat`-th time."""
    return case_id if repeat == 1 else f"{case_id}#{repeat}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What the `llm_eval` marker of one test function says, checked.

    `test` is the node id of the function; where it has other parameters than the case, `variant`
    is pytest's id for them and ends `test` in brackets. Each case is asked `repeats` times. In a
    run of several models there is a suite for each `model`, which ends `variant`.

    `threshold` maps metric -> share in 0..1, and `margin` is by how much, as a share of all cases,
    a new model may be worse than the old one. `scorers` has those of its metrics that are
    functions; the test itself scores the others. `task` runs the feature on a case's input;
    `outputs` maps (case id, repeat) -> recorded answer. At most one of the two is given.
    """

    feature: str
    test: str
    dataset: Dataset
    threshold: Mapping[str, float]
    confidence: float
    max_errors: int
    task: Callable[[Any], Any] | None
    outputs: Mapping[tuple[str, int], Output] | None
    variant: str = ""
    model: str = ""
    repeats: int = 1
    margin: float = 0.0
    scorers: Mapping[str, Scorer] = field(default_factory=dict)

    @property
    def askings(self) -> tuple[Asking, ...]:
        """Return all that this suite asks, the repeats of a case one after another."""
        return tuple(
            Asking(case, repeat, self.repeats, self.model)
            for case in self.dataset.cases
            for repeat in range(1, self.repeats + 1)
        )

    def to_json(self, rootpath: Path) -> dict[str, Any]:
        """Return what the deciding process must know of this suite, as plain JSON."""
        path = self.dataset.path
        inside = path.is_relative_to(rootpath)
        return {
            "feature": self.feature,
            "test": self.test,
            "variant": self.variant,
            "model": self.model,
            "repeats": self.repeats,
            "threshold": dict(self.threshold),
            "metrics": list(self.threshold),  # in the order of the marker, which JSON does not keep
            "confidence": self.confidence,
            "margin": self.margin,
            "max_errors": self.max_errors,
            "cases": len(self.dataset.cases),
            "dataset": (path.relative_to(rootpath) if inside else path).as_posix(),
            "dataset_sha256": self.dataset.sha256,
            "from_outputs": self.outputs is not None,
            "judges": self._judges(),
        }

    def _judges(self) -> dict[str, Any]:
        """Return metric -> what tells its judge, for those that have one."""
        judges = {name: judge_of(scorer.metric) for name, scorer in self.scorers.items()}
        return {
            name: {"digest": judge.digest, "pairwise": judge.pairwise}
            for name, judge in judges.items()
            if judge is not None
        }

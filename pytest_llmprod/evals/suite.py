"""Suite: one test function with its data set and its threshold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_llmprod.evals.dataset import Dataset
from pytest_llmprod.evals.metrics import Scorer
from pytest_llmprod.evals.outputs import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What the `llm_eval` marker of one test function says, checked.

    `test` is the node id of the function; where it has other parameters than the case, `variant`
    is pytest's id for them and ends `test` in brackets. `threshold` maps metric -> share in 0..1.
    `scorers` has those of its metrics that are functions; the test itself scores the others.
    `task` runs the feature on a case's input; `outputs` maps case id -> recorded answer. At most
    one of the two is given.
    """

    feature: str
    test: str
    dataset: Dataset
    threshold: Mapping[str, float]
    confidence: float
    max_errors: int
    task: Callable[[Any], Any] | None
    outputs: Mapping[str, Output] | None
    folder: Path
    variant: str = ""
    scorers: Mapping[str, Scorer] = field(default_factory=dict)

    def to_json(self, rootpath: Path) -> dict[str, Any]:
        """Return what the deciding process must know of this suite, as plain JSON."""
        path = self.dataset.path
        inside = path.is_relative_to(rootpath)
        return {
            "feature": self.feature,
            "test": self.test,
            "variant": self.variant,
            "threshold": dict(self.threshold),
            "confidence": self.confidence,
            "max_errors": self.max_errors,
            "folder": str(self.folder),
            "cases": len(self.dataset.cases),
            "dataset": (path.relative_to(rootpath) if inside else path).as_posix(),
            "dataset_sha256": self.dataset.sha256,
            "from_outputs": self.outputs is not None,
        }

"""Errors: one base class, and a family for each noun that can be wrong.

Every message says what happened, what was expected, and the command or the change that mends it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_llmprod.core.miss import Miss, RefusedText


class LlmprodError(Exception):
    """Something that pytest-llmprod was asked to do could not be done."""

    @property
    def told(self) -> "Miss | str":
        """Return what a test tells of this error: its text, or more where more is known."""
        return str(self)


class SettingsError(LlmprodError):
    """A command-line option or a key of `[tool.llmprod]` has no meaning or a wrong value."""


class MarkerError(LlmprodError):
    """The arguments of a marker, or the test function below it, cannot be used."""


class DatasetError(LlmprodError):
    """A data set, or a file of recorded outputs, cannot be read."""


class DatasetChanged(DatasetError):
    """A data set differs from its lock."""


class ScoreError(LlmprodError, ValueError):
    """What a metric or a test gave as a score is no number in 0..1."""


class MetricError(LlmprodError):
    """A metric cannot be used as it is, or cannot read what a row expects."""


class CassetteError(LlmprodError):
    """A cassette file cannot be read or written."""


class CassetteMiss(CassetteError):
    """A request is in no recording, and the record mode forbids to send it; `miss` says why."""

    def __init__(self, miss: "Miss") -> None:
        """Make the error that tells of `miss`."""
        super().__init__(miss)
        self.miss = miss

    @property
    def told(self) -> "Miss":
        """Return the miss, which reports gather."""
        return self.miss


class NetworkBlocked(LlmprodError):
    """Something tried to reach a host in a test that replays."""


class RequestRefused(LlmprodError):
    """A request holds what must not leave, or lacks what each request must have."""

    def __init__(self, text: "RefusedText") -> None:
        """Make the error that says why."""
        super().__init__(text)
        self._text = text

    @property
    def told(self) -> "RefusedText":
        """Return the text with what reports tell in its place where it was told before."""
        return self._text


class PricesError(LlmprodError):
    """A price list cannot be read, or a price cannot be had."""


class BudgetError(LlmprodError):
    """The text of a budget cannot be read, or what has been spent cannot be written down."""


class GatesFileError(LlmprodError):
    """`llmprod-gates.json` cannot be read or written."""


class LooksFileError(LlmprodError):
    """The file that counts looks cannot be read or written."""


class StoredRunError(LlmprodError):
    """A file that should hold a run, as `--llm-json` writes it, holds none."""


class ShardError(LlmprodError):
    """The stored runs of CI shards are not those of one run, or not all of them."""


class BaselineError(LlmprodError):
    """A run cannot be accepted as the baseline, or the baseline cannot be written."""


class PolicyError(LlmprodError):
    """A policy, by which a stored run is judged again, cannot be used."""


class JudgeError(LlmprodError):
    """The answer of a judge, its labels or its calibration cannot be used."""


class LogError(LlmprodError):
    """The request log cannot be written, read or asked."""


class FaultError(LlmprodError):
    """A fault, a schedule of faults or a scripted answer cannot be used."""


class GuardrailError(LlmprodError):
    """The contract of a guardrail cannot be tested as it is declared."""


class HandoffError(LlmprodError):
    """What a team needs cannot be written, or a runbook cannot be renewed."""


class RegressionError(LlmprodError):
    """The failing example of a property cannot be kept, or what was kept cannot be read."""


class SpendStop(BaseException):
    """A live request must not be sent, for the money that the run may spend.

    No LlmprodError, and no Exception: clients catch these and try again. `is_first` is false where
    the run had been stopped already when the test sent its request.
    """

    def __init__(self, reason: str, *, is_first: bool) -> None:
        """Make the stop that is for this reason, in a sentence or more."""
        super().__init__(reason)
        self.is_first = is_first

"""Calibration: how far a judge agrees with people, and whether it may decide.

The figures of all judges of a project stand in `llmprod-judges.json` in pytest's rootdir, by the
name of the judge. Each is bound to the digest of the judge that was measured.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import JudgeError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.evals.agreement import cohens_kappa
from pytest_llmprod.evals.judging.judge import Judge, Verdict

FILE_NAME = "llmprod-judges.json"
SCHEMA = 1
FEWEST_LABELS = 50
_CLOCK_SLACK = timedelta(days=1)  # another machine may be ahead
_POSITIVE, _NEGATIVE = ("yes", "win"), ("no", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """One label: what people said, what the judge said, and when; `is_flipped` as a Judgement."""

    human: Verdict
    judge: Verdict
    is_flipped: bool
    recorded_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a judge is worth, measured on `n` labels.

    Rates are (count, of how many): `true_positives` of those that people call good (or better than
    the expected answer), `true_negatives` of those that they call bad (or worse), `flips` of all
    pairs, None for a judge that is not pairwise. `base_rate` is the share that people call good,
    and `majority` the agreement of who always says what people say most often. `kappa` is None
    where people and judge give all rows one verdict. `measured_at` is when the oldest answer was
    recorded, an ISO 8601 time: to replay it makes it no younger.
    """

    digest: str
    judge: str
    model: str
    labels: str
    labels_sha256: str
    measured_at: str
    n: int
    kappa: float | None
    agreement: float
    majority: float
    base_rate: float
    true_positives: tuple[int, int]
    true_negatives: tuple[int, int]
    flips: tuple[int, int] | None

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as plain JSON; `from_json` reads it."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {
            **{name: getattr(self, name) for name in (*_TEXTS, "n")},
            **{name: _rounded(getattr(self, name)) for name in _SHARES},
            **{name: None if each is None else _rate(*each) for name, each in counts.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Calibration":
        """Return what `to_json` wrote; raise KeyError, TypeError or ValueError on other shapes."""
        kappa, flips = stored["kappa"], stored["flips"]
        return cls(
            digest=str(stored["digest"]),
            judge=str(stored["judge"]),
            model=str(stored["model"]),
            labels=str(stored["labels"]),
            labels_sha256=str(stored["labels_sha256"]),
            measured_at=str(stored["measured_at"]),
            n=int(stored["n"]),
            kappa=None if kappa is None else _share(kappa),
            agreement=_share(stored["agreement"]),
            majority=_share(stored["majority"]),
            base_rate=_share(stored["base_rate"]),
            true_positives=_counts(stored["true_positives"]),
            true_negatives=_counts(stored["true_negatives"]),
            flips=None if flips is None else _counts(flips, least_of=1),
        )


_OF_OTHER_SHAPES = (ValueError, TypeError, AttributeError)
_TEXTS = ("digest", "judge", "model", "labels", "labels_sha256", "measured_at")
_SHARES = ("kappa", "agreement", "majority", "base_rate")
_COUNTS = ("true_positives", "true_negatives", "flips")


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _share(stored: Any) -> float:
    share = float(stored)
    if not -1 <= share <= 1:  # kappa may be below 0
        raise ValueError(f"a share in -1..1 is expected, not {stored!r}")
    return share


def _counts(stored: Mapping[str, Any], least_of: int = 0) -> tuple[int, int]:
    count, of = int(stored["count"]), int(stored["of"])
    if not (0 <= count <= of and of >= least_of):
        raise ValueError(f"{count} of {of} cannot have been counted")
    return count, of


def _rate(count: int, of: int) -> dict[str, Any]:
    return {"count": count, "of": of, "rate": round(count / of, 6) if of else None}


def measure(
    judge: Judge, rated: Sequence[Rated], *, place: str, labels: str, labels_sha256: str
) -> Calibration:
    """Return what the verdicts of a judge say of it; `rated` holds one at least.

    `place` and `labels` name what `llmprod judge calibrate` is called with.
    """
    humans, judges = [each.human for each in rated], [each.judge for each in rated]
    n = len(rated)
    return Calibration(
        digest=judge.digest,
        judge=place,
        model=judge.model,
        labels=labels,
        labels_sha256=labels_sha256,
        measured_at=min(each.recorded_at for each in rated),
        n=n,
        kappa=cohens_kappa(humans, judges),
        agreement=sum(map(_agrees, rated)) / n,
        majority=max(Counter(humans).values()) / n,
        base_rate=sum(human in _POSITIVE for human in humans) / n,
        true_positives=_kept(rated, _POSITIVE),
        true_negatives=_kept(rated, _NEGATIVE),
        flips=(sum(each.is_flipped for each in rated), n) if judge.pairwise else None,
    )


def _agrees(rated: Rated) -> bool:
    return rated.human == rated.judge


def _kept(rated: Iterable[Rated], verdicts: tuple[str, ...]) -> tuple[int, int]:
    """Return on how many of the labels with these verdicts the judge says so too, and of how many.

    What a pairwise judge calls a tie is neither.
    """
    those = [each for each in rated if each.human in verdicts]
    return sum(map(_agrees, those)), len(those)


def why_report_only(
    calibration: Calibration | None, digest: str, *, now: datetime, valid_days: int
) -> str:
    """Return in a few words why the judge of `digest` may not decide, '' where it may."""
    if calibration is None:
        return "was never calibrated"
    if calibration.digest != digest:
        return "has changed since it was calibrated"
    age = now - _day(calibration.measured_at)
    if age < -_CLOCK_SLACK:
        return f"was calibrated {calibration.measured_at[:10]}, which is yet to come"
    if age > timedelta(days=valid_days):
        return f"was calibrated {calibration.measured_at[:10]}, over {valid_days} days ago"
    if calibration.n < FEWEST_LABELS:
        return f"was calibrated on {calibration.n} labels, and {FEWEST_LABELS} are needed"
    (hits, good), (rejections, bad) = calibration.true_positives, calibration.true_negatives
    if not (good and bad):
        return f"was calibrated on labels without a {'bad' if good else 'good'} output"
    if hits / good + rejections / bad <= 1:
        return "was no better than chance on its labels"
    return ""


def has_too_few(calibration: Calibration) -> bool:
    """Say whether there were too few labels to say anything of a judge."""
    is_one_sided = not (calibration.true_positives[1] and calibration.true_negatives[1])
    return calibration.n < FEWEST_LABELS or is_one_sided


def command(calibration: Calibration | None) -> tuple[str, ...]:
    """Return the words of the command that calibrates a judge anew."""
    place, labels = ("FILE.py:NAME", "LABELS")
    if calibration is not None:
        place, labels = calibration.judge, calibration.labels
    return ("llmprod", "judge", "calibrate", place, labels, "--record")


def _day(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def load(path: Path) -> dict[str, Calibration]:
    """Return name -> calibration from the file at `path`, nothing where there is none.

    Raises JudgeError where it cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']!r}")
        found = {
            str(name): Calibration.from_json(entry) for name, entry in document["judges"].items()
        }
        for each in found.values():
            _day(each.measured_at)
    except FileNotFoundError:
        return {}
    except (OSError, ArithmeticError, LookupError, RecursionError, *_OF_OTHER_SHAPES) as error:
        raise JudgeError(
            f"{path}: the calibrations cannot be read ({type(error).__name__}: {error}). Restore "
            f"the file from version control, or delete it and run `llmprod judge calibrate` again."
        ) from error
    return found


def store(path: Path, name: str, calibration: Calibration) -> None:
    """Put one calibration into the file at `path`; raise JudgeError where that cannot be.

    Another judge of the same name is not replaced: that would take its calibration away.
    """
    known = load(path)
    other = known.get(name)
    if other is not None and other.judge != calibration.judge:
        raise JudgeError(
            f"{path}: the name {name!r} is that of the judge {other.judge}. Give this one another "
            f"with llm_judge(..., name=...); or, if it has moved, delete its entry in this file."
        )
    known[name] = calibration
    document = {
        "schema": SCHEMA,
        "judges": {name: each.to_json() for name, each in known.items()},
    }
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        write_whole(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise JudgeError(
            f"{path}: cannot be written ({error.strerror}). Make it and its folder writable, and "
            f"run the command again: the answers are recorded."
        ) from error

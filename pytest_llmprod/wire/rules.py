"""Rules: when a run records, how a test plays its recordings, and what may leave."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast, get_args

RecordMode = Literal["none", "once", "new_episodes", "all", "rewrite", "verify"]
Repeats = Literal["strict", "last", "cycle"]
Unplayed = Literal["fail", "allow"]
RECORD_MODES: tuple[str, ...] = get_args(RecordMode)
REPEATS: tuple[str, ...] = get_args(Repeats)
UNPLAYED: tuple[str, ...] = get_args(Unplayed)
#: The keys of `[tool.llmprod.wire]` that say what may leave.
LEAVE_KEYS = frozenset({"allow", "forbid", "pinned_models", "require"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRules:
    """How a test plays its recordings.

    `repeats` says what an equal request gets when all its recordings have been played: nothing
    (`strict`), the last one again, or all of them again from the first (`cycle`). `clock_scale` is
    how long a replay waits, as a share of the recorded times: 0 not at all, 1 as long as the
    provider took. `unplayed` says what becomes of a test that does not play all its recordings, and
    `max_age_days` from which age on a recording is no longer played; None never.
    """

    repeats: Repeats = "strict"
    clock_scale: float = 0.0
    unplayed: Unplayed = "fail"
    max_age_days: int | None = None

    def expired_before(self, now: datetime) -> str:
        """Return the moment before which a recording is too old, as cassettes store it, or ''."""
        if self.max_age_days is None:
            return ""
        return timestamp(now - timedelta(days=self.max_age_days))

    def aging_before(self, now: datetime) -> str:
        """Return the moment before which three quarters of a recording's time are spent, or ''."""
        if self.max_age_days is None:
            return ""
        return timestamp(now - timedelta(days=self.max_age_days * 0.75))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRules:
    """What `[tool.llmprod.wire]` says of requests that leave.

    `forbid` names what must not be in them, `allow` holds patterns of values that may be all the
    same. `require` names what each must have, and `pinned_models` patterns of models that are
    pinned whatever their names look like.
    """

    forbid: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    pinned_models: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Say whether there is anything to look for."""
        return bool(self.forbid or self.require)


def timestamp(moment: datetime) -> str:
    """Return `moment`, a time in UTC, as cassettes store it: to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def checked_repeats(value: Any) -> Repeats:
    """Return `value` as a rule about repeats; raise ValueError where it is none."""
    return cast("Repeats", _one_of("repeats", value, REPEATS))


def checked_unplayed(value: Any) -> Unplayed:
    """Return `value` as a rule about unplayed recordings; raise ValueError where it is none."""
    return cast("Unplayed", _one_of("unplayed", value, UNPLAYED))


def checked_clock(value: Any) -> float:
    """Return the scale of a clock: "instant" is 0, "real" is 1, a number is itself.

    Raises ValueError for anything else.
    """
    if isinstance(value, str) and value in _CLOCKS:
        return _CLOCKS[value]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return float(value)
    raise ValueError(
        f'clock must be "instant", "real", or a number from 0 to {_MOST} that scales the recorded '
        f"times, not {value!r}."
    )


_CLOCKS = {"instant": 0.0, "real": 1.0}
_MOST = 100


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in known:
        return value
    words = ", ".join(f'"{each}"' for each in known)
    raise ValueError(f"{name} must be one of {words}, not {value!r}.")

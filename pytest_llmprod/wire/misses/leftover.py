"""Leftover: recordings that a test no longer plays, or that are too old to be played."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pytest_llmprod.core.miss import Miss
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.misses.places import gist
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import PlayRules

_MOST = 3
_COLUMNS = 78
_LONGEST_GIST = 46


def unplayed(label: TapeLabel, cassette: CassetteFile, left: Sequence[Recording]) -> Miss:
    """Return what to say of the recordings `left` in the section of a test."""
    whole = len(cassette.section(label.case))
    lines = [
        f"  cassette  {_shown_path(cassette.path)}",
        *(shorten(f"  unplayed  {_described(each)}", _COLUMNS) for each in left[:_MOST]),
    ]
    if len(left) > _MOST:
        lines.append(f"            and {len(left) - _MOST} more")
    why = "asks less than it once did, or asks in other words"
    if len(left) == whole:
        why = "asked nothing; a fixture may have replaced its client by a fake"
    lines += [
        f"  because   the test {why}",
        '  allow it  put @pytest.mark.llm_cassette(unplayed="allow") above the test',
    ]
    verb = "was" if len(left) == 1 else "were"
    return Miss(
        kind="unplayed",
        place="",
        suite=f"{label.folder}/{label.function}",
        headline=f"{len(left)} of the {whole} recordings of this test {verb} not played",
        details="\n".join(lines),
        command=label.command("new_episodes"),
    )


def expired(
    label: TapeLabel, recording: Recording, rules: PlayRules, *, expired_before: str, swapped: str
) -> Miss:
    """Return what to say of a recording that is older than `rules` allow.

    It was made before `expired_before`. `swapped` is the option by which the run asks another
    model than the application does, or ''.
    """
    made, limit = recording.recorded_at, rules.max_age_days or 0
    try:
        late = datetime.fromisoformat(expired_before) - datetime.fromisoformat(made)
        age = counted(late.days + limit, "day")
    except (TypeError, ValueError):  # what others wrote may name its day in another way
        age = f"made on {printable(made[:10])}"
    return Miss(
        kind="too old",
        place="",
        suite=f"{label.folder}/{label.function}",
        headline=f"recording too old: {age}, at most {limit}",
        details="\n".join(
            [
                f"  asked     {gist(decode_document(recording.request['body']), _COLUMNS - 12)}",
                shorten(f"  recorded  {_who_and_when(recording)}", _COLUMNS),
                f"  limit     max_age_days = {limit} in [tool.llmprod.wire]",
            ]
        ),
        command=label.command("rewrite", *filter(None, [swapped])),
    )


def ends_early(label: TapeLabel, recording: Recording) -> str:
    """Return what to say where a client reads on, and the recorded one had stopped."""
    what = "stopped reading this answer"
    if recording.failure is not None:
        what = "gave up waiting for this answer"
    return "\n".join(
        [
            f"When it was recorded, the application {what} after {recording.latency_s:.2f} s.",
            "Now it goes on, and the recording knows no more. Record it again.",
            "",
            shorten(f"  recorded  {_described(recording)}", _COLUMNS),
            f"  mend      {label.command('rewrite')}",
        ]
    )


def _described(recording: Recording) -> str:
    said = gist(decode_document(recording.request["body"]), _LONGEST_GIST)
    return f"{said}, answered {_who_and_when(recording)}"


def _who_and_when(recording: Recording) -> str:
    return printable(f"by {recording.model} on {recording.recorded_at[:10]}")


def _shown_path(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:  # not below the working directory
        return str(path)

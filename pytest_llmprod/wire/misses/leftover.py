"""Leftover: recordings that a test no longer plays, or that are too old to be played."""

from collections.abc import Sequence
from pathlib import Path

from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.misses.places import gist
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import PlayRules

_MOST = 3
_COLUMNS = 78
_LONGEST_GIST = 46


def unplayed(label: TapeLabel, cassette: CassetteFile, left: Sequence[Recording]) -> str:
    """Return what to say of the recordings `left` in the section of a test."""
    whole = len(cassette.section(label.case))
    lines = [
        f"{len(left)} of the {whole} recordings of this test were not played: the test asks less",
        "than it asked when they were made.",
        "",
        f"  cassette  {_shown_path(cassette.path)}",
        *(shorten(f"  unplayed  {_described(each)}", _COLUMNS) for each in left[:_MOST]),
    ]
    if len(left) > _MOST:
        lines.append(f"            and {len(left) - _MOST} more")
    return "\n".join(
        [
            *lines,
            "",
            '  allow it  put @pytest.mark.llm_cassette(unplayed="allow") above the test',
            f"  mend      {label.command('new_episodes')}",
        ]
    )


def expired(label: TapeLabel, recording: Recording, rules: PlayRules) -> str:
    """Return what to say of a recording that is older than `rules` allow."""
    return "\n".join(
        [
            f"A recording of this test was made on {printable(recording.recorded_at[:10])}, and",
            f"[tool.llmprod.wire] max_age_days plays recordings of the last {rules.max_age_days}",
            "days only. Record it again, and compare what changed.",
            "",
            f"  recorded  {_described(recording)}",
            f"  mend      {label.command('rewrite')}",
        ]
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
    about = printable(f"{recording.model} on {recording.recorded_at[:10]}")
    said = gist(decode_document(recording.request["body"]), _LONGEST_GIST)
    return f"{said}, answered by {about}"


def _shown_path(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:  # not below the working directory
        return str(path)

"""Cassette file: how recordings are laid out on disk, read lazily and written whole.

The layout is fixed: indented by one space, keys sorted, one key a line. A string in JSON holds no
line break, so a line that consists of two spaces and a brace always opens or closes a recording.
Loading therefore notes where each recording begins and reads its case and its key; the rest is
decoded when it is played. A file that somebody else laid out is brought into this layout first.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.wire.key import KEY_VERSION, stored_key
from pytest_llmprod.wire.recording import Recording

FORMAT = 1
_VCRPY_VERSION = 1  # of the layout that we share
_HEAD = b'{\n "interactions": [\n'
_EMPTY_HEAD = b'{\n "interactions": [],\n'
_TAIL = b"\n ],\n"
_OPEN = b"  {\n"
_BETWEEN = b"\n  },\n  {\n"
_CLOSE = b"\n  }"
_CASE = b'\n    "case": '
_KEY = b'\n    "key": "'
_UNFINISHED = b'\n    "unfinished": true'


Rekey = Callable[[Mapping[str, Any]], str]


class CassetteFile:
    """The recordings of one file, found by case and key without decoding the rest.

    `cases` holds the names of the sections in file order.
    """

    __slots__ = ("_index", "_spans", "_text", "cases", "path")

    def __init__(self, path: Path, text: bytes = b"") -> None:
        """Index `text`, the content of `path`; no text makes an empty cassette."""
        self.path = path
        self._text = text
        self._spans: list[tuple[int, int]] = []
        self._index: dict[tuple[str, str], list[int]] = {}
        self.cases: dict[str, list[int]] = {}
        if text:
            self._index_recordings()

    def __len__(self) -> int:
        return len(self._spans)

    def count(self, case: str, key: str) -> int:
        """Return how many recordings the section `case` has for `key`."""
        return len(self._index.get((case, key), ()))

    def read(self, case: str, key: str, position: int) -> Recording:
        """Return the recording of `key` in section `case` at `position`, in recorded order."""
        return self._decode(self._index[case, key][position])

    def keys(self, case: str) -> set[str]:
        """Return the keys of the section `case`."""
        return {key for section, key in self._index if section == case}

    def section(self, case: str) -> list[Recording]:
        """Return every recording of the section `case`, in recorded order."""
        return [self._decode(number) for number in self.cases.get(case, ())]

    def unplayed(self, case: str, played: Mapping[str, Collection[int]]) -> list[Recording]:
        """Return the recordings of a section that were not played.

        `played` maps key -> the positions that were. No recording is decoded where all were.
        Those that a child process made are none of them: the child plays them, and tells nobody.
        """
        numbers = self.cases.get(case, ())
        spent = set()
        for key, positions in played.items():
            known = self._index.get((case, key), ())
            spent |= {known[position] for position in positions if position < len(known)}
        if len(spent) == len(numbers):
            return []
        left = (self._decode(number) for number in numbers if number not in spent)
        return [each for each in left if not each.in_child]

    def is_unfinished(self, case: str) -> bool:
        """Say whether no run has yet brought the test of the section `case` to its end."""
        spans = (self._spans[number] for number in self.cases.get(case, ()))
        return any(self._text.find(_UNFINISHED, *span) >= 0 for span in spans)

    def all(self) -> list[Recording]:
        """Return every recording in file order."""
        return [self._decode(number) for number in range(len(self._spans))]

    def _index_recordings(self) -> None:
        text = self._text
        end_of_all = text.rindex(_TAIL) if text.startswith(_HEAD) else 0
        start = len(_HEAD)
        while start < end_of_all:
            end = text.find(_BETWEEN, start, end_of_all)
            end = end_of_all if end < 0 else end + len(_CLOSE)
            self._note(start, end)
            start = end + len(b",\n")

    def _note(self, start: int, end: int) -> None:
        number = len(self._spans)
        self._spans.append((start, end))
        case = self._field(_CASE, start, end)
        key = self._field(_KEY[:-1], start, end)
        self._index.setdefault((case, key), []).append(number)
        self.cases.setdefault(case, []).append(number)

    def _field(self, label: bytes, start: int, end: int) -> str:
        at = self._text.find(label, start, end)
        if at < 0:
            raise self._error(start, f"a recording has no {label.strip().decode()}")
        at += len(label)
        stop = self._text.find(b"\n", at, end)
        raw = self._text[at:stop].rstrip(b",")
        try:
            if b"\\" not in raw and raw.startswith(b'"'):
                return raw[1:-1].decode()
            value = json.loads(raw)
        except ValueError:
            value = None
        if not isinstance(value, str):
            raise self._error(at, "the case or the key of a recording is not a text")
        return value

    def _decode(self, number: int) -> Recording:
        start, end = self._spans[number]
        try:
            return Recording.from_json(json.loads(self._text[start:end]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"missing {error}" if isinstance(error, KeyError) else str(error)
            raise self._error(start, f"a recording cannot be read ({what})") from error

    def _error(self, position: int, what: str) -> CassetteError:
        line = self._text.count(b"\n", 0, position) + 1
        return CassetteError(
            f"{self.path}, line {line}: {what}. Restore the file from version control, or delete "
            f"it and record it again with --llm-record=once."
        )


def load(path: Path, rekey: Rekey = stored_key) -> CassetteFile:
    """Read the cassette at `path`; a file that does not exist is an empty cassette.

    Where the file has keys of an older version, `rekey` gives those of today, from the requests
    that it stores. Raises CassetteError for a file that is cut short, is no cassette, or was
    written by a newer version.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return CassetteFile(path)
    except OSError as error:
        raise unreadable(path, error) from error
    text = text.replace(b"\r\n", b"\n")
    if not _is_in_our_layout(text):
        text = _bring_into_layout(path, text, rekey)
    return CassetteFile(path, text)


def unreadable(path: Path, error: OSError) -> CassetteError:
    """Return the error to raise where the system does not let a cassette be read."""
    return CassetteError(
        f"{path}: cannot be read ({error.strerror}). Make the file readable and run again."
    )


def _is_in_our_layout(text: bytes) -> bool:
    if not text.endswith(_foot()) or b"\n<<<<<<< " in text:
        return False
    return text.startswith(_EMPTY_HEAD) or (text.startswith(_HEAD + _OPEN) and _TAIL in text)


def _foot() -> bytes:
    about = {"format": FORMAT, "key_version": KEY_VERSION}
    lines = json.dumps({"llmprod": about, "version": _VCRPY_VERSION}, indent=1, sort_keys=True)
    return lines[2:].encode() + b"\n"


def _bring_into_layout(path: Path, text: bytes, rekey: Rekey) -> bytes:
    document = _parse(path, text)
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        raise CassetteError(
            f"{path}: is no cassette, for it has no list of interactions. Name a cassette, a file "
            f"under cassettes/; if this one lies there, move it away, and record with "
            f"--llm-record=once."
        )
    about = document.get("llmprod")
    if not isinstance(about, dict):
        raise CassetteError(
            f"{path}: was not written by pytest-llmprod (it has no key 'llmprod'). "
            f"Delete it and record with --llm-record=once."
        )
    found = (about.get("format"), about.get("key_version"), document.get("version"))
    if found[1] in range(1, KEY_VERSION) and found[::2] == (FORMAT, _VCRPY_VERSION):
        return dump([_rekeyed(path, each, rekey) for each in document["interactions"]])
    if found != (FORMAT, KEY_VERSION, _VCRPY_VERSION):
        raise CassetteError(
            f"{path}: was written in format {found[0]!r} with key version {found[1]!r} and version "
            f"{found[2]!r}, and this version of pytest-llmprod reads format {FORMAT} with key "
            f"version {KEY_VERSION} and version {_VCRPY_VERSION}. "
            f"Update with `pip install --upgrade pytest-llmprod`, or delete the file and record it "
            f"again with --llm-record=once."
        )
    return dump(document["interactions"])


def _rekeyed(path: Path, interaction: Any, rekey: Rekey) -> Any:
    try:
        facts = {**interaction["llmprod"], "key": rekey(interaction["request"])}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(
            f"{path}: holds a recording of which no request can be read ({error!r}). Restore the "
            f"file from version control, or delete it and record it again with --llm-record=once."
        ) from error
    return {**interaction, "llmprod": facts}


def _parse(path: Path, text: bytes) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError as error:
        what, line = f"is not UTF-8 at byte {error.start}", text.count(b"\n", 0, error.start) + 1
    except json.JSONDecodeError as error:
        what, line = f"is not valid JSON ({error.msg})", error.lineno
    except RecursionError:
        what, line = "is nested too deeply", 1
    raise CassetteError(
        f"{path}, line {line}: the cassette {what}; it may be cut short or hold conflict marks of "
        f"a merge. Restore it from version control, or delete it and record it again with "
        f"--llm-record=once."
    )


def dump(interactions: Sequence[Any]) -> bytes:
    """Return the bytes of a cassette with these interactions, in the order given."""
    if not interactions:
        return _EMPTY_HEAD + _foot()
    blocks = [_block(interaction) for interaction in interactions]
    return _HEAD + b",\n".join(blocks) + _TAIL + _foot()


def _block(interaction: Any) -> bytes:
    text = json.dumps(interaction, indent=1, sort_keys=True, ensure_ascii=False)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = json.dumps(interaction, indent=1, sort_keys=True).encode()
    return b"  " + encoded.replace(b"\n", b"\n  ")


def save(path: Path, recordings: Iterable[Recording]) -> None:
    """Write `recordings` to `path`, whole.

    Raises CassetteError, with the old file untouched, where it cannot be written.
    """
    try:
        write_whole(path, dump([recording.to_json() for recording in recordings]))
    except OSError as error:
        raise CassetteError(
            f"{path}: cannot be written ({error.strerror}). The old file is as it was. Make room "
            f"or make the folder writable, and try again: what a run has recorded waits under "
            f".llmprod/recording for the next one with --llm-record=once."
        ) from error

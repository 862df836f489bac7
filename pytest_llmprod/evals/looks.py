"""Looks: how often were the same cases answered anew while a gate stayed closed?

Who asks the same questions until the answers please has chosen the answers. `llmprod-looks.json`
keeps which sets of answers of each suite were judged since its gate was open last. It belongs in
version control, beside the recordings; a run that only replays reads it and never writes it.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from pytest_llmprod.core.errors import LooksFileError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.results import FIRST_LOOK, Look
from pytest_llmprod.evals.standing import stands_in_its_file

FILE_NAME = "llmprod-looks.json"
SCHEMA = 1
_DIGITS = 16


class Answers(NamedTuple):
    """What tells a set of answers from others: `answers` by when each came, `asked` by its request.

    Both are digests; `answers` is '' where no request was made.
    """

    answers: str
    asked: str

    @classmethod
    def of(cls, *, times: Iterable[Any], requests: Iterable[Any]) -> "Answers":
        """Make the digests of JSON values, which may come in any order."""
        moments = sorted(times)
        return cls(_digest(moments) if moments else "", _digest(sorted(set(requests))))


class LooksFile:
    """The file at pytest's rootdir, read when it is first needed."""

    def __init__(self, rootpath: Path) -> None:
        """Make a file that has not been read yet."""
        self._path = rootpath / FILE_NAME
        self._suites: dict[str, dict[str, Any]] | None = None
        self._is_changed = False

    def look(self, meta: Mapping[str, Any], metric: str, answers: Answers) -> Look:
        """Return the how-manieth look it is to judge these answers of a suite.

        The same answers are the same look, however often they are replayed, and whatever the
        threshold. Answers to another revision of the data set begin anew, and so do the first ones
        after the gate was open. Raises LooksFileError.
        """
        looks = self._looks(meta, metric)
        known = [each["answers"] for each in looks]
        if not answers.answers:
            return FIRST_LOOK
        if answers.answers in known:
            earlier = looks[: known.index(answers.answers)]
        elif looks and looks[-1]["open"]:
            earlier = []
        else:
            earlier = looks
        is_again = any(each["asked"] == answers.asked for each in earlier)
        return Look(number=len(earlier) + 1, is_again=is_again)

    def note(
        self, meta: Mapping[str, Any], metric: str, answers: Answers, *, is_open: bool
    ) -> None:
        """Note that these answers were judged, and whether they opened the gate."""
        looks = self._looks(meta, metric)
        if not answers.answers or any(each["answers"] == answers.answers for each in looks):
            return
        earlier = [] if looks and looks[-1]["open"] else looks
        new = {**answers._asdict(), "open": is_open}
        self._read()[_name(meta, metric)] = {
            "dataset_sha256": meta["dataset_sha256"],
            "looks": [*earlier, new],
        }
        self._is_changed = True

    def save(self, *, is_whole: bool = False) -> None:
        """Write the file where anything new was noted; raises LooksFileError.

        After a whole run, entries are dropped whose test function is gone for certain.
        """
        if not self._is_changed:
            return
        if is_whole:
            self._suites = {
                name: entry
                for name, entry in self._read().items()
                if stands_in_its_file(_function_in(name), self._path.parent)
            }
        document = {"schema": SCHEMA, "suites": self._read()}
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        try:
            write_whole(self._path, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise LooksFileError(
                f"{self._path}: cannot be written ({error.strerror}). It counts how often the same "
                f"cases were answered anew. Make the file and its folder writable."
            ) from error
        self._is_changed = False

    def _looks(self, meta: Mapping[str, Any], metric: str) -> list[dict[str, Any]]:
        entry = self._read().get(_name(meta, metric), {})
        if entry.get("dataset_sha256") != meta["dataset_sha256"]:
            return []
        looks: list[dict[str, Any]] = entry["looks"]
        return looks

    def _read(self) -> dict[str, dict[str, Any]]:
        if self._suites is None:
            self._suites = _load(self._path)
        return self._suites


def _name(meta: Mapping[str, Any], metric: str) -> str:
    return f"{meta['test']} {metric}"


def _function_in(name: str) -> str:
    """Return the test function in the name of an entry; neither it nor a class has a space."""
    file, _, names = name.partition("::")
    return f"{file}::{names.partition('[')[0].partition(' ')[0]}"


def _digest(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()[:_DIGITS]


def _load(path: Path) -> dict[str, dict[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']!r}")
        suites: dict[str, dict[str, Any]] = dict(document["suites"])
        for entry in suites.values():
            for look in entry["looks"]:
                if not isinstance(look["open"], bool):
                    raise TypeError("a look does not say whether it opened the gate")
                _ = look["answers"], look["asked"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LooksFileError(
            f"{path}: cannot be read ({type(error).__name__}: {error}). It counts how often the "
            f"same cases were answered anew. Restore it from version control."
        ) from error
    return suites

"""Shards: are these stored runs the parts of one run, and is every part there?

Each job of CI stores its part with `--llm-json`. What does not fit together is an error that names
the file: a run that is joined from the wrong parts would decide something about none of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import ShardError
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.evals import stored_run

_CURE = "It must be what `pytest --llm-eval --llm-json=FILE` of this version writes."
_ANEW = "Run all shards again on one commit, with one configuration, and merge these."
_NAMED = {
    "version": "of pytest-llmprod",
    "commit": "that is checked out",
    "ini": "of pytest's configuration file",
    "record": "of --llm-record",
    "strict": "of --llm-strict",
    "options": "that choose the model",
    "table_sha256": "of [tool.llmprod] in pyproject.toml",
}
#: What several rows of one case have under keys of their own, and a stored case under these.
_KEYS = ("suite", "repeat", "outcome", "why", "scores", "whys", "tags", "cluster")
_Asked = tuple[str, str, int]  # suite, case, repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One part of a run, as its job has stored it; `name` is its file, for a reader."""

    name: str
    document: Mapping[str, Any]

    @property
    def run(self) -> Mapping[str, Any]:
        """Return what the part says of itself."""
        run: Mapping[str, Any] = self.document["run"]
        return run

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the row of each case, as its report carried it; the first of a suite has `meta`."""
        for case in self.document["cases"]:
            row = {**case["carried"], **{key: case[key] for key in _KEYS}, "case": case["id"]}
            if "meta" in row:
                row["meta"] = _as_marked(row["meta"])
            yield {**row, "output": case["output"], "expected": case["expected"]}

    def metas(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the name of each suite, with what its marker says."""
        for case in self.document["cases"]:
            if "meta" in case["carried"]:
                yield case["suite"], case["carried"]["meta"]


def _as_marked(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a marker says, with its metrics in their order: a stored run has sorted keys."""
    return {**meta, "threshold": {metric: meta["threshold"][metric] for metric in meta["metrics"]}}


def load(folder: Path, expected: int) -> list[Shard]:
    """Return the parts that lie in `folder` and below it, by the names of their files.

    Raises ShardError where one is missing, doubled, or of another run, and StoredRunError for a
    file that holds no run.
    """
    paths = sorted(folder.rglob("*.json"))
    shards = [_load(path, path.relative_to(folder).as_posix()) for path in paths]
    _refuse_doubled(shards)
    _refuse_other_number(shards, folder, expected)
    for shard in shards[1:]:
        refuse_other_settings(shard, shards[0].run["settings"], f"as {shards[0].name} has")
    _refuse_other_suites(shards)
    _refuse_shared_cases(shards)
    return shards


def _load(path: Path, name: str) -> Shard:
    document = stored_run.load_document(path, _CURE)
    run, cases = document.get("run"), document["cases"]
    keys = {"id", "started_at", "settings", "left_out", "incomplete"}
    is_whole = isinstance(run, dict) and keys <= run.keys()
    if not is_whole or "tests" not in document or not all("carried" in each for each in cases):
        raise ShardError(
            f"{path}: was written by a version of pytest-llmprod whose runs cannot be joined. "
            f"Install this version in every job. {_ANEW}"
        )
    shard = Shard(name=printable(name), document=document)
    try:
        _check(shard)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        told = printable(f"{type(error).__name__}: {error}")
        raise ShardError(f"{path}: holds what no run holds ({told[:80]}). {_CURE}") from error
    return shard


def _check(shard: Shard) -> None:
    """Raise one of the errors above where something is not of the kind that a merge reads."""
    run = shard.run
    datetime.fromisoformat(run["started_at"])
    metas = dict(shard.metas())
    for row in shard.rows():
        if row["suite"] not in metas or not isinstance(row["nodeid"], str):
            raise ValueError("a suite that does not say what it is")
    for meta in metas.values():
        if not meta["threshold"] or meta["cases"] * meta["repeats"] < 1:
            raise ValueError("a suite without cases")
    kinds = (
        (run["id"], str),
        (run["incomplete"], str),
        (run["settings"]["record"], str),
        (run["settings"]["ini"], str),
        *((each, str) for each in run["left_out"]),
        *((each, str) for each in run["settings"]["options"]),
        *((each, dict) for each in shard.document["tests"].values()),
    )
    for value, kind in kinds:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r:.40} is no {kind.__name__}")


def _refuse_doubled(shards: Sequence[Shard]) -> None:
    seen: dict[str, str] = {}
    for shard in shards:
        other = seen.setdefault(shard.run["id"], shard.name)
        if other != shard.name:
            raise ShardError(
                f"{shard.name}: is the same run as {other}. Remove one of them; where a job was "
                f"run again, keep what it wrote last."
            )


def _refuse_other_number(shards: Sequence[Shard], folder: Path, expected: int) -> None:
    if len(shards) == expected:
        return
    names = ", ".join(each.name for each in shards) or "none"
    verb = "is" if len(shards) == 1 else "are"
    there = f"{folder}: there {verb} {counted(len(shards), 'shard')} of {expected}: {names}."
    if len(shards) > expected:
        raise ShardError(f"{there} Remove what belongs to no shard, or give --expect the number.")
    raise ShardError(
        f"{there} A job that was stopped writes none. Run the missing job again, and put into this "
        f"folder what its --llm-json names."
    )


def refuse_other_settings(shard: Shard, settings: Mapping[str, Any], whose: str) -> None:
    """Raise ShardError where a part was made with other settings; `whose` they are, in words.

    A commit that one of them does not know is not compared.
    """
    own: Mapping[str, Any] = shard.run["settings"]
    for key, what in _NAMED.items():
        one, other = own.get(key), settings.get(key)
        if one == other or (key == "commit" and not (one and other)):
            continue
        raise ShardError(
            f"{shard.name}: has not the same {key} {what} {whose}: {_shown(one)}, not "
            f"{_shown(other)}. {_ANEW}"
        )


def _shown(value: Any) -> str:
    text = printable(" ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text[:40] or "none"


def _refuse_other_suites(shards: Sequence[Shard]) -> None:
    seen: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for shard in shards:
        for test, meta in shard.metas():
            other, known = seen.setdefault(test, (shard.name, meta))
            for key in sorted({*meta, *known}):
                if meta.get(key) != known.get(key):
                    raise ShardError(
                        f"{shard.name}: {printable(test)} has another {key} than in {other}: "
                        f"{_shown(meta.get(key))}, not {_shown(known.get(key))}. {_ANEW}"
                    )


def _refuse_shared_cases(shards: Sequence[Shard]) -> None:
    seen: dict[_Asked, str] = {}
    for shard in shards:
        for row in shard.rows():
            asked = (row["suite"], row["case"], row["repeat"])
            other = seen.setdefault(asked, shard.name)
            if other != shard.name:
                raise ShardError(
                    f"{shard.name}: holds case {printable(row['case'])} of "
                    f"{printable(row['suite'])}, and so does {other}. Give each case to one shard, "
                    f"and remove what is left of earlier jobs."
                )


def missing_from(shards: Sequence[Shard]) -> list[str]:
    """Return in a sentence each what is not in any part, though some part tells of it."""
    counts: dict[str, int] = {}
    metas: dict[str, Mapping[str, Any]] = {}
    for shard in shards:
        metas.update(shard.metas())
        for row in shard.rows():
            counts[row["suite"]] = counts.get(row["suite"], 0) + 1
    found = [
        f"{shard.name}: {printable(shard.run['incomplete'])}."
        for shard in shards
        if shard.run["incomplete"]
    ]
    for test, meta in sorted(metas.items()):
        wanted = meta["cases"] * meta["repeats"]
        if counts[test] < wanted:
            found.append(f"{printable(test)}: {counts[test]:,} of {wanted:,} answers are there.")
    known = sorted({test for shard in shards for test in shard.run["left_out"]} - counts.keys())
    found += [f"{printable(test)}: no shard ran it." for test in known]
    return found

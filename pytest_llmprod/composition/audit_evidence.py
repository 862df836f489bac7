"""Audit evidence: what the files of a project say, package by package, for an audit to judge.

A file that is not there is no evidence, and one that cannot be read is none either: the line that
rests on it says so.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets import price_lock
from pytest_llmprod.core.drilling import WEAKNESSES
from pytest_llmprod.core.errors import (
    CassetteError,
    DatasetError,
    GatesFileError,
    LlmprodError,
    PricesError,
)
from pytest_llmprod.core.files import BASELINE_NAME, path_from
from pytest_llmprod.core.history import moment_of
from pytest_llmprod.core.text import printable, shorten, squeezed, strings_in
from pytest_llmprod.evals import baseline, gates_file, lock_file
from pytest_llmprod.evals import dataset as datasets
from pytest_llmprod.gates import FILE_NAME as GATES_NAME
from pytest_llmprod.guardrails import find_pii
from pytest_llmprod.handoff.audit.facts import (
    AcceptedFact,
    DatasetFact,
    GateFact,
    GatesFact,
    LogFact,
    PageFact,
    PricesFact,
    RecordingsFact,
)
from pytest_llmprod.handoff.audit.marks import Mark
from pytest_llmprod.records import bodies, reading
from pytest_llmprod.records.log import FOLDER as RUNS
from pytest_llmprod.wire.cassettes import any_cassette
from pytest_llmprod.wire.cassettes.folders import FOLDER as CASSETTES
from pytest_llmprod.wire.label import is_cassette_of
from pytest_llmprod.wire.recording import asked_model

_GIT_TIMEOUT_S = 5
_PAGE_HEAD = re.compile(r"<title>llmprod: .*?Run ([\w-]+), started ([\w:+.-]+),", re.DOTALL)
_LONGEST_HEAD = 100_000  # the styles of the page come before what it says of its run
_LONGEST_SAID = 5_000_000  # bytes of a log, which take some seconds
_LONGEST_PROBLEM = 200


def dataset_fact(root: Path, name: str) -> DatasetFact:
    """Return what is known of the data set at `name`, a path relative to `root`."""
    path = root / name
    try:
        dataset = datasets.load(path)
        lock = lock_file.read(path)
    except DatasetError as error:
        return DatasetFact(path=name, problem=_problem(error, path))
    if lock is None:
        return DatasetFact(path=name, cases=len(dataset.cases))
    problem = ""
    try:
        lock_file.refuse_changes(dataset, lock)
    except DatasetError as error:
        problem = _problem(error, path)
    return DatasetFact(
        path=name,
        cases=len(dataset.cases),
        lock=path_from(lock_file.lock_path(path), root),
        frozen_at=tuple(each.frozen_at for each in (*lock.earlier, lock.latest)),
        problem=problem,
    )


def _problem(error: LlmprodError, path: Path) -> str:
    """Return the first line of an error, without the path that stands beside it."""
    first = str(error).partition("\n")[0].replace(f"{path}: ", "")
    return shorten(printable(first), _LONGEST_PROBLEM)


def gates_fact(root: Path) -> GatesFact:
    """Return what the gates file says, as far as it can be read."""
    path = root / GATES_NAME
    try:
        gates = gates_file.read(path)
        text = path.read_text(encoding="utf-8-sig")
        run = json.loads(text).get("run", {})
    except (GatesFileError, OSError, ValueError, AttributeError):
        return GatesFact(path=GATES_NAME)
    return GatesFact(
        path=GATES_NAME,
        run=str(run.get("id", "")),
        when=str(run.get("written_at", ""))[:10],
        gates={name: _gate(name, entry, text, root) for name, entry in gates.items()},
    )


def _gate(name: str, entry: Mapping[str, Any], text: str, root: Path) -> GateFact:
    found = re.search(rf"^\s*{re.escape(json.dumps(name, ensure_ascii=False))}: \{{", text, re.M)
    named = " + ".join(str(suite.get("model", "")) for suite in entry["suites"])
    models = named.split(" + ")
    other = next((s for s in entry["suites"] if not _is_of_these_data(s, root)), None)
    why = str(entry.get("why", ""))
    if other is not None:
        why = f"it was decided on other data: {other.get('dataset')} has changed since"
    return GateFact(
        feature=name,
        is_open=entry.get("enabled") is True and other is None,
        why=printable(why),
        models=tuple(dict.fromkeys(filter(None, models))),
        valid_until=moment_of(str(entry.get("valid_until", ""))),
        line=0 if found is None else text.count("\n", 0, found.end()) + 1,
    )


def _is_of_these_data(suite: Mapping[str, Any], root: Path) -> bool:
    """Say whether a suite was decided on its data set as it is now, where that lies here."""
    path = root / str(suite.get("dataset", ""))
    try:
        return not path.is_file() or datasets.load(path).sha256 == suite.get("dataset_sha256")
    except DatasetError:
        return False


def accepted_fact(root: Path) -> AcceptedFact | None:
    """Return what missed and what was not survived in the accepted run, None without one."""
    try:
        document = baseline.load_document(root / BASELINE_NAME)
    except LlmprodError:
        return None
    features = {str(suite["test"]): str(suite["feature"]) for suite in document["suites"]}
    cases: dict[str, int] = {}
    misses: dict[str, int] = {}
    for case in document["cases"]:
        feature = features.get(str(case["suite"]), "")
        scores = case.get("scores", {}).values()
        is_miss = case.get("outcome") == "miss" or any(score < 1 for score in scores)
        cases[feature] = cases.get(feature, 0) + 1
        misses[feature] = misses.get(feature, 0) + is_miss
    run = document.get("run", {})
    return AcceptedFact(
        path=BASELINE_NAME,
        run=str(run.get("id", "")),
        when=baseline.accepted_on(document),
        moment=moment_of(str(run.get("started_at", ""))),
        misses=misses,
        cases=cases,
        unsurvived=_unsurvived(document),
    )


def _unsurvived(document: Mapping[str, Any]) -> dict[str, int]:
    """Return feature -> how many faults an accepted run shows that it did not survive."""
    faults: dict[str, set[str]] = {}
    for each in baseline.rows_of(document, "drills"):
        if each.get("outcome") in WEAKNESSES:
            faults.setdefault(str(each.get("feature")), set()).add(str(each.get("fault")))
    return {feature: len(found) for feature, found in faults.items()}


def recordings_facts(root: Path, evals: Iterable[Mark]) -> Iterator[RecordingsFact]:
    """Yield the cassettes of evals; one that cannot be read is none."""
    for mark in evals:
        module = root / mark.path
        folder = module.parent / CASSETTES / module.stem
        for path in sorted(folder.glob("*.json")):
            if is_cassette_of(mark.test, path.name) and ".judge." not in path.name:
                found = _recordings(path, mark.text("feature"), root)
                if found is not None:
                    yield found


def _recordings(path: Path, feature: str, root: Path) -> RecordingsFact | None:
    try:
        recordings = any_cassette.read(path)
    except CassetteError:
        return None
    moments = [moment_of(each.recorded_at) for each in recordings]
    answered = {each.model for each in recordings if each.is_answer and each.model}
    return RecordingsFact(
        feature=feature,
        path=path_from(path, root),
        asked=tuple(sorted(set(filter(None, map(asked_model, recordings))))),
        answered=tuple(sorted(answered)),
        oldest=min((each for each in moments if each is not None), default=None),
    )


def prices_fact(root: Path) -> PricesFact | None:
    """Return what the price lock says, None where there is none."""
    path = root / price_lock.FILE_NAME
    if not path.is_file():
        return None
    try:
        lock = price_lock.read(path)
    except PricesError as error:
        return PricesFact(path=path.name, problem=_problem(error, path))
    return PricesFact(
        path=path.name,
        locked_on=lock.locked_on,
        source=lock.source,
        models=frozenset(model for _, model in lock.prices),
    )


def page_fact(root: Path, name: str) -> PageFact:
    """Return of which run the page at `name` is."""
    try:
        with (root / name).open(encoding="utf-8", errors="replace") as file:
            found = _PAGE_HEAD.search(file.read(_LONGEST_HEAD))
    except (OSError, ValueError):
        found = None
    return (
        PageFact(path=name) if found is None else PageFact(path=name, run=found[1], when=found[2])
    )


def log_fact(
    root: Path, *, mode: str, retention_days: int, known: Sequence[Path], now: datetime
) -> LogFact:
    """Return what is known of the request log; what the files at `known` hold is no leak."""
    folders = reading.folders_of(root / RUNS)
    newest = folders[-1] if folders else None
    leaks, problem = (set[str](), "") if newest is None else _leaks(newest, known)
    return LogFact(
        mode=mode,
        retention_days=retention_days,
        run="" if newest is None else newest.name,
        when="" if newest is None else _day(reading.last_written(newest), now),
        leaks=tuple(sorted(leaks)),
        problem=problem,
        ignored_at=_ignored_at(root),
        committed=tuple(_committed(root)),
    )


def _day(seconds: float, now: datetime) -> str:
    return datetime.fromtimestamp(seconds, now.tzinfo).date().isoformat()


def _leaks(folder: Path, known: Sequence[Path]) -> tuple[set[str], str]:
    """Return the kinds of personal data in a run that stand in none of the files.

    The second is why not all of the run was searched, '' where it was.
    """
    held = squeezed("\n".join(map(_text, known)))
    kinds: set[str] = set()
    seen: set[str] = set()  # a system prompt stands in many bodies
    left = _LONGEST_SAID
    try:
        for _, content in bodies.lines_in(folder):
            left -= len(content)
            if left < 0:
                return kinds, f"only the first {_LONGEST_SAID:,} bytes of it were searched"
            new = {*strings_in(json.loads(content))} - seen
            seen |= new
            found = (each for text in new for each in find_pii(text))
            kinds |= {each.kind for each in found if squeezed(each.text) not in held}
    except (OSError, ValueError, RecursionError) as error:
        return kinds, f"it cannot be read whole: {type(error).__name__}"
    return kinds, ""


def _ignored_at(root: Path) -> tuple[str, int]:
    """Return where a `.gitignore` of the project, or of the repository around it, names the log."""
    for folder in (root, *root.parents):
        for number, line in enumerate(_text(folder / ".gitignore").split("\n"), 1):
            if line.strip().strip("/").removeprefix("**/") in (".llmprod", ".llmprod/runs"):
                return path_from(folder / ".gitignore", root), number
        if (folder / ".git").exists():
            break
    return "", 0


def _committed(root: Path) -> list[str]:
    """Return the files of the log that are in version control; none where there is no git."""
    command = ["git", "ls-files", "-z", "--", RUNS.as_posix()]
    try:
        git = subprocess.run(
            command, cwd=root, capture_output=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = git.stdout.decode("utf-8", "replace").split("\0") if git.returncode == 0 else []
    return [printable(name) for name in names if name]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def lines_of(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file with their numbers, none where it cannot be read."""
    return list(enumerate(_text(path).split("\n"), 1))

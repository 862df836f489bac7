"""Gates file: how the decisions of a whole run reach the application.

`pytest_llmprod.gates` reads what is written here.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import GatesFileError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.evals.standing import function_of, stands_in_its_file

SCHEMA = 1
_NAMES = ("test", "metric")


def gate_entries(
    suites: Iterable[SuiteResult], *, now: datetime, valid_days: int
) -> dict[str, dict[str, Any]]:
    """Return feature -> gate for suites that all have a verdict.

    A feature is enabled when every gate of its suites is open. The figures at the top are those of
    the suite that decides: the first closed one, else the one with the least room above its
    threshold. A gate expires with the first of its suites, and a suite `valid_days` after its
    newest recording: to replay old answers makes them no younger. Answers without a date count as
    of `now`.
    """
    by_feature: dict[str, list[SuiteResult]] = {}
    for suite in suites:
        by_feature.setdefault(suite.feature, []).append(suite)
    valid = timedelta(days=valid_days)
    return {
        feature: _entry([_suite_entry(suite, now, valid) for suite in group])
        for feature, group in by_feature.items()
    }


def _answered_at(suite: SuiteResult) -> datetime | None:
    """Return when the newest answer of a suite was recorded, None where that is not known."""
    try:
        return _point_in_time(suite.newest_recorded_at).astimezone(UTC)
    except ValueError:
        return None


def _entry(suites: list[dict[str, Any]]) -> dict[str, Any]:
    deciding = min(suites, key=lambda suite: (suite["enabled"], _room(suite)))
    return {
        **deciding,
        "enabled": all(suite["enabled"] for suite in suites),
        "valid_until": min((suite["valid_until"] for suite in suites), key=_point_in_time),
        "suites": suites,
    }


def _point_in_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


def _room(suite: Mapping[str, Any]) -> float:
    return float(suite["interval"][0]) - float(suite["threshold"])


def _suite_entry(suite: SuiteResult, now: datetime, valid: timedelta) -> dict[str, Any]:
    verdict = suite.verdict
    if verdict is None:
        raise ValueError(f"{suite.test} was not judged")
    answered_at = _answered_at(suite)
    return {
        "enabled": verdict.is_open,
        "why": verdict.reason,
        "verdict": verdict.name,
        "test": suite.test,
        "metric": suite.metric,
        "model": " + ".join(suite.models),
        "cases": suite.cases,
        "score": round(suite.score, 6),
        "interval": [round(bound, 6) for bound in suite.interval],
        "threshold": suite.threshold,
        "dataset": suite.dataset,
        "dataset_sha256": suite.dataset_sha256,
        "recorded_at": "" if answered_at is None else answered_at.isoformat(timespec="seconds"),
        "valid_until": (min(now, answered_at or now) + valid).isoformat(timespec="seconds"),
    }


def write(
    path: Path,
    gates: Mapping[str, Mapping[str, Any]],
    *,
    run_id: str,
    now: datetime,
    report_only: Collection[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Put `gates` into the file at `path` and return all the gates that it then holds.

    Of the old file those suites stay that did not run now and whose test function still stands in
    its file: nobody can tell whether a run meant to leave them out, and a run that does must not
    open a gate that they hold closed. So it is with what is `report_only` now, as (test, metric):
    its last verdict stays until it expires. A file that says the same already stays as it is, with
    the run that wrote it. Raises GatesFileError, with the old file untouched, where it cannot be
    read or replaced.
    """
    old = read(path)
    suites = {feature: list(entry["suites"]) for feature, entry in gates.items()}
    ran = {_function(suite) for group in suites.values() for suite in group}
    for feature, entry in old.items():
        kept = [
            suite
            for suite in _suites(entry)
            if (_function(suite) not in ran or (suite["test"], suite["metric"]) in report_only)
            and stands_in_its_file(str(suite["test"]), path.parent)
        ]
        suites.setdefault(feature, []).extend(kept)
    merged = {feature: _entry(_sorted(group)) for feature, group in suites.items() if group}
    if not (merged or old):
        return {}
    if merged and all(
        _says_the_same(merged.get(each), old.get(each), now) for each in {*merged, *old}
    ):
        return old
    document = {
        "schema": SCHEMA,
        "run": {"id": run_id, "written_at": now.isoformat(timespec="seconds")},
        "gates": merged,
    }
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        write_whole(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise GatesFileError(
            f"{path}: cannot be written ({error.strerror}). The application still reads the old "
            f"gates. Make the file and its folder writable and make room, then run "
            f"`pytest --llm-eval` again."
        ) from error
    return merged


def _sorted(suites: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(suites, key=lambda suite: tuple(str(suite[name]) for name in _NAMES))


def suite_entries(path: Path) -> list[dict[str, Any]]:
    """Return what the file at `path` says of each suite, [] where there is none.

    Raises GatesFileError where it cannot be read.
    """
    return [suite for entry in read(path).values() for suite in _suites(entry)]


def _says_the_same(
    new: Mapping[str, Any] | None, old: Mapping[str, Any] | None, now: datetime
) -> bool:
    """Say whether a gate need not be written again.

    The expiry of answers without a date moves with each run: it is renewed in its second half.
    """
    if new is None or old is None or _without_expiry(new) != _without_expiry(old):
        return False
    for one, other in zip(new["suites"], _suites(old), strict=True):
        until, before = (_point_in_time(each["valid_until"]) for each in (one, other))
        is_young = not one.get("recorded_at") and before > now + (until - now) / 2
        if until != before and not is_young:
            return False
    return True


def _without_expiry(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name not in ("valid_until", "suites")}
    suites = [{**suite, "valid_until": ""} for suite in entry["suites"]]
    return {**kept, "suites": suites}


def _function(suite: Mapping[str, Any]) -> str:
    return function_of(str(suite["test"]))


def _suites(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the suites of a gate in a file; where they carry no expiry, that of the gate."""
    return [{"valid_until": entry["valid_until"], **suite} for suite in entry["suites"]]


def read(path: Path) -> dict[str, Any]:
    """Return feature -> gate of a file, none where there is no file; raise GatesFileError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        gates = document["gates"]
        if document["schema"] != SCHEMA or not isinstance(gates, dict):
            raise ValueError(f"schema {document['schema']!r}")
        for entry in gates.values():
            _entry(_suites(entry))
            if not all(isinstance(suite[key], str) for suite in entry["suites"] for key in _NAMES):
                raise TypeError("a suite is not named by its test and its metric")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GatesFileError(
            f"{path}: the old gates cannot be read ({type(error).__name__}: {error}), and writing "
            f"would lose those of other features. Restore the file from version control or delete "
            f"it, then run `pytest --llm-eval` again."
        ) from error
    return gates

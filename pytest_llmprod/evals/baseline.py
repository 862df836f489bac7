"""Baseline: the accepted run, with which later ones are compared.

`llmprod-baseline.json` is a stored run without its outputs. They would make it large, they may hold
what customers wrote, and the cassettes beside it have them already. What budgets and drills found
is in it for the runbook. `llmprod-history.jsonl` has one line of at most 1 kB for each run that was
ever accepted.
"""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import BaselineError
from pytest_llmprod.core.files import BASELINE_NAME, add_lines, write_whole
from pytest_llmprod.core.files import HISTORY_NAME as HISTORY_NAME
from pytest_llmprod.core.money import amount_of
from pytest_llmprod.core.text import natural, printable
from pytest_llmprod.evals import stored_run
from pytest_llmprod.evals.standing import function_of, stands_in_its_file
from pytest_llmprod.evals.stored_run import StoredRun

FILE_NAME = BASELINE_NAME
LONGEST_LINE = 1024  # bytes, with the end of the line

_SUITE_KEYS = (
    *("feature", "test", "metric", "model", "cases", "cases_in_dataset", "errors", "skipped"),
    *("score", "interval", "threshold", "confidence", "margin", "verdict", "reason"),
    *("cost_usd", "unpriced", "without_usage", "p95_latency_s", "recorded_at"),
    *("dataset", "dataset_sha256"),
)
_HISTORY_KEYS = ("feature", "test", "metric", "model", "cases", "verdict")
#: What a line still tells of a suite where it has no room for more.
_SHORT_KEYS = ("test", "metric", "score", "interval", "threshold")
_CASE_KEYS = (
    *("suite", "id", "repeat", "outcome", "tags", "cluster", "scores"),
    *("cost_usd", "latency_s", "tokens", "calls", "input_tokens"),
)
_BUDGET_KEYS = ("budget", "scope", "name", "nodeid", "verdict", "observed", "unit", "recorded")
_DRILL_KEYS = ("feature", "test", "fault", "outcome", "switch_s")

#: What the reason of a suite says where recordings lack or are left over, and what is to be done:
#: the same run again would be no other one.
_RECORDINGS = {
    "got no answer": "Record what is missing",
    "did not play": "Drop what is not played",
}
_MEND = "pytest --llm-eval --llm-record=new_episodes --llm-json=run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A baseline to be written, and what became of the tests of the old one that did not run.

    Those are `kept` that a run may have left out: the function still stands in its file, and where
    it ran with other parameters only, the run was one of chosen tests. The others are `dropped`.
    `left_out` has the test and the metric of each suite that is report-only.
    """

    document: Mapping[str, Any]
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def load(path: Path) -> tuple[StoredRun, str]:
    """Return the accepted run, and the day on which it was accepted.

    Raises StoredRunError where the file cannot be read.
    """
    document = load_document(path)
    return stored_run.read(document), accepted_on(document)


def accepted_on(document: Mapping[str, Any]) -> str:
    """Return the day on which a baseline was accepted, '' where it does not say."""
    accepted = document.get("accepted")
    return str(accepted.get("when", ""))[:10] if isinstance(accepted, dict) else ""


def load_document(path: Path) -> dict[str, Any]:
    """Return the accepted run as plain JSON; raise StoredRunError where it cannot be read."""
    cure = "Restore it from version control, or delete it and accept a run with `llmprod accept`."
    return stored_run.load_document(path, cure)


def make(document: Mapping[str, Any], folder: Path, *, who: str, why: str, when: str) -> Accepted:
    """Return the baseline that a stored run makes in `folder`, pytest's rootdir.

    A metric that was report-only, for its judge was not calibrated, is no part of it. Raises
    BaselineError where the run is no whole one, or is none of this folder.
    """
    left_out = [each for each in document["suites"] if stored_run.is_report_only(each)]
    deciding = [each for each in document["suites"] if each not in left_out]
    document = {**document, "suites": deciding}
    _refuse(document, folder)
    tests = {str(each["test"]) for each in document["suites"]}
    path = folder / FILE_NAME
    old = load_document(path) if path.is_file() else {"suites": [], "cases": []}
    absent = {str(each["test"]) for each in old["suites"]} - tests
    kept = _kept(absent, document, folder)
    suites = [*document["suites"], *(each for each in old["suites"] if str(each["test"]) in kept)]
    cases = [each for each in document["cases"] if str(each["suite"]) in tests]
    cases += [each for each in old["cases"] if str(each["suite"]) in kept]
    drills = rows_of(document, "drills")
    drilled = {str(each.get("feature")) for each in drills}
    drills += [e for e in rows_of(old, "drills") if str(e.get("feature")) not in drilled]
    budgets = rows_of(document, "budgets")
    budgets += [each for each in rows_of(old, "budgets") if _function_named(each) in kept]
    made = {
        "schema": stored_run.SCHEMA,
        "accepted": {"who": who, "when": when, "why": why},
        "run": _only(document["run"], ("id", "started_at")),
        "suites": sorted(
            (_only(each, _SUITE_KEYS) for each in suites),
            key=lambda each: (str(each["test"]), str(each["metric"])),
        ),
        "cases": sorted(
            (_only(each, _CASE_KEYS) for each in cases if each["outcome"] != "skip"),
            key=_place,
        ),
        "budgets": _sorted(budgets, _BUDGET_KEYS, ("scope", "nodeid")),
        "drills": _sorted(drills, _DRILL_KEYS, ("feature", "test", "fault")),
    }
    return Accepted(
        document=made,
        kept=tuple(sorted(kept)),
        dropped=tuple(sorted(absent - kept)),
        left_out=tuple((str(each["test"]), str(each["metric"])) for each in left_out),
    )


def _place(case: Mapping[str, Any]) -> tuple[Any, ...]:
    return str(case["suite"]), natural(str(case["id"])), int(case.get("repeat", 1))


def _kept(absent: Collection[str], document: Mapping[str, Any], folder: Path) -> set[str]:
    """Return the tests of the old baseline that the run of `document` may have left out."""
    ran = {function_of(str(each["test"])) for each in document["suites"]}
    may_lack_parameters = bool(document["run"].get("selection"))
    return {
        each
        for each in absent
        if stands_in_its_file(each, folder)
        and (may_lack_parameters or function_of(each) not in ran)
    }


def rows_of(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the rows under a key that no earlier version wrote, and that nothing has checked."""
    rows = document.get(key)
    return [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []


def _sorted(
    rows: Sequence[Mapping[str, Any]], kept: Sequence[str], by: Sequence[str]
) -> list[dict[str, Any]]:
    return sorted(
        (_only(each, kept) for each in rows),
        key=lambda each: tuple(str(each.get(name)) for name in by),
    )


def _function_named(budget: Mapping[str, Any]) -> str:
    return str(budget.get("nodeid", "")).partition("::budget[")[0]


def _only(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: row[key] for key in keys if key in row}


def _refuse(document: Mapping[str, Any], folder: Path) -> None:
    anew = "Run `pytest --llm-eval --llm-json=run.json` on all of them and accept that run."
    if "run" not in document or "id" not in document["run"]:
        raise BaselineError(f"this file does not say of which run it is. {anew}")
    asked = document["run"].get("options") or document["run"].get("models")
    if asked:
        options = printable(" ".join(map(str, asked)))
        raise BaselineError(
            f"this run asked other models ({options}), and a baseline is a run of the "
            f"application's own one. Name the new model in the application first. {anew}"
        )
    if not document["suites"]:
        raise BaselineError(f"this run has no suite that decides. {anew}")
    seen: dict[str, set[str]] = {}
    for row in document["cases"]:
        seen.setdefault(str(row["suite"]), set()).add(str(row["id"]))
    for suite in document["suites"]:
        name, number = str(suite["test"]), suite.get("cases_in_dataset", 0)
        test, there = printable(name), len(seen.get(name, ()))
        if suite["verdict"] is None:
            reason = printable(suite["reason"])
            advice = next((_RECORDINGS[each] for each in _RECORDINGS if each in reason), "")
            cure = f"{advice} with `{_MEND}`, and accept that run." if advice else anew
            raise BaselineError(f"{test} was not judged: {reason}. {cure}")
        if isinstance(number, int) and there < number:
            raise BaselineError(f"{test}: {number - there} of {number} cases are missing. {anew}")
        if not (folder / name.partition("::")[0]).is_file():
            raise BaselineError(
                f"{test}: there is no such file below {folder}. Call `llmprod accept` in the "
                f"folder that pytest calls rootdir, where llmprod-gates.json lies."
            )


def history_line(accepted: Accepted) -> bytes:
    """Return the line of the history that tells of a baseline, at most 1 kB with its end.

    Where there is no room, less is said of each suite, and where that is too much still, `left_out`
    counts those of which nothing is.
    """
    made = accepted.document
    about = {**made["accepted"], "why": _cut(made["accepted"]["why"], 200)}
    about["who"] = _cut(about["who"], 80)
    row = {"kind": "accepted", **about, "run": made["run"]["id"], **_cost(made["suites"])}
    whole = [_told(each) for each in made["suites"]]
    content = _as_line({**row, "suites": whole})
    suites = [_only(each, _SHORT_KEYS) for each in whole]
    for room in range(len(suites), -1, -1):
        if len(content) <= LONGEST_LINE:
            break
        rest = {"left_out": len(suites) - room} if room < len(suites) else {}
        content = _as_line({**row, "suites": suites[:room], **rest})
    return content


def _told(suite: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line of the history tells of a suite."""
    told = _only(suite, _HISTORY_KEYS)
    told["score"] = round(suite.get("score", 0), 4)
    if isinstance(suite.get("interval"), list):
        told["interval"] = [round(bound, 4) for bound in suite["interval"]]
    if "threshold" in suite:
        told["threshold"] = suite["threshold"]
    told["dataset_sha256"] = str(suite.get("dataset_sha256", ""))[:12]
    return told


def _cost(suites: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all tests cost; under several metrics the requests of a test are the same."""
    tests = {str(each["test"]): each for each in suites}.values()
    known = [money for each in tests if (money := amount_of(each.get("cost_usd"))) is not None]
    unpriced = sum(each.get("unpriced", 0) + each.get("without_usage", 0) for each in tests)
    cost = {"cost_usd": str(sum(known, Decimal(0)))} if known else {}
    return {**cost, **({"unpriced": unpriced} if unpriced else {})}


def _as_line(row: Mapping[str, Any]) -> bytes:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _cut(text: str, most_bytes: int) -> str:
    content = text.encode("utf-8", "backslashreplace")
    if len(content) <= most_bytes:
        return text
    return content[: most_bytes - 3].decode("utf-8", "ignore") + "..."


def write(accepted: Accepted, folder: Path) -> None:
    """Write the baseline, and then a line of the history; raise BaselineError."""
    try:
        line = history_line(accepted)  # made first, so that both files are written or none
        write_whole(folder / FILE_NAME, to_text(accepted.document).encode("utf-8"))
        add_lines(folder / HISTORY_NAME, line)
    except OSError as error:
        name = os.path.basename(error.filename or FILE_NAME)
        raise BaselineError(
            f"{name}: cannot be written ({error.strerror}). Make the folder and its files writable "
            f"and make room, then accept the run again."
        ) from error


def to_text(document: Mapping[str, Any]) -> str:
    """Return the document as JSON with one line for each suite and each case, to be read in a diff.

    Keys are sorted, and everything outside of ASCII is escaped.
    """
    parts = []
    for key in sorted(document):
        value = document[key]
        if isinstance(value, list):
            rows = ",\n".join(f"  {json.dumps(each, sort_keys=True)}" for each in value)
            text = f"[\n{rows}\n ]" if value else "[]"
        else:
            text = json.dumps(value, sort_keys=True)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"

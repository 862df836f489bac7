"""The command `llmprod dataset check`: are the data sets of evals in order?"""

import argparse
import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from pytest_llmprod.commands.layout import beside, print_error
from pytest_llmprod.composition.departed_cases import case_of
from pytest_llmprod.core.errors import DatasetError, LlmprodError
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.evals import constant, lock_file
from pytest_llmprod.evals import dataset as datasets
from pytest_llmprod.evals.balance import Classes, find_classes
from pytest_llmprod.evals.checkup import Asked, Finding, age_days, cases_needed, examine
from pytest_llmprod.evals.dataset import Dataset
from pytest_llmprod.evals.examples import Prompt
from pytest_llmprod.evals.lock import Lock
from pytest_llmprod.evals.wording import leaves
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.cassettes import any_cassette, folders

_INDENT = 18
_MOST_OF_A_KIND = 5
_MOST_CLASSES = 4
_MENDS = {
    "changed": 'llmprod dataset freeze FILE --why "..."; else restore the file',
    "old": "llmprod dataset add FILE: a row of today; then freeze the data set",
    "duplicate": "remove all of them but one",
    "conflict": "correct what is expected, or remove all of them but one",
    "unlabelled": "write into the row what is expected",
    "label leak": "take it out of the input; --extractive where finding it there is the task",
    "few-shot": "take the example out of the prompt, or the row out of the data set",
    "too few": "llmprod dataset add FILE; or ask for a wider --margin",
    "same output": "look at what is sent: a constant answer has learnt nothing from the input",
    "near duplicate": "remove one, or give those that belong together the same cluster",
}


class _Checked(NamedTuple):
    """One data set and what was found; `dataset` is None where it cannot be read."""

    path: Path
    dataset: Dataset | None
    lock: Lock | None
    findings: Sequence[Finding]


def run(options: argparse.Namespace) -> int:
    """Print what is wrong with data sets; exit with 1 where something has to be mended."""
    if options.outputs is not None and len(options.files) > 1:
        options.parser.error("--outputs goes with one FILE: the ids of others may be the same")
    if options.margin is not None and options.margin > options.score:
        options.parser.error(
            f"no threshold is {options.margin:g} below a score of {options.score:g}"
        )
    now = datetime.now(UTC)
    checked = [_check(path, options, now) for path in options.files]
    if options.json:
        document = {"datasets": [_to_json(each, options, now) for each in checked]}
        print(json.dumps(document, indent=1))
    else:
        for line in _lines(checked, options, now):
            print(line)
    is_wrong = any(not finding.is_note for each in checked for finding in each.findings)
    return 1 if is_wrong else 0


def _check(path: Path, options: argparse.Namespace, now: datetime) -> _Checked:
    findings: list[Finding] = []
    dataset, lock = None, None
    try:
        dataset = datasets.load(path)
        lock = lock_file.read(path)
    except LlmprodError as error:
        findings.append(Finding(kind="unreadable", text=str(error)))
        print_error(str(error))
    if dataset is not None:
        asked = Asked(
            margin=options.margin,
            score=options.score,
            max_age_days=options.max_age,
            is_extractive=options.extractive,
            prompts=[*_files(options), *_requests(dataset, options.cassettes)],
            outputs=_outputs(dataset, options.outputs),
        )
        findings += examine(dataset, lock, asked, now=now)
    return _Checked(path, dataset, lock, sorted(findings, key=lambda each: each.is_note))


def _files(options: argparse.Namespace) -> Iterator[Prompt]:
    for path in options.prompt:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            options.parser.error(f"--prompt {path}: {error.strerror}; name a file with a prompt")
        yield Prompt(text=text, source=str(path))


def _requests(dataset: Dataset, places: Sequence[Path]) -> Iterator[Prompt]:
    """Yield each text in the recorded requests of the data set's cases."""
    ids = frozenset(case.id for case in dataset.cases)
    for path in folders.find(places) if places else ():
        texts: dict[str, set[str]] = defaultdict(set)
        for recording in any_cassette.read(path):
            case = case_of(recording.case, ids)
            document = decode_document(recording.request["body"])
            for _, leaf in leaves(document) if case is not None else ():
                if isinstance(leaf, str):
                    texts[leaf].add(str(case))
        for text, cases in texts.items():
            for case in sorted(cases):
                is_shared = len(cases) > 1
                source = f"requests in {path}" if is_shared else f"the request of {case} in {path}"
                yield Prompt(text=text, source=source, case=case, is_shared=is_shared)


def _outputs(dataset: Dataset, path: Path | None) -> Mapping[str, Mapping[str, Any]] | None:
    if path is None:
        return None
    outputs = constant.read_outputs(path)
    if not any(case.id in each for case in dataset.cases for each in outputs.values()):
        raise DatasetError(
            f"{path}: has no output for a case of {dataset.path}. Name the outputs of this data "
            f"set, with its ids."
        )
    return outputs


def _to_json(checked: _Checked, options: argparse.Namespace, now: datetime) -> dict[str, Any]:
    document: dict[str, Any] = {
        "path": checked.path.as_posix(),
        "findings": [finding.to_json() for finding in checked.findings],
    }
    if checked.dataset is not None:
        cases = checked.dataset.cases
        document["cases"] = len(cases)
        document["classes"] = {each.field: dict(each.counts) for each in find_classes(cases)}
        document["frozen"] = None if checked.lock is None else _frozen(checked.lock, now)
    if options.margin is not None:
        document["cases_needed"] = cases_needed(options.margin, options.score)
    return document


def _frozen(lock: Lock, now: datetime) -> dict[str, Any]:
    latest = lock.latest.model_dump(mode="json")
    return {**latest, "revision": len(lock.earlier) + 1, "age_days": age_days(lock, now)}


def _lines(
    checked: Sequence[_Checked], options: argparse.Namespace, now: datetime
) -> Iterator[str]:
    found = [finding for each in checked for finding in each.findings]
    for each in checked:
        if each.dataset is not None:
            yield from _dataset_lines(each, each.dataset, options, now)
    kinds = {finding.kind for finding in found}
    mends = [(kind, mend) for kind, mend in _MENDS.items() if kind in kinds]
    if mends:
        yield "mend"
    for kind, mend in mends:
        one = shlex.quote(str(checked[0].path)) if len(checked) == 1 else "FILE"
        yield from beside(_INDENT, kind, printable(mend.replace("FILE", one)))
    if found or len(checked) > 1:
        notes = sum(finding.is_note for finding in found)
        yield (
            f"{counted(len(checked), 'data set')}: {counted(len(found) - notes, 'finding')}, "
            f"{counted(notes, 'note')}"
        )


def _dataset_lines(
    checked: _Checked, dataset: Dataset, options: argparse.Namespace, now: datetime
) -> Iterator[str]:
    is_broken = any(finding.kind == "unreadable" for finding in checked.findings)
    unfrozen = "its lock cannot be read" if is_broken else "not frozen"
    state = unfrozen if checked.lock is None else _frozen_text(checked.lock, now)
    number = counted(len(dataset.cases), "case")
    yield shorten(f"{printable(str(checked.path))}: {number}, {state}", COLUMNS)
    for classes in find_classes(dataset.cases):
        yield from beside(_INDENT, "classes", _classes_text(classes))
    if options.margin is not None:
        needed = cases_needed(options.margin, options.score)
        number = "a million cases and more" if needed is None else counted(needed, "case")
        text = f"{options.margin:g} below a score of {options.score:g} takes {number}"
        yield from beside(_INDENT, "margin", text)
    readable = [each for each in checked.findings if each.kind != "unreadable"]
    for kind, group in groupby(readable, key=lambda each: each.kind):
        yield from _kind_lines(kind, list(group))


def _frozen_text(lock: Lock, now: datetime) -> str:
    days, latest = age_days(lock, now), lock.latest
    ago = "today" if days < 1 else f"{counted(days, 'day')} ago"
    return f"frozen {latest.frozen_at:%Y-%m-%d} by {printable(latest.who)}, {ago}"


def _classes_text(classes: Classes) -> str:
    counts = list(classes.counts.items())
    shares = [
        f"{printable(value) or '(empty)'} {count / classes.cases:.0%}" for value, count in counts
    ]
    more = len(shares) - _MOST_CLASSES
    rest = [f"{more} more down to {counts[-1][1] / classes.cases:.0%}"] if more > 0 else []
    return f"{printable(classes.field)}: {', '.join([*shares[:_MOST_CLASSES], *rest])}"


def _kind_lines(kind: str, findings: Sequence[Finding]) -> Iterable[str]:
    for finding in findings[:_MOST_OF_A_KIND]:
        yield from beside(_INDENT, kind, finding.text)
    if len(findings) > _MOST_OF_A_KIND:
        more = len(findings) - _MOST_OF_A_KIND
        yield from beside(_INDENT, kind, f"and {more:,} more: --json lists all of them")

"""Proofs: can each gate of a project fail? What goes wrong is made up; the judging is the real one.

Each check of `CHECKS` gives what a project has to the code that judges its runs, once as it should
be and once broken, and says what that code made of it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pytest_llmprod.composition import budget_proofs
from pytest_llmprod.composition.forbidding import customs_of
from pytest_llmprod.composition.proving import Drilled, Project, Proof
from pytest_llmprod.core.errors import ShardError
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.text import counted
from pytest_llmprod.evals import shards, stored_run
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.faults.drill import Seen, judge
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.log_watch import Logged
from pytest_llmprod.faults.plan import Served
from pytest_llmprod.run import Run
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.leaving import Request
from pytest_llmprod.wire.outgoing import Outgoing

# In two parts, so that nobody who looks for keys in source code finds one.
_KEY = "sk-proj-" + "Zm9vYmFyYmF6cXV4" * 3


def prove(project: Project) -> list[Proof]:
    """Return what all checks found; each is told also where there is nothing for it."""
    return [proof for check in CHECKS for proof in check(project)]


# Where nothing is collected, nothing is proven.


def _any(project: Project) -> Iterator[Proof]:
    if not (project.suites or project.drilled):
        text = "no gate is collected: neither an eval nor a drill"
        yield Proof(is_proven=False, text=text)


# A wrong case closes the gate.


def _wrong_cases(project: Project) -> Iterator[Proof]:
    for suite in project.suites:
        for metric in suite.threshold:
            yield _of_gate(project, suite, metric)


def _of_gate(project: Project, suite: Suite, metric: str) -> Proof:
    name = suite.feature if metric == "passed" else f"{suite.feature} {metric}"
    answers = len(suite.askings)
    right = _judged(project, suite, metric, wrong=0)
    if right.is_report_only:
        text = f"gate {name} decides nothing: its judge is not calibrated"
        return Proof(is_proven=False, text=text)
    if not _is_open(right):
        why = right.verdict.reason if right.verdict else "it is not judged"
        text = f"gate {name} stays closed where every case is right: {why}"
        return Proof(is_proven=False, text=text)
    if _is_open(_judged(project, suite, metric, wrong=answers)):
        text = f"gate {name} stays open where every case is wrong"
        return Proof(is_proven=False, text=text)
    least = _least_wrong(project, suite, metric, answers)
    return Proof(is_proven=True, text=f"gate {name} closes with {least:,} of {answers:,} wrong")


def _least_wrong(project: Project, suite: Suite, metric: str, answers: int) -> int:
    """Return the least number of wrong answers that closes a gate; `answers` of them do."""
    low, high = 0, answers
    while high - low > 1:
        middle = (low + high) // 2
        if _is_open(_judged(project, suite, metric, wrong=middle)):
            low = middle
        else:
            high = middle
    return high


def _judged(project: Project, suite: Suite, metric: str, *, wrong: int) -> SuiteResult:
    """Return what a run decides where the first `wrong` answers of a suite are wrong."""
    run = Run(
        project.settings, run_id="selfcheck", started_at=project.now, overrule=project.overrule
    )
    for number, asking in enumerate(suite.askings):
        run.add(_row(project, suite, asking, is_first=number == 0, is_wrong=number < wrong))
    (found,) = (each for each in run.decide() if each.metric == metric)
    return found


def _row(
    project: Project, suite: Suite, asking: Asking, *, is_first: bool, is_wrong: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "suite": suite.test,
        "case": asking.case.id,
        "repeat": asking.repeat,
        "nodeid": f"{suite.test}[{asking.id}]",
        "outcome": "miss" if is_wrong else "hit",
        "scores": dict.fromkeys(suite.threshold, 0.0 if is_wrong else 1.0),
        "tags": asking.case.tags,
    }
    if asking.case.cluster is not None:
        row["cluster"] = asking.case.cluster
    if is_first:
        row["meta"] = suite.to_json(project.settings.rootpath)
    return row


def _is_open(result: SuiteResult) -> bool:
    return result.verdict is not None and result.verdict.is_open


# A fault that is accepted fails its drill.


def _drills(project: Project) -> Iterator[Proof]:
    for drill in project.drilled:
        name = drill.test.rpartition("::")[2]
        wrong = [fault for fault in drill.faults if not fault.usable]
        if not wrong:
            text = f"drill {name} has only faults whose answer may be taken"
            yield Proof(is_proven=False, text=text)
            continue
        accepted = [fault for fault in wrong if _survives(drill, fault, _seen(fault))]
        handled = all(_survives(drill, fault, _handled(drill, fault)) for fault in wrong)
        if accepted or not handled:
            verb = f"passes where {accepted[0].name} is accepted" if accepted else "always fails"
            yield Proof(is_proven=False, text=f"drill {name} {verb}")
        else:
            told = counted(len(wrong), "fault")
            text = f"drill {name} fails where one of {told} is accepted"
            yield Proof(is_proven=True, text=text)


def _survives(drill: Drilled, fault: Fault, seen: Seen) -> bool:
    return judge(drill.spec, drill.test, fault, seen).survived


def _seen(fault: Fault) -> Seen:
    """Return an application that takes what came as a good answer: nothing else happens.

    Where the fault is that the feature is off, it asks the model all the same.
    """
    is_off = fault.group == "gate"
    return Seen(
        met=fault,
        ended_well=is_off,
        served=(Served(None, ""),) if is_off else (),
        elapsed_s=0.0,
        error=None,
        is_own=False,
        runs={},
        switch_s=None,
        logged=(),
    )


def _handled(drill: Drilled, fault: Fault) -> Seen:
    """Return an application that does what the marker allows, and logs nothing wrong."""
    ran = drill.spec.fallback or drill.spec.degraded
    seen = replace(_seen(fault), ended_well=False, served=())
    if not ran:
        return replace(seen, error=Exception("one of its own"), is_own=True)
    return replace(seen, runs={ran: 1}, logged=(Logged("failed", has_traceback=True),))


# What one shard lacks is missing from the whole.


def _missing_shard(project: Project) -> Iterator[Proof]:
    askings = [(suite, asking) for suite in project.suites for asking in suite.askings]
    if len(askings) < 2:
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number in (1, 2):
            document = _stored(project, askings[number - 1 :: 2], f"selfcheck-{number}")
            (folder / f"{number}.json").write_text(json.dumps(document), encoding="utf-8")
        whole = shards.missing_from(shards.load(folder, 2))
        (folder / "2.json").unlink()
        is_refused = not _loads(folder, 2)
        half = shards.missing_from(shards.load(folder, 1))
    is_proven = not whole and is_refused and bool(half)
    verb = "is told" if is_proven else "is not told"
    yield Proof(is_proven=is_proven, text=f"a shard that is missing from a merge {verb}")


def _loads(folder: Path, expected: int) -> bool:
    try:
        shards.load(folder, expected)
    except ShardError:
        return False
    return True


def _stored(
    project: Project, askings: Iterable[tuple[Suite, Asking]], run_id: str
) -> dict[str, Any]:
    """Return the stored run of one shard, with the keys that a merge reads."""
    told: set[str] = set()
    cases = []
    for suite, asking in askings:
        row = _row(project, suite, asking, is_first=suite.test not in told, is_wrong=False)
        told.add(suite.test)
        carried = {name: row[name] for name in ("nodeid", "meta") if name in row}
        kept = {"id": row["case"], "why": "", "whys": {}, "cluster": row.get("cluster")}
        kept |= {name: row[name] for name in ("suite", "repeat", "outcome", "scores", "tags")}
        cases.append({**kept, "output": None, "expected": None, "carried": carried})
    settings = {"record": "none", "ini": "", "options": [], "strict": project.settings.is_strict}
    settings["table_sha256"] = project.settings.table_sha256
    started_at = project.now.isoformat(timespec="seconds")
    run = {"id": run_id, "started_at": started_at, "settings": settings}
    run["left_out"] = sorted({suite.test for suite in project.suites} - told)
    return {
        "schema": stored_run.SCHEMA,
        "run": {**run, "incomplete": ""},
        "suites": [],
        "cases": cases,
        "tests": {},
    }


# A key does not reach a file.


def _keys(project: Project) -> Iterator[Proof]:
    masked = masking.mask(f'{{"content": "my key is {_KEY}"}}', project.scanners)
    is_proven = _KEY not in masked
    verb = "is masked" if is_proven else "stays as it is"
    yield Proof(is_proven=is_proven, text=f"a key in a request {verb} before it is stored")


# What is forbidden does not leave.


def _leaving(project: Project) -> Iterator[Proof]:
    rules = project.settings.leave_rules
    customs = customs_of(rules, project.scanners, lambda: ())
    if customs is None or not rules.forbid:
        if project.suites:
            text = "nothing is forbidden to leave: nobody notices personal data in a request"
            yield Proof(is_proven=False, text=text)
        return
    is_harmless_refused = bool(customs.problem(_request("Is the teapot dishwasher safe?")))
    for kind in rules.forbid:
        is_proven = not is_harmless_refused and bool(customs.problem(_request(PLANTED[kind])))
        verb = "is refused before it leaves" if is_proven else "leaves, or everything is refused"
        yield Proof(is_proven=is_proven, text=f"a request with {kind} {verb}")


#: What stands for each kind that may be forbidden. It belongs to nobody, and is nothing that tests
#: use and a project therefore allows.
PLANTED = {
    "pii": "bob@heliotrope.test and +44 7700 900123",
    "secrets": _KEY,
    "email": "bob@heliotrope.test",
    "phone": "+44 7700 900123",
    "card": "5105 1051 0510 5100",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ip": "203.0.113.7",
    "national_id": "SSN 536-90-4399",
    "passport": "passport number C01X00T47",
    "address": "Address: 12 High Street, London",
    "name": "My name is Ann Miller",
    "date_of_birth": "born on 1 May 1980",
}


def _request(text: str) -> Request:
    body = {"model": "selfcheck", "messages": [{"role": "user", "content": f"Hello. {text}."}]}
    outgoing = Outgoing(
        method="POST",
        url="https://api.openai.com/v1/chat/completions",
        headers=(("content-type", "application/json"),),
        body=json.dumps(body).encode(),
    )
    return Request(outgoing=outgoing, read=None, patience=None)


CHECKS: tuple[Callable[[Project], Iterator[Proof]], ...] = (
    _any,
    _wrong_cases,
    budget_proofs.budgets,
    _drills,
    _missing_shard,
    _keys,
    _leaving,
)

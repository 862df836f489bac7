"""Policy: by which thresholds is a stored run judged again?

A policy is a TOML file with a table for each feature. What it leaves out stays as it was in the
run, but for max_errors, of which a stored run says nothing: it is 0.

    [ticket-triage]
    threshold = 0.95            # or { exact = 0.95, f1 = 0.8 }
    confidence = 0.99
    max_errors = 2
"""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import PolicyError
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals.clusters import design_of
from pytest_llmprod.evals.gate import Tally, cluster_of, judge
from pytest_llmprod.evals.stored_run import StoredSuite

_KEYS = ("confidence", "max_errors", "threshold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a policy says of one feature; `thresholds` maps metric -> share, '' is every metric."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    max_errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A suite that was judged again; the verdict is None where the run could not judge it."""

    suite: StoredSuite
    threshold: float
    verdict: Verdict | None


def load(path: Path, suites: Sequence[StoredSuite]) -> Mapping[str, Rule]:
    """Read a policy for the suites of a run; raise PolicyError where it does not fit them."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path}: cannot be read ({error}). Correct the file.") from error
    metrics: dict[str, set[str]] = {}
    for suite in suites:
        metrics.setdefault(suite.feature, set()).add(suite.metric)
    for feature in document:
        _refuse_unknown(path, "feature", feature, metrics)
    return {
        feature: _rule(f"{path}: [{feature}]", table, metrics[feature])
        for feature, table in document.items()
    }


def _rule(where: str, table: Any, metrics: set[str]) -> Rule:
    if not isinstance(table, dict):
        raise PolicyError(f"{where} must be a table. Write a line [feature] and below it its keys.")
    for key in table:
        _refuse_unknown(where, "key", key, _KEYS)
    given = table.get("threshold", {})
    thresholds = given if isinstance(given, dict) else {"": given}
    for metric in thresholds:
        if metric or isinstance(given, dict):
            _refuse_unknown(where, "metric", metric, metrics)
    confidence, max_errors = table.get("confidence"), table.get("max_errors", 0)
    if confidence is not None and not (isinstance(confidence, float) and 0.5 <= confidence < 1):
        raise PolicyError(
            f"{where} confidence must be a share from 0.5 to below 1, such as 0.95, not "
            f"{confidence!r}."
        )
    if isinstance(max_errors, bool) or not isinstance(max_errors, int) or max_errors < 0:
        raise PolicyError(f"{where} max_errors must be a whole number from 0, not {max_errors!r}.")
    return Rule(
        thresholds={metric: _share(where, value) for metric, value in thresholds.items()},
        confidence=confidence,
        max_errors=max_errors,
    )


def _share(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise PolicyError(f"{where} threshold must be a share in 0..1 such as 0.9, not {value!r}.")
    return float(value)


def _refuse_unknown(where: str | Path, what: str, name: str, known: Any) -> None:
    if name not in known:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise PolicyError(
            f"{where}: there is no {what} {name!r} to judge.{hint} Known are {', '.join(names)}."
        )


def decide(
    suites: Sequence[StoredSuite], rules: Mapping[str, Rule], *, strict: bool
) -> list[Decision]:
    """Judge every suite of a stored run by the rules, in the order of the run."""
    return [_decide(suite, rules.get(suite.feature, Rule()), strict) for suite in suites]


def _decide(suite: StoredSuite, rule: Rule, strict: bool) -> Decision:
    default = rule.thresholds.get("", suite.threshold)
    threshold = rule.thresholds.get(suite.metric, default)
    if suite.not_judged:
        return Decision(suite=suite, threshold=threshold, verdict=None)
    answers = [each for case in suite.cases.values() for each in case.answers]
    scores = [each.score(suite.metric) for each in answers]
    tally = Tally(
        cases=len(suite.cases),
        answers=len(answers),
        hits=round(sum(scores), 9),
        errors=len({each.id for each in answers if each.outcome == "error"}),
        design=design_of(scores, [cluster_of(each.id, each.cluster) for each in answers]),
    )
    verdict = judge(
        tally,
        threshold=threshold,
        confidence=rule.confidence or suite.confidence,
        max_errors=rule.max_errors,
        strict=strict,
        look=suite.look,
    )
    return Decision(suite=suite, threshold=threshold, verdict=verdict)

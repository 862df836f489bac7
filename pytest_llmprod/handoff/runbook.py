"""Runbook: what the marked regions of a runbook say, made from what is known of the features."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.handoff.audit.ownership import Named
from pytest_llmprod.handoff.regions import end_of, start_of

FILE_NAME = "RUNBOOK.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model in the recordings: as it was asked and as it answered, and what its tokens cost.

    `price` is '' where it has none, `recorded` the days of its first and its last recording.
    """

    asked: str
    answered: str
    recordings: int
    recorded: tuple[str, str]
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the gate of a feature says of one test and metric, as texts; `until` is a day."""

    test: str
    metric: str
    threshold: str
    score: str
    verdict: str
    model: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A budget, with the figure and the verdict of the accepted run, '' where it has none."""

    of: str
    text: str
    observed: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a feature did under the faults that a client tells as one class of errors."""

    error: str
    faults: tuple[str, ...]
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What is known of one feature; what is not known is '' or empty.

    `is_open` is None where no gate was written. `drilled_faults` counts the faults that it survived
    in its last drill, `switch_s` is how long its slowest switch to the fallback took. No day is
    here: it would make the runbook out of date with each run.
    """

    name: str
    owner: str = ""
    escalation: str = ""
    prompts: tuple[tuple[str, bool], ...] = ()
    requests_per_month: int | None = None
    is_open: bool | None = None
    scores: tuple[Score, ...] = ()
    failures: tuple[Failure, ...] = ()
    fallback: str = ""
    drilled_faults: int = 0
    switch_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a project; `accepted_on` is the day of its accepted run, or ''.

    `owner` is whom a file of the repository names for the evals.
    """

    features: tuple[Feature, ...]
    models: tuple[Model, ...]
    bounds: tuple[Bound, ...]
    accepted_on: str
    log: str
    retention_days: int
    drill_every_days: int
    owner: Named | None


def bodies(facts: Facts) -> Mapping[str, str]:
    """Return the text of each region by its name, in Markdown."""
    return {name: "\n".join(write(facts)) + "\n" for name, (_, _, write) in _REGIONS.items()}


def new_text(facts: Facts, title: str) -> str:
    """Return a runbook with all regions, and places for what only people know."""
    texts = bodies(facts)
    parts = [f"# Runbook of {title}\n", _HEAD]
    for name, (heading, by_hand, _) in _REGIONS.items():
        parts.append(f"## {heading}\n\n{by_hand}\n")
        parts.append(f"{start_of(name)}\n{texts[name]}{end_of(name)}\n")
    return "\n".join(parts)


_HEAD = """What stands between two marks is written by `llmprod runbook`; all else is yours.
`llmprod runbook --check` fails where a marked part is out of date.
"""


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], without: str) -> list[str]:
    """Return a table, or the line `without` where it has no rows."""
    cells = [[_cell(each) for each in row] for row in rows]
    if not cells:
        return [without]
    rule = "|".join("---" for _ in headers)
    lines = [f"| {' | '.join(headers)} |", f"|{rule}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in cells)]


def _cell(text: str) -> str:
    """Return a text from a file so that it cannot break out of its cell, `-` for none."""
    parts = printable(text).replace("|", "\\|").split("`")
    is_balanced = len(parts) % 2 == 1
    for number, part in enumerate(parts):
        if number % 2 == 0 or not is_balanced:  # what stands in code is shown as it is
            parts[number] = part.replace("<", "&lt;")
    return "`".join(parts) or "-"


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`" if text else ""


def _models(facts: Facts) -> list[str]:
    rows = [
        (
            _code(each.asked),
            _code(each.answered),
            f"{each.recordings:,}",
            " to ".join(dict.fromkeys(filter(None, each.recorded))),
            each.price or "no price: `llmprod prices lock`",
        )
        for each in facts.models
    ]
    headers = ("asked", "answered", "recordings", "recorded", "USD for a million tokens")
    without = "There is no recording yet: `pytest --llm-eval --llm-record=once`."
    return _table(headers, rows, without)


def _prompts(facts: Facts) -> list[str]:
    rows = [
        (each.name, _code(path) if is_there else f"{_code(path)} is missing")
        for each in facts.features
        for path, is_there in each.prompts
    ]
    without = "No prompt is named: set `prompts` in `[tool.llmprod.features.<name>]`."
    lines = _table(("feature", "file"), rows, without)
    return [
        *lines,
        "",
        "After a change of a prompt: `pytest --llm-eval --llm-record=new_episodes`.",
    ]


def _scores(facts: Facts) -> list[str]:
    rows = [
        (
            feature.name,
            "open" if feature.is_open else "closed",
            _code(each.test) + ("" if each.metric == "passed" else f" {each.metric}"),
            each.threshold,
            each.score,
            each.verdict,
            each.model,
            each.until,
        )
        for feature in facts.features
        for each in feature.scores
    ]
    headers = ("feature", "gate", "test", "at least", "score", "verdict", "model", "gate until")
    without = "No gate was written yet, so every gate is closed: `pytest --llm-eval`."
    return _table(headers, rows, without)


def _budgets(facts: Facts) -> list[str]:
    rows = [(each.of, _code(each.text), each.observed, each.verdict) for each in facts.bounds]
    lines = _table(("of", "budget", "observed", "verdict"), rows, "There is no budget.")
    if facts.accepted_on:
        lines += ["", f"Observed in the run that was accepted on {facts.accepted_on}."]
    elif rows:
        lines += ["", "Nothing is observed: no run was accepted (`llmprod accept run.json`)."]
    traffic = [
        f"{printable(each.name)}: {each.requests_per_month:,} requests a month are expected."
        for each in facts.features
        if each.requests_per_month is not None
    ]
    return [*lines, *([""] if traffic else []), *traffic]


def _failures(facts: Facts) -> list[str]:
    rows = [
        (feature.name, _code(each.error) or "no error", ", ".join(each.faults), each.outcome)
        for feature in facts.features
        for each in feature.failures
    ]
    without = "The accepted run holds no drill: `pytest --llm-eval --llm-json=run.json`, then "
    without += "`llmprod accept run.json`."
    return _table(("feature", "error of the client", "what went wrong", "drilled"), rows, without)


def _fallback(facts: Facts) -> list[str]:
    rows = [
        (
            each.name,
            _code(each.fallback),
            counted(each.drilled_faults, "fault") if each.drilled_faults else "never drilled",
            "" if each.switch_s is None else f"{each.switch_s:.1f} s",
        )
        for each in facts.features
    ]
    headers = ("feature", "answers without a model", "survived", "slowest switch")
    return [
        *_table(headers, rows, "No feature is known yet."),
        "",
        f"A drill is due every {counted(facts.drill_every_days, 'day')}; `llmprod-history.jsonl` "
        "has the day and the commit of each.",
        "",
        "To switch a feature off by hand:",
        "",
        "1. Open the `llmprod-gates.json` that the application reads: the file that the variable",
        "   `LLMPROD_GATES` names, else the one in its working directory.",
        '2. Set `"enabled": false` at the top of the entry of the feature. To switch all of them',
        "   off, move the file away: without it every gate is closed.",
        "3. Restart the application where it reads its gates only once.",
        "",
        "To switch it on again, put the file back that `pytest --llm-eval` wrote.",
    ]


def _logs(facts: Facts) -> list[str]:
    feature = facts.features[0].name if facts.features else "NAME"
    kept = {
        "all": "Every run of pytest logs its exchanges to `.llmprod/runs/`.",
        "live": "Runs of pytest log what they really sent to `.llmprod/runs/`.",
        "none": 'Runs of pytest keep no log: `log = "none"` in `[tool.llmprod]`.',
    }[facts.log]
    days = counted(facts.retention_days, "day")
    return [
        f"{kept} What was said is kept for {days}.",
        "",
        "```",
        f'llmprod log grep "words of the complaint" --since 2d --feature {feature}',
        "llmprod log show ID",
        "llmprod log sql \"SELECT id, at, error FROM exchanges WHERE error <> ''\"",
        "```",
        "",
        "The log of the application itself is searched in the same way once it is imported:",
        "",
        "```",
        f"llmprod log import app.jsonl --feature {feature}",
        "```",
    ]


def _swap(facts: Facts) -> list[str]:
    old = facts.models[0].asked if facts.models else "OLD"
    others = (each.asked for each in facts.models if each.asked != old)
    new = next(others, "NEW")
    return [
        "```",
        f"llmprod prices lock --model=openai/{new}" if new == "NEW" else "llmprod prices lock",
        f"pytest --llm-eval --llm-models={old},{new} --llm-record=once --llm-max-spend=5",
        f"pytest --llm-eval --llm-models={old},{new} --llm-json=swap.json",
        "llmprod compare swap.json",
        "```",
        "",
        "The second needs a key and costs money. Where the comparison does not say INFERIOR, name",
        "the new model in the application, run `pytest --llm-eval --llm-json=run.json` and accept",
        "that run with `llmprod accept run.json`.",
    ]


def _people(facts: Facts) -> list[str]:
    missing = "nobody: set `{}` in `[tool.llmprod.features.<name>]`"
    rows = [
        (
            each.name,
            each.owner or missing.format("owner"),
            each.escalation or missing.format("escalation"),
        )
        for each in facts.features
    ]
    lines = _table(("feature", "owner", "who is called"), rows, "No feature is known yet.")
    if facts.owner is not None:
        lines += ["", f"`{facts.owner.at.path}` names {_cell(facts.owner.name)}."]
    return lines


_Writer = Callable[[Facts], list[str]]
#: Region -> its heading, what stands there for people to fill in, and what writes it.
_REGIONS: Mapping[str, tuple[str, str, _Writer]] = {
    "people": ("Owner and escalation", "TODO: hours, and who decides to switch it off.", _people),
    "fallback": ("Fallback, and how to switch", "TODO: what users see meanwhile.", _fallback),
    "failures": ("What fails, and what happens then", "TODO: what to watch.", _failures),
    "logs": ("Find a request", "TODO: where the log of the application is.", _logs),
    "scores": ("Thresholds and scores", "TODO: why these thresholds.", _scores),
    "budgets": ("Budgets", "TODO: who may raise them.", _budgets),
    "models": ("Models", "TODO: whose account, and where its key is kept.", _models),
    "prompts": ("Prompts", "TODO: who may change them.", _prompts),
    "swap": ("Swap the model", "TODO: when the provider retires the model.", _swap),
}
NAMES = tuple(_REGIONS)

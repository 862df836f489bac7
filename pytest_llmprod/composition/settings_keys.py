"""Settings keys: every key of `[tool.llmprod]`, what it takes, and what it is without.

`settings` refuses a key that is not here, and the reference page is made from these entries.
"""

from typing import NamedTuple


class Key(NamedTuple):
    """One key: its name, what it takes, what holds where it is not set, and what it says."""

    name: str
    takes: str
    default: str
    says: str


_BUDGETS = "a list of texts"

RUN_KEYS = (
    Key("audit", "a table", "none", "what `llmprod audit` is told: see [the audit](audit.md)"),
    Key("budgets", _BUDGETS, "none", 'budgets of the whole run, such as `"sum(cost) < 1"`'),
    Key("concurrency", "a whole number from 1", "8", "how many cases a `task=` runs at once"),
    Key(
        "drill_every_days",
        "1 to 36500",
        "90",
        "after how many days a feature that survived no drill is told as overdue",
    ),
    Key("features", "a table", "none", "a table for each feature, by its name"),
    Key(
        "gate_valid_days",
        "1 to 36500",
        "90",
        "how many days a gate stays open after the newest recording that it was judged by",
    ),
    Key(
        "judge_valid_days",
        "1 to 36500",
        "90",
        "how many days the calibration of a judge holds",
    ),
    Key(
        "log",
        '`"all"`, `"live"` or `"none"`',
        '`"all"`',
        "which exchanges go to the request log: all, what was really sent, or none",
    ),
    Key(
        "retention_days",
        "1 to 36500",
        "30",
        "how many days what was said in a run is kept in the request log",
    ),
    Key("wire", "a table", "none", "what holds for requests and recordings"),
)

FEATURE_KEYS = (
    Key("budgets", _BUDGETS, "none", 'budgets of all its evals, such as `"monthly(cost) < 300"`'),
    Key("escalation", "a text", "none", "who is called when it fails, for the runbook"),
    Key(
        "model",
        "a text",
        "none",
        "the version of the model that may answer, `gpt-5-mini-2025-08-07` for instance",
    ),
    Key("owner", "a text", "none", "who runs it, for the runbook"),
    Key("prompts", "a list of paths", "none", "the files of its prompts, for the runbook"),
    Key("replacement", "a text", "none", "the model that follows when the provider retires it"),
    Key(
        "requests_per_month",
        "a whole number from 1",
        "not known",
        "how many requests it gets in a month, from which its costs are projected",
    ),
)

AUDIT_KEYS = (
    Key("features", "a list of texts", "all", "the features that are audited"),
    Key(
        "not_applicable",
        "a table",
        "none",
        "the id of a line, and the reason why it does not apply",
    ),
    Key("report", "a path", "`report.html`", "the page that `--llm-html` writes"),
    Key("runbook", "a path", "`RUNBOOK.md`, or one in `docs`", "the runbook"),
    Key(
        "waived",
        "a table",
        "none",
        "the id of a line, and in a table `until` (a date), `by` (a name) and `why`",
    ),
)

WIRE_KEYS = (
    Key(
        "allow",
        "a list of patterns",
        "none",
        "values that may leave although `forbid` names their kind, as `support@acme.example`",
    ),
    Key(
        "allow_hosts",
        "a list of texts",
        "none",
        "hosts that tests may reach while recordings are played, as `localhost` or `db:5432`",
    ),
    Key(
        "clock",
        '`"instant"`, `"real"`, or 0 to 100',
        '`"instant"`',
        "how long a replay waits: not at all, as long as the provider took, or that many times it",
    ),
    Key(
        "forbid",
        'a list of `"pii"`, `"secrets"` and kinds of the former',
        "none",
        "what no request of a test may hold",
    ),
    Key(
        "max_age_days",
        "1 to 36500",
        "no limit",
        "after how many days a recording counts as too old",
    ),
    Key(
        "pinned_models",
        "a list of patterns",
        "none",
        "models that count as pinned whatever their names look like",
    ),
    Key(
        "repeats",
        '`"strict"`, `"last"` or `"cycle"`',
        '`"strict"`',
        "what a request gets that is sent more often than it was recorded",
    ),
    Key(
        "require",
        "a list of names",
        "none",
        "what each request must have, such as `pinned_model` and `max_tokens`",
    ),
    Key(
        "unplayed",
        '`"fail"` or `"allow"`',
        '`"fail"`',
        "what becomes of a test that did not play all of its recordings",
    ),
)

TABLES = {
    "tool.llmprod": RUN_KEYS,
    "tool.llmprod.features.<name>": FEATURE_KEYS,
    "tool.llmprod.audit": AUDIT_KEYS,
    "tool.llmprod.wire": WIRE_KEYS,
}


def home_of(key: str) -> str:
    """Return the table in which there is a key of this name, '' for none."""
    return next((table for table, keys in TABLES.items() if key in names(keys)), "")


def names(keys: tuple[Key, ...]) -> tuple[str, ...]:
    """Return the names of keys, in their order."""
    return tuple(key.name for key in keys)

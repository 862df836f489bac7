"""File keys: every key of the files that a project commits, for the reference page.

`tests/test_reference.py` and `tests/test_runbook.py` compare them with what the code writes.
"""

Keys = dict[str, str]

DATA_SET: Keys = {
    "id": "the name of the case, a text or a number, in one row only",
    "input": "what is asked, any JSON value; in CSV a column `input.text` fills `input.text`",
    "expected": "what the answer is compared with, any JSON value",
    "tags": "a list of texts, or one text with commas; each tag is a slice",
    "cluster": "a text or a number that rows share which hang together",
}

LOCK: Keys = {
    "schema": "the version of this file, 1",
    "dataset": "the name of the data set",
    "latest": "the newest revision: the keys below",
    "rows": "the digest of each row, by its id",
    "earlier": "the earlier revisions, the oldest first, with the keys below",
    "latest.cases": "how many cases there are",
    "latest.sha256": "the digest of all rows",
    "latest.frozen_at": "when they were frozen",
    "latest.who": "who froze them",
    "latest.why": "why, in a few words",
}

_OF_A_SUITE: Keys = {
    "enabled": "whether the gate is open",
    "why": "why, in a sentence",
    "verdict": "`PASS`, `FAIL` or `INCONCLUSIVE`",
    "test": "the test function that decides",
    "metric": "the metric that decides",
    "model": "the model that answered",
    "cases": "how many cases were judged",
    "score": "the share of hits, 0 to 1",
    "interval": "its lower and upper bound",
    "threshold": "the score that it needs",
    "dataset": "the path of the data set from this file",
    "dataset_sha256": "its digest; other data close the gate",
    "recorded_at": "when its newest answer was recorded, empty where nobody knows",
    "valid_until": "when the gate closes by itself",
}

GATES: Keys = {
    "schema": "the version of this file, 1",
    "run": "`id` and `written_at` of the run that wrote the file",
    "gates": "a gate for each feature, by its name, with the keys below",
    **{f"gates.<name>.{key}": says for key, says in _OF_A_SUITE.items()},
    "gates.<name>.suites": "the same keys for each test and metric of the feature",
}

BASELINE: Keys = {
    "schema": "the version of this file, 1",
    "accepted": "`who` accepted the run, `when` and `why`",
    "run": "`id` and `started_at` of the run",
    "suites": "its suites, with a part of the keys of [a stored run](reports.md#suites)",
    "cases": "its cases, without what was asked and answered ([keys](reports.md#cases))",
    "budgets": "what became of its budgets ([keys](reports.md#budgets))",
    "drills": "what became of its drills ([keys](reports.md#drills))",
}

HISTORY_ACCEPTED: Keys = {
    "kind": "`accepted`",
    "who": "who accepted the run",
    "when": "when",
    "why": "why, in a few words",
    "run": "the id of the run",
    "cost_usd": "what its requests cost that have a price, as text",
    "unpriced": "how many of them have none, where there are such",
    "suites": "its suites, each with `test`, `metric`, `score` and more where there is room",
    "left_out": "how many suites found no room",
}

HISTORY_DRILL: Keys = {
    "kind": "`drill`",
    "feature": "the feature that survived",
    "faults": "how many faults it survived",
    "groups": "the groups of these faults",
    "commit": "what git had checked out, empty without git",
    "when": "when",
    "fallback": "the callable that answered without a model",
    "slowest_switch_s": "the longest time until the fallback began, in seconds",
}

PRICES: Keys = {
    "source": "the package that the prices are from, with its version",
    "locked_on": "the day on which they were locked",
    "models": "a table for each model, with the keys below",
    "overrides": "the same for prices that were set by hand; they go first, and stay",
    "models.provider": "the provider, as `openai`",
    "models.model": "the name under which the model answers",
    "models.input": "USD for a million tokens of input, as text",
    "models.cached": "the same for input that the provider read from its cache",
    "models.output": "the same for output",
    "models.cache_write": "the same for input that it wrote to its cache",
    "models.input_audio": "the same for sound that goes in",
    "models.output_audio": "the same for sound that comes out",
    "models.longer": "prices of requests with more input tokens",
    "models.above": "in `longer`: from how many input tokens on",
    "models.tiers": "prices of service tiers, such as `batch`, by their names",
    "models.note": "in `overrides`: why",
}

#: The heading of each file, what it is, and its keys.
FILES: tuple[tuple[str, str, Keys], ...] = (
    ("evals/*.jsonl", "A row of a data set; [data sets](datasets.md) tells more.", DATA_SET),
    ("evals/*.lock", "Written by `llmprod dataset freeze`.", LOCK),
    (
        "llmprod-gates.json",
        "Written by a whole run with `--llm-eval`, and read by the application.",
        GATES,
    ),
    ("llmprod-baseline.json", "Written by `llmprod accept`.", BASELINE),
    (
        "llmprod-history.jsonl, of an accepted run",
        "A line of at most 1 kB; `llmprod accept` adds it.",
        HISTORY_ACCEPTED,
    ),
    (
        "llmprod-history.jsonl, of drills",
        "A line for a feature that survived all faults which could meet it.",
        HISTORY_DRILL,
    ),
    ("llmprod.prices.toml", "Written by `llmprod prices lock`.", PRICES),
)

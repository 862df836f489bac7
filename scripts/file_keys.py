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

HISTORY_GUARDRAIL: Keys = {
    "kind": "`guardrail`",
    "feature": "the feature whose guardrail it is",
    "guard": "the `kind` of the marker `llm_guardrail`",
    "tests": "how many tests passed, which is all of them",
    "bounds": "the worst bound of each rate of their scorecards, where they have some",
    "commit": "what git had checked out, empty without git",
    "when": "when",
}

HISTORY_CONTRACT: Keys = {
    "kind": "`contract`",
    "tests": "how many tests with `llm_records` explained a call, which is all of them",
    "commit": "what git had checked out, empty without git",
    "when": "when",
}

HISTORY_SWAP: Keys = {
    "kind": "`swap`",
    "feature": "the feature of which models were compared",
    "old": "the model that others were compared with",
    "new": "the one that was compared with it",
    "verdict": "the worst verdict of its suites, as `INFERIOR`",
    "commit": "what git had checked out, empty without git",
    "when": "when",
}

LOOKS: Keys = {
    "schema": "the version of this file, 1",
    "suites": "the suites that were judged, by test and metric, with the keys below",
    "suites.<name>.dataset_sha256": "the digest of the data set; another one begins anew",
    "suites.<name>.looks": "the sets of answers since the gate was open last, the first one first",
    "suites.<name>.looks.answers": "the digest of when each answer came",
    "suites.<name>.looks.asked": "the digest of what was asked",
    "suites.<name>.looks.open": "whether these answers opened the gate",
}

CASSETTE: Keys = {
    "version": "the version of vcrpy's layout, 1",
    "llmprod": "`format` of this file, and `key_version` of the rules by which keys are made",
    "interactions": "the recordings, in the order of the data set, with the keys below",
    "request": "`method`, `uri`, `headers` and `body` of what was asked, masked",
    "response": "`status`, `headers` and `body` of what was answered, masked",
    "llmprod.case": "the id of the case, the parameters of another test, or an empty text",
    "llmprod.key": "the digest by which a request finds its recording",
    "llmprod.recorded_at": "when it was recorded",
    "llmprod.latency_s": "how long the whole answer took, in seconds",
    "llmprod.ttft_s": "how long the first event that says something took",
    "llmprod.backoff_s": "how long the client paused before this try",
    "llmprod.attempt": "which try of its call it was, from 1",
    "llmprod.model": "the model that answered",
    "llmprod.named_model": "the model that the application named, where the run asked another one",
    "llmprod.usage": "the tokens that it used, where the answer says so",
    "llmprod.failure": "`error` and `message` of what the client met in place of a whole answer",
    "llmprod.complete": "false where the client stopped reading before the end",
    "llmprod.unfinished": "true until a run has brought the test to its end without an error",
    "llmprod.in_child": "true where a process asked that the test had forked",
    "llmprod.judged": "of an answer of a judge: the models whose output is judged",
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
    (
        "llmprod-history.jsonl, of guardrails",
        "A line for each kind of guardrail of a feature, where a whole run passed its tests.",
        HISTORY_GUARDRAIL,
    ),
    (
        "llmprod-history.jsonl, of the application's log",
        "A line of a whole run whose tests with `llm_records` passed.",
        HISTORY_CONTRACT,
    ),
    (
        "llmprod-history.jsonl, of compared models",
        "A line for a feature and a new model, from a whole run with `--llm-models`.",
        HISTORY_SWAP,
    ),
    (
        "llmprod-looks.json",
        "Written by recording runs; commit it with the cassettes ([why](evals.md)).",
        LOOKS,
    ),
    (
        "cassettes/*/*.json",
        "Written by recording runs; a key that says nothing is left out.",
        CASSETTE,
    ),
    ("llmprod.prices.toml", "Written by `llmprod prices lock`.", PRICES),
)

"""Options: what may be written behind `pytest`, and which of it goes together."""

import argparse
import sys

import pytest


def add(parser: pytest.Parser) -> None:
    """Add the options of the group `llmprod`."""
    add_option = parser.getgroup("llmprod", "evals of LLM features (pytest-llmprod)").addoption
    add_option(
        "--llm-eval",
        action="store_true",
        help="run the tests marked with llm_eval, from their recordings: without network and "
        "without key, unless --llm-record says otherwise",
    )
    add_option(
        "--llm-fallback-only",
        action="store_true",
        help="run the evals with the provider down: score what the application answers without a "
        "model, beside the score of the model, and write no gate",
    )
    add_option(
        "--llm-record",
        default="none",
        choices=("none", "once", "new_episodes", "all", "rewrite", "verify"),
        help="none: replay only (default). once: record the cases that have no recording yet. "
        "new_episodes: record also new requests of cases that have some, after a change of the "
        "prompt for instance. all: send every request and replace its recording. rewrite: start "
        "the recordings of each case that runs anew. verify: send every request, compare each "
        "answer with its recording, and write nothing.",
    )
    add_option(
        "--llm-plan",
        action="store_true",
        help="send nothing and run no test: say which tests would record, how many requests, at "
        "what cost, and in what time (of --llm-record=once where no mode is given)",
    )
    add_option("--llm-model", metavar="NAME", help="ask this model in place of the application's")
    add_option(
        "--llm-swap",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="ask model NEW wherever the application asks OLD (may be repeated)",
    )
    add_option(
        "--llm-models",
        metavar="A,B",
        help="ask each case of each of these models, wherever the application asks one of them, "
        "and compare them with the first",
    )
    add_option(
        "--llm-concurrency",
        metavar="N",
        type=int,
        help="how many cases run at once in an eval whose marker names a task= (default 8)",
    )
    add_option(
        "--llm-max-spend",
        metavar="USD",
        help="spend at most so much while recording, in all processes together: what may cost "
        "more is not sent, and the tests that would send it are skipped",
    )
    add_option(
        "--llm-fuzz",
        metavar="N",
        nargs="?",
        const=1000,
        type=_examples,
        help="try N examples (default 1000) of each Hypothesis test, and keep the failing ones",
    )
    add_option(
        "--llm-strict",
        action="store_true",
        help="let an INCONCLUSIVE verdict, which has too few cases to say PASS or FAIL, close the "
        "gate and fail a budget",
    )
    add_option("--llm-json", metavar="PATH", help="write the results as JSON to this file")
    add_option("--llm-html", metavar="PATH", help="write the results as an HTML page to this file")
    add_option("--llm-markdown", metavar="PATH", help="write the results as Markdown to this file")
    add_option(
        "--llm-audit",
        action="store_true",
        help="close the summary with the shipping checklist, judged as `llmprod audit` does, and "
        "show it in the reports that are written; the exit status stays that of the tests",
    )
    add_option(
        "--llm-otel",
        action="store_true",
        help="send the run to an OpenTelemetry collector when it has ended: spans, metrics and "
        "evaluation results, to where OTEL_EXPORTER_OTLP_ENDPOINT says",
    )


def _examples(text: str) -> int:
    """Read N of `--llm-fuzz=N`; argparse also gives the path that follows a bare `--llm-fuzz`."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(
            f"takes a number of examples, not {text!r}. Write --llm-fuzz=1000, and paths after it."
        )
    return int(text)


def prepare(config: pytest.Config) -> None:
    """Refuse what does not go together, and set what an option means for others."""
    option = config.option
    for name in ("--llm-json", "--llm-html", "--llm-markdown"):
        _refuse_moved_root(config, name, config.getoption(name))
    if option.llm_plan:
        _prepare_plan(config)
    option.llm_eval |= option.llm_fallback_only
    if option.llm_eval and sys.flags.optimize and option.assertmode == "plain":
        raise pytest.UsageError(
            "python -O with --assert=plain executes no assert: every case would be a hit. Leave "
            "out one of them."
        )
    if option.llm_fuzz is not None:
        _register_fuzz(config)


def _refuse_moved_root(config: pytest.Config, name: str, path: str | None) -> None:
    """Raise UsageError where pytest looked for its settings from the path of a report on.

    It does so before it knows our options: a word that names an existing file is a test path then.
    """
    words, start = config.invocation_params.args, config.invocation_params.dir
    if not path or name not in words or config.inipath is not None or config.option.rootdir:
        return
    has_moved = config.rootpath in start.parents and not (config.rootpath / "setup.py").exists()
    file = (start / path).resolve()
    if has_moved and file.exists() and not file.is_relative_to(start.resolve()):
        raise pytest.UsageError(
            f"pytest took {path} for a test path, so that its rootdir is {config.rootpath} and no "
            f"settings of this project are read. Write {name}={path}, as one word."
        )


def _prepare_plan(config: pytest.Config) -> None:
    """Plan the mode that fills gaps where none is given; workers would each plan a part."""
    if config.option.llm_fallback_only:
        raise pytest.UsageError(
            "--llm-plan says what a recording run would ask, and --llm-fallback-only asks no "
            "model. Leave out one of them."
        )
    if config.option.llm_record == "none":
        config.option.llm_record = "once"
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            "--llm-plan runs no test and takes no workers. Leave out -n, or add -n0."
        )


def _register_fuzz(config: pytest.Config) -> None:
    """Register what runs properties on many examples."""
    try:
        from pytest_llmprod.hooks.fuzz import Fuzz  # which brings Hypothesis
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise pytest.UsageError(
            "--llm-fuzz needs Hypothesis. Install it: pip install 'pytest-llmprod[strategies]'"
        ) from error
    config.pluginmanager.register(Fuzz(config.rootpath, config.option.llm_fuzz), "llmprod-fuzz")

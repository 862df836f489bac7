"""The command `llmprod init`: the files with which a feature starts."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.core.text import printable

if TYPE_CHECKING:
    from pytest_llmprod.handoff.scaffold import Feature

_FEATURE = "Name of the feature, such as ticket-triage"
_CALLABLE = "Function that asks the model, such as app.triage:triage"


def add_command(nouns: Any) -> None:
    """Add `init` to the argparse sub-parsers of `llmprod`."""
    init = nouns.add_parser(
        "init",
        help="write what a feature needs to start: data set, eval, drill, guardrails, runbook, CI",
        description="Write a data set of five rows to fill in, an eval, a drill, a guardrail test, "
        "settings, a runbook and a CI workflow into this folder, the rootdir of pytest. What is "
        "written runs at once, without a key. Nothing that exists is overwritten. It asks for what "
        "is not given.",
    )
    init.add_argument("--feature", metavar="NAME", help="the feature, such as ticket-triage")
    init.add_argument(
        "--callable",
        metavar="MODULE:NAME",
        help="the function that asks the model and raises where that fails, such as "
        "app.triage:triage; where there is no such module, one is written",
    )
    init.set_defaults(run=_init, parser=init)


def _init(options: argparse.Namespace) -> int:
    from pytest_llmprod import settings  # other commands do without
    from pytest_llmprod.composition import runbooks
    from pytest_llmprod.handoff import scaffold
    from pytest_llmprod.wire.placeholder import LentKeys

    name = options.feature or _ask(options, _FEATURE, "--feature")
    scaffold.read_feature(name)  # before the next question
    callable_name = options.callable or _ask(options, _CALLABLE, "--callable")
    root, environ = Path.cwd(), dict(os.environ)
    settings.of_project(root)  # raises before anything is written where they cannot be read
    LentKeys(environ).lend()  # for an application that builds its client when it is imported
    feature = scaffold.learn(name, callable_name, root, environ)
    told = scaffold.write(feature, root)
    told.append(runbooks.write_new(root))
    for each in told:
        reason = f": {printable(each.reason)}" if each.reason else ""
        print(f"{each.outcome:<10}  {printable(each.path)}{reason}")
    print("\n".join(_next_steps(feature)))
    return 0


def _ask(options: argparse.Namespace, question: str, flag: str) -> str:
    try:
        answer = input(f"{question}: ").strip()
    except EOFError:
        answer = ""
    if not answer:
        options.parser.error(f"no answer to `{question}`; give it with {flag}")
    return answer


def _next_steps(feature: "Feature") -> list[str]:
    labels = f"  edit LABELS in {feature.module}: what the model may answer"
    return [
        "next",
        "  pytest --llm-eval                       green now, without a key",
        *([labels] if feature.probed is None else []),
        f"  edit evals/{feature.snake}.jsonl: say in its rows what is asked and expected",
        "  llmprod prices lock --model=openai/gpt-5-mini",
        "  pytest --llm-eval --llm-record=once     with your key",
        "  llmprod runbook                         with what was measured; then commit all",
        "`pytest` without --llm-eval runs the drill and the guardrails, and no eval",
    ]

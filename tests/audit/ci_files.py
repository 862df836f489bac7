"""Workflow files of which one line is different each time, and what the audit says of them."""

from pathlib import Path

from pytest_llmprod.handoff.audit.workflows import read_ci

ON_MAIN = "it runs when a change is on main, and not before"
BY_TAG = "it runs when a tag is made, and not before"

GITHUB = """\
on: {on}
jobs:
  evals:
    runs-on: ubuntu-latest
    {job}
    steps:
      - uses: actions/checkout@v4
      - name: not the command, pytest --llm-eval
        {step}
        run: |
          pip install .
          {command}
"""


def github(
    command: str = "pytest --llm-eval",
    *,
    on: str = "[push, pull_request]",
    job: str = "timeout-minutes: 5",
    step: str = "timeout-minutes: 5",
) -> str:
    return GITHUB.format(on=on, job=job, step=step, command=command)


def weakness(root: Path, name: str, text: str) -> str:
    """Return why the one run of evals in this file does not count, '' where it does."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (run,) = read_ci(root).runs
    return run.weakness

"""Workflow files of which one line is different each time."""

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

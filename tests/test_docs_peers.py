"""docs/peers.md shows the code that is measured, and what our own jobs print.

The outputs of tools that the tests do not install are compared by `python -m benchmarks.peers`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Provider

from benchmarks.peers import data
from benchmarks.peers.__main__ import TABLE, replace_output, table_of
from benchmarks.peers.tools import FOLDER, JOBS, LLMPROD, PYTEST_RECORDING, TOOLS, Job, Tool
from benchmarks.project.model import answer
from benchmarks.timing import BrokenRun, Run

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "peers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SHARED = [FOLDER / "app.py", FOLDER / "rows.py"]
RECORDED = 20
RUN_HERE = [
    pytest.param(tool, number, id=f"{tool.name}-{job}")
    for tool in (LLMPROD, PYTEST_RECORDING)
    for number, job in enumerate(JOBS)
]


def shown(job: Job) -> str:
    """Return what the page prints below the line of a job."""
    (output,) = (
        text.partition("\n")[2] for language, text in BLOCKS if text.startswith(f"$ {job.line}\n")
    )
    return str(output)


def shell(line: str, folder: Path, provider: Provider) -> "subprocess.CompletedProcess[str]":
    """Run a line with the tools of this environment, and with no key of the user's."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    environment = {
        **kept,
        "COLUMNS": "80",
        "OPENAI_BASE_URL": provider.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    return subprocess.run(
        ("sh", "-c", line),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path, server: Provider) -> Path:
    """A folder with the data, of which only a few calls are recorded, and the shared code."""
    server.answer = lambda body: answer(body["messages"][-1]["content"])
    data.write(tmp_path, cases=RECORDED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for path in SHARED:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_code_on_the_page_is_the_code_that_is_measured() -> None:
    on_page = [text for language, text in BLOCKS if language]
    files = [*SHARED, *(path for tool in TOOLS for path in tool.files)]

    assert sorted(on_page) == sorted(path.read_text(encoding="utf-8") for path in files)


def test_each_output_on_the_page_is_that_of_one_job() -> None:
    outputs = [text for language, text in BLOCKS if not language]
    lines = [job.line for tool in TOOLS for job in tool.jobs]

    assert sorted(text.partition("\n")[0] for text in outputs) == sorted(
        f"$ {line}" for line in lines
    )
    assert all(text.partition("\n")[2] for text in outputs)


@pytest.mark.parametrize(("tool", "number"), RUN_HERE)
def test_a_job_prints_what_the_page_shows(
    tool: Tool, number: int, folder: Path, server: Provider
) -> None:
    for path in tool.files:
        shutil.copy(path, folder)
    job = tool.jobs[number]
    if JOBS[number] == "replay":
        assert tool.records is not None
        assert shell(tool.records, folder, server).returncode == 0
        assert len(server.requests) == RECORDED
        server.requests.clear()

    done = shell(job.line, folder, server)

    assert job.says in done.stdout
    expected = shown(job).replace(f"{data.CASES} passed", f"{RECORDED} passed")
    assert job.shown(done.stdout) == expected
    assert done.returncode == job.exit_status
    assert server.requests == []


def test_the_answers_of_the_old_model_pass(folder: Path, server: Provider) -> None:
    for path in LLMPROD.files:
        shutil.copy(path, folder)
    line = LLMPROD.jobs[1].line.replace("MODEL=new", "MODEL=old")

    done = shell(line, folder, server)

    assert done.returncode == 0
    assert "sums 182/200 91.0% [86.2, 94.2] PASS" in done.stdout


def test_the_page_has_a_time_of_each_tool_for_each_job() -> None:
    (table,) = TABLE.findall(PAGE)
    head, _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines()]

    assert head == ["job", *(tool.name for tool in TOOLS)]
    assert [row[0] for row in rows] == list(JOBS)
    times = [cell for row in rows for cell in row[1:]]
    assert len(times) == len(JOBS) * len(TOOLS)
    assert all(re.fullmatch(r"[\d.]+ \([\d.]+ to [\d.]+\); [\d.]+", each) for each in times)


def test_the_table_has_the_median_and_the_range() -> None:
    runs = [
        Run(cpu_s=cpu_s, wall_s=wall_s, peak_memory=1, output="")
        for cpu_s, wall_s in ((1.0, 2.0), (3.0, 9.0), (1.5, 4.0))
    ]

    table = table_of({"a": dict.fromkeys(JOBS, runs)})

    assert table.splitlines()[2] == "| replay | 4.0 (2.0 to 9.0); 1.5 |"


def test_an_output_is_put_below_its_own_line_only() -> None:
    job = LLMPROD.jobs[0]

    page = replace_output(PAGE, job, "changed\n")

    assert page.replace("changed\n", shown(job), 1) == PAGE
    with pytest.raises(BrokenRun, match="0 times"):
        replace_output("", job, "changed\n")


def test_the_page_is_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")

    assert re.search(r"^peers$", index, re.MULTILINE)

"""Workshop: an environment for each tool, and a folder for its jobs, under `build/`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import data
from benchmarks.peers.tools import FOLDER, PYTEST_RECORDING, ROOT, Job, Tool
from benchmarks.timing import BrokenRun, Command, run
from benchmarks.workload import Stub

BUILD = ROOT / "build" / "peers"
_NOWHERE = "http://127.0.0.1:9"  # a proxy that does not exist: nothing leaves the machine
_QUIET = {
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_UPDATE_WARNING_OPT_IN": "0",
    # On a busy machine promptfoo lost output, and once its exit status, while it closed its logs.
    "PROMPTFOO_DISABLE_DEBUG_LOG": "1",
    "PROMPTFOO_DISABLE_ERROR_LOG": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
}


def install(tool: Tool) -> None:
    """Install a tool into an environment of its own, unless its packages are there already."""
    home = _environment_of(tool)
    wanted = "\n".join(tool.packages)
    note = home / "installed.txt"
    is_ours = tool.folder == "llmprod"  # the code may have changed since
    if note.is_file() and note.read_text(encoding="utf-8") == wanted and not is_ours:
        return
    print(f"installing {', '.join(tool.packages)}", flush=True)
    if tool.folder == "promptfoo":
        home.mkdir(parents=True, exist_ok=True)
        npm = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        subprocess.run((*npm, "--prefix", str(home), *tool.packages), check=True)
    else:
        subprocess.run((sys.executable, "-m", "venv", str(home)), check=True)
        pip = (str(home / "bin" / "python"), "-m", "pip", "install", "--quiet")
        subprocess.run((*pip, *tool.packages), check=True)
    note.write_text(wanted, encoding="utf-8")


def prepare(tool: Tool) -> Path:
    """Return an empty work folder of a tool, with its files and the data."""
    folder = BUILD / "work" / tool.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in (FOLDER / "app.py", FOLDER / "rows.py", *tool.files):
        shutil.copy(path, folder)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    data.write(folder)
    return folder


def record(tool: Tool, stub: Stub) -> None:
    """Make the recordings that a tool replays, or copy those of pytest-recording."""
    if tool.records is None:
        _copy_recordings(tool)
        return
    job = Job(line=tool.records, exit_status=0, says=f"{data.CASES} passed", keeps="")
    run(command(tool, job, stub))
    calls = stub.take_stats()["calls"]
    if calls != data.CASES:
        raise BrokenRun(f"{tool.name} made {calls} calls to record {data.CASES} cases.")


def _copy_recordings(tool: Tool) -> None:
    """Copy the files of pytest-recording, which are named after the test and the case."""
    recorded = BUILD / "work" / PYTEST_RECORDING.folder / "cassettes"
    target = BUILD / "work" / tool.folder / "cassettes"
    shutil.copytree(recorded, target)
    if tool.folder == "pydantic_evals":
        for path in (target / "test_replay").iterdir():
            case = path.stem.partition("[")[2].rstrip("]")
            path.rename(target / f"{case}.yaml")


def command(tool: Tool, job: Job, stub: Stub) -> Command:
    """Return a job as a command, without a key, a proxy that works, or a home of the user's."""
    folder = BUILD / "work" / tool.folder
    home = _environment_of(tool)
    binaries = home / "node_modules" / ".bin" if tool.folder == "promptfoo" else home / "bin"
    environment = {
        **_QUIET,
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "OPENAI_BASE_URL": f"{stub.url}/v1",
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": "127.0.0.1",
    }
    return Command(
        arguments=("sh", "-c", job.line),
        folder=folder,
        environment=environment,
        exit_status=job.exit_status,
        says=job.says,
    )


def _environment_of(tool: Tool) -> Path:
    return BUILD / "environments" / tool.folder

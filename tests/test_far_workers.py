"""Workers of xdist that do not share the controller's folder: the same verdicts, log, cassettes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from project import WORDS, Project

#: execnet's server, at a free port.
SERVER = """
from execnet.gateway_base import get_execmodel
from execnet.script import socketserver
socketserver.execmodel = get_execmodel("thread")
made = socketserver.bind_and_listen("127.0.0.1:0", socketserver.execmodel)
print(made.getsockname()[1], flush=True)
socketserver.startserver(made)
"""


@pytest.fixture
def far(project: Project) -> list[str]:
    """The options that run the tests in another folder, to which the project is copied."""
    (project.path / "pytest.ini").write_text("[pytest]\n")
    folder = project.path.parent / f"{project.path.name}-far"
    folder.mkdir()
    return _options(project, f"popen//chdir={folder}")


def _options(project: Project, spec: str) -> list[str]:
    return ["--dist=load", f"--tx={spec}", f"--rsyncdir={project.path}", str(project.path)]


def cases_in(path: Path) -> list[str]:
    document = json.loads(path.read_text())
    return [each["llmprod"]["case"] for each in document["interactions"]]


def logged(project: Project) -> list[str]:
    """The cases of all lines of the request log, in order."""
    paths = (project.path / ".llmprod" / "runs").glob("*/*.jsonl")
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    return sorted(line["llmprod.case"] for line in lines)


def test_what_far_workers_record_and_log_comes_home(project: Project, far: list[str]) -> None:
    far.insert(1, far[1])  # two workers
    result = project.record(*far, subprocess=True)

    assert result.ret == 0, result.outlines
    assert cases_in(project.cassette()) == list(WORDS)
    assert len(project.server.requests) == len(WORDS)
    assert not list((project.path / ".llmprod" / "recording").iterdir())
    assert logged(project) == sorted(WORDS)
    bodies = list((project.path / ".llmprod" / "runs").glob("*/*.bodies"))
    assert len(bodies) == 2
    assert project.gates()["doubling"]["enabled"]


def test_a_replay_of_far_workers_says_what_one_process_does(
    project: Project, far: list[str]
) -> None:
    (project.path / "llmprod.prices.toml").write_text(
        '[[overrides]]\nprovider = "openai"\nmodel = "gpt-test-2026-01-01"\n'
        'input = "1"\ncached = "1"\noutput = "10"\n'
    )
    project.record()
    alone = project.data("-p", "no:xdist", subprocess=True)
    distributed = project.data(*far, subprocess=True)

    for document in (alone, distributed):
        for key in ("id", "started_at", "selection"):  # the second run names its folder
            del document["run"][key]
    assert float(alone["suites"][0]["cost_usd"]) > 0
    assert distributed == alone


def test_a_socket_server_is_a_far_worker(project: Project) -> None:
    (project.path / "pytest.ini").write_text("[pytest]\n")
    folder = project.path.parent / f"{project.path.name}-socket"
    folder.mkdir()
    command = [sys.executable, "-c", SERVER]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", project.server.url)
        patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        result = project.record(
            *_options(project, f"socket=127.0.0.1:{port}//chdir={folder}"), subprocess=True
        )
        server.kill()

    assert result.ret == 0, result.outlines
    assert cases_in(project.cassette()) == list(WORDS)
    assert logged(project) == sorted(WORDS)


def test_a_far_worker_with_another_root_is_refused_before_it_records(
    project: Project, far: list[str]
) -> None:
    inner = project.path / "outer" / "inner"
    inner.mkdir(parents=True)
    for name in ("feature.py", "test_words.py", "words.jsonl"):
        (project.path / name).rename(inner / name)
    spec = next(each for each in far if each.startswith("--tx"))
    result = project.record("--dist=load", spec, f"--rsyncdir={inner}", str(inner), subprocess=True)

    assert result.ret != 0
    assert project.server.requests == []
    result.stderr.fnmatch_lines(["*names a test file*it has another rootdir. Put a pytest.ini*"])


def test_a_cap_on_spending_refuses_far_workers(project: Project, far: list[str]) -> None:
    result = project.record(*far, "--llm-max-spend=1", subprocess=True)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert project.server.requests == []
    result.stderr.fnmatch_lines(["*--llm-max-spend holds for processes that share this folder*"])

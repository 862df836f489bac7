"""Warm: commands of Python that begin with their libraries imported, in forks of one process.

To import pytest, openai and pydantic takes a command longer than most tests need for the rest. So
one process for each worker of the tests imports them once, and forks for each command, and for each
worker of xdist in a run inside of a test. The package itself a fork imports anew, as a command
does. Two such processes take turns: forks of one order their sets alike, and nothing that depends
on that order would fail. Tests of what is imported, of signals, and of what the interpreter is told
start processes of their own.
"""

import atexit
import importlib
import io
import itertools
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

#: What most commands import, and most tests do.
MODULES = (
    "_pytest.stepwise",
    "openai.resources.chat",
    "openai.resources.embeddings",
    "openai.resources.models",
    "openai.resources.responses",
    "tabulate",
    "yaml",
)
# What a fork imports itself: the package, and what looks at the folder or `sys.path` at its import.
_LEFT_OUT = ("llmprod", "hypothesispytest", "xdist", "xdist.looponfail")
_TURNS = itertools.cycle(range(2))
_FAREWELL_S = 2.0


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python *arguments`, which are a script or `-m MODULE`, as `subprocess.run` does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with open(os.devnull, "rb") as nothing:
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            server = _server(next(_TURNS))
            pid = server.start(arguments, cwd, os.environ if env is None else env, files)
            returncode = server.wait(pid)
        texts = [_text(each) for each in (out, err)]
    return subprocess.CompletedProcess([*arguments], returncode, *texts)


def _text(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode("utf-8").replace("\r\n", "\n")
    return text


class Worker:
    """A process that goes on beside the test, with pipes, as `subprocess.Popen` has them."""

    def __init__(self, arguments: Sequence[str]) -> None:
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        files = [theirs_in, theirs_out, 2]
        self._server = _server(next(_TURNS))
        self.pid = self._server.start(arguments, Path.cwd(), os.environ, files)
        os.close(theirs_in)
        os.close(theirs_out)
        self.stdin = os.fdopen(ours_in, "wb")
        self.stdout = os.fdopen(ours_out, "rb")

    def wait(self) -> int:
        return self._server.wait(self.pid)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class _Server:
    """The process that forks, as the tests see it. It ends when they close it, or end."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            # In a session of its own: Ctrl-C is for the tests, which close it at their end.
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=tempfile.gettempdir(),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._replies = self._socket.makefile("r", encoding="utf-8")
        self._lock = Lock()

    def start(
        self, arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], files: list[int]
    ) -> int:
        """Start a command with these files as its input, output and errors; return its pid."""
        job = {"arguments": [*arguments], "cwd": str(cwd), "environ": dict(environ)}
        return self._ask(job, files)

    def wait(self, pid: int) -> int:
        """Wait until a command has ended, and return its status, as `Popen.wait` does."""
        return self._ask({"pid": pid}, [])

    def _ask(self, job: Mapping[str, Any], files: list[int]) -> int:
        message = json.dumps(job).encode() + b"\n"
        with self._lock:
            socket.send_fds(self._socket, [message[:1]], files)
            self._socket.sendall(message[1:])
            return int(self._replies.readline())

    def close(self) -> None:
        """End the process; a command that Ctrl-C left running in it is killed."""
        self._replies.close()
        self._socket.close()
        try:
            self._process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@cache
def _server(_turn: int) -> _Server:
    server = _Server()
    atexit.register(server.close)
    return server


def _serve(channel: socket.socket) -> dict[str, Any]:
    """Fork for each job that comes; return it in the fork. The process ends with the channel."""
    ended: dict[int, int] = {}
    while received := _received(channel):
        job, files = received
        if "pid" in job:
            if job["pid"] not in ended:
                _, status = os.waitpid(job["pid"], 0)
                ended[job["pid"]] = os.waitstatus_to_exitcode(status)
            reply = ended[job["pid"]]
        else:
            reply = os.fork()
            ended.pop(reply, None)  # numbers of processes come again
        if not reply and files:
            channel.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
                os.close(file)
            return job
        for file in files:
            os.close(file)
        channel.sendall(f"{reply}\n".encode())
    sys.exit()


def _received(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next job with its files: those of input, output and errors."""
    text, files, _, _ = socket.recv_fds(channel, 1, 3)
    if not text:
        return None
    while not text.endswith(b"\n"):
        more = channel.recv(65536)
        if not more:  # the tests were killed while they wrote
            return None
        text += more
    return json.loads(text), files


def _become(job: dict[str, Any]) -> None:
    """Do in this process what `python *arguments` does."""
    os.environ.clear()
    os.environ.update(job["environ"])
    os.chdir(job["cwd"])
    random.seed()
    given = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    words = [each for each in job["arguments"] if each not in ("-u", "-B")]
    sys.dont_write_bytecode |= "-B" in job["arguments"]
    match words:
        case ["-c", code]:
            sys.path[:1] = ["", *given]
            sys.argv = ["-c"]
            exec(code, {"__name__": "__main__"})
        case ["-m", module, *words]:
            sys.path[:1] = [job["cwd"], *given]
            sys.argv = [module, *words]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *words]:
            sys.path[:1] = [str(Path(script).parent), *given]
            sys.argv = [script, *words]
            runpy.run_path(script, run_name="__main__")


def _warm_up() -> None:
    """Import what is needed, plugins of pytest as pytest does it, which else warns of them."""
    with tempfile.TemporaryDirectory() as empty, redirect_stdout(io.StringIO()):
        left_out = [word for name in _LEFT_OUT for word in ("-p", f"no:{name}")]
        pytest.main(
            ["--collect-only", "-p", "no:cacheprovider", *left_out, f"--rootdir={empty}", empty]
        )
    for name in MODULES:
        importlib.import_module(name)


if __name__ == "__main__":
    _warm_up()
    _become(_serve(socket.socket(fileno=int(sys.argv[1]))))

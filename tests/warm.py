"""Warm: commands of Python that begin with their libraries imported, in forks of one process.

To import pytest, openai and pydantic takes a command longer than most tests need for the rest. So
one process for each worker of the tests imports them once, and forks for each command. The package
itself a fork imports anew, as a command does. Tests of what is imported, of signals, and of what
the interpreter is told start processes of their own.
"""

import array
import atexit
import importlib
import io
import json
import os
import random
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_MODULES = (
    "_pytest.stepwise",
    "openai.resources.chat",
    "openai.resources.embeddings",
    "openai.resources.models",
    "openai.resources.responses",
    "tabulate",
    "yaml",
)
# What a fork imports itself: the package, and what looks at the folder when it is imported.
_LEFT_OUT = ("llmprod", "hypothesispytest")


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python *arguments`, which are a script or `-m MODULE`, as `subprocess.run` does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with open(os.devnull, "rb") as nothing:
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            returncode = _server().run([*arguments], cwd, os.environ if env is None else env, files)
        texts = [_text(each) for each in (out, err)]
    return subprocess.CompletedProcess([*arguments], returncode, *texts)


def _text(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode("utf-8").replace("\r\n", "\n")
    return text


class _Server:
    """The process that forks, as the tests see it. It ends when they close its socket, or end."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            # In a session of its own: Ctrl-C is for the tests, and ends it by their end.
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=tempfile.gettempdir(),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._replies = self._socket.makefile("r", encoding="utf-8")

    def run(
        self, arguments: list[str], cwd: Path, environ: Mapping[str, str], files: list[int]
    ) -> int:
        job = {"arguments": arguments, "cwd": str(cwd), "environ": dict(environ)}
        message = json.dumps(job).encode() + b"\n"
        socket.send_fds(self._socket, [message[:1]], files)
        self._socket.sendall(message[1:])
        return int(self._replies.readline())

    def close(self) -> None:
        self._replies.close()
        self._socket.close()
        self._process.wait()


@cache
def _server() -> _Server:
    server = _Server()
    atexit.register(server.close)
    return server


def _serve(channel: socket.socket) -> dict[str, Any]:
    """Fork for each job that comes; return it in the fork. The process ends with the channel."""
    while first := _received(channel):
        job, files = first
        pid = os.fork()
        if not pid:
            channel.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
                os.close(file)
            return job
        for file in files:
            os.close(file)
        _, status = os.waitpid(pid, 0)
        channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    sys.exit()


def _received(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next job with its files: those of input, output and errors."""
    space = socket.CMSG_LEN(3 * array.array("i").itemsize)
    text, ancillary, _, _ = channel.recvmsg(1, space)
    if not text:
        return None
    files = array.array("i", ancillary[0][2])
    while not text.endswith(b"\n"):
        text += channel.recv(65536)
    return json.loads(text), files.tolist()


def _become(job: dict[str, Any]) -> None:
    """Do in this process what `python *arguments` does."""
    os.environ.clear()
    os.environ.update(job["environ"])
    os.chdir(job["cwd"])
    random.seed()
    given = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    match job["arguments"]:
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
    for name in _MODULES:
        importlib.import_module(name)


if __name__ == "__main__":
    _warm_up()
    _become(_serve(socket.socket(fileno=int(sys.argv[1]))))

"""Leftovers: runs pytest on one test file after the other, and prints what each left behind.

`python leftovers.py test_a.py test_b.py` prints a JSON object of the form
{file: {"status": 1, "left": ["thread ThreadPoolExecutor-0_0", ...]}}.
"""

import asyncio
import contextlib
import gc
import io
import json
import logging
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Iterator

import anyio
import httpx2
import openai  # noqa: F401  # what it starts when it is imported is no leftover
import pytest
import sound

#: Names that a drill puts something else in the place of while it runs.
PATCHED = [
    *((time, name) for name in ("sleep", "monotonic", "monotonic_ns", "perf_counter", "time")),
    (asyncio, "sleep"),
    (anyio, "sleep"),
    (asyncio.BaseEventLoop, "run_forever"),
    (threading.Condition, "wait"),
    (threading, "_time"),
    (queue, "time"),
    (logging.Logger, "callHandlers"),
    (socket.socket, "connect"),
    (httpx2.HTTPTransport, "handle_request"),
    (httpx2.AsyncHTTPTransport, "handle_async_request"),
    (sound, "by_rules"),
    (sound, "charge"),
]
ORIGINALS = [(owner, name, getattr(owner, name)) for owner, name in PATCHED]
ENVIRON = {name: os.environ.get(name) for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")}
LONGEST_S = 3.0


def threads() -> list[threading.Thread]:
    """Return the threads that run, once those that are about to end have had the time to."""
    deadline = time.monotonic() + LONGEST_S
    while True:
        found = [each for each in threading.enumerate() if each is not threading.main_thread()]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.01)


def left() -> Iterator[str]:
    """Yield a line for each thing that is still there."""
    yield from (f"thread {each.name}" for each in threads())
    gc.collect()
    for each in gc.get_objects():
        if isinstance(each, socket.socket) and each.fileno() >= 0:
            yield f"socket {each}"
        if isinstance(each, asyncio.Task) and not each.done():
            yield f"task {each}"
        if isinstance(each, asyncio.AbstractEventLoop) and not each.is_closed():
            yield f"loop {each}"
    for owner, name, original in ORIGINALS:
        if getattr(owner, name) is not original:
            yield f"patch {name}"
    yield from (
        f"environ {name}" for name, value in ENVIRON.items() if os.environ.get(name) != value
    )


def main(files: list[str]) -> None:
    """Run each file in turn in this process."""
    found = {}
    for file in files:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            status = pytest.main(["-q", "-p", "no:cacheprovider", file])
        found[file] = {"status": int(status), "left": list(left()), "said": printed.getvalue()}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])

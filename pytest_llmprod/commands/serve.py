"""The command `llmprod serve`: a scripted provider on loopback, with faults."""

import argparse
import contextlib
import importlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.commands.arguments import port
from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.text import printable, shorten

if TYPE_CHECKING:
    from pytest_llmprod.faults.script import Text


def add_command(nouns: Any) -> None:
    """Add `serve` to the argparse sub-parsers of `llmprod`."""
    serve = nouns.add_parser(
        "serve",
        help="a provider on loopback that answers from a script, with faults",
        description="Answer OpenAI's and Anthropic's requests on 127.0.0.1 until Ctrl-C: each "
        "with the next fault of --faults, and with the reply where that is `ok`.",
    )
    serve.add_argument("--port", type=port, default=0, help="default: any that is free")
    serve.add_argument(
        "--faults",
        default="ok",
        metavar="A,B",
        help="names of faults: one holds for all requests; several take turns, one request each, "
        "and then all is well",
    )
    reply = serve.add_mutually_exclusive_group()
    reply.add_argument("--reply", metavar="TEXT", help="default: made up for each request")
    reply.add_argument(
        "--reply-by",
        metavar="MODULE:NAME",
        help="a function of the working directory that makes the text of each reply out of the "
        "request's JSON",
    )
    serve.set_defaults(run=_serve, parser=serve)


def _serve(options: argparse.Namespace) -> int:
    reply = options.reply if options.reply_by is None else load_reply(options.reply_by, Path.cwd())
    with contextlib.suppress(KeyboardInterrupt):  # it may come before the addresses are told, too
        _answer_requests(options.faults, reply, options.port)
    return 0


def _answer_requests(faults: str, reply: "Text | None", port: int) -> None:
    with make_server(faults, reply, port) as server:
        print(f"OPENAI_BASE_URL={server.url}")
        print(f"ANTHROPIC_BASE_URL={server.root_url}", flush=True)
        while True:
            time.sleep(3600)


def load_reply(name: str, folder: Path) -> Any:
    """Return the callable of a name such as "toy_model:reply", with `folder` on Python's path.

    Raises HandoffError for a text that is no such name, FaultError where there is no such callable.
    """
    from pytest_llmprod.handoff.probing import read_name  # other commands do without

    module, function = read_name(name)
    sys.path.insert(0, str(folder))
    try:
        reply = getattr(importlib.import_module(module), function, None)
    except Exception as error:
        told = shorten(printable(f"{type(error).__name__}: {error}"), 200)
        raise FaultError(
            f"{module} cannot be imported: {told}. Mend that, or run the command in its folder."
        ) from error
    if not callable(reply):
        raise FaultError(f"{module} has no callable {function!r}. Name a function of it.")
    return reply


def make_server(faults: str, reply: "Text | None", port: int) -> Any:
    """Return a server that is open; raise FaultError for an unknown fault or a port in use."""
    from pytest_llmprod.core.schedule import Schedule  # other commands do without
    from pytest_llmprod.faults.plan import InjectedFaults
    from pytest_llmprod.faults.schedule import InTurn
    from pytest_llmprod.faults.script import Script
    from pytest_llmprod.faults.server import FaultServer

    names = tuple(each.strip() for each in faults.split(",") if each.strip())
    plan = InjectedFaults(stands_in=True)
    plan.begin(InTurn(Schedule(names, then="last" if len(names) == 1 else "ok")))
    if reply is not None:
        plan.script = Script().reply(reply)
    try:
        return FaultServer(plan, port)
    except OverflowError as error:
        raise FaultError(f"port {port}: a port is a number from 0 to 65535.") from error
    except OSError as error:
        what = os.strerror(error.errno or 0)
        raise FaultError(f"port {port}: {what}. Name another one.") from error

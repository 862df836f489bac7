"""The command `llmprod serve`: a scripted provider on loopback, with faults."""

import argparse
import time
from typing import Any

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.text import printable


def add_command(nouns: Any) -> None:
    """Add `serve` to the argparse sub-parsers of `llmprod`."""
    serve = nouns.add_parser(
        "serve",
        help="a provider on loopback that answers from a script, with faults",
        description="Answer OpenAI's and Anthropic's requests on 127.0.0.1 until Ctrl-C: each "
        "with the next fault of --faults, and with --reply where that is `ok`.",
    )
    serve.add_argument("--port", type=int, default=0, help="default: any that is free")
    serve.add_argument(
        "--faults",
        default="ok",
        metavar="A,B",
        help="one name holds for all requests; several take turns, and then all is well",
    )
    serve.add_argument("--reply", metavar="TEXT", help="default: made up for each request")
    serve.set_defaults(run=_serve, parser=serve)


def _serve(options: argparse.Namespace) -> int:
    with make_server(options.faults, options.reply, options.port) as server:
        print(f"OPENAI_BASE_URL={server.url}")
        print(f"ANTHROPIC_BASE_URL={server.root_url}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


def make_server(faults: str, reply: str | None, port: int) -> Any:
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
    except OSError as error:
        raise FaultError(f"port {port}: {printable(str(error))}. Name another one.") from error

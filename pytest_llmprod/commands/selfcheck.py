"""The command `llmprod selfcheck`: can each gate of this project fail?"""

import argparse
from typing import Any

from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.layout import wrapped


def add_command(nouns: Any) -> None:
    """Add `selfcheck` to the argparse sub-parsers of `llmprod`."""
    selfcheck = nouns.add_parser(
        "selfcheck",
        help="prove that each gate of this project can fail",
        description="Collect the tests of this folder without running one, and give the code that "
        "judges runs what is wrong: wrong cases, requests of 99 USD and of an hour, a model "
        "without a price, a fault that is taken for an answer, a shard that is missing. Exits with "
        "1 where a gate would not notice.",
    )
    selfcheck.add_argument(
        "places", nargs="*", metavar="PATH", help="tests, as pytest takes them; default: all"
    )
    selfcheck.set_defaults(run=_selfcheck)


def _selfcheck(options: argparse.Namespace) -> int:
    from pytest_llmprod.hooks import selfchecking  # brings pytest, which other commands do without

    prover = selfchecking.run(options.places)
    proofs = prover.proofs or []
    for proof in proofs:
        mark = "can fail   " if proof.is_proven else "CANNOT FAIL"
        print("\n".join(wrapped(f"{mark}  {printable(proof.text)}", most_lines=3)))
    if not prover.suites:
        print("no eval is collected: its rows may have to be filled in, or name its file")
    unproven = sum(not each.is_proven for each in proofs)
    told = f"{counted(len(proofs), 'gate')} tried"
    print(f"{told}: {f'{unproven} cannot fail' if unproven else 'each can fail'}")
    return 1 if unproven else 0

"""The commands `llmprod cassette ...`: how they are called, and the short ones of them."""

import argparse
from pathlib import Path
from typing import Any

from pytest_llmprod.commands.arguments import existing_file, existing_path
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.text import counted
from pytest_llmprod.wire.cassettes import any_cassette
from pytest_llmprod.wire.cassettes.export import export


def add_commands(verbs: Any) -> None:
    """Add the verbs of `cassette` to its argparse sub-parsers."""
    _add_show(verbs)
    _add_check(verbs)
    _add_diff(verbs)
    _add_prune(verbs)
    _add_export(verbs)
    _add_import(verbs)


def _add_show(verbs: Any) -> None:
    show = verbs.add_parser(
        "show",
        help="list the exchanges in a cassette",
        description="List the exchanges in a cassette, ours or one that vcrpy or pytest-recording "
        "wrote.",
    )
    _add_file(show, "a cassette, in JSON or YAML")
    show.add_argument("--json", action="store_true", help="print JSON instead of a table")
    show.set_defaults(run=_show)


def _add_check(verbs: Any) -> None:
    check = verbs.add_parser(
        "check",
        help="look for secrets, old recordings, orphans and more",
        description="Look through cassettes for secrets, for files that cannot be read, for "
        "recordings that are too old or there twice, and for those whose test or case is gone. "
        "Exits with 1 where something has to be mended; notes do not count.",
    )
    _add_places(check)
    check.add_argument("--json", action="store_true", help="print JSON instead of lines")
    check.set_defaults(run=_check)


def _add_diff(verbs: Any) -> None:
    diff = verbs.add_parser(
        "diff",
        help="compare two cassettes, behaviour first",
        description="Compare the answers to the same questions in two cassettes, or in two folders "
        "with cassettes of the same names: first what they do, then their words, then what they "
        "cost. The models may differ. Exits with 1 where an answer does something else or has no "
        "partner.",
    )
    diff.add_argument(
        "old", type=existing_path, metavar="OLD", help="a cassette, or a folder of them"
    )
    diff.add_argument("new", type=existing_path, metavar="NEW", help="another of the same kind")
    diff.add_argument("--json", action="store_true", help="print every pair, as JSON")
    diff.set_defaults(run=_diff, parser=diff)


def _add_prune(verbs: Any) -> None:
    prune = verbs.add_parser(
        "prune",
        help="remove orphans, duplicates and gone cases",
        description="Remove cassettes whose test is gone, recordings that are there twice, and "
        "those of cases that left their data set. What `check` cannot tell stays.",
    )
    _add_places(prune)
    prune.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    prune.set_defaults(run=_prune)


def _add_export(verbs: Any) -> None:
    export = verbs.add_parser(
        "export",
        help="turn a cassette of ours into one of vcrpy's",
        description="Turn a cassette of ours into one in YAML, which stock vcrpy replays. An "
        "existing file is never overwritten.",
    )
    _add_file(export, "a cassette of ours")
    export.add_argument(
        "-o",
        dest="output",
        type=Path,
        metavar="OUT.yaml",
        help="the file to write; default: FILE with the ending .yaml",
    )
    export.set_defaults(run=_export)


def _add_import(verbs: Any) -> None:
    import_ = verbs.add_parser(
        "import",
        help="turn cassettes of vcrpy's into ours",
        description="Turn cassettes that vcrpy or pytest-recording wrote into ours: one file for "
        "each test function and each model that it asks. The test FUNCTION in MODULE.py plays it "
        "from cassettes/MODULE/FUNCTION.MODEL.json; FUNCTION[CASE].yaml becomes the section CASE "
        "in it. Recordings that a case has already are never overwritten.",
    )
    import_.add_argument(
        "places",
        nargs="+",
        type=existing_path,
        metavar="PATH",
        help="a cassette of vcrpy's, in YAML or JSON, or a folder of them",
    )
    import_.add_argument(
        "-o",
        dest="output",
        type=Path,
        metavar="OUT.json",
        help="the file to write, for one test and one model; default: FUNCTION.MODEL.json beside "
        "each file",
    )
    import_.set_defaults(run=_import, parser=import_)


def _add_file(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("file", type=existing_file, metavar="FILE", help=what)


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "places",
        nargs="*",
        type=existing_path,
        metavar="PATH",
        help="a cassette, or a folder; default: every folder named cassettes below here",
    )


def _show(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import cassette_show  # other commands do without

    return cassette_show.run(options)


def _check(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import cassette_check  # other commands do without

    return cassette_check.run(options)


def _diff(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import cassette_diff  # other commands do without

    return cassette_diff.run(options)


def _prune(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import cassette_prune  # other commands do without

    return cassette_prune.run(options)


def _import(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import cassette_import  # other commands do without

    return cassette_import.run(options)


def _export(options: argparse.Namespace) -> int:
    recordings = any_cassette.read(options.file)
    path = options.output or options.file.with_suffix(".yaml")
    _refuse_to_overwrite(path)
    exported = export(recordings)
    left_out = len(exported.left_out)
    if left_out == len(recordings):
        what = "only failures on the wire, which vcrpy cannot raise" if left_out else "no recording"
        raise CassetteError(f"{options.file}: holds {what}, so there is nothing to export.")
    try:
        write_whole(path, exported.text.encode())
    except OSError as error:
        raise CassetteError(
            f"{path}: cannot be written ({error.strerror}). Name another file with -o."
        ) from error
    print(f"{path}: {counted(len(recordings) - left_out, 'recording')}")
    if left_out:
        print(f"{counted(left_out, 'failure')} on the wire left out: vcrpy cannot raise any")
    return 0


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise CassetteError(
            f"{path}: is there already, and would be overwritten. Move it away, or name another "
            f"file with -o."
        )

"""The command `llmprod cassette import`: what vcrpy recorded becomes cassettes that tests play."""

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pytest_llmprod.commands.layout import print_error
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.wire.cassettes import any_cassette, cassette_file, folders, locks
from pytest_llmprod.wire.cassettes.conversion import from_vcrpy, named_test
from pytest_llmprod.wire.cassettes.owner import find_owners
from pytest_llmprod.wire.label import cassette_name
from pytest_llmprod.wire.recording import Recording


def run(options: argparse.Namespace) -> int:
    """Write the cassettes and say how many recordings went into each; exit with 1 on a problem."""
    found, problems = _read(_sources(options.places))
    if options.output is not None and len(found) > 1:
        names = printable(", ".join(path.name for path in found))
        options.parser.error(
            f"-o names one cassette, and {len(found)} are to be written: {names}. Leave -o out."
        )
    targets = {options.output or path: parts for path, parts in found.items()}
    with locks.alone_with(targets):
        problems += _write(targets)
    problems += _unplayed(targets)
    for problem in problems:
        print_error(printable(problem))
    return 1 if problems else 0


def _sources(places: Sequence[Path]) -> list[Path]:
    """Return the files to import: those that are named, and those of vcrpy's in the folders."""
    sources: dict[Path, None] = {}
    for place in places:
        files = [place]
        if place.is_dir():
            files = [path for path in folders.find([place]) if not any_cassette.is_ours(path)]
        if not files:
            raise CassetteError(
                f"{place}: holds no cassette of vcrpy's. Name one, or a folder of them."
            )
        sources.update(dict.fromkeys(files))
    return list(sources)


def _read(sources: Iterable[Path]) -> tuple[dict[Path, list[list[Recording]]], list[str]]:
    """Return for each cassette of ours what goes into it, file by file, and what is wrong.

    A file that cannot be imported is no reason to leave the others out.
    """
    found: dict[Path, list[list[Recording]]] = {}
    problems = []
    for source in sources:
        try:
            function, _ = named_test(source)
            for model, recordings in from_vcrpy(source, os.environ).items():
                path = source.with_name(cassette_name(function, model))
                found.setdefault(path, []).append(recordings)
        except CassetteError as error:
            problems.append(str(error))
    return found, problems


def _write(targets: Mapping[Path, Sequence[Sequence[Recording]]]) -> list[str]:
    """Add to each cassette what it lacks, say how much that is, and return what stays out."""
    # All are read before the first is written: one that is broken leaves the others as they are.
    held = {path: cassette_file.load(path).all() for path in targets}
    problems = []
    for path, parts in targets.items():
        added, left_out = _new(held[path], parts)
        if added:
            cassette_file.save(path, [*held[path], *added])
            print(f"{path}: {counted(len(added), 'recording')}")
        for case in left_out:
            whose = f"the case {case!r}" if case else "the test"
            problems.append(
                f"{path}: has recordings of {whose} already, and they stay. Move the file away to "
                f"import them anew."
            )
    return problems


def _new(
    held: Iterable[Recording], parts: Iterable[Sequence[Recording]]
) -> tuple[list[Recording], list[str]]:
    """Return what is to be added, and the cases of which there is something already."""
    taken = {recording.case for recording in held}
    added: list[Recording] = []
    left_out = []
    for recordings in parts:
        case = recordings[0].case
        if case in taken:
            left_out.append(case)
        else:
            added += recordings
        taken.add(case)
    return added, left_out


def _unplayed(paths: Iterable[Path]) -> list[str]:
    """Say which cassettes certainly belong to no test."""
    return [
        f"{path}: no test plays it: {standing.why}. Name the cassette of a test with -o."
        for path, standing in find_owners(paths).items()
        if standing.state == "gone"
    ]

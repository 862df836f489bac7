"""Conversion: how does a cassette of vcrpy's become one of ours?"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import any_cassette
from pytest_llmprod.wire.cassettes.leaks import refuse_leaks
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model
from pytest_llmprod.wire.scanners.known_secrets import environment_scanners


def named_test(path: Path) -> tuple[str, str]:
    """Return the test function, with its class, and the case that the name of a file tells.

    pytest-recording calls the cassette of a parametrised test `Class.function[case].yaml`. Raises
    CassetteError where the name is cut, as it is where it would be too long for the system.
    """
    function, bracket, rest = path.stem.partition("[")
    if bracket and not rest.endswith("]"):
        raise CassetteError(
            f"{path}: its name is cut, so that nobody can tell the case. Leave it where it lies: "
            f"its test plays it there."
        )
    return function, rest.removesuffix("]")


def from_vcrpy(path: Path, environ: Mapping[str, str]) -> dict[str, list[Recording]]:
    """Return the recordings of a cassette of vcrpy's by the model that they ask, with their keys.

    They belong to the case that the name of the file tells, and are masked as if they were recorded
    now, with `environ`. Raises CassetteError where it cannot be read, is one of ours, or holds
    nothing.
    """
    if path.is_file() and any_cassette.is_ours(path):
        raise CassetteError(f"{path}: is no cassette of vcrpy's. Name one in YAML or JSON.")
    _, case = named_test(path)
    by_model: dict[str, list[Recording]] = {}
    known = environment_scanners(environ)
    for recording in any_cassette.read(path, known=known):
        refuse_leaks(recording.to_json(), {"the environment variable": known})
        model = asked_model(recording) or NO_MODEL
        by_model.setdefault(model, []).append(replace(recording, case=case))
    if not by_model:
        raise CassetteError(f"{path}: holds no recording, so there is nothing to import.")
    return by_model

"""Conversion: how does a cassette of vcrpy's become one of ours, and the other way round?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.cassettes import any_cassette
from pytest_llmprod.wire.cassettes.export import export
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model


def from_vcrpy(path: Path) -> dict[str, list[Recording]]:
    """Return the recordings of a cassette of vcrpy's by the model that they ask, with their keys.

    Raises CassetteError where it cannot be read, is one of ours, or holds nothing.
    """
    if path.is_file() and any_cassette.is_ours(path):
        raise CassetteError(f"{path}: is no cassette of vcrpy's. Name one in YAML or JSON.")
    by_model: dict[str, list[Recording]] = {}
    for recording in any_cassette.read(path):
        model = asked_model(recording) or NO_MODEL
        by_model.setdefault(model, []).append(_masked_with_key(recording))
    if not by_model:
        raise CassetteError(f"{path}: holds no recording, so there is nothing to import.")
    return by_model


def _masked_with_key(recording: Recording) -> Recording:
    request = masking.mask_strings(dict(recording.request), masking.BUILT_IN)
    response = masking.mask_strings(dict(recording.response), masking.BUILT_IN)
    return replace(recording, key=stored_key(request), request=request, response=response)


def to_vcrpy(recordings: Sequence[Recording]) -> tuple[str, int]:
    """Return a cassette in YAML that stock vcrpy replays, and how many recordings it leaves out.

    vcrpy can raise no error of the wire, so the recordings of such errors are left out.
    """
    exported = export(recordings)
    return exported.text, len(exported.left_out)

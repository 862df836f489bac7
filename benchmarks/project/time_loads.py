"""Time the loading of cassettes in this process: `python time_loads.py ROUNDS OURS [VCRPY]`.

Prints a JSON object of lists with a number for each round, in microseconds of CPU for each
interaction: `load` reads the file and makes its index, `decode` does that and decodes every
recording, `vcrpy` is vcrpy's own load of its YAML.
"""

import json
import sys
from collections.abc import Callable, Sized
from pathlib import Path
from time import process_time

from pytest_llmprod.wire.cassettes import cassette_file


def load(path: Path) -> Sized:
    """Load a cassette of ours as a run does."""
    return cassette_file.load(path)


def decode(path: Path) -> Sized:
    """Load a cassette of ours and decode every recording."""
    return cassette_file.load(path).all()


def load_with_vcrpy(path: Path) -> Sized:
    """Load a YAML cassette as vcrpy does."""
    # Imported here, because vcrpy is heavy and only this reference needs it.
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import yamlserializer

    requests, _responses = FilesystemPersister.load_cassette(path, yamlserializer)
    return requests


def microseconds_each(function: Callable[[Path], Sized], path: Path, rounds: int) -> list[float]:
    """Return the CPU time for each interaction, of each round after one that warms up."""
    count = len(function(path))
    times = []
    for _ in range(rounds):
        start = process_time()
        loaded = function(path)
        times.append((process_time() - start) / count * 1e6)
        del loaded
    return times


def main(rounds: int, ours: Path, vcrpy: Path | None) -> None:
    """Print the times of all functions as JSON, with the number of recordings that were read."""
    times = {
        "recordings": len(decode(ours)),
        "load": microseconds_each(load, ours, rounds),
        "decode": microseconds_each(decode, ours, rounds),
    }
    if vcrpy is not None:
        times["vcrpy_recordings"] = len(load_with_vcrpy(vcrpy))
        times["vcrpy"] = microseconds_each(load_with_vcrpy, vcrpy, rounds)
    print(json.dumps(times))


if __name__ == "__main__":
    main(
        rounds=int(sys.argv[1]),
        ours=Path(sys.argv[2]),
        vcrpy=Path(sys.argv[3]) if len(sys.argv) > 3 else None,
    )

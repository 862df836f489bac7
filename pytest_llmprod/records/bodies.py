"""Bodies: what was said, kept by its digest apart from the figures, so that it can be dropped.

A bodies file has a line for each body: its digest, a space, and the body as JSON. There is one file
for each process that writes, because 10,000 files of one body each are slow to make and to remove.
"""

import json
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

ENDING = ".bodies"
_DIGITS = 32  # 128 bits
_ENCODER = json.JSONEncoder(ensure_ascii=False)  # json.dumps makes one at each call


def packed(body: Any) -> tuple[str, bytes]:
    """Return the digest of a JSON value, and its line in a bodies file.

    A value that is no JSON is replaced by a text that says so: a log must not stop a test.
    """
    content = _as_json(body)
    digest = sha256(content).hexdigest()[:_DIGITS]
    return digest, b"%b %b\n" % (digest.encode(), content)


def _as_json(body: Any) -> bytes:
    try:
        return _ENCODER.encode(body).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot hold
        return json.dumps(body).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"(not stored, for it is no JSON: {type(error).__name__})").encode()


def lines_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the digest and the undecoded JSON of each body in the folder of a run."""
    for path in sorted(folder.glob(f"*{ENDING}")):
        with path.open("rb") as file:
            for line in file:
                digest, _, content = line.partition(b" ")
                if content.endswith(b"\n"):  # the last line is half written where a process died
                    yield digest.decode("ascii", "replace"), content


def read(folder: Path, digests: Collection[str]) -> dict[str, Any]:
    """Return those of the bodies with these digests that are in the folder of a run."""
    found: dict[str, Any] = {}
    for digest, content in lines_in(folder):
        if digest in digests and digest not in found:
            try:
                found[digest] = json.loads(content)
            except (ValueError, RecursionError):  # a damaged file
                continue
    return found

"""Corpora: what others recorded and judged, read without any code of the package.

The corpora are not part of the project. LLMPROD_CORPORA names their folder; without them the tests
that need them are skipped.
"""

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

_BESIDE_THE_PROJECT = Path(__file__).parents[2] / "shared" / "corpora"
_CORPORA = Path(os.environ.get("LLMPROD_CORPORA", _BESIDE_THE_PROJECT))
CASSETTES = _CORPORA / "cassettes"
EVALS = _CORPORA / "evals"
GUARDRAILS = _CORPORA / "guardrails"
MALFORMED = _CORPORA / "malformed"


def needs(folder: Path) -> pytest.MarkDecorator:
    """Return the mark of tests that are skipped where `folder` is not there."""
    return pytest.mark.skipif(
        not folder.is_dir(),
        reason=f"no corpora at {folder}; "
        f"set LLMPROD_CORPORA to the folder that holds {folder.name}/",
    )


class _PlainLoader(yaml.CSafeLoader):
    """Reads plain values; the only Python objects in the files are texts, as aiohttp names them."""


_PlainLoader.add_multi_constructor(
    "tag:yaml.org,2002:python/object/",
    lambda loader, _, node: loader.construct_sequence(node)[0],
)


def interactions_in(path: Path) -> list[dict[str, Any]]:
    """Return the interactions of a cassette as plain values."""
    found: list[dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)[
        "interactions"
    ]
    return found


def body_of(message: Mapping[str, Any]) -> bytes:
    """Return the body of a request or an answer, decompressed."""
    if "parsed_body" in message:
        return json.dumps(message["parsed_body"]).encode()
    body = message.get("body") or b""
    if isinstance(body, dict):
        body = body["string"]
    content = body if isinstance(body, bytes) else body.encode()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content

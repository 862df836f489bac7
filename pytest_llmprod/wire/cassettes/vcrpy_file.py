"""vcrpy file: what vcrpy, or a tool built on it, wrote, and where it put it."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.bodies import json_bytes

_UNSAFE_CHARACTERS = re.compile(r"""[<>?%*:|"'/\\]""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A request and its answer as the file has them, unmasked and perhaps compressed."""

    method: str
    uri: str
    request_headers: Sequence[tuple[str, str]]
    request_body: bytes
    code: int
    reason: str
    headers: Sequence[tuple[str, str]]
    body: bytes


def recording_path(test_file: Path, test_name: str, class_name: str | None) -> Path:
    """Return where pytest-recording keeps the cassette of a test, as its version 0.14 computes it.

    `test_name` is the name of the item with its parameters, `class_name` that of the class it is
    in. Fixtures and markers that change the name or the folder are not looked at.
    """
    name = f"{class_name}.{test_name}" if class_name else test_name
    name = _UNSAFE_CHARACTERS.sub("-", name)
    most = _longest_name()
    if len(name) + len(".yaml") > most:
        digest = md5(name.encode(), usedforsecurity=False).hexdigest()
        name = f"{name[: most - len('.yaml') - len(digest) - 3]}...{digest}"
    return test_file.parent / "cassettes" / test_file.stem / f"{name}.yaml"


@cache
def _longest_name() -> int:
    try:
        return os.pathconf(".", "PC_NAME_MAX")
    except (AttributeError, ValueError, OSError):  # Windows has no pathconf
        return 255


def read(path: Path) -> list[Interaction]:
    """Read the file at `path`, in YAML or JSON by the ending of its name.

    Raises CassetteError where the file is no cassette, and whatever vcrpy and its parsers raise
    where they cannot read it.
    """
    # vcrpy imports every HTTP library that it can patch: only who reads its files pays for that.
    from vcr.serialize import deserialize

    requests, responses, *_ = deserialize(path.read_text(encoding="utf-8"), _serializer(path))
    return [
        Interaction(
            method=request.method,
            uri=request.uri,
            request_headers=_pairs(request.headers),
            request_body=_content(request.body),
            code=response["status"]["code"],
            reason=response["status"]["message"],
            headers=_pairs(response["headers"]),
            body=_content(response["body"]["string"]),
        )
        for request, response in zip(requests, responses, strict=True)
    ]


def _serializer(path: Path) -> Any:
    """Return a serializer for vcrpy that also reads what its own refuses."""
    from vcr.serializers import jsonserializer, yamlserializer  # see read()

    stock: Any = jsonserializer
    if path.suffix != ".json":
        # Some recorders kept the names of headers as aiohttp's own kind of string.
        istr = "tag:yaml.org,2002:python/object/{}:multidict._multidict.istr"
        constructors = {istr.format(how): _first_argument for how in ("apply", "new")}
        # A date without quotes is a text: no JSON holds dates.
        constructors["tag:yaml.org,2002:timestamp"] = _as_written
        stock = yamlserializer.with_custom_tags(constructors)
    return SimpleNamespace(deserialize=lambda text: _translate(stock.deserialize(text)))


def _first_argument(loader: Any, node: Any) -> str:
    return str(loader.construct_sequence(node)[0])


def _as_written(loader: Any, node: Any) -> str:
    return str(loader.construct_scalar(node))


def _translate(data: Any) -> Any:
    """Bring relatives of vcrpy's format into the form that vcrpy reads."""
    if isinstance(data, list):
        return data  # of an old vcrpy: the new one says so
    if not isinstance(data, dict) or not isinstance(data.get("interactions"), list):
        raise CassetteError(
            "is no cassette, for it has no list of interactions. Name a cassette, a file under "
            "cassettes/."
        )
    interactions = [
        {"request": _stock_request(each["request"]), "response": _stock_response(each["response"])}
        for each in data["interactions"]
    ]
    return {**data, "interactions": interactions}


def _stock_request(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "method": stored["method"],
        "uri": stored["uri"],
        "headers": stored.get("headers") or {},
        "body": _parsed_body(stored) or stored.get("body"),
    }


def _stock_response(stored: Mapping[str, Any]) -> dict[str, Any]:
    if "status_code" in stored:  # what vcrpy before version 6 wrote for httpx
        status = {"code": stored["status_code"]}
        content = stored["content"]
    else:
        status = stored["status"]
        content = _parsed_body(stored) or stored["body"]["string"]
    return {
        "status": {"code": status["code"], "message": status.get("message") or ""},
        "headers": stored.get("headers") or {},
        "body": {"string": _content(content)},
    }


def _parsed_body(stored: Mapping[str, Any]) -> bytes | None:
    """Return a body that pydantic-ai's serializer stored as the document that it is."""
    return json_bytes(stored["parsed_body"]) if "parsed_body" in stored else None


def _content(body: Any) -> bytes:
    """Return the bytes of a body, of which vcrpy keeps what the HTTP library was given."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, Mapping | Sequence):
        return json_bytes(body)
    return b"".join(_content(piece) for piece in body)  # a file or another iterator


def _pairs(headers: Mapping[str, str | Iterable[str]]) -> list[tuple[str, str]]:
    """Return headers as pairs; a file edited by hand may have a text in place of a list."""
    return [
        (name, str(value))
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]

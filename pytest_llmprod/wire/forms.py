"""Forms: what a `multipart/...` body says, apart from its random boundary.

A form stands for a request as JSON, with its texts as they are and its files as digests.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pytest_llmprod.core.credential_names import is_secret_name
from pytest_llmprod.wire.canonical import digest_of


class Part(NamedTuple):
    """One part of a form: its name and file name, its type, and its content."""

    name: str
    filename: str
    content_type: str
    content: bytes


_BOUNDARY = re.compile(r'(?i)^multipart/.*?;\s*boundary=(?:"([^"]+)"|([^;\s]+))')
_PARAMETER = re.compile(r'(?i)\b(name|filename)="([^"]*)"')


def read_form(content_type: str, body: bytes) -> Any:
    """Return a `multipart/...` body as JSON, or None where it is none.

    Texts stand there as they are, files as digests.
    """
    parts = form_parts(content_type, body)
    return None if parts is None else {"multipart": [_part_document(part) for part in parts]}


def form_parts(content_type: str, body: bytes) -> Iterator[Part] | None:
    """Return the parts of a `multipart/...` body, or None where it is none."""
    match = _BOUNDARY.match(content_type)
    if match is None:
        return None
    return _parts(body, b"--" + (match[1] or match[2]).encode())


def _parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    for block in body.split(boundary)[1:]:
        head, separator, content = block.partition(b"\r\n\r\n")
        if not separator:  # what follows the last boundary
            continue
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (
                line.partition(":") for line in head.decode("utf-8", "replace").splitlines()
            )
        }
        named = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
        yield Part(
            name=named.get("name", ""),
            filename=named.get("filename", ""),
            content_type=headers.get("content-type", ""),
            content=content.removesuffix(b"\r\n"),
        )


def _part_document(part: Part) -> Mapping[str, Any]:
    about = {"name": part.name, "filename": part.filename, "content_type": part.content_type}
    found: dict[str, Any] = {name: value for name, value in about.items() if value}
    if not part.filename:
        if is_secret_name(part.name):
            return {**found, "text": f"[masked {part.name}]"}
        try:
            return {**found, "text": part.content.decode()}
        except UnicodeDecodeError:
            pass
    return {**found, "content": digest_of(part.content, len(part.content))}


def form_model(document: Any) -> str:
    """Return the text of the part `model` of a form, or ''."""
    parts = document.get("multipart") if isinstance(document, dict) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("name") == "model":
            return str(part.get("text", ""))
    return ""


def with_form_model(body: bytes, document: Any, model: str) -> tuple[bytes, Any]:
    """Return a form and its document with `model` in the part `model`."""
    named = re.escape(form_model(document).encode())
    head = rb'(\bname="model"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)'
    pattern = re.compile(head + named + rb"(?=\r\n)")
    parts = [
        {**part, "text": model} if part.get("name") == "model" else part
        for part in document["multipart"]
    ]
    body = pattern.sub(lambda match: match[1] + model.encode(), body, count=1)
    return body, {**document, "multipart": parts}

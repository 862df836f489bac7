"""Gist: the last thing that a request says, in one short line."""

import json
from typing import Any

from pytest_llmprod.core.text import printable, shorten


def gist(document: Any, columns: int = 44) -> str:
    """Return the last thing that a request says, quoted and cut to `columns` columns."""
    text: Any = ""
    if isinstance(document, dict):
        said = next((document[name] for name in _CONVERSATIONS if document.get(name)), "")
        last = said[-1] if isinstance(said, list) else said
        text = _content(last) if isinstance(last, dict) else last
    if not isinstance(text, str):
        text = json.dumps(text, ensure_ascii=False)
    return f'"{shorten(printable(text), columns)}"' if text else "no text"


_CONVERSATIONS = ("messages", "input", "contents", "prompt")


def _content(message: dict[str, Any]) -> Any:
    """Return the text of a message, also of one whose content comes in parts."""
    content = message.get("content") or message.get("parts") or message.get("output") or ""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return next((text for text in reversed(texts) if text), content)
    return content

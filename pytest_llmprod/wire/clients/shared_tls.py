"""Shared TLS: every client that a replaying test builds gets one TLS context.

Making one loads the CA bundle, which takes longer than a replayed call. While nothing can leave,
nobody needs a context of their own.
"""

from collections.abc import Sequence
from typing import Any

from pytest_llmprod.wire.clients.passage import Passage


def replacements(httpcore2: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in httpcore2, with which httpx2 makes its contexts."""
    original = httpcore2.default_ssl_context
    shared: dict[str, Any] = {}

    def default_ssl_context(**kwargs: Any) -> Any:
        tape = passage.owner()
        if tape is None or tape.mode != "none":
            return original(**kwargs)
        name = repr(sorted(kwargs.items()))
        if name not in shared:
            shared[name] = original(**kwargs)
        return shared[name]

    return [(httpcore2, "default_ssl_context", default_ssl_context)]

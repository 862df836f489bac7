"""Shared TLS: every client that a replaying test builds gets one TLS context.

Making one loads the CA bundle, which takes longer than a replayed call. Where no host is allowed,
nothing that a replaying test sends leaves, and nobody can tell that a context is another client's.
Where one is, a certificate that a client loads into its context must not reach the others.
"""

import os
from collections.abc import Hashable, Sequence
from typing import Any

from pytest_llmprod.wire.clients.passage import Passage

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def replacements(httpcore2: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in httpcore2, with which httpx2 makes its contexts."""
    if passage.allow_hosts:
        return []
    original = httpcore2.default_ssl_context
    shared: dict[Hashable, Any] = {}

    def default_ssl_context(**kwargs: Any) -> Any:
        tape = passage.owner()
        if tape is None or tape.mode != "none":
            return original(**kwargs)
        # httpcore2 reads these two by itself, each time.
        name = (repr(sorted(kwargs.items())), *map(os.environ.get, _CERTIFICATES))
        if name not in shared:
            shared[name] = original(**kwargs)
        return shared[name]

    return [(httpcore2, "default_ssl_context", default_ssl_context)]

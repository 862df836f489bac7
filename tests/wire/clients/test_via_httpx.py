"""Via httpx: the headers of a request, read as httpx reads them."""

import httpx2
import pytest

from pytest_llmprod.wire.clients.via_httpx import _items


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"Accept", b"application/json"), (b"X-Tag", b"a"), (b"x-tag", b"b")],
        [(b"X-Name", "Zo\u00eb".encode("utf-8"))],
        [(b"X-Name", "Zo\u00eb".encode("latin-1")), (b"Accept", b"*/*")],
    ],
)
def test_headers_are_those_that_httpx_lists(headers: list[tuple[bytes, bytes]]) -> None:
    sent = httpx2.Headers(headers)

    assert _items(sent) == sent.multi_items()

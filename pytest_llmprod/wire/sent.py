"""Sent: what a test sent, and whether a value that it planted left with it."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.core.told import Planted
from pytest_llmprod.wire.leaving import veiled
from pytest_llmprod.wire.outgoing import Outgoing, pieces

_LONGEST_URL = 100
_CONTROL_URL = "https://control.invalid/"


class Sent:
    """The requests of a test, or of a block, as they left; those that were replayed as well."""

    def __init__(self, outgoing: Sequence[Outgoing]) -> None:
        """Show what stands in `outgoing` from here on."""
        self._outgoing = outgoing
        self._before = len(outgoing)

    @property
    def requests(self) -> tuple[Outgoing, ...]:
        """Return the requests in their order: `method`, `url`, `headers` and `body`, unmasked."""
        return tuple(self._outgoing[self._before :])

    def assert_no(self, planted: Any) -> None:
        """Raise AssertionError where a planted value left with a request, or none was sent.

        `planted` is a text, a value or a document of the strategies, or a list of these. All of a
        request is searched, however the value is written there; what each search is worth is proved
        first, on a request that holds the value. ValueError says that a value is too short, and
        TypeError that `planted` is something else: of a dict, only the names would be searched.
        """
        __tracebackhide__ = True  # the application failed, not this function
        values = [Planted(value) for value in dict.fromkeys(_values_of(planted))]
        if not values:
            raise ValueError("assert_no() needs a planted value, and was given none.")
        for value in values:
            _prove(value)
        requests = self.requests
        if not requests:
            raise AssertionError(
                "No request left, so there is nothing that could be searched: the test proves "
                "nothing. Call assert_no() behind what asks the model."
            )
        leaks = list(_leaks(values, requests))
        if leaks:
            what = (
                "A planted value" if len(leaks) == 1 else f"{counted(len(leaks), 'planted value')}"
            )
            raise AssertionError("\n".join([f"{what} left with a request:", *leaks]))


def _values_of(planted: Any) -> Iterator[str]:
    if isinstance(planted, str):
        yield planted
    elif hasattr(planted, "spans"):
        yield from (span.pii.value for span in planted.spans)
    elif hasattr(planted, "value"):
        yield planted.value
    elif isinstance(planted, Mapping | bytes):
        kind = type(planted).__name__
        raise TypeError(f"planted is a text, a value, a document or a list of these, not {kind}.")
    else:
        for each in planted:
            yield from _values_of(each)


def _leaks(values: Sequence[Planted], requests: Sequence[Outgoing]) -> Iterator[str]:
    for value in values:
        for number, request in enumerate(requests, 1):
            found = _found(value, request)
            if found:
                where, how = found
                url = shorten(printable(_shown_url(request, value)), _LONGEST_URL)
                yield (
                    f"  {veiled(value.value)} in {how}\n"
                    f"    at {where} of request {number} of {len(requests)}, "
                    f"{request.method} {url}"
                )
                break


def _shown_url(request: Outgoing, value: Planted) -> str:
    url = request.url.partition("?")[0]
    return veiled(url) if value.how_told(url) else url


def _found(value: Planted, request: Outgoing) -> tuple[str, str] | None:
    """Return where in a request a value stands, and how it is written; None where it does not."""
    texts: list[str] = []
    for piece in pieces(request):
        how = value.how_told(piece.text)
        if how:
            where = piece.place.told(lambda step: veiled(step) if value.how_told(step) else step)
            return where, piece.how or how
        texts.append(piece.text)
    if value.is_long:
        how = value.how_told("".join(texts))
        if how:
            return "several places", f"{how}, in pieces"
    how = value.how_told(request.body.decode("utf-8", "ignore"))
    return ("body", how) if how else None


def _prove(value: Planted) -> None:
    """Raise AssertionError where a search does not find a value where it was put."""
    encoded = base64.b64encode(value.value.encode("utf-8", "surrogatepass")).decode()
    for control in (
        Outgoing("POST", _CONTROL_URL, [], json.dumps({"a": [value.value]}).encode()),
        Outgoing("POST", _CONTROL_URL, [], json.dumps({"a": f"see {encoded}"}).encode()),
        Outgoing("POST", _CONTROL_URL, [("x-control", encoded)], b""),
    ):
        if _found(value, control) is None:
            raise AssertionError(
                f"The search for {veiled(value.value)} does not find it where it was put for a "
                f"control, so it proves nothing. Plant another value."
            )

"""Billing: what has to be known of a recording to price it?"""

from pathlib import Path

from pytest_llmprod.budgets.price_changes import Request
from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.wire.bodies import documents_of
from pytest_llmprod.wire.cassettes import any_cassette, folders
from pytest_llmprod.wire.dialects.service_tier import tier_of
from pytest_llmprod.wire.recording import Recording, asked_model


def request_of(recording: Recording) -> Request | None:
    """Return what prices a recording, None where it tells no tokens: nothing can price that."""
    if recording.usage is None:
        return None
    asked = asked_model(recording)
    return Request(
        provider=any_cassette.provider_of(recording),
        model=recording.model or asked,
        asked=asked,
        tier=tier_of(documents_of(recording.response["body"])),
        usage=recording.usage,
    )


def requests_below(folder: Path) -> list[Request]:
    """Return the requests that can be priced in the cassettes below a folder.

    Raises PricesError where there are none.
    """
    requests = [
        request_of(recording)
        for path in folders.find_below(folder)
        for recording in any_cassette.read(path)
    ]
    found = [request for request in requests if request is not None]
    if not found:
        raise PricesError(
            f"{folder}: no recording below this folder tells how many tokens it took, so there is "
            f"nothing to price. Record an answer with `pytest --llm-eval --llm-record=once`."
        )
    return found

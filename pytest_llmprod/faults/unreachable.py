"""Unreachable: the faults of the connection, and of answers that take too long."""

from dataclasses import replace

from pytest_llmprod.core.faulting import NEVER_S, Asked, Break, WireAnswer
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.good_answer import answer_of
from pytest_llmprod.faults.http_answer import EVENTS, JSON

_CONNECTION = ("connect", "connection", "disconnected", "unreachable")
_TIMEOUT = ("timed out", "timeout", "time out", "too slow", "deadline")
_SLOW_S = 15.0
_DRIPS_S = 600.0
_MOST_GAP_S = 5.0
_LEAST_GAP_S = 0.01  # a client that waits for less than that has no patience to outlast


def _broken(
    name: str, what: str, breaks: Break, *, raises: str = "APIConnectionError", ends_s: float = 0.0
) -> Fault:
    return Fault(
        name=name,
        group="slow" if ends_s else "outage",
        what=what,
        build=lambda asked, good: WireAnswer(status=0, breaks=breaks, ends_s=ends_s, head_s=ends_s),
        retryable=True,
        billable=False,
        raises=raises,
        requests=3,
        words=_TIMEOUT if ends_s else _CONNECTION,
    )


def _short(asked: Asked, good: Good) -> WireAnswer | None:
    if asked.stream:
        return None
    whole = answer_of(asked, good).body
    half = whole[: len(whole) // 2]
    return WireAnswer(headers=(JSON,), pieces=((0.0, half),), breaks="closed", length=len(whole))


def _slow(asked: Asked, good: Good) -> WireAnswer:
    whole = answer_of(asked, good)
    pieces = tuple((_SLOW_S, piece) for _, piece in whole.pieces)
    return replace(whole, pieces=pieces, head_s=_SLOW_S, ends_s=_SLOW_S)


def _drip(asked: Asked, good: Good) -> WireAnswer:
    """Return an answer of which a byte comes often enough that no read ever times out."""
    patience_s = asked.patience.read_s
    gap_s = _MOST_GAP_S
    if patience_s is not None:
        gap_s = max(_LEAST_GAP_S, min(_MOST_GAP_S, patience_s * 0.8))
    drop = b": keep-alive\n\n" if asked.stream else b" "
    drops = [(gap_s * number, drop) for number in range(int(_DRIPS_S / gap_s))]
    end_s = gap_s * len(drops)
    rest = [(end_s, piece) for _, piece in answer_of(asked, good).pieces]
    kind = EVENTS if asked.stream else JSON
    return WireAnswer(headers=(kind,), pieces=(*drops, *rest), ends_s=end_s)


UNREACHABLE: tuple[Fault, ...] = (
    _broken("dns-failure", "the name of the host is unknown", "unknown host"),
    _broken("connection-refused", "nobody listens at the port", "refused"),
    _broken(
        "tls-never-answered",
        "the port never answers the TLS handshake",
        "no tls",
        raises="APITimeoutError",
        ends_s=NEVER_S,
    ),
    _broken("closed-before-answer", "the server closes before it answers", "closed"),
    _broken("reset-before-answer", "the server resets before it answers", "reset"),
    _broken("not-http", "what answers speaks no HTTP", "not http"),
    Fault(
        name="short-body",
        group="outage",
        what="the connection closes in the middle of the body",
        build=_short,
        retryable=True,
        billable=True,
        raises="APIConnectionError",
        requests=3,
        words=_CONNECTION,
    ),
    _broken(
        "no-answer",
        "the server takes the request and never answers",
        "",
        raises="APITimeoutError",
        ends_s=NEVER_S,
    ),
    Fault(
        name="slow-answer",
        group="slow",
        what=f"a good answer comes after {_SLOW_S:.0f} s",
        build=_slow,
        retryable=True,
        billable=True,
        usable=True,
        words=_TIMEOUT,
    ),
    Fault(
        name="slow-drip",
        group="slow",
        what=f"a byte now and then for {_DRIPS_S:.0f} s: no read ever times out",
        build=_drip,
        retryable=True,
        billable=True,
        usable=True,
        words=_TIMEOUT,
    ),
)

"""The verdict of a drill at its bounds, without a run of pytest around it."""

import socket
from typing import Any

import pytest

from pytest_llmprod.core.drilling import DrillResult, survived_by_fault
from pytest_llmprod.faults.catalogue import CATALOGUE
from pytest_llmprod.faults.drill import DrillSpec, Seen, judge
from pytest_llmprod.faults.plan import InjectedFaults, Served
from pytest_llmprod.faults.schedule import Always
from pytest_llmprod.faults.server import FaultServer

FAULT = CATALOGUE["rate-limit"]


def verdict(spec: DrillSpec, error: Exception | None = None, **seen: Any) -> DrillResult:
    """Return the verdict about an application that sent three requests and logged nothing."""
    given: dict[str, Any] = {
        "met": FAULT,
        "ended_well": error is None,
        "served": [Served(FAULT, body=f"request {number}") for number in range(3)],
        "elapsed_s": 1.0,
        "error": error,
        "is_own": error is not None,
        "runs": {},
        "switch_s": None,
        "logged": [],
    }
    return judge(spec, "test_it", FAULT, Seen(**{**given, **seen}))


def test_as_many_requests_and_as_much_time_as_the_marker_allows_are_no_weakness() -> None:
    spec = DrillSpec(feature="triage", requests=3, within_s=1.0)

    assert verdict(spec).outcome == "retried and answered"


@pytest.mark.parametrize(
    ("spec", "weakness"),
    [
        (DrillSpec(feature="triage", requests=2), "too many requests"),
        (DrillSpec(feature="triage", within_s=0.9), "too late"),
    ],
)
def test_what_is_beyond_the_marker_is_a_weakness(spec: DrillSpec, weakness: str) -> None:
    assert [kind for kind, _ in verdict(spec).findings] == [weakness]


@pytest.mark.parametrize(("fallback", "outcome"), [("", "own error"), ("app:rules", "no fallback")])
def test_an_own_error_is_a_weakness_only_where_a_fallback_is_declared(
    fallback: str, outcome: str
) -> None:
    spec = DrillSpec(feature="triage", fallback=fallback)

    assert verdict(spec, ValueError("come again later")).outcome == outcome


@pytest.mark.parametrize("outcomes", [("hung", "fell back"), ("fell back", "hung")])
def test_a_fault_is_survived_only_by_all_tests_that_it_met(outcomes: tuple[str, str]) -> None:
    found = [
        DrillResult(
            feature="triage",
            test=f"test_{outcome}",
            fault="quota",
            group="limit",
            outcome=outcome,
            findings=(("hung", "for ever"),) if outcome == "hung" else (),
        )
        for outcome in outcomes
    ]

    assert survived_by_fault(found) == {"quota": False}


@pytest.mark.parametrize(("fault", "is_reset"), [("reset-before-answer", True), ("quota", False)])
def test_a_reset_on_sockets_is_one_for_the_client(fault: str, is_reset: bool) -> None:
    plan = InjectedFaults(stands_in=True)
    plan.begin(Always(CATALOGUE[fault]))
    with FaultServer(plan) as server, socket.create_connection(("127.0.0.1", server.port)) as asker:
        asker.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        seen = ""
        try:
            while asker.recv(2**16):
                pass
        except ConnectionResetError:
            seen = "reset"

    assert seen == ("reset" if is_reset else "")

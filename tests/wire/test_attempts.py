"""Attempts: a pause of the client belongs to the try that follows it, and to no other."""

from lab import Lab, chat_request, wire_request

from pytest_llmprod.wire.attempts import Attempts


def test_a_pause_counts_for_the_next_try_only(lab: Lab) -> None:
    attempts, tape = Attempts(lambda: 0.0), lab.run().tape("one")
    request = wire_request(chat_request("hello"))

    first = attempts.next(tape, request, retries=0)
    attempts.paused(2.0)
    again = attempts.next(tape, request, retries=1)
    other = attempts.next(tape, request, retries=0)

    assert [each.backoff_s for each in (first, again, other)] == [0.0, 2.0, 0.0]
    assert [each.call for each in (first, again, other)] == [1, 1, 2]

"""The switch: what is played, sent or refused."""

from typing import Any

import pytest

from pytest_llmprod.wire.switch import Played


def played(*pieces: tuple[float, bytes], ends_s: float) -> Played:
    return Played(status=200, headers=[], pieces=pieces, ends_s=ends_s, failure=None)


@pytest.mark.parametrize(
    ("answer", "timed"),
    [
        (played((0.5, b"a"), (2.0, b"b"), ends_s=2.0), [(0.5, b"a"), (1.5, b"b"), (0.0, b"")]),
        (played((0.5, b"a"), ends_s=3.0), [(0.5, b"a"), (2.5, b"")]),
        (played((0.5, b""), (2.0, b"b"), ends_s=2.0), [(2.0, b"b"), (0.0, b"")]),
        (played((0.5, b""), ends_s=0.5), [(0.5, b"")]),
        (played(ends_s=0.5), [(0.5, b"")]),
    ],
    ids=["pieces", "breaks off later", "nothing comes first", "no body", "no pieces"],
)
def test_each_piece_is_played_so_long_after_the_one_before(answer: Played, timed: Any) -> None:
    assert list(answer.timed()) == timed

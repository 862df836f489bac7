"""Which of two has an open file to itself."""

from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest

from pytest_llmprod.core import claims


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n")
    return path


def test_a_claimed_file_is_nobody_elses_until_it_is_given_back(path: Path) -> None:
    with FileIO(path, "r+") as mine, FileIO(path, "r+") as other:
        assert claims.take(mine)
        assert not claims.take(other)

        claims.give_back(mine)

        assert claims.take(other)
        claims.give_back(other)


def test_a_file_that_is_closed_is_given_back(path: Path) -> None:
    with FileIO(path, "r+") as mine:
        assert claims.take(mine)

    with FileIO(path, "r+") as other:
        assert claims.take(other)
        claims.give_back(other)


def pausing(waits: list[float], then: Callable[[], None]) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        waits.append(seconds)
        then()

    return sleep


def test_whoever_waits_has_the_file_as_soon_as_it_is_given_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    with FileIO(path, "r+") as mine, FileIO(path, "r+") as other:
        assert claims.take(mine)
        monkeypatch.setattr(claims, "sleep", pausing(waits, lambda: claims.give_back(mine)))

        assert claims.wait_for(other)

        assert not claims.take(mine)
        claims.give_back(other)
    assert waits == [0.02]


def test_after_a_minute_nobody_waits_any_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(claims, "sleep", pausing(waits, lambda: None))
    with FileIO(path, "r+") as mine, FileIO(path, "r+") as other:
        assert claims.take(mine)

        assert not claims.wait_for(other)
        claims.give_back(mine)

    assert sum(waits) == pytest.approx(60)

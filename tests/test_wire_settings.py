"""What `[tool.llmprod.wire]` says; that a wrong value is refused stands in `test_settings.py`."""

from pathlib import Path

from pytest_llmprod.composition.wire_settings import max_age_days


def test_the_age_of_recordings_comes_from_the_nearest_file(tmp_path: Path) -> None:
    near = tmp_path / "near"
    (near / "cassettes").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.llmprod.wire]\nmax_age_days = 9\n")

    far = max_age_days(near / "cassettes")
    (near / "pyproject.toml").write_text("[tool.llmprod.wire]\nmax_age_days = 7\n")

    assert (far, max_age_days(near / "cassettes")) == (9, 7)

"""The files that name a release say the same, and are numbered by one command."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import pytest_llmprod
from scripts import release

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "design" / "releasing.md").read_text(encoding="utf-8")
NAMED = ("pyproject.toml", "CHANGELOG.md", "pytest_llmprod/__init__.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pytest_llmprod").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "pytest_llmprod" / "__init__.py", tmp_path / "pytest_llmprod")
    # Not the real one: it has no news on the day after a release.
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- One.\n- Two.\n")
    return tmp_path


def test_the_package_and_its_metadata_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert pytest_llmprod.__version__ == project["version"]


def test_a_release_is_numbered_in_each_file(checkout: Path) -> None:
    before = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    names = release.prepare(checkout, "7.8.9", "2026-12-01")

    assert sorted(names) == sorted(NAMED)
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == "7.8.9"
    assert '__version__ = "7.8.9"\n' in (checkout / NAMED[2]).read_text(encoding="utf-8")
    after = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased\n\n## 7.8.9 (2026-12-01)\n\n- " in after
    assert after.replace("\n## 7.8.9 (2026-12-01)\n", "") == before


def test_a_changelog_keeps_its_earlier_releases(checkout: Path) -> None:
    release.prepare(checkout, "7.8.9", "2026-12-01")
    path = checkout / "CHANGELOG.md"
    path.write_text(path.read_text().replace("## Unreleased\n", "## Unreleased\n\n- News.\n"))

    release.prepare(checkout, "7.9.0", "2026-12-02")

    assert path.read_text() == (
        "# Changelog\n\n## Unreleased\n\n## 7.9.0 (2026-12-02)\n\n- News.\n\n"
        "## 7.8.9 (2026-12-01)\n\n- One.\n- Two.\n"
    )


def test_the_real_changelog_has_the_heading_that_a_release_looks_for() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "reason"),
    [("v7.8.9", "is no number"), ("7.8", "is no number"), ("", "is no number")],
)
def test_a_number_that_is_none_is_refused(checkout: Path, number: str, reason: str) -> None:
    with pytest.raises(release.ReleaseError, match=reason):
        release.prepare(checkout, number, "2026-12-01")


def test_a_release_without_news_is_refused_and_nothing_is_written(checkout: Path) -> None:
    release.prepare(checkout, "7.8.9", "2026-12-01")
    before = [(checkout / name).read_text(encoding="utf-8") for name in NAMED]

    with pytest.raises(release.ReleaseError, match="nothing stands below `## Unreleased`"):
        release.prepare(checkout, "7.9.0", "2026-12-02")

    assert [(checkout / name).read_text(encoding="utf-8") for name in NAMED] == before


def test_a_number_that_was_released_is_refused(checkout: Path) -> None:
    release.prepare(checkout, "7.8.9", "2026-12-01")
    path = checkout / "CHANGELOG.md"
    path.write_text(path.read_text().replace("## Unreleased\n", "## Unreleased\n\n- News.\n"))

    with pytest.raises(release.ReleaseError, match=r"has a section of 7\.8\.9 already"):
        release.prepare(checkout, "7.8.9", "2026-12-02")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout")
def test_the_source_distribution_has_all_that_git_has() -> None:
    """Its tests run without a checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    by_itself = {"LICENSE", "pyproject.toml", ".gitignore"}
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert {path.split("/")[0] for path in listed.splitlines()} - included == by_itself


def test_the_commands_of_the_page_are_there() -> None:
    commands = [
        shlex.split(line)
        for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)
        for line in block.splitlines()
    ]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    modules = [words[2] for words in commands if words[:2] == ["python", "-m"]]

    assert {words[1] for words in commands if words[0] == "make"} <= set(targets)
    assert "scripts.release" in modules
    assert ["make", "wheel"] in commands

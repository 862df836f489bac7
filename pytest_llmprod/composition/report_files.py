"""Report files: the reports that a run leaves behind, and where each of them goes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_llmprod.core.files import path_from, write_whole
from pytest_llmprod.core.results import RunResult
from pytest_llmprod.evals.history import accepted_runs
from pytest_llmprod.evals.standing import function_of, line_in_its_file
from pytest_llmprod.report import annotations as github
from pytest_llmprod.report import data, markdown
from pytest_llmprod.report.view import View, make_view
from pytest_llmprod.settings import Settings

SUMMARY = "GITHUB_STEP_SUMMARY"


def write(
    result: RunResult, notes: Sequence[str], settings: Settings, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Write the reports that are wanted; yield the name and text of each failure."""
    if settings.json_path is not None:
        text = data.to_json(result).encode()
        yield from _written("llmprod-json", settings.json_path, text, "--llm-json")
    yield from write_page(result, notes, settings)
    if settings.markdown_path is None and not environ.get(SUMMARY):
        return
    result, view = _viewed(result, notes, settings)
    if settings.markdown_path is not None:
        text = markdown.to_markdown(result, view).encode("utf-8", "backslashreplace")
        yield from _written("llmprod-markdown", settings.markdown_path, text, "--llm-markdown")
    if environ.get(SUMMARY):
        path = Path(environ[SUMMARY])
        try:
            _append(path, result, view)
        except OSError as error:
            yield (
                "llmprod-markdown::appended",
                f"{path}: cannot be written ({error.strerror}). It is what {SUMMARY} names; "
                f"unset that variable, or make the file writable.",
            )


def write_page(
    result: RunResult, notes: Sequence[str], settings: Settings
) -> Iterator[tuple[str, str]]:
    """Write the page where it is wanted; yield the name and text of a failure."""
    if settings.html_path is None:
        return
    from pytest_llmprod.report import page  # only a page needs Jinja2 and the charts

    text = page.to_html(*_viewed(result, notes, settings))
    yield from _written("llmprod-html", settings.html_path, text, "--llm-html")


def _viewed(result: RunResult, notes: Sequence[str], settings: Settings) -> tuple[RunResult, View]:
    """Return a run with those that were accepted before, and its view."""
    result = replace(result, past=accepted_runs(settings.rootpath))
    return result, make_view(result, notes)


def _written(name: str, path: Path, content: bytes, option: str) -> Iterator[tuple[str, str]]:
    try:
        write_whole(path, content)
    except OSError as error:
        yield (
            f"{name}::written",
            f"{path}: cannot be written ({error.strerror}). Name another file with {option}.",
        )


def _append(path: Path, result: RunResult, view: View) -> None:
    """Append the summary to what the steps of a job have written, within what GitHub takes."""
    before = path.stat().st_size if path.exists() else 0
    room = markdown.MOST_BYTES - before - 1
    if room <= 0:
        return
    text = markdown.to_markdown(result, view, room)
    with path.open("ab") as file:
        file.write(b"\n" + text.encode("utf-8", "backslashreplace"))


def annotations(result: RunResult, rootpath: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the lines that tell GitHub Actions which gates are closed, and which budgets broken.

    GitHub names files from the folder of the repository, which may lie above pytest's rootdir. In a
    run of several models, the old one is judged by none.
    """
    workspace = Path(environ.get("GITHUB_WORKSPACE") or rootpath)

    def place_of(test: str) -> github.Place:
        file = rootpath / function_of(test).partition("::")[0]
        return path_from(file, workspace), line_in_its_file(test, rootpath)

    old = result.models[:1]
    judged = [suite for suite in result.suites if not suite.model or suite.model not in old]
    budgets = [each for each in result.budgets if not each.model or each.model not in old]
    settings = path_from(rootpath / "pyproject.toml", workspace)
    return [
        *github.lines(judged, place_of),
        *github.budget_lines(budgets, place_of, settings),
    ]

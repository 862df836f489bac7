"""Written: the reports for people that a run leaves behind, and where each of them goes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_llmprod.core.files import path_from, write_whole
from pytest_llmprod.core.results import RunResult
from pytest_llmprod.evals.history import accepted_runs
from pytest_llmprod.evals.standing import function_of, line_in_its_file
from pytest_llmprod.report import annotations as github
from pytest_llmprod.report import markdown
from pytest_llmprod.report.view import View, make_view
from pytest_llmprod.settings import Settings

SUMMARY = "GITHUB_STEP_SUMMARY"


def write(
    result: RunResult, notes: Sequence[str], settings: Settings, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Write the page and the Markdown that are wanted; yield the name and text of each failure."""
    result = replace(result, past=accepted_runs(settings.rootpath))
    view = make_view(result, notes)
    if settings.html_path is not None:
        from pytest_llmprod.report import page  # only a page needs Jinja2 and the charts

        try:
            write_whole(settings.html_path, page.to_html(result, view))
        except OSError as error:
            yield "llmprod-html::written", _unwritten(settings.html_path, error, "--llm-html")
    if settings.markdown_path is not None:
        text = markdown.to_markdown(result, view).encode("utf-8", "backslashreplace")
        try:
            write_whole(settings.markdown_path, text)
        except OSError as error:
            path = settings.markdown_path
            yield "llmprod-markdown::written", _unwritten(path, error, "--llm-markdown")
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


def _append(path: Path, result: RunResult, view: View) -> None:
    """Append the summary to what the steps of a job have written, within what GitHub takes."""
    before = path.stat().st_size if path.exists() else 0
    room = markdown.MOST_BYTES - before - 1
    if room <= 0:
        return
    text = markdown.to_markdown(result, view, room)
    with path.open("ab") as file:
        file.write(b"\n" + text.encode("utf-8", "backslashreplace"))


def _unwritten(path: Path, error: OSError, option: str) -> str:
    return f"{path}: cannot be written ({error.strerror}). Name another file with {option}."


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

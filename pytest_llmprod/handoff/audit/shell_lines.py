"""Shell lines: does a script run the evals, and does it fail when they do?"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_EVALS = re.compile(r"(?:^|[\s/\"'])(?:pytest|py\.test)(?=\s).*?\s--llm-eval(?=[\s;|&\"')]|$)")
_NEVER_RUNS = re.compile(
    r"\s(--collect-only|--co|--llm-plan|--setup-(?:only|plan)|--help|-h|--version|--fixtures"
    r"|--markers)(?=[\s;|&]|$)"
)
_NEVER_JUDGES = re.compile(r"\s--llm-fallback-only(?=[\s;|&]|$)")
_OR = re.compile(r"\|\|\s*(.*)")
_FAILS = re.compile(r"(?:\{\s*)?(?:.*;\s*)?(?:exit|return)\s+(?:[1-9]|\$)|false\b")
_PIPE = re.compile(r"[^|]\|(?!\|)&?\s*([\w./-]+)")
_BACKGROUND = re.compile(r"(?<![&>|])&(?=\s|$)(?!.*\bwait\s+[-$])")
_ASKED = re.compile(r"\s*(if|while|until|!)\s")
_IN_TEXT = re.compile(r"\s*(?:(?:echo|printf)\b|:\s|#)")
#: A command that only prints, with what joins the next one to it.
_PRINTED = re.compile(r"""\s*(?:echo|printf|:)\b(?:"[^"]*"|'[^']*'|[^;&|"'])*(?:&&|;)""")
_SKIPPED = re.compile(r"(?:^|[;({]|&&)\s*(?:(false\s*&&)[^;|]*|((?:true|:)\s*\|\|)[^;&]*)$")
_PIPEFAIL = re.compile(r"\bset\s+[^\n]*pipefail")
_GOES_ON = re.compile(r"^\s*set\s+\+(?:\w*e|o\s+errexit)", re.MULTILINE)
_STOPS = re.compile(r"^\s*set\s+-(?:\w*e|o\s+errexit)|^#!.*\s-\w*e\b", re.MULTILINE)
_MAKE = re.compile(r"(?:^|\s)make\s+(?:-\S+\s+)*([\w.-]+)")
_SCRIPT = re.compile(r"(?:^|&&|;)\s*(?:(?:ba|z|da)?sh\s+(?:-\w+\s+)*)?(\.?/?[\w./-]+)")
_HEREDOC = re.compile(r"(?<!<)<<(-?)\s*(['\"]?)\\?([A-Za-z_][\w.-]*)\2")
_SHELL = re.compile(r"(?:^|[\s/])(?:ba|z|da|k)?sh(?=\s)")
#: What stands before a comment: quoted texts, and a `#` inside of a word.
_CODE = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|(?<=\S)#|[^"'#\\])*""")
_IF = re.compile(r"\s*if\s(?!.*\bfi\s*$)")
_IF_NEVER = re.compile(r"\s*if\s+(?:false|!\s*true)\s*(?:;|$)")
_ELSE = re.compile(r"\s*(?:else|elif)\b")
_FI = re.compile(r"\s*fi\b")
_ENDS = re.compile(r"(?:exit|return)(?:\s+\d+)?\s*;?\s*$")
_MOST_BYTES = 1_000_000
_MOST_COLUMNS = 4_000  # of a line; a search takes time that grows with its square


class EvalCall(NamedTuple):
    """Where a script runs the evals; `line` counts from 0, `weakness` says why it cannot fail."""

    line: int
    command: str
    weakness: str


def runs_of_evals(
    text: str, folders: Sequence[Path], *, has_pipefail: bool = True, stops: bool = True
) -> Iterator[EvalCall]:
    """Yield where a script runs `pytest --llm-eval`.

    A target of `make`, and a script that lies in one of `folders`, is looked into; the line is then
    that of the call. `has_pipefail` and `stops` say that the shell was started so, and with -e.
    """
    has_pipefail = has_pipefail or _PIPEFAIL.search(text) is not None
    stops = stops or _STOPS.search(text) is not None
    asked = "set +e keeps the script going" if _GOES_ON.search(text) else ""
    lines = list(_commands(text))
    for number, line, skipped in lines:
        is_last = number == lines[-1][0]
        goes_on = asked or ("" if stops or is_last else "without `set -e` the script goes on")
        if _EVALS.search(line):
            weakness = skipped or _weakness(line, has_pipefail=has_pipefail)
            yield EvalCall(number, line.strip(), weakness or goes_on)
        else:
            for why in _called(line, folders):
                weakness = skipped or why or _weakness(line, has_pipefail=has_pipefail)
                yield EvalCall(number, line.strip(), weakness or goes_on)


def _commands(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the lines of a script that hold a command, each with why it never runs, or ''."""
    depth, never_at, ended = 0, 0, ""
    for number, whole in _without_heredocs(list(_joined(text))):
        if not whole.strip() or whole.lstrip().startswith("#"):
            continue
        line = _without_text(whole)
        if _IF.match(line):
            depth += 1
            never_at = never_at or (depth if _IF_NEVER.match(line) else 0)
        elif depth == never_at and _ELSE.match(line):
            never_at = 0
        elif _FI.match(line):
            never_at = 0 if depth == never_at else never_at
            depth = max(0, depth - 1)
        yield number, line, ended or ("`if false` keeps it from running" if never_at else "")
        if depth == 0 and _ENDS.match(line):
            ended = ended or f"`{line.strip()}` above it ends the script"


def _without_heredocs(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Leave out the lines that a command reads as a text, unless that command is a shell."""
    texts = [line for _, line in lines]
    last_at = {line.lstrip("\t"): number for number, line in enumerate(texts)}
    position = 0
    while position < len(lines):
        yield lines[position]
        line = texts[position]
        position += 1
        found = _HEREDOC.search(line)
        if found is None or last_at.get(found[3], -1) < position:
            continue
        if _SHELL.search(line[: found.start()] + " "):
            continue
        is_indented = bool(found[1])
        for end in range(position, len(lines)):
            last = texts[end].lstrip("\t") if is_indented else texts[end]
            if last == found[3]:
                position = end + 1
                break


def _without_text(line: str) -> str:
    """Return what a line runs, without a comment and without what it only prints at its start."""
    found = _CODE.match(line)
    code = line[: found.end()] if found and line[found.end() :].startswith("#") else line
    while printed := _PRINTED.match(code):
        code = code[printed.end() :]
    return "" if _IN_TEXT.match(code) else code


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a script with their numbers, those joined that a backslash continues."""
    begun, start = "", 0
    for number, line in enumerate(text.split("\n")):
        if not begun:
            start = number
        if line.rstrip().endswith("\\"):
            begun += line.rstrip()[:-1] + " "
            continue
        yield start, (begun + line)[:_MOST_COLUMNS]
        begun = ""
    if begun:
        yield start, begun[:_MOST_COLUMNS]


def _weakness(line: str, *, has_pipefail: bool) -> str:
    """Return why a line succeeds although the evals in it fail, '' where it does not."""
    call = _EVALS.search(line) or _MAKE.search(line)
    start = call.start() if call else 0
    skipped = _SKIPPED.search(line[: start + 1] if call else line)
    if skipped:
        return f"`{skipped[1] or skipped[2]}` keeps it from running"
    never = _NEVER_RUNS.search(line)
    if never:
        return f"{never[1]} runs no test"
    if _NEVER_JUDGES.search(line):
        return "--llm-fallback-only decides no gate"
    otherwise = _OR.search(line, start)
    if otherwise and not _FAILS.match(otherwise[1]):
        return f"`|| {otherwise[1].strip()}` hides a failure"
    rest = line[:start] + _OR.sub("", line[start:])
    if _ASKED.match(rest):
        return f"`{rest.split()[0]}` takes the failure for an answer"
    piped = _PIPE.search(rest)
    if piped and not has_pipefail:
        return f"`| {piped[1]}` decides in its place, for pipefail is not set"
    if _BACKGROUND.search(rest):
        return "`&` waits for no result"
    return ""


def _called(line: str, folders: Sequence[Path]) -> Iterator[str]:
    """Yield, for each run of the evals in what a line calls, why it cannot fail, or ''."""
    target = _MAKE.search(line)
    if target:
        makefile = _first_text(folders, "Makefile")
        for recipe in _recipe(makefile, target[1]):
            if _EVALS.search(recipe.lstrip("-@+")):
                is_ignored = "-" in recipe[: len(recipe) - len(recipe.lstrip("-@+"))]
                ignored = f"the `-` in the Makefile ignores what {target[1]} fails with"
                yield ignored if is_ignored else _weakness(recipe, has_pipefail=False)
        return
    for script in _SCRIPT.finditer(line):
        if Path(script[1]).suffix in ("", ".sh", ".bash"):
            yield from _in_script(script[1], _first_text(folders, script[1]))


def _in_script(name: str, text: str) -> Iterator[str]:
    has_pipefail = _PIPEFAIL.search(text) is not None
    stops = _STOPS.search(text) is not None
    lines = list(_commands(text))
    for number, line, skipped in lines:
        if _EVALS.search(line):
            is_last = number == lines[-1][0] or line.lstrip().startswith("exec ")
            goes_on = "" if stops or is_last else f"{name} goes on after it without `set -e`"
            yield skipped or _weakness(line, has_pipefail=has_pipefail) or goes_on


def _recipe(makefile: str, target: str) -> Iterator[str]:
    """Yield the commands of a target of a Makefile."""
    heads = re.compile(rf"(?:[\w.-]+\s+)*{re.escape(target)}\s*(?:[\w.\s-]*):")
    is_there = False
    for _, line in _joined(makefile):
        if line.startswith("\t") and is_there:
            yield line.strip()
        elif line.strip() and not line.startswith("\t"):
            is_there = heads.match(line) is not None


def _first_text(folders: Sequence[Path], name: str) -> str:
    """Return the text of a file in the first of `folders` that has it, '' where none has."""
    for folder in folders:
        path = folder / name
        with suppress(OSError, ValueError):  # ValueError: a name that no system takes
            if path.is_file() and path.stat().st_size <= _MOST_BYTES:
                return path.read_text(encoding="utf-8", errors="replace")
    return ""

"""Terminal: the summary at the end of a run, at most 25 lines of 80 columns for ten suites."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_llmprod.core.text import counted, printable, shorten, width
from pytest_llmprod.report.broken import Broken
from pytest_llmprod.report.budgets import BudgetRow, MonthRow, brief_blocks, budget_blocks
from pytest_llmprod.report.drills import drill_lines, short_drill_lines
from pytest_llmprod.report.layout import COLUMNS, command_lines, short_name, wrapped
from pytest_llmprod.report.matrix import matrix_lines
from pytest_llmprod.report.scorecards import score_blocks, score_counts, score_lines
from pytest_llmprod.report.suite_rows import SuiteRow
from pytest_llmprod.report.unanswered import Missing
from pytest_llmprod.report.view import View

if TYPE_CHECKING:
    import tabulate

    from pytest_llmprod.core.results import RunResult

MOST_LINES = 25
_LEAST_ROOM = 3
_MOST_QUIET = 5
_SHORTEST_NAME, _LEAST_NAME, _MOST_NAME = 13, 20, 40
_HEADERS = ("cases", "hits", "score", "interval", "min", "verdict", "cost", "p95")
_ANSI = {"green": "\x1b[32m", "red": "\x1b[31m", "yellow": "\x1b[33m"}
_ANSI_END = "\x1b[0m"
_STATE_COLOURS = {"open": "green", "closed": "red", "not judged": "yellow"}
_BUDGET_COLOURS = {"FAIL": "red", "INCONCLUSIVE": "yellow"}
_LEAST_OF_BUDGETS, _MOST_OF_BUDGETS = 3, 10
#: How many lines budgets leave to each of those that come after them.
_KEPT_FOR_SOURCES, _KEPT_FOR_MISSES, _KEPT_FOR_SWAPS = 2, 8, 8
MOST_OF_DRILLS = 10
_Paint = Callable[[str, str], str]


def render(view: View, *, gates_note: str, colour: bool, below: int = 0) -> list[str]:
    """Return the lines of the summary, without the heading that pytest draws.

    The tables of suites and of gates are always whole; the rest takes the lines that are left where
    others stand in `below` lines after them.
    """
    most = MOST_LINES - 1 - below
    paint = _painted if colour else _plain
    table = _table(view, paint)
    room = most - len(table) - len(view.gates) - bool(gates_note) - _kept_lines(view)
    table += render_budgets(view.budgets, view.months, colour=colour, room=room)
    gates: list[str] = []
    # Where there is no room, each gate is one line; a comparison of models needs the room itself.
    for most_lines in (1,) if view.swaps else (2, 1):
        gates = _gate_lines(view, paint, most_lines)
        note = wrapped(printable(gates_note), most_lines) if gates_note else []
        room = most - len(table) - len(gates) - len(note)
        gates += [*render_misses(view.missing, room, most_lines), *note]
        room = most - len(table) - len(gates)
        if room >= _LEAST_ROOM:
            break
    swaps = _swap_lines(view, paint, room) if view.swaps or view.unswapped else []
    swaps += _fitted([wrapped(each) for each in view.moves], room, "suites that changed")
    room -= len(swaps)
    if view.swaps and room < _LEAST_ROOM:  # what broke stands in the comparisons
        room = 0
    gaps = [line for gap in view.gaps for line in wrapped(gap)] if room > 2 else []
    blocks = [wrapped(line) for line in view.repeats]
    blocks += [
        [*wrapped(text), *(command_lines(words) if words else ())] for text, words in view.judges
    ]
    blocks += [wrapped(line) for line in (*view.slices, *view.sources)]
    blocks = blocks if room > 0 else []
    sources = _fitted(blocks, room - bool(view.notes) - len(gaps), "sources of answers") + gaps
    blocks = [wrapped(note) for note in view.notes] if room >= len(sources) else []
    notes = _fitted(blocks, room - len(sources), "notes")
    broken = _broken_lines(view.broken, room - len(sources) - len(notes))
    return [*table, *swaps, *sources, *broken, *gates, *notes]


def render_budgets(
    budgets: Sequence[BudgetRow],
    months: Sequence[MonthRow],
    *,
    colour: bool,
    room: int = _MOST_OF_BUDGETS,
) -> list[str]:
    """Return the lines of budgets and months, in as few as leave room for the rest."""
    paint = _painted if colour else _plain
    room = max(_LEAST_OF_BUDGETS, min(room, _MOST_OF_BUDGETS))
    lines = [line for block in budget_blocks(budgets, months) for line in block]
    if len(lines) > room:
        lines = _fitted(brief_blocks(budgets, months), room, "texts on budgets and months")
    return [_budget_line(line, paint) for line in lines]


def _kept_lines(view: View) -> int:
    """Return how many lines budgets leave to what else the summary has to tell."""
    broken = sum(2 + len(command_lines(each.command)) for each in view.broken)
    lines = min(broken, _KEPT_FOR_MISSES) + min(len(view.sources), _KEPT_FOR_SOURCES)
    if view.swaps:
        whole = sum(len(each.lines) for each in view.swaps)
        lines = max(len(view.swaps), min(whole, _KEPT_FOR_SWAPS)) + len(view.unswapped)
        lines += sum(len(command_lines(words, lead)) for lead, words in view.answers)
    return lines + len(render_misses(view.missing))


def _budget_line(line: str, paint: _Paint) -> str:
    for verdict, colour in _BUDGET_COLOURS.items():
        if line.startswith(f"{verdict} "):
            return line.replace(verdict, paint(verdict, colour), 1)
    return line


def _swap_lines(view: View, paint: _Paint, room: int) -> list[str]:
    """Return what became of the suites under new models: with all figures, or in a line each."""
    answers = [line for lead, words in view.answers for line in command_lines(words, lead)]
    unswapped = [line for each in view.unswapped for line in wrapped(each)]
    whole = [
        [_painted_at_end(each.lines[0], each.verdict, each.colour, paint), *each.lines[1:]]
        for each in view.swaps
    ]
    lines = [line for block in whole for line in block]
    if len(lines) + len(answers) + len(unswapped) <= room:
        return [*lines, *answers, *unswapped]
    blocks = [
        [_painted_at_end(each.brief, each.outcome, each.outcome_colour, paint)]
        for each in view.swaps
    ]
    blocks += [wrapped(each, 1) for each in view.unswapped]
    return [*_fitted(blocks, room - len(answers), "comparisons"), *answers]


def _painted_at_end(line: str, word: str, colour: str, paint: _Paint) -> str:
    before, _, after = line.rpartition(word)
    return before + paint(word, colour) + after


def _plain(text: str, _: str) -> str:
    return text


def _painted(text: str, colour: str) -> str:
    return f"{_ANSI[colour]}{text}{_ANSI_END}"


def render_drills(result: "RunResult", room: int = MOST_LINES) -> list[str]:
    """Return what features did under faults, and which ways of failing no test covers.

    Where `room` is too small, each feature is told in its share of the lines, and the ways of
    failing only where they fit.
    """
    whole = [*drill_lines(result.drills), *matrix_lines(result)]
    return whole if len(whole) <= room else short_drill_lines(result, room)


def render_with_drills(
    view: View, result: "RunResult", *, overdue: Sequence[str], colour: bool
) -> list[str]:
    """Return the lines of a summary, and below them those of drills, all in `MOST_LINES`."""
    note = result.gates_note
    lines = render(view, gates_note=note, colour=colour)
    drills = [*render_drills(result), *overdue]
    if len(lines) + len(drills) < MOST_LINES:
        return [*lines, *drills]
    drills = [*render_drills(result, MOST_OF_DRILLS), *overdue]
    return [*render(view, gates_note=note, colour=colour, below=len(drills)), *drills]


def render_scorecards(result: "RunResult", *, is_quiet: bool = False) -> list[str]:
    """Return how guardrails did: in one line for `pytest -q`, without any where none was scored."""
    if is_quiet and result.scorecards:
        return [f"guardrails: {score_counts(result.scorecards)}"]
    return score_lines(score_blocks(result.scorecards))


def render_quiet(view: View) -> list[str]:
    """Return the run in one line, for `pytest -q`, and below it what fails it or got no answer.

    Only where suites and gates came out in many ways it takes two lines.
    """
    unkept = [f"llmprod: budgets: {view.unkept}"] if view.unkept else []
    worse = [wrapped(f"llmprod: {each}") for each in view.regressions]
    lines = _fitted(worse, _MOST_QUIET, "suites that are worse or lack cases")
    return [*_quiet_lines(view), *lines, *unkept, *render_misses(view.missing)]


def _quiet_lines(view: View) -> list[str]:
    gates = f"gates: {_counts(state for _, state, _ in view.gates)}"
    if view.swaps:
        noun = counted(len(view.swaps), "comparison")
        return [f"llmprod: {noun}: {_counts(each.outcome for each in view.swaps)}; {gates}"]
    if len(view.suites) != 1:
        counts = f"{_counts(row.verdict for row in view.suites)}; {gates}"
        line = f"llmprod: {len(view.suites)} suites: {counts}"
        return [line] if width(line) <= COLUMNS else wrapped(f"llmprod: {counts}")
    row = view.suites[0]
    cases = f"({row.cases})" if "x" in row.cases else row.cases
    rest = f" {row.hits}/{cases} {row.score} {row.interval} {row.verdict}; {gates}"
    return [f"llmprod: {shorten(row.name, COLUMNS - len('llmprod: ') - len(rest))}{rest}"]


def _counts(names: Iterable[str]) -> str:
    counts = Counter(names)
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _table(view: View, paint: _Paint) -> list[str]:
    # Only a run with suites needs tabulate.
    import tabulate

    confidences = {row.confidence for row in view.suites}
    interval = f"{confidences.pop()} interval" if len(confidences) == 1 else "interval"
    text = tabulate.tabulate(
        [
            [interval if header == "interval" else header for header in _HEADERS],
            *(_figures(row) for row in view.suites),
        ],
        tablefmt=_plain_format(),
        colalign=("right", "right", "right", "left", "right", "left", "right", "right"),
        disable_numparse=True,
    )
    figures = [shorten(line, COLUMNS) for line in text.splitlines() if line.strip()]
    # tabulate counts characters, and a wide character takes two columns: the names stand outside.
    room = max(0, COLUMNS - 1 - max(map(width, figures)))
    full = ["suite", *(row.name for row in view.suites)]
    names = [short_name(name, room, full) for name in full]
    column = max(map(width, names))
    lines = [names[0] + " " * (column - width(names[0])) + f" {figures[0]}"]
    for row, name, line in zip(view.suites, names[1:], figures[1:], strict=True):
        painted = line.replace(row.verdict, paint(row.verdict, row.colour), 1)
        lines.append(name + " " * (column - width(name)) + f" {painted}")
    return lines


def _figures(row: SuiteRow) -> tuple[str, ...]:
    return (
        row.cases,
        row.hits,
        row.score,
        row.interval,
        row.threshold,
        row.verdict,
        row.cost,
        row.p95,
    )


def _plain_format() -> "tabulate.TableFormat":
    import tabulate  # only a summary with a table needs it

    return tabulate.TableFormat(
        lineabove=None,
        linebelowheader=None,
        linebetweenrows=None,
        linebelow=None,
        headerrow=tabulate.DataRow("", " ", ""),
        datarow=tabulate.DataRow("", " ", ""),
        padding=0,
        with_header_hide=None,
    )


def _broken_lines(broken: Sequence[Broken], room: int) -> list[str]:
    """Return what broke, suite by suite, in at most `room` lines."""
    if not broken or room < 1:
        return []
    lines: list[str] = []
    share = max(1, room // len(broken))
    names = [group.name for group in broken]
    for group in broken:
        lines += _one_broken(group, share, names)
    return lines[:room]


def _one_broken(group: Broken, room: int, names: Sequence[str]) -> list[str]:
    command = command_lines(group.command)
    if room <= len(command):
        return [_named(group.name, f": {group.counts}", names)]
    shown = group.cases[: max(0, min(3, room - 1 - len(command)))]
    lines = [_named(group.name, f": {group.counts}; run the first alone with:", names), *command]
    for case_id, why in shown:
        lines.append(shorten(f"  {case_id}  {why}".rstrip(), COLUMNS))
    return lines


def _named(name: str, rest: str, names: Sequence[str]) -> str:
    """Return one line of a name and what is said of it; where it is too wide, the name is cut."""
    return f"{short_name(name, COLUMNS - width(rest), names)}{rest}"


def render_misses(missing: Missing, room: int = MOST_LINES, most_lines: int = 2) -> list[str]:
    """Return how many requests no recording answers, and the commands that mend that.

    A text takes at most `most_lines`, and the moves after a rename take what is left of `room`.
    """
    texts = [line for text in missing.texts for line in wrapped(text, most_lines)]
    commands = [line for lead, words in missing.commands for line in command_lines(words, lead)]
    moves = _move_lines(missing.moves, room - len(texts) - len(commands)) if missing.moves else []
    return [*texts, *moves, *commands]


def _move_lines(moves: Sequence[Sequence[str]], room: int) -> list[str]:
    """Return the commands after a rename, in as much as `room` lines, but at least in one."""
    lines = ["move what was renamed with:"]
    for number, words in enumerate(moves):
        block = command_lines(words)
        if len(lines) + len(block) + (number < len(moves) - 1) > room:
            more = f"  and {counted(len(moves) - number, 'more command')}: run again after these"
            return [*lines, more] if number else ["move what was renamed as its tests say above"]
        lines += block
    return lines


def _gate_lines(view: View, paint: _Paint, most_lines: int) -> list[str]:
    """Return the gates in at most `most_lines` each; one more where a figure would be cut."""
    lines: list[str] = []
    features = [feature for feature, _, _ in view.gates]
    for feature, state, why in view.gates:
        said = f"{state}{'; ' if why else ''}{why}"
        room = COLUMNS - width(f"gate : {said}")
        if most_lines > 1 and room < _LEAST_NAME:  # it goes on in the next line
            room = _MOST_NAME
        name = short_name(feature, min(_MOST_NAME, max(_SHORTEST_NAME, room)), features)
        start = f"gate {name}: "
        first, *rest = wrapped(f"{start}{said}", most_lines)
        if most_lines == 1 and _figures_in(first.removeprefix(start)) < _figures_in(said):
            first, *rest = wrapped(f"{start}{said}")
        end = first.removeprefix(f"{start}{state}")
        lines += [start + paint(state, _STATE_COLOURS[state]) + end, *rest]
    return lines


def _figures_in(text: str) -> int:
    return sum(char.isdecimal() for char in text)


def _fitted(blocks: Sequence[Sequence[str]], room: int, noun: str) -> list[str]:
    """Return `blocks` in at most `room` lines, in one at least, and count what found no room."""
    lines: list[str] = []
    for number, block in enumerate(blocks):
        is_last = number == len(blocks) - 1
        if len(lines) + len(block) + (not is_last) > max(1, room):
            return [*lines, f"and {len(blocks) - number} more {noun}"]
        lines += block
    return lines

"""Markdown: a run in a few tables, as GitHub shows it beside a job.

What comes from a model stands in code, every character of it that could be markup as an entity: it
makes no link, names nobody, and ends no table.
"""

import re
import shlex
from collections.abc import Iterator, Sequence

from pytest_llmprod.core.results import RunResult
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.report.audit_rows import AuditBlock
from pytest_llmprod.report.broken import Broken
from pytest_llmprod.report.trend import Trend
from pytest_llmprod.report.view import View

#: Bytes of a summary that GitHub takes of one step, with some room: it refuses more than 1 MiB.
MOST_BYTES = 900_000
_LONGEST = 200  # columns of one text
_MOST_CASES = 20  # of a suite
_MOST_RUNS = 6  # of a trend
_MARKUP = re.compile(r"""[\\`*_{}\[\]()<>#+!|~@:&'"$^=/]|(?<=www)\.""")
_STATES = {"open": "✅", "closed": "❌", "not judged": "❔"}


def to_markdown(result: RunResult, view: View, most_bytes: int = MOST_BYTES) -> str:
    """Return the run as Markdown, the most important first, of at most `most_bytes` bytes."""
    blocks = [_gates(result, view), _suites(view), _drills(view), _scorecards(view)]
    blocks += [_budgets(view), _months(view)]
    blocks += [_trend(view.trend), _audit(view.audit)]
    blocks += _lists(view)
    blocks += [_broken(each) for each in view.broken]
    text = ""
    for number, block in enumerate(blocks):
        if not block:
            continue
        last = f"{len(blocks) - number} parts of this summary had no room.\n"
        if len((text + block + last).encode()) > most_bytes:
            return text + last if len((text + last).encode()) <= most_bytes else text
        text += f"{block}\n"
    return text


def safe(text: str) -> str:
    """Return a text of a model or a file as code that cannot be markup.

    >>> safe("<b>|x")
    '<code>&#60;b&#62;&#124;x</code>'
    """
    short = shorten(printable(text), _LONGEST)
    return f"<code>{_MARKUP.sub(lambda found: f'&#{ord(found[0])};', short)}</code>"


def _gates(result: RunResult, view: View) -> str:
    lines = ["## llmprod", ""]
    if result.objection:
        lines += [f"Nothing was judged: {safe(result.objection)}", ""]
    if view.gates:
        rows = [
            (safe(feature), f"{_STATES.get(state, '')} {state}", safe(why) if why else "")
            for feature, state, why in view.gates
        ]
        lines += _table(("feature", "gate", "why"), rows, "lll")
    if result.gates_note:
        lines += ["", safe(result.gates_note)]
    return "\n".join([*lines, ""])


def _suites(view: View) -> str:
    if not view.suites:
        return ""
    headers = ("suite", "cases", "hits", "score", "interval", "min", "verdict", "cost", "p95")
    rows = [
        (
            safe(row.name),
            row.cases,
            row.hits,
            row.score,
            row.interval.strip("[]"),
            row.threshold,
            f"**{row.verdict}**" if row.verdict == "FAIL" else row.verdict,
            _plain(row.cost),
            row.p95,
        )
        for row in view.suites
    ]
    return "\n".join([*_table(headers, rows, "lrrrrrlrr"), ""])


def _drills(view: View) -> str:
    lines = []
    for each in view.drills:
        lines += [f"### {safe(each.headline)}", ""]
        rows = [(kind, safe(fault), safe(text)) for kind, fault, text in each.weaknesses]
        if rows:
            lines += [*_table(("weakness", "fault", "what happened"), rows, "lll"), ""]
        modes, states = zip(*each.modes, strict=True)
        lines += [*_table(modes, [states], "l" * len(modes)), ""]
    return "\n".join(lines)


def _scorecards(view: View) -> str:
    lines = []
    for each in view.scorecards:
        lines += [f"### Guardrail {safe(each.name)}", ""]
        rows = [
            (
                row.rate,
                safe(row.facet) if row.facet else "all",
                row.counted,
                row.share,
                row.bounds.strip("[]"),
                row.gate,
                f"**{row.verdict}**" if row.verdict == "FAIL" else row.verdict,
            )
            for row in each.rows
        ]
        headers = ("rate", "of", "counted", "share", "bounds", "asked", "verdict")
        lines += [*_table(headers, rows, "llrrrrl"), ""]
        lines += [f"- {safe(text)}" for text in each.pairs]
        lines += [""] if each.pairs else []
    return "\n".join(lines)


def _budgets(view: View) -> str:
    if not view.budgets:
        return ""
    headers = ("budget", "of", "verdict", "measured", "from", "source")
    rows = [
        (
            safe(row.budget),
            safe(row.of),
            f"**{row.verdict}**" if row.verdict == "FAIL" else row.verdict,
            _plain(row.measured),
            row.samples,
            row.source,
        )
        for row in view.budgets
    ]
    whys = [
        f"- {safe(row.budget)} of {safe(row.of)}: {safe(row.reason)}"
        for row in view.budgets
        if row.verdict != "PASS"
    ]
    table = _table(headers, rows, "lllrrl")
    return "\n".join(["### Budgets", "", *table, *(["", *whys] if whys else []), ""])


def _months(view: View) -> str:
    if not view.months:
        return ""
    headers = ("feature", "requests", "cost", "95% interval", "without cache", "prices +20 %")
    rows = [
        (
            safe(row.of),
            row.requests,
            *map(_plain, (row.cost, row.interval, row.without_cache, row.dearer)),
        )
        for row in view.months
    ]
    whys = [f"- {safe(row.of)}: {safe(row.why)}" for row in view.months if row.why]
    table = _table(headers, rows, "lrrrrr")
    return "\n".join(["### A month", "", *table, *(["", *whys] if whys else []), ""])


def _trend(trend: Trend) -> str:
    """Return the last runs side by side; how they came about stands in the page."""
    if not trend.suites:
        return ""
    runs = trend.runs[-_MOST_RUNS:]
    names = [run.name for run in runs]
    rows = []
    for suite in trend.suites:
        told = {point.run: f"{point.score_text} {point.interval_text}" for point in suite.points}
        rows.append((safe(suite.name), *(told.get(name, "-") for name in names)))
    rows.append(("cost", *(_plain(run.cost) for run in runs)))
    table = _table(("suite", *names), rows, "l" + "r" * len(names))
    return "\n".join(["### Trend over accepted runs", "", *table, ""])


def _audit(audit: AuditBlock | None) -> str:
    """Return the checklist; where the evidence stands is in the page and in the JSON."""
    if audit is None:
        return ""
    lines = [f"### Audit: {audit.level}", "", f"{safe(audit.features)}, {audit.counts}.", ""]
    if audit.first is not None:
        lines += [f"First to mend: **{audit.first.id}**, {safe(audit.first.says)}", ""]
        lines += [_indented(audit.first.mend), ""] if audit.first.mend else []
    rows = [
        (
            level.name,
            row.id,
            f"**{row.status}**" if row.colour == "bad" else row.status,
            safe(row.says),
            safe(row.mend) if row.mend else "",
        )
        for level in audit.levels
        for row in level.rows
    ]
    return "\n".join(
        [*lines, *_table(("level", "line", "status", "why", "mend"), rows, "lllll"), ""]
    )


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("$", "&#36;")


def _lists(view: View) -> Iterator[str]:
    """Yield what else the summary says, each under its heading."""
    missing = [*view.missing.texts]
    missing += [f"{lead}{shlex.join(words)}" for lead, words in view.missing.commands]
    swaps = [each.brief for each in view.swaps]
    repeats = [*view.repeats, *view.slices, *(text for text, _ in view.judges)]
    total = [f"all suites together cost {view.total}"] if view.total else []
    for heading, lines in (
        ("Changed since the accepted run", view.moves),
        ("Models", [*swaps, *view.unswapped]),
        ("Without an answer", missing),
        ("Suites", repeats),
        ("Sources and notes", [*total, *view.gaps, *view.sources, *view.notes]),
    ):
        if lines:
            yield "\n".join([f"### {heading}", "", *(f"- {safe(line)}" for line in lines), ""])


def _broken(broken: Broken) -> str:
    rows = [(safe(case), safe(why) if why else "") for case, why in broken.cases[:_MOST_CASES]]
    more = len(broken.cases) - len(rows)
    lines = [f"### {safe(broken.name)}", "", f"{broken.counts}. To run the first alone:", ""]
    lines += [_command(broken.command), "", *_table(("case", "why"), rows, "ll")]
    return "\n".join([*lines, *(["", f"and {more:,} more"] if more else []), ""])


def _command(words: Sequence[str]) -> str:
    """Return a command as a block; no line of it can end the block, for it is one and indented."""
    return _indented(printable(shlex.join(words)))


def _indented(line: str) -> str:
    return f"    {line}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    marks = ["---:" if letter == "r" else ":---" for letter in align]
    return [f"| {' | '.join(cells)} |" for cells in (headers, marks, *rows)]

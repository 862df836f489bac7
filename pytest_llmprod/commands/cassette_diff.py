"""The command `llmprod cassette diff`: in what do two cassettes of one set of questions differ?"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from statistics import median
from typing import NamedTuple, TypeVar

from pytest_llmprod.composition.comparison import (
    Compared,
    Comparison,
    Counts,
    Side,
    compare_cassettes,
    count,
)
from pytest_llmprod.core.text import counted, printable, shorten, width
from pytest_llmprod.report.amounts import cost_text, seconds_text
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.report.phrases import word_diff
from pytest_llmprod.report.table import table
from pytest_llmprod.wire.comparing.changes import Change

_MOST_DETAILS = 10
_LONGEST_LABEL = 24
_LONGEST_SIDE = 24  # of a change: both fit into a line

N = TypeVar("N", int, float, Decimal)


class _Detail(NamedTuple):
    """One line about one pair, or about one recording without a partner."""

    section: str
    name: str
    label: str
    text: str


def run(options: argparse.Namespace) -> int:
    """Print in what NEW differs from OLD; exit with 1 where a program would notice."""
    if options.old.is_dir() != options.new.is_dir():
        options.parser.error("OLD and NEW must be two cassettes, or two folders of cassettes")
    comparisons = compare_cassettes(options.old, options.new)
    counts = count(comparisons)
    if options.json:
        document = {"counts": asdict(counts), "cassettes": [each.to_json() for each in comparisons]}
        print(json.dumps(document, indent=1))
    else:
        for line in _lines(comparisons, counts):
            print(line)
    return 1 if counts.is_finding else 0


def _lines(comparisons: Sequence[Comparison], counts: Counts) -> Iterator[str]:
    pairs = [pair for each in comparisons for pair in each.pairs]
    yield (
        f"{counted(counts.pairs, 'pair')}: {counts.same} same, {counts.text} text, "
        f"{counts.behaviour} behaviour; "
        f"{counts.only_in_old} only in OLD, {counts.only_in_new} only in NEW"
    )
    yield from _other_models(pairs)
    details = [*_behaviours(comparisons), *_unpaired(comparisons), *_texts(comparisons)]
    yield from _detail_lines(details[:_MOST_DETAILS], _kinds(pairs))
    if len(details) > _MOST_DETAILS:
        yield f"  and {len(details) - _MOST_DETAILS} more: --json prints all of them"
    if pairs:
        yield ""
        yield from _figures(pairs)


def _other_models(pairs: Sequence[Compared]) -> Iterator[str]:
    models = Counter(
        pair.difference.models for pair in pairs if pair.difference.is_by_another_model
    )
    for (old, new), number in models.most_common(3):
        line = f"answered by another model in {number}: {printable(old)} -> {printable(new)}"
        yield shorten(line, COLUMNS)


def _behaviours(comparisons: Iterable[Comparison]) -> Iterator[_Detail]:
    for comparison in comparisons:
        for pair, label in _labelled(comparison.pairs):
            for change in pair.difference.changes:
                if change.is_behaviour:
                    text = f"{change.aspect:<10}  {_change_text(change, pair)}"
                    yield _Detail("behaviour", comparison.name, label, text)


def _labelled(pairs: Sequence[Compared]) -> Iterator[tuple[Compared, str]]:
    """Give each pair its case, and a number where a case has several pairs."""
    counts = Counter(pair.case for pair in pairs)
    seen: Counter[str] = Counter()
    for pair in pairs:
        seen[pair.case] += 1
        number = f"#{seen[pair.case]}" if counts[pair.case] > 1 or not pair.case else ""
        yield pair, " ".join(part for part in (printable(pair.case), number) if part)


def _change_text(change: Change, pair: Compared) -> str:
    place = f"{printable(change.place)}: " if change.place else ""
    old, new = (shorten(printable(each), _LONGEST_SIDE) for each in (change.old, change.new))
    said = printable(pair.new.behaviour.answer.text)
    more = f": {said}" if change.aspect == "form" and not change.new.startswith("JSON") else ""
    return f"{place}{old} -> {new}{more}"


def _unpaired(comparisons: Iterable[Comparison]) -> Iterator[_Detail]:
    for comparison in comparisons:
        for section, sides in (
            ("only in OLD", comparison.only_old),
            ("only in NEW", comparison.only_new),
        ):
            for side in sides:
                yield _Detail(section, comparison.name, printable(side.recording.case), _gist(side))


def _gist(side: Side) -> str:
    recording = side.recording
    said = printable(side.behaviour.answer.text)
    return f"{recording.status}  {printable(recording.model)}  {said}"


def _texts(comparisons: Iterable[Comparison]) -> Iterator[_Detail]:
    for comparison in comparisons:
        for pair, label in _labelled(comparison.pairs):
            if pair.difference.likeness == "text":
                change = pair.difference.changes[0]
                place = f"{printable(change.place)}: " if change.place else ""
                words = word_diff(change.old, change.new, COLUMNS)
                yield _Detail("text", comparison.name, label, f"{place}{words}")


def _kinds(pairs: Iterable[Compared]) -> str:
    """Say in what the behaviour changed, and how often, most frequent first."""
    changes = [change for pair in pairs for change in pair.difference.changes]
    aspects = Counter(change.aspect for change in changes if change.is_behaviour)
    return ", ".join(f"{number} {aspect}" for aspect, number in aspects.most_common())


def _detail_lines(details: Sequence[_Detail], kinds: str) -> Iterator[str]:
    column = min(_LONGEST_LABEL, max((width(each.label) for each in details), default=0))
    for section, group in groupby(details, key=lambda each: each.section):
        yield ""
        yield f"{section}: {kinds}" if section == "behaviour" else section
        for name, lines in groupby(group, key=lambda each: each.name):
            if name:
                yield f"  {printable(name)}"
            for each in lines:
                label = shorten(each.label, column)
                gap = " " * (column - width(label))
                yield shorten(f"  {label}{gap}  {each.text}", COLUMNS)


class _Row(NamedTuple):
    """A line of the table of figures, and over how many pairs it goes."""

    cells: list[str]
    pairs: int


def _figures(pairs: Sequence[Compared]) -> Iterator[str]:
    """Yield a table of tokens, cost and latency; each row over the pairs that tell both."""
    rows = [
        _row("tokens in", pairs, lambda side: _tokens(side, "input_tokens"), _number_text),
        _row("tokens out", pairs, lambda side: _tokens(side, "output_tokens"), _number_text),
        _row("cost", pairs, lambda side: side.cost_usd, _cost_text, unknown="unpriced"),
        _row("latency", pairs, _latency_s, seconds_text),
    ]
    if any(_ttft_s(side) is not None for pair in pairs for side in (pair.old, pair.new)):
        rows.append(_row("first event", pairs, _ttft_s, seconds_text))
    headers = ("", "OLD total", "median", "NEW total", "median", "change")
    yield from table(headers, [row.cells for row in rows], "lrrrrr").splitlines()
    for number in sorted({row.pairs for row in rows} - {0, len(pairs)}):
        names = ", ".join(row.cells[0] for row in rows if row.pairs == number)
        yield f"{names}: over {number:,} of {counted(len(pairs), 'pair')}"


def _row(
    name: str,
    pairs: Sequence[Compared],
    figure: Callable[[Side], N | None],
    text: Callable[[N], str],
    unknown: str = "-",
) -> _Row:
    """Return the row of one figure, over the pairs in which both sides are known.

    Else a total of few answers would be compared with one of many.
    """
    both = [(figure(pair.old), figure(pair.new)) for pair in pairs]
    known = [(old, new) for old, new in both if old is not None and new is not None]
    if not known:
        return _Row([name, unknown, "-", unknown, "-", "-"], 0)
    olds, news = zip(*known, strict=True)
    old, new = sum(olds), sum(news)
    change = f"{(new / old - 1) * 100:+.0f}%" if old and new else "-"
    cells = [name, text(old), text(median(olds)), text(new), text(median(news)), change]
    return _Row(cells, len(known))


def _tokens(side: Side, kind: str) -> int | None:
    usage = side.recording.usage
    return None if usage is None else int(getattr(usage, kind))


def _latency_s(side: Side) -> float | None:
    """Return the latency, None where it is unknown: vcrpy keeps no times."""
    return side.recording.latency_s if side.recording.recorded_at else None


def _ttft_s(side: Side) -> float | None:
    return side.recording.ttft_s


def _number_text(number: float) -> str:
    return f"{number:,.0f}"


def _cost_text(cost_usd: Decimal) -> str:
    return cost_text(cost_usd, 0, 1)

"""Charts: figures of a run as plain SVG, which a page holds in itself.

The colours are names for the page's style, which replaces them in light and in dark.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

import leather

from pytest_llmprod.core.text import printable, shorten

INTERVAL, THRESHOLD, SCORE, COLUMN = "#1f5fa8", "#b42318", "#0b2f5c", "#4a7fb5"
_WIDTH = 680
_ROW, _AROUND = 26, 140  # pixels: of a line of the chart, and of its legend and axis
_LONGEST_NAME = 26
_MOST_BARS = 12
_AXIS, _LETTER = 540, 8  # pixels that names below a chart share, and of a letter


class Bounds(NamedTuple):
    """A score in 0..1 with the bounds of its interval, and the threshold that it is held against.

    `threshold` is None where the score is held against none.
    """

    name: str
    low: float
    score: float
    high: float
    threshold: float | None


class Moment(NamedTuple):
    """A figure of one run with the bounds of its interval, and what it is held against, if any."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    threshold: float | None = None


class _Exact(leather.Linear):  # type: ignore[misc]  # the library has no types
    """A scale that ends where it is told to; leather's own goes on to the next round number."""

    def project(self, value: float, range_min: float, range_max: float) -> float:
        """Return where in a range of pixels a value stands."""
        start, end = float(self._data_min), float(self._data_max)
        share = (float(value) - start) / (end - start)
        return round(float(range_min) + share * (float(range_max) - float(range_min)), 1)


def intervals(rows: Sequence[Bounds]) -> str:
    """Return the intervals of scores as lines below each other, each with its threshold."""
    chart = _chart()
    bounds = [row.low for row in rows]
    least = min(*bounds, *(row.threshold for row in rows if row.threshold is not None), 1.0)
    tenths = min(9, max(0, int(least * 10)))
    chart.set_x_scale(_Exact(tenths / 10, 1))
    chart.set_y_scale(_Exact(0.4, len(rows) + 0.6))
    ticks = [tenth / 10 for tenth in range(tenths, 11) if (10 - tenth) % 2 == 0 or tenths > 5]
    chart.add_x_axis(ticks=ticks, tick_formatter=lambda value, *_: f"{value:.0%}")
    names = [shorten(printable(row.name), _LONGEST_NAME) for row in rows]
    chart.add_y_axis(
        ticks=list(range(1, len(rows) + 1)),
        tick_formatter=lambda value, *_: names[len(rows) - int(value)],
    )
    chart.add_line(_levels(rows), name="interval", stroke_color=INTERVAL, width=5)
    marks = [*_marks(rows)]
    if marks:
        chart.add_line(marks, name="threshold", stroke_color=THRESHOLD, width=3)
    dots = [(row.score, level) for level, row in _from_below(rows)]
    chart.add_dots(dots, name="score", fill_color=SCORE, radius=5)
    return _svg(chart, _ROW * (len(rows) + 1) + _AROUND)


def _from_below(rows: Sequence[Bounds]) -> Sequence[tuple[int, Bounds]]:
    """Return each row with its height: the first one stands on top."""
    return [(len(rows) - number, row) for number, row in enumerate(rows)]


def _levels(rows: Sequence[Bounds]) -> list[tuple[float | None, float | None]]:
    """Return the points of the lines of all intervals, with a gap after each."""
    points: list[tuple[float | None, float | None]] = []
    for level, row in _from_below(rows):
        points += [(row.low, level), (row.high, level), (None, None)]
    return points


def _marks(rows: Sequence[Bounds]) -> list[tuple[float | None, float | None]]:
    points: list[tuple[float | None, float | None]] = []
    for level, row in _from_below(rows):
        if row.threshold is not None:
            points += [(row.threshold, level - 0.4), (row.threshold, level + 0.4), (None, None)]
    return points


def over_runs(moments: Sequence[Moment], *, is_share: bool) -> str:
    """Return a figure over runs, the oldest on the left: shares in 0..1, or USD from 0 on."""
    chart = _chart()
    chart.set_x_scale(_Exact(0.5, len(moments) + 0.5))
    longest = max(len(each.name) for each in moments) + 2
    step = ceil(len(moments) * longest * _LETTER / _AXIS)
    shown = range(len(moments), 0, -step)  # the last run has its name, however many there are
    chart.add_x_axis(
        ticks=sorted(shown), tick_formatter=lambda value, *_: moments[int(value) - 1].name
    )
    if is_share:
        least = min(min(_figures(each)) for each in moments)
        tenths = min(9, max(0, int(least * 10)))
        chart.set_y_scale(_Exact(tenths / 10, 1))
        ticks = [tenth / 10 for tenth in range(tenths, 11) if (10 - tenth) % 2 == 0 or tenths > 5]
        chart.add_y_axis(ticks=ticks, tick_formatter=lambda value, *_: f"{value:.0%}")
    else:
        chart.set_y_scale(leather.Linear(0, max(each.value for each in moments) or 1))
        chart.add_y_axis(name="USD")
    _add_lines(chart, moments)
    dots = [(number, each.value) for number, each in enumerate(moments, 1)]
    chart.add_dots(dots, name="score" if is_share else "cost", fill_color=SCORE, radius=5)
    return _svg(chart, 260)


def _add_lines(chart: Any, moments: Sequence[Moment]) -> None:
    """Draw the intervals as upright lines, and thresholds as level ones, with gaps between."""
    intervals: list[tuple[float | None, float | None]] = []
    thresholds: list[tuple[float | None, float | None]] = []
    for number, each in enumerate(moments, 1):
        if each.interval is not None:
            intervals += [(number, bound) for bound in each.interval] + [(None, None)]
        if each.threshold is not None:
            ends = (number - 0.5, number + 0.5)
            thresholds += [(end, each.threshold) for end in ends] + [(None, None)]
    if intervals:
        chart.add_line(intervals, name="interval", stroke_color=INTERVAL, width=5)
    if thresholds:
        chart.add_line(thresholds, name="threshold", stroke_color=THRESHOLD, width=2)


def _figures(moment: Moment) -> list[float]:
    known = [moment.value, *(moment.interval or ())]
    return known if moment.threshold is None else [*known, moment.threshold]


def histogram(values: Sequence[float], unit: str, bound: float | None = None) -> str:
    """Return how many of `values`, at least one and none below 0, lie in each of equal ranges.

    `unit` stands below the chart: each range is named by its upper end. One of them ends at
    `bound`, and what reaches it is red; the last one holds whatever is even larger.
    """
    most = max(values) or 1.0
    bars = min(_MOST_BARS, max(1, ceil(len(values) ** 0.5)))
    width = most / bars
    if bound is not None and 0 < bound <= most:
        width = bound / max(1, round(bars * bound / most))
        bars = min(_MOST_BARS + 1, int(most / width) + 1)
    counts = [0] * bars
    for value in values:
        counts[min(bars - 1, int(value / width))] += 1
    ends = [width * (bar + 1) for bar in range(bars)]
    ends[-1] = max(ends[-1], most)
    names = [f"{end:.3g}" for end in ends]

    def colour(datum: Any) -> str:
        is_over = bound is not None and ends[names.index(datum.x)] > bound * 1.000001
        return THRESHOLD if is_over else COLUMN

    chart = _chart()
    chart.add_columns(list(zip(names, counts, strict=True)), fill_color=colour)
    chart.add_x_axis(name=unit)
    chart.add_y_axis(name="cases")
    return _svg(chart, 240)


def _chart() -> Any:
    return leather.Chart()


def _svg(chart: Any, height: int) -> str:
    text: str = chart.to_svg(width=_WIDTH, height=height)
    # Without it a style could make the picture smaller, and not what is drawn in it.
    return text.replace("<svg ", f'<svg viewBox="0 0 {_WIDTH} {height}" ', 1)

"""Scorecards: how guardrails did, as rows; what they get wrong most is named apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.scorecard import Gate, Paired, Rate, ScorecardResult
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.report.table import named_table

_MOST_WEAK = 3
_MOST_LEFT = 20
_LONGEST_NAME, _LONGEST_OLD = 40, 16
#: What is told even where all is right.
_MAIN = ("recall", "false positives")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One rate as text; `facet` says of which cases, "" of all.

    `gate` says what was asked of it, and `verdict` what came of that.
    `is_told` says that a terminal shows it: what nobody asked about, and is right, it does not.
    """

    rate: str
    facet: str
    counted: str
    share: str
    bounds: str
    gate: str
    verdict: str
    is_told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBlock:
    """How one guardrail did in one test.

    `rows` are the rates of all its cases, each with the facets that were asked about or that are
    worst, and `facets` those of all facets. `pairs` compares it with older versions, and `left`
    says in which texts something was left.
    """

    name: str
    test: str
    rows: tuple[ScoreRow, ...]
    facets: tuple[ScoreRow, ...]
    pairs: tuple[str, ...]
    left: tuple[str, ...]


def score_blocks(results: Sequence[ScorecardResult]) -> list[ScoreBlock]:
    """Return a block for each scorecard."""
    return [_block(each) for each in results]


def score_lines(blocks: Sequence[ScoreBlock]) -> list[str]:
    """Return the scorecards as lines of a terminal."""
    lines: list[str] = []
    for block in blocks:
        headers = (f"guardrail {block.name}", "counted", "share", "bounds", "asked")
        rows = [
            (
                f"  {row.facet}" if row.facet else row.rate,
                row.counted,
                row.share,
                row.bounds,
                f"{row.gate} {row.verdict}".strip(),
            )
            for row in block.rows
            if row.is_told
        ]
        lines += named_table(headers, rows, "rrrl", COLUMNS)
        lines += [shorten(f"  {pair}", COLUMNS) for pair in block.pairs]
    return lines


def score_counts(results: Sequence[ScorecardResult]) -> str:
    """Return in a few words what came of the gates of all scorecards."""
    gates = [gate for each in results for gate in each.gates]
    unmet = sum(gate.verdict != "PASS" for gate in gates)
    asked = f"{len(gates) - unmet} of {counted(len(gates), 'bound')} shown" if gates else ""
    return ", ".join(filter(None, (counted(len(results), "scorecard"), asked)))


def _block(result: ScorecardResult) -> ScoreBlock:
    facets = [rate for rate in result.rates if rate.facet]
    more = len(result.left) - _MOST_LEFT
    return ScoreBlock(
        name=shorten(printable(result.name), _LONGEST_NAME),
        test=printable(result.test),
        rows=tuple(_row(rate, result.gates) for rate in _told(result)),
        facets=tuple(_row(rate, result.gates) for rate in facets),
        pairs=tuple(
            _pair(each) for each in result.pairs if each.rate in _MAIN or each.broken or each.mended
        ),
        left=(
            *(printable(each) for each in result.left[:_MOST_LEFT]),
            *([f"and {more:,} more"] if more > 0 else []),
        ),
    )


def _told(result: ScorecardResult) -> Iterator[Rate]:
    """Yield the rates of all cases, and below each the facets that matter."""
    asked = [gate.rate for gate in result.gates]
    for whole in result.rates:
        if not whole.facet:
            facets = [rate for rate in result.rates if rate.name == whole.name and rate.facet]
            yield whole
            yield from (rate for rate in facets if rate in asked)
            yield from _weakest(whole, [rate for rate in facets if rate not in asked])


def _weakest(whole: Rate, facets: Sequence[Rate]) -> list[Rate]:
    """Return the facets with the largest shares of misses.

    Of those with the same counts it is one, and none that has all cases.
    """
    wrong = [rate for rate in facets if rate.misses and rate.of < whole.of]
    wrong.sort(key=lambda rate: (-rate.misses / rate.of, -rate.of))
    apart = {(rate.hits, rate.of): rate for rate in reversed(wrong)}
    return [rate for rate in wrong if apart[rate.hits, rate.of] is rate][:_MOST_WEAK]


def _row(rate: Rate, gates: Sequence[Gate]) -> ScoreRow:
    # Of several gates on one rate the last is told.
    gate = next((each for each in reversed(gates) if each.rate == rate), None)
    low, high = (f"{100 * bound:.1f}" for bound in rate.bounds)
    return ScoreRow(
        rate=rate.name,
        facet=printable(f"{rate.facet} {rate.value}") if rate.facet else "",
        counted=f"{rate.hits:,} of {rate.of:,}",
        share=f"{rate.share:.1%}",
        bounds=f"[{low}, {high}]",
        gate=f"{100 * gate.wanted:g}%" if gate else "",
        verdict=gate.verdict if gate else "",
        is_told=rate.name in _MAIN or gate is not None or rate.misses > 0,
    )


def _pair(pair: Paired) -> str:
    p_value = f"p = {pair.p_value:.3f}" if pair.p_value >= 0.0005 else "p < 0.001"
    lead = "WORSE than" if pair.is_worse else "against"
    return (
        f"{lead} {shorten(printable(pair.old), _LONGEST_OLD)}: {pair.rate}, {pair.broken:,} broken,"
        f" {pair.mended:,} mended, {p_value}"
    )

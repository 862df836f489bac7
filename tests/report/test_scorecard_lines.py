"""Scorecards as lines: what is told, and how much of what comes from elsewhere."""

from report_samples import scorecard_result

from pytest_llmprod.core.scorecard import Gate, Paired, Rate
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.report.scorecards import score_blocks, score_counts, score_lines


def lines(**changes: object) -> list[str]:
    return score_lines(score_blocks([scorecard_result(**changes)]))


def test_a_card_is_a_small_table() -> None:
    assert lines() == [
        "guardrail redact   counted  share        bounds  asked",
        "recall            57 of 60  95.0%  [87.6, 98.6]  95% INCONCLUSIVE",
        "  kind card        7 of 10  70.0%  [39.3, 91.3]",
        "  against v1: recall, 1 broken, 4 mended, p = 0.375",
    ]


def test_of_the_facets_the_three_worst_are_told_and_those_that_were_asked_about() -> None:
    facets = [
        Rate(name="recall", hits=10 - wrong, of=10, facet="kind", value=f"k{wrong}")
        for wrong in range(6)
    ]
    gates = (Gate(rate=facets[0], wanted=0.5), Gate(rate=facets[1], wanted=0.5))

    told = lines(rates=(Rate(name="recall", hits=45, of=60), *facets), gates=gates, pairs=())

    names = [line.split()[1] for line in told[2:]]
    assert names == ["k0", "k1", "k5", "k4", "k3"]


def test_what_nobody_asked_about_and_is_right_is_left_out() -> None:
    rates = (
        Rate(name="recall", hits=9, of=9),
        Rate(name="idempotence", hits=9, of=9),
        Rate(name="stability", hits=8, of=9),
    )

    assert [line.split()[0] for line in lines(rates=rates, gates=(), pairs=())[1:]] == [
        "recall",
        "stability",
    ]


def test_a_new_version_that_is_worse_is_told_so() -> None:
    pair = Paired(rate="recall", old="v1", broken=14, mended=0, of=60, p_value=1e-4, is_worse=True)

    assert lines(pairs=(pair,))[-1] == "  WORSE than v1: recall, 14 broken, 0 mended, p < 0.001"


def test_names_from_elsewhere_are_made_printable_and_fit_the_line() -> None:
    hostile = "\x1b[31m" + "x" * 200
    rate = Rate(name="recall", hits=1, of=2, facet=hostile, value=hostile)
    pair = Paired(rate="recall", old=hostile, broken=1, mended=0, of=2, p_value=1, is_worse=False)

    told = lines(name=hostile, rates=(Rate(name="recall", hits=1, of=2), rate), pairs=(pair,))

    assert "\x1b" not in "".join(told)
    assert max(map(len, told)) <= COLUMNS


def test_a_quiet_run_counts() -> None:
    assert score_counts([scorecard_result(), scorecard_result(gates=())]) == (
        "2 scorecards, 0 of 1 bound shown"
    )
    assert score_counts([scorecard_result(gates=())]) == "1 scorecard"

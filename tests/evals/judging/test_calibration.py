"""What labels say of a judge, when it may decide, and the file that tells it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod import llm_judge
from pytest_llmprod.core.errors import JudgeError
from pytest_llmprod.evals.judging import judge_of
from pytest_llmprod.evals.judging.calibration import (
    Calibration,
    Rated,
    load,
    measure,
    store,
    why_report_only,
)
from pytest_llmprod.evals.judging.standing import judge_result

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
DAY = "2026-11-01T00:00:00Z"


def rated(human: Any, judge: Any, *, times: int = 1, **changes: Any) -> list[Rated]:
    one = Rated(human=human, judge=judge, is_flipped=False, recorded_at=DAY)
    return [replace(one, **changes)] * times


def measured(rows: list[Rated], *, pairwise: bool = False) -> Calibration:
    judge = judge_of(llm_judge("r", "gpt-4o", pairwise=pairwise))
    assert judge is not None
    return measure(judge, rows, place="j.py:judge", labels="l.jsonl", labels_sha256="ab" * 32)


GOOD = measured(
    [
        *rated("yes", "yes", times=45),
        *rated("yes", "no", times=5),
        *rated("no", "no", times=32),
        *rated("no", "yes", times=8),
    ]
)


def test_a_calibration_has_the_figures_of_the_confusion_matrix() -> None:
    """By hand: po = 77/90, pe = (50*53 + 40*37) / 90**2."""
    expected = (77 / 90 - 4130 / 8100) / (1 - 4130 / 8100)

    assert GOOD.n == 90
    assert GOOD.kappa == pytest.approx(expected)
    assert GOOD.agreement == pytest.approx(77 / 90)
    assert GOOD.majority == GOOD.base_rate == pytest.approx(50 / 90)
    assert (GOOD.true_positives, GOOD.true_negatives) == ((45, 50), (32, 40))
    assert GOOD.flips is None


def test_who_always_says_the_same_agrees_often_and_has_no_kappa() -> None:
    constant = measured([*rated("yes", "yes", times=90), *rated("no", "yes", times=10)])

    assert constant.agreement == constant.majority == 0.9
    assert constant.kappa == 0
    assert reason(constant) == "was no better than chance on its labels"


def test_a_tie_is_neither_good_nor_bad() -> None:
    found = measured(
        [
            *rated("win", "win", times=3),
            *rated("win", "tie", is_flipped=True),
            *rated("loss", "loss", times=2),
            *rated("tie", "tie", times=2),
        ],
        pairwise=True,
    )

    assert (found.true_positives, found.true_negatives, found.flips) == ((3, 4), (2, 2), (1, 8))
    assert (found.base_rate, found.majority) == (0.5, 0.5)


def test_a_calibration_is_as_old_as_its_oldest_answer() -> None:
    old = "2026-01-01T00:00:00Z"

    assert measured([*rated("yes", "yes"), *rated("no", "no", recorded_at=old)]).measured_at == old


def reason(calibration: Calibration | None, **changes: Any) -> str:
    digest = GOOD.digest if calibration is None else calibration.digest
    return why_report_only(
        calibration, **{"digest": digest, "now": NOW, "valid_days": 90, **changes}
    )


def test_a_judge_decides_while_it_is_calibrated() -> None:
    assert reason(GOOD) == ""
    assert reason(GOOD, valid_days=22) == ""


@pytest.mark.parametrize(
    ("calibration", "changes", "why"),
    [
        (None, {}, "was never calibrated"),
        (GOOD, {"digest": "other"}, "has changed since it was calibrated"),
        (GOOD, {"valid_days": 21}, "was calibrated 2026-11-01, over 21 days ago"),
        (
            replace(GOOD, measured_at="2027-01-01T00:00:00Z"),
            {},
            "was calibrated 2027-01-01, which is yet to come",
        ),
        (replace(GOOD, n=49), {}, "was calibrated on 49 labels, and 50 are needed"),
        (
            replace(GOOD, true_negatives=(0, 0)),
            {},
            "was calibrated on labels without a bad output",
        ),
        (
            replace(GOOD, true_positives=(0, 0)),
            {},
            "was calibrated on labels without a good output",
        ),
        (replace(GOOD, true_negatives=(4, 40)), {}, "was no better than chance on its labels"),
    ],
)
def test_a_judge_is_report_only_for_a_reason(
    calibration: Calibration | None, changes: dict[str, Any], why: str
) -> None:
    assert reason(calibration, **changes) == why


def result(
    calibration: Calibration | None, scores: list[float], *, together: int = 1, **judge: Any
) -> Any:
    return judge_result(
        {"digest": GOOD.digest, "pairwise": False, **judge},
        scores,
        [number // together for number in range(len(scores))],
        calibration,
        confidence=0.95,
        now=NOW,
        valid_days=90,
    )


def test_the_corrected_share_is_that_of_rogan_and_gladen() -> None:
    found = result(GOOD, [1.0] * 80 + [0.0] * 20)

    assert found.corrected == pytest.approx((0.8 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert found.corrected_interval[0] < found.corrected < found.corrected_interval[1]
    assert found.calibration["kappa"] == round(GOOD.kappa or 0, 6)


def test_repeats_of_a_case_make_the_corrected_interval_no_narrower() -> None:
    one_each = result(GOOD, [1.0] * 20 + [0.0] * 5)
    four_each = result(GOOD, [1.0] * 80 + [0.0] * 20, together=4)
    as_if_alone = result(GOOD, [1.0] * 80 + [0.0] * 20)

    def breadth(found: Any) -> float:
        low, high = found.corrected_interval
        return float(high - low)

    assert four_each.corrected == pytest.approx(one_each.corrected)
    assert breadth(four_each) >= breadth(one_each) > breadth(as_if_alone)


def test_of_one_cluster_nothing_is_learned() -> None:
    assert result(GOOD, [1.0, 0.0], together=2).corrected_interval == (0.0, 1.0)


def test_nothing_is_corrected_by_the_calibration_of_another_judge() -> None:
    for found in (
        result(replace(GOOD, digest="other"), [1.0]),
        result(None, [1.0]),
        result(GOOD, [1.0], pairwise=True),
        result(GOOD, []),
        result(replace(GOOD, true_negatives=(0, 0)), [1.0]),
    ):
        assert (found.corrected, found.corrected_interval) == (None, None)


def test_a_calibration_is_read_as_it_was_stored(tmp_path: Path) -> None:
    path = tmp_path / "llmprod-judges.json"
    other = measured([*rated("win", "win")], pairwise=True)
    assert load(path) == {}

    store(path, "judge", GOOD)
    store(path, "other", other)
    before = path.read_bytes()
    store(path, "judge", GOOD)

    found = load(path)
    assert found["other"] == other
    assert found["judge"].kappa == pytest.approx(GOOD.kappa, abs=1e-6)
    assert replace(found["judge"], kappa=0, agreement=0, majority=0, base_rate=0) == replace(
        GOOD, kappa=0, agreement=0, majority=0, base_rate=0
    )
    assert path.read_bytes() == before


def test_two_judges_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "llmprod-judges.json"
    store(path, "judge", GOOD)

    with pytest.raises(JudgeError, match=r"the name 'judge' is that of the judge j\.py:judge"):
        store(path, "judge", replace(GOOD, judge="other.py:judge"))

    assert load(path)["judge"].judge == "j.py:judge"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2, "judges": {}}',
        '{"schema": 1, "judges": []}',
        '{"schema": 1, "judges": {"a": {}}}',
        '{"schema": 1, "judges": {"a": 3}}',
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_cure(tmp_path: Path, content: str) -> None:
    path = tmp_path / "llmprod-judges.json"
    path.write_text(content)

    with pytest.raises(JudgeError, match=r"cannot be read.*Restore the file from version control"):
        load(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("measured_at", "yesterday"),
        ("kappa", float("nan")),
        ("agreement", 10**400),
        ("n", float("inf")),
        ("true_positives", {"count": 41, "of": 40}),
        ("true_negatives", {"count": -1, "of": 40}),
        ("flips", {"count": 0, "of": 0}),
    ],
)
def test_figures_that_nobody_measured_are_told_with_the_cure(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = tmp_path / "llmprod-judges.json"
    entry = {**GOOD.to_json(), key: value}
    path.write_text(json.dumps({"schema": 1, "judges": {"judge": entry}}))

    with pytest.raises(JudgeError, match=r"cannot be read.*Restore the file from version control"):
        load(path)


def test_a_date_at_the_end_of_time_is_no_crash() -> None:
    calibration = replace(GOOD, measured_at="9999-12-31T00:00:00Z")

    assert reason(calibration) == "was calibrated 9999-12-31, which is yet to come"


def test_the_clock_of_another_machine_may_be_ahead() -> None:
    ahead = NOW + timedelta(hours=23)

    assert reason(replace(GOOD, measured_at=ahead.isoformat())) == ""

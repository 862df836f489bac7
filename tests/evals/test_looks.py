"""Looks: the same cases answered anew while a gate stays closed are counted."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_llmprod.core.errors import LooksFileError
from pytest_llmprod.core.results import FIRST_LOOK, Look
from pytest_llmprod.evals.gate import Tally, judge
from pytest_llmprod.evals.looks import FILE_NAME, Answers, LooksFile

META = {"test": "t.py::test_a", "dataset_sha256": "ab", "threshold": {"passed": 0.9, "f1": 0.5}}


def answers(times: str, requests: str = "prompt") -> Answers:
    return Answers.of(times=[("c", 1, times)] if times else [], requests=[("c", requests)])


def judged(
    folder: Path, times: str, *, requests: str = "prompt", is_open: bool = False, **meta: Any
) -> Look:
    """Judge answers in a run of its own that recorded them; return which look it was."""
    file = LooksFile(folder)
    found = file.look({**META, **meta}, "passed", answers(times, requests))
    file.note({**META, **meta}, "passed", answers(times, requests), is_open=is_open)
    file.save()
    return found


def test_the_first_answers_are_the_first_look(tmp_path: Path) -> None:
    assert judged(tmp_path, "monday") == FIRST_LOOK


def test_answers_to_the_same_requests_are_another_look(tmp_path: Path) -> None:
    judged(tmp_path, "monday")

    assert judged(tmp_path, "tuesday") == Look(number=2, is_again=True)
    assert judged(tmp_path, "wednesday") == Look(number=3, is_again=True)


def test_a_replay_is_the_look_that_it_replays(tmp_path: Path) -> None:
    judged(tmp_path, "monday")
    judged(tmp_path, "tuesday")
    before = (tmp_path / FILE_NAME).read_bytes()

    assert judged(tmp_path, "tuesday").number == 2
    assert judged(tmp_path, "monday").number == 1
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_other_requests_count_and_keep_the_benefit_of_the_doubt(tmp_path: Path) -> None:
    judged(tmp_path, "monday")

    assert judged(tmp_path, "tuesday", requests="better prompt") == Look(number=2)
    assert judged(tmp_path, "wednesday", requests="prompt") == Look(number=3, is_again=True)


def test_after_an_open_gate_looks_begin_anew(tmp_path: Path) -> None:
    judged(tmp_path, "monday")
    judged(tmp_path, "tuesday", is_open=True)

    assert judged(tmp_path, "in 90 days") == FIRST_LOOK
    assert judged(tmp_path, "a day later") == Look(number=2, is_again=True)


def test_other_data_begin_anew(tmp_path: Path) -> None:
    judged(tmp_path, "monday")

    assert judged(tmp_path, "tuesday", dataset_sha256="cd") == FIRST_LOOK


def test_a_threshold_that_moves_and_comes_back_takes_no_look_away(tmp_path: Path) -> None:
    judged(tmp_path, "monday")

    assert judged(tmp_path, "tuesday", threshold={"passed": 0.8}) == Look(number=2, is_again=True)
    assert judged(tmp_path, "wednesday") == Look(number=3, is_again=True)


def test_each_metric_is_counted_by_itself(tmp_path: Path) -> None:
    judged(tmp_path, "monday")

    assert LooksFile(tmp_path).look(META, "f1", answers("tuesday")) == FIRST_LOOK


def test_without_requests_there_is_nothing_to_count(tmp_path: Path) -> None:
    judged(tmp_path, "monday")

    assert judged(tmp_path, "") == FIRST_LOOK
    assert len(json.loads((tmp_path / FILE_NAME).read_text())["suites"]) == 1


def test_the_order_in_which_answers_came_does_not_matter() -> None:
    times, requests = [("a", 1, "x"), ("b", 1, "y")], [("a", "k"), ("b", "l")]

    there = Answers.of(times=times, requests=requests)

    assert Answers.of(times=times[::-1], requests=requests[::-1] * 2) == there


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema": 2, "suites": {}}',
        '{"schema": 1}',
        '{"schema": 1, "suites": [1]}',
        '{"schema": 1, "suites": {"a": {"looks": [{"open": 1}]}}}',
        '{"schema": 1, "suites": {"a": {"looks": [{"open": true}]}}}',
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_cure(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)

    with pytest.raises(LooksFileError, match=r"cannot be read .* Restore it from version control"):
        LooksFile(tmp_path).look(META, "passed", answers("monday"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_with_the_cure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(LooksFileError, match="cannot be written"):
        judged(tmp_path, "monday")


# Below: "look until green". The true share is the threshold: half of all single looks open the
# gate by their point estimate, and 2.5 % pass.

CASES, THRESHOLD, LOOKS = 200, 0.9, 40


def opened(hits: int, look: Look, *, strict: bool) -> bool:
    return judge(
        Tally(cases=CASES, hits=hits, errors=0),
        threshold=THRESHOLD,
        confidence=0.95,
        max_errors=0,
        strict=strict,
        look=look,
    ).is_open


def is_ever_open(folder: Path, looks: list[int], *, strict: bool) -> bool:
    """Say whether any of these looks, each with its hits, opens the gate; it is then the last."""
    file = LooksFile(folder)
    for number, hits in enumerate(looks):
        new = answers(f"run {number}")
        is_open = opened(hits, file.look(META, "passed", new), strict=strict)
        file.note(META, "passed", new, is_open=is_open)
        if is_open:
            return True
    return False


@pytest.mark.parametrize(
    ("strict", "naive_at_least", "at_most"), [(True, 0.4, 0.04), (False, 0.99, 0.6)]
)
def test_forty_looks_open_a_gate_hardly_more_often_than_one(
    tmp_path: Path, strict: bool, naive_at_least: float, at_most: float
) -> None:
    generator = np.random.default_rng(3)
    teams = generator.binomial(CASES, THRESHOLD, size=(400, LOOKS)).tolist()
    opens = {hits: opened(hits, FIRST_LOOK, strict=strict) for hits in range(CASES + 1)}

    once = sum(opens[looks[0]] for looks in teams) / len(teams)
    naive = sum(any(opens[hits] for hits in looks) for looks in teams) / len(teams)
    counted = sum(is_ever_open(tmp_path, looks, strict=strict) for looks in teams) / len(teams)

    assert naive >= naive_at_least
    assert counted <= at_most
    assert counted <= once + 0.0125 + 0.015  # what later looks may add, and Monte Carlo error


def test_a_better_prompt_opens_the_gate_at_whatever_look(tmp_path: Path) -> None:
    for day in range(30):
        judged(tmp_path, f"day {day}", requests=f"prompt {day}")

    look = LooksFile(tmp_path).look(META, "passed", answers("now", "the good prompt"))

    assert look.number == 31
    assert opened(187, look, strict=False)

"""The explanations: each claim that can be tried is tried."""

import json
import re
import time
from collections.abc import Iterator
from math import comb
from pathlib import Path
from typing import Any

import pytest
from project import Project
from reader import Reader, follow, steps_of
from recordings import CHAT_URL

from pytest_llmprod.evals.statistics import wilson
from pytest_llmprod.wire import dialects, masking
from pytest_llmprod.wire.key import ModelChoice, read_request

DOCS = Path(__file__).parents[1] / "docs"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


def test_wrong_answers_shows_what_each_outcome_prints(reader: Reader) -> None:
    text = page("wrong-answers")

    follow(reader, text)

    assert len(steps_of(text)) == text.count("```") // 2


@pytest.mark.parametrize(
    ("outputs", "options", "status"),
    [(["a", "a"], [], 0), (["a", "b"], [], 1), (["a", "a"], ["--llm-strict"], 1)],
)
def test_a_threshold_of_one_is_closed_by_one_miss_and_never_shown(
    pytester: pytest.Pytester, outputs: list[str], options: list[str], status: int
) -> None:
    rows = [{"id": number, "expected": "a"} for number, _ in enumerate(outputs)]
    answers = [{"id": number, "output": each} for number, each in enumerate(outputs)]
    pytester.makefile(".jsonl", cases="\n".join(map(json.dumps, rows)))
    pytester.makefile(".jsonl", answers="\n".join(map(json.dumps, answers)))
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.llm_eval(
            feature="f", dataset="cases.jsonl", outputs="answers.jsonl", threshold=1
        )
        def test_all(llm_case, llm_output):
            assert llm_output == llm_case.expected
        """
    )

    assert pytester.runpytest_inprocess("--llm-eval", *options).ret == status


def verdict(low: float, high: float, threshold: float = 0.9) -> str:
    if low >= threshold:
        return "PASS"
    return "FAIL" if high < threshold else "INCONCLUSIVE"


def test_the_table_of_verdicts_is_computed() -> None:
    rows = re.findall(r"^\| (\d+) of (\d+) \| (.*?) \| (.*?) \| (\w+) \|$", page("verdicts"), re.M)

    assert len(rows) == 9
    for hits, cases, score, interval, name in rows:
        low, high = wilson(int(hits), int(cases), 0.95)
        assert score == f"{int(hits) / int(cases):.1%}"
        assert interval == f"{low:.1%} to {high:.1%}".replace("%", "")
        assert name == verdict(low, high)
    assert verdict(*wilson(34, 34, 0.95)) == "INCONCLUSIVE"


def test_so_often_a_verdict_is_wrong_where_the_share_is_the_threshold() -> None:
    passed, failed = [], []
    for cases in (50, 75, 100, 150, 200, 220, 300, 400, 500):
        shares = {"PASS": 0.0, "FAIL": 0.0, "INCONCLUSIVE": 0.0}
        for hits in range(cases + 1):
            chance = comb(cases, hits) * 0.9**hits * 0.1 ** (cases - hits)
            shares[verdict(*wilson(hits, cases, 0.95))] += chance
        passed.append(shares["PASS"])
        failed.append(shares["FAIL"])

    (told_passed, told_failed) = re.findall(r"at most\s+(\d) in 100", page("verdicts"))
    assert int(told_passed) - 1 < max(passed) * 100 <= int(told_passed)
    assert int(told_failed) - 1 < max(failed) * 100 <= int(told_failed)


def key_of(text: str) -> str:
    return read_request(
        method="POST",
        url=CHAT_URL,
        body=text.encode(),
        headers={},
        dialects=dialects.BUILT_IN,
        scanners=masking.BUILT_IN,
        choice=ModelChoice(swaps={}),
    ).key


MATCHING = re.findall(r"^\| `(\{.*?\})` \| `(\{.*?\})` \| (yes|no): ", page("matching"), re.M)


def test_the_table_of_matching_has_both_answers() -> None:
    assert len(MATCHING) == page("matching").count("\n| `{")
    assert {found for _, _, found in MATCHING} == {"yes", "no"}


@pytest.mark.parametrize(("recorded", "asked", "found"), MATCHING)
def test_a_request_is_found_where_the_page_says_so(recorded: str, asked: str, found: str) -> None:
    assert (key_of(recorded) == key_of(asked)) == (found == "yes")


def test_the_host_of_a_request_is_not_matched(recorded: Project) -> None:
    """It was recorded on loopback, and is asked at api.openai.com."""
    assert recorded.run().parseoutcomes() == {"passed": 10, "missed": 1}


def test_a_test_that_asks_its_model_no_more_fails(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        def test_asks():
            assert ask("one") == "one one"
            assert ask("two") == "two two"
        """
    )
    project.record()
    project.edit("test_words.py", '    assert ask("two") == "two two"', "")
    asks_less = project.run().parseoutcomes()
    project.edit("test_words.py", 'assert ask("one") == "one one"', "...")
    asks_nothing = project.run().parseoutcomes()

    assert asks_less == asks_nothing == {"passed": 1, "errors": 1}


def test_replayed_time_is_told_and_not_waited_for(project: Project) -> None:
    app, test = (text for _, kind, text in steps_of(page("replayed-time")) if kind == "python")
    project.pytester.makepyfile(app=app, test_words=test)

    def late(body: dict[str, Any]) -> str:
        time.sleep(0.5)
        return "It is on its way."

    project.server.answer = late

    assert project.record().parseoutcomes() == {"passed": 1}
    assert project.run().parseoutcomes() == {"passed": 1}
    assert len(project.server.requests) == 1

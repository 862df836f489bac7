"""Metrics of a team's own: which ones a test can name, what they are given, and what is told."""

import json
import re
from typing import Any

import pytest
from project import Project

HALF = """
from pytest_llmprod.evals.metrics import metric

@metric
def closeness(output, expected):
    return {share}
"""
EVAL = """
import pytest
from functools import partial
from pytest_llmprod.evals.metrics import *

{before}

@pytest.mark.llm_eval(feature="f", dataset="{root}/data.jsonl", outputs="{root}/answers.jsonl",
                      threshold={threshold})
def test_closeness(llm_case):
    pass
"""


class Judged:
    """A project in which recorded answers are judged, without HTTP."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.write({"a": "refund", "b": "refunds"}, "refund")

    def write(self, outputs: dict[str, Any], expected: Any) -> None:
        rows = [{"id": name, "expected": expected} for name in outputs]
        answers = [{"id": name, "output": output} for name, output in outputs.items()]
        for name, lines in (("data", rows), ("answers", answers)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (self.pytester.path / f"{name}.jsonl").write_text(text)

    def eval(self, threshold: str, *, before: str = "", folder: str = "") -> None:
        path = self.pytester.path / folder / f"test_in_{folder.replace('/', '_') or 'top'}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        root = self.pytester.path.as_posix()
        path.write_text(EVAL.format(threshold=threshold, before=before, root=root))

    def conftest(self, text: str, folder: str = "") -> None:
        path = self.pytester.path / folder / "conftest.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess("--llm-eval", "--llm-json=run.json", *arguments)

    def scores(self, *arguments: str) -> dict[str, float]:
        result = self.run(*arguments)
        assert "error" not in result.parseoutcomes(), result.outlines
        return {suite["test"].split("::")[0]: suite["score"] for suite in self.data()["suites"]}

    def data(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.pytester.path / "run.json").read_text())
        return document


@pytest.fixture
def judged(pytester: pytest.Pytester) -> Judged:
    return Judged(pytester)


def test_a_test_names_the_metrics_of_its_own_module(judged: Judged) -> None:
    judged.eval('{"closeness": 0.1}', before=HALF.format(share=0.5))

    assert judged.scores() == {"test_in_top.py": 0.5}


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one process", "xdist"])
def test_the_nearest_conftest_supplies_a_metric(judged: Judged, workers: list[str]) -> None:
    judged.conftest(HALF.format(share=0.1))
    judged.conftest(HALF.format(share=0.2), "near")
    judged.conftest(HALF.format(share=0.3), "near/nearest")
    for folder in ("far", "near", "near/nearest"):
        judged.eval('{"closeness": 0.1}', folder=folder)
    judged.eval('{"closeness": 0.1}', folder="own", before=HALF.format(share=0.4))

    assert judged.scores(*workers) == {
        "far/test_in_far.py": pytest.approx(0.1),
        "near/test_in_near.py": pytest.approx(0.2),
        "near/nearest/test_in_near_nearest.py": pytest.approx(0.3),
        "own/test_in_own.py": pytest.approx(0.4),
    }


def test_a_metric_of_a_neighbouring_folder_is_not_known(judged: Judged) -> None:
    judged.conftest(HALF.format(share=0.1), "one")
    hook = "def pytest_llmprod_metrics(): return {'hooked': lambda output, expected: 1}"
    judged.conftest(hook, "two")
    judged.eval('{"closeness": 0.1}', folder="one")
    judged.eval('{"closeness": 0.1}', folder="two")
    judged.eval('{"hooked": 0.1}', folder="one/inner")

    result = judged.run()

    assert result.parseoutcomes()["errors"] == 2
    result.stdout.fnmatch_lines(
        [
            "one/inner/test_in_one_inner.py*names the metric 'hooked', which is not known*",
            "two/test_in_two.py*names the metric 'closeness', which is not known*",
        ]
    )


def test_a_hook_of_a_nearer_conftest_comes_first(judged: Judged) -> None:
    hook = "def pytest_llmprod_metrics(): return {{'hooked': lambda output, expected: {share}}}"
    judged.conftest(hook.format(share=0.1))
    judged.conftest(hook.format(share=0.2), "near")
    judged.eval('{"hooked": 0.1}')
    judged.eval('{"hooked": 0.1}', folder="near")

    assert judged.scores() == {"test_in_top.py": 0.1, "near/test_in_near.py": 0.2}


def test_a_plugin_may_have_metrics(judged: Judged) -> None:
    (judged.pytester.path / "house_metrics.py").write_text(HALF.format(share=0.5))
    judged.pytester.syspathinsert()
    judged.eval('{"closeness": 0.1}')

    assert judged.scores("-p", "house_metrics") == {"test_in_top.py": 0.5}


def test_two_metrics_of_one_name_in_a_module_are_told(judged: Judged) -> None:
    other = "\n\n@metric('closeness')\ndef other(output, expected):\n    return 1\n"
    judged.conftest(HALF.format(share=0.5) + other)
    judged.eval('{"closeness": 0.1}')

    result = judged.run()

    result.stdout.fnmatch_lines(
        ["*conftest.py: closeness() and other() are both the metric 'closeness'*"]
    )


def test_a_threshold_takes_functions_and_their_options(judged: Judged) -> None:
    judged.eval(
        "{exact: 0.5, partial(length, at_most=6): 0.5, closeness: 0.5, 'contains': 1.0}",
        before=HALF.format(share=0.5),
    )

    judged.run()

    suites = {suite["metric"]: suite["score"] for suite in judged.data()["suites"]}
    assert suites == {"exact": 0.5, "length(at_most=6)": 0.5, "closeness": 0.5, "contains": 1.0}


@pytest.mark.parametrize(
    ("threshold", "told"),
    [
        ("{'exact': 0.5, exact: 0.6}", "two metrics of the name 'exact'"),
        ("{'json_model': 1.0}", "partial(json_model, model=...)"),
        ("{lambda output, expected: 1: 0.5}", "a function of (output, expected) that has one"),
        ("{'exactly': 0.5}", "Did you mean 'exact'?"),
        ("{exact: 2}", "threshold must be a share between 0 and 1"),
    ],
)
def test_a_threshold_that_cannot_be_used_is_told_before_any_case(
    judged: Judged, threshold: str, told: str
) -> None:
    judged.eval(threshold)

    result = judged.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert told in result.stdout.str()


def test_the_reason_of_a_low_score_is_told_without_secrets(judged: Judged) -> None:
    secret = "sk-live-0123456789abcdefghijklmnop"
    judged.write({"a": "refund", "b": f"the key is {secret} {'x' * 1000}"}, "refund")
    judged.eval('{"contains": 0.9}')

    result = judged.run()

    cases = {case["id"]: case for case in judged.data()["cases"]}
    assert cases["a"]["whys"] == {}
    assert cases["b"]["scores"] == {"contains": 0.0}
    why = cases["b"]["whys"]["contains"]
    assert why.startswith("no 'refund' in 'the key is [masked")
    assert len(why) == 300
    assert secret not in result.stdout.str()


def test_an_expectation_that_a_metric_cannot_read_fails_its_case(judged: Judged) -> None:
    judged.write({"a": "42"}, "many")
    judged.eval('{"numeric": 0.9}')

    result = judged.run()

    result.stdout.fnmatch_lines(
        ["the metric 'numeric' failed on this case: MetricError: numeric needs a finite number*"]
    )


def test_a_metric_of_exchanges_needs_no_task(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold={asks_once: 0.9}")
    recorded.edit(
        "test_words.py",
        "import pytest\n",
        "import pytest\n\ndef asks_once(output, expected, exchanges):\n"
        "    return output is None and [each.status for each in exchanges] == [200]\n",
    )

    (suite,) = recorded.data()["suites"]

    assert (suite["metric"], suite["score"]) == ("asks_once", 1.0)


def test_a_known_metric_without_an_output_names_the_ways_to_one(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold={'exact': 0.9}")

    result = recorded.run()

    result.stdout.fnmatch_lines(
        ["*gave no score for the metric 'exact'*Or give the marker task= or outputs=*"]
    )


def test_a_test_may_say_why_it_scored_low(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold={'fit': 0.9}")
    recorded.edit("test_words.py", "(llm_case)", "(llm_case, llm_score)")
    recorded.edit(
        "test_words.py",
        "    assert ask(",
        "    from pytest_llmprod.evals.metrics import Score\n"
        "    llm_score('fit', Score(0.5, why='half of it'))\n    assert ask(",
    )

    document = recorded.data()

    assert document["suites"][0]["score"] == 0.5
    assert {case["whys"]["fit"] for case in document["cases"]} == {"half of it"}


def test_the_summary_shows_the_lowest_scores_and_why(judged: Judged) -> None:
    judged.write({"a": ["x", "y"], "b": ["x"], "c": ["z"]}, ["x", "y"])
    judged.eval('{"set_f1": 0.9}')

    result = judged.run()

    result.stdout.fnmatch_lines(
        [
            "f: 2 scores below 1 in 3; run the first alone with:",
            "*test_closeness?c?*",
            "  c  set_f1 0.00: no 'x', 'y'; not expected: 'z'",
            "  b  set_f1 0.67: no 'y'",
        ]
    )


def test_a_metric_that_gives_no_score_is_told_once_and_counted(judged: Judged) -> None:
    judged.write({"a": "refund", "b": "other", "c": "refund"}, "refund")
    judged.eval('{"vague": 0.9}')
    conftest = "from pytest_llmprod.evals.metrics import metric\n\n@metric\n"
    judged.pytester.makeconftest(f"{conftest}def vague(output, expected):\n    return None\n")

    result = judged.run()

    text = "the score of metric 'vague' must be a number in 0..1, not None"
    told = [line for line in result.outlines if line.startswith(text)]
    assert told[0].startswith(f"{text}. Return a number")
    assert len(told) == 3
    assert all(re.fullmatch(rf"{re.escape(text)}, as in test_\w+\[a\] above", x) for x in told[1:])
    result.stdout.fnmatch_lines(["*: 3 errors in 3; run the first alone with:"])


def test_a_score_that_no_test_gave_is_told_once(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold={'brevity': 0.9}")
    recorded.edit("test_words.py", "(llm_case)", "(llm_case, llm_score)")

    result = recorded.run()

    text = "this test gave no score for the metric 'brevity', which its threshold names"
    told = [line for line in result.outlines if line.startswith(text)]
    assert told[0].startswith(f"{text}. Call llm_score")
    assert set(told[1:]) == {f"{text}, as in test_doubles[one] above"}
    assert len(told) == 10

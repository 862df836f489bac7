"""Judges: their arguments, their digests, and how two orders make one verdict."""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

import pytest_llmprod
from pytest_llmprod import llm_judge
from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.core.judging import is_judging
from pytest_llmprod.evals.judging import Judge, judge_of
from pytest_llmprod.evals.metrics import make_scorer, name_of


class Client:
    """Takes the place of openai's client, and gives one verdict after the other."""

    def __init__(self, verdicts: Sequence[str]) -> None:
        self.verdicts = list(verdicts)
        self.asked: list[Any] = []
        self.was_judging: list[bool] = []
        self.chat = SimpleNamespace(completions=self)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def create(self, **request: Any) -> Any:
        self.asked.append(json.loads(request["messages"][-1]["content"]))
        self.was_judging.append(is_judging())
        content = json.dumps({"reasons": "because", "verdict": self.verdicts.pop(0)})
        return SimpleNamespace(
            choices=[SimpleNamespace(message=SimpleNamespace(content=content, refusal=None))]
        )


def judge(**changes: Any) -> Judge:
    arguments = {"rubric": "It is polite.", "model": "gpt-4o", **changes}
    found = judge_of(llm_judge(**arguments))
    assert found is not None
    return found


@pytest.mark.parametrize(("verdict", "score", "why"), [("yes", 1, ""), ("no", 0, "because")])
def test_a_single_judge_says_yes_or_no(verdict: str, score: float, why: str) -> None:
    client: Any = Client([verdict])
    scorer = make_scorer("judge", llm_judge("r", "gpt-4o", client=lambda: client))

    found = scorer("an output", "expected", (), "an input")

    assert (found, found.why) == (score, why)
    assert client.asked == [{"input": "an input", "expected": "expected", "output": "an output"}]
    assert client.was_judging == [True]
    assert not is_judging()


@pytest.mark.parametrize(
    ("verdicts", "score"),
    [
        (("first", "second"), 1.0),
        (("second", "first"), 0.0),
        (("tie", "tie"), 0.5),
        (("first", "first"), 0.5),
        (("second", "second"), 0.5),
        (("first", "tie"), 0.5),
        (("tie", "first"), 0.5),
    ],
)
def test_only_a_verdict_in_both_orders_counts(verdicts: Sequence[str], score: float) -> None:
    client: Any = Client(verdicts)
    metric = llm_judge("r", "gpt-4o", pairwise=True, client=lambda: client)

    found: Any = metric("mine", "theirs", input="which?")

    assert found == score
    is_flipped = verdicts not in (("first", "second"), ("second", "first"), ("tie", "tie"))
    assert found.why.startswith("the order of the answers decides") == is_flipped
    assert client.asked == [
        {"input": "which?", "first": "mine", "second": "theirs"},
        {"input": "which?", "first": "theirs", "second": "mine"},
    ]


def test_no_output_is_no_good_output_and_nobody_is_asked() -> None:
    assert llm_judge("r", "gpt-4o")(None, "expected") == 0


def test_a_pairwise_judge_needs_what_is_expected() -> None:
    with pytest.raises(MetricError, match="pairwise judge 'judge' compares with the expected"):
        llm_judge("r", "gpt-4o", pairwise=True)("mine", None)


def test_the_digest_is_that_of_what_a_verdict_rests_on() -> None:
    digests = [
        judge().digest,
        judge(rubric="It is kind.").digest,
        judge(model="gpt-4.1").digest,
        judge(pairwise=True).digest,
    ]

    assert len(set(digests)) == 4
    assert judge(name="other", client=lambda: None).digest == digests[0]


def test_the_digest_changes_with_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    before = judge().digest
    monkeypatch.setattr("pytest_llmprod.evals.judging.judge.PARSER_VERSION", 0)

    assert judge().digest != before


@pytest.mark.parametrize("argument", ["rubric", "model", "name"])
@pytest.mark.parametrize("value", ["", " ", None, 3])
def test_an_argument_that_is_no_text_is_refused(argument: str, value: Any) -> None:
    with pytest.raises(MetricError, match=rf"llm_judge\(\) takes a text as {argument}, not"):
        judge(**{argument: value})


def test_a_judge_has_the_name_that_it_is_given() -> None:
    assert name_of(llm_judge("r", "m", name="politeness")) == "politeness"
    with pytest.raises(MetricError, match="cannot be called 'passed'"):
        llm_judge("r", "m", name="passed")


def test_the_package_has_no_other_name_of_that_kind() -> None:
    with pytest.raises(AttributeError, match="no attribute 'llm_jugde'"):
        pytest_llmprod.llm_jugde  # noqa: B018  # the access is what is tested

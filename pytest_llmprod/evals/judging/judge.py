"""Judge: a metric that asks a model whether an output is good."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

from pytest_llmprod.core.errors import JudgeError, MetricError
from pytest_llmprod.core.judging import judging
from pytest_llmprod.evals.judging.prompt import (
    PAIRWISE,
    PARSER_VERSION,
    SINGLE,
    make_request,
    read_answer,
)
from pytest_llmprod.evals.metrics.own import metric
from pytest_llmprod.evals.metrics.scoring import NO_OUTPUT, Metric, Score

if TYPE_CHECKING:
    import openai

Verdict = Literal["yes", "no", "win", "loss", "tie"]
_SCORES: Mapping[Verdict, float] = {"yes": 1.0, "no": 0.0, "win": 1.0, "loss": 0.0, "tie": 0.5}
_ATTRIBUTE = "llmprod_judge"
_TURNED: Mapping[str, str] = {"first": "second", "second": "first", "tie": "tie"}
_WON: Mapping[str, Verdict] = {"first": "win", "second": "loss", "tie": "tie"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a judge said of one output.

    `verdict` is yes or no, and from a pairwise judge win, loss or tie. `is_flipped` says that the
    pairwise judge said something else when the answers changed places: that is a tie.
    """

    verdict: Verdict
    reasons: str
    is_flipped: bool = False

    @property
    def score(self) -> Score:
        """Return the score of the case: 1, 0, or 0.5 for a tie."""
        reasons = f"the order of the answers decides: {self.reasons}"
        why = reasons if self.is_flipped else self.reasons
        value = _SCORES[self.verdict]
        return Score(value, why="" if value == 1 else why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A model with a rubric; `client` makes the client that asks it, None is `openai.OpenAI`."""

    name: str
    rubric: str
    model: str
    pairwise: bool
    client: "Callable[[], openai.OpenAI] | None" = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of all on which a verdict rests: model, rubric, prompt, parser."""
        verdicts = PAIRWISE if self.pairwise else SINGLE
        request = make_request(self.rubric, self.model, {}, verdicts)
        text = json.dumps([PARSER_VERSION, request], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()

    def judge(self, given: Any, output: Any, expected: Any) -> Judgement:
        """Return what the judge says of an output for the input `given`.

        Raises JudgeError where its answer cannot be read, and what its client raises.
        """
        if not self.pairwise:
            material = {"input": given, "expected": expected, "output": output}
            return Judgement(**self._ask(material, SINGLE))
        if expected is None:
            raise MetricError(
                f"the pairwise judge {self.name!r} compares with the expected answer, and this row "
                f"has none. Give every row the key expected, or leave pairwise=True out."
            )
        there, back = (
            self._ask({"input": given, "first": one, "second": other}, PAIRWISE)
            for one, other in ((output, expected), (expected, output))
        )
        is_flipped = there["verdict"] != _TURNED[back["verdict"]]
        verdict: Verdict = "tie" if is_flipped else _WON[there["verdict"]]
        return Judgement(verdict=verdict, reasons=there["reasons"], is_flipped=is_flipped)

    def _ask(self, material: Mapping[str, Any], verdicts: tuple[str, ...]) -> dict[str, Any]:
        request = make_request(self.rubric, self.model, material, verdicts)
        with judging(), self._connected() as client:
            answer = client.chat.completions.create(**request)
        if not answer.choices:
            raise JudgeError(f"the judge {self.name!r} gave no answer. Record it again.")
        message = answer.choices[0].message
        verdict, reasons = read_answer(message.content or message.refusal, verdicts)
        return {"verdict": verdict, "reasons": reasons}

    def _connected(self) -> "AbstractContextManager[openai.OpenAI]":
        """Return the client; one of our own is closed afterwards, and no other."""
        if self.client is not None:
            return nullcontext(self.client())
        import openai  # heavy: only a run in which a judge is asked needs it

        return openai.OpenAI()


def llm_judge(
    rubric: str,
    model: str,
    *,
    pairwise: bool = False,
    name: str = "judge",
    client: "Callable[[], openai.OpenAI] | None" = None,
) -> Metric:
    """Return a metric that asks `model` whether an output meets `rubric`: 1 for yes, 0 for no.

    With `pairwise` it compares the output with the expected answer, in both orders: 1 where the
    output is better both times, 0 where it is worse both times, else 0.5. `name` is that of the
    metric, and one for each judge of a project. `client` returns the client that asks, for a
    provider other than that of `openai.OpenAI()`. Raises MetricError on wrong arguments.

    The metric gates only while it is calibrated: see docs/judges.md.
    """
    for argument, value in (("rubric", rubric), ("model", model), ("name", name)):
        if not isinstance(value, str) or not value.strip():
            raise MetricError(
                f"llm_judge() takes a text as {argument}, not {value!r}. Write for instance "
                f'llm_judge("The answer is polite.", "gpt-5-mini", name="politeness").'
            )
    judge = Judge(name=name, rubric=rubric, model=model, pairwise=pairwise, client=client)

    def ask(output: Any, expected: Any = None, *, input: Any = None) -> Score:
        if output is None:
            return NO_OUTPUT
        return judge.judge(input, output, expected).score

    ask.__name__ = name
    setattr(ask, _ATTRIBUTE, judge)
    return metric(name)(ask)


def judge_of(given: object) -> Judge | None:
    """Return the judge that asks for a metric, None where it is no judge's."""
    if type(given) is not FunctionType:  # not getattr: some objects answer to every name
        return None
    found = given.__dict__.get(_ATTRIBUTE)
    return found if isinstance(found, Judge) else None

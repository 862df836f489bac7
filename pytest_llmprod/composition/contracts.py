"""Contracts: one test of a guardrail, at one place or while it fails, and what was wrong.

Composes what the wire, the faults and the guardrails know. It imports no pytest.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NoReturn, cast

from pytest_llmprod.composition.drills import FaultBench
from pytest_llmprod.composition.guardrail_marks import Item
from pytest_llmprod.core.errors import FaultError, GuardrailError, MarkerError
from pytest_llmprod.core.text import counted, error_text, printable, shorten, squeezed
from pytest_llmprod.faults.doubles import Double
from pytest_llmprod.faults.log_watch import LogWatch
from pytest_llmprod.faults.planted_answers import PlantedAnswers, Spot
from pytest_llmprod.guardrails import contract
from pytest_llmprod.guardrails.contract import FAILURES, PLACES, Answers
from pytest_llmprod.guardrails.shown import Secret, Shown, error_texts, show, texts_in
from pytest_llmprod.guardrails.stand_ins import Calls, Failure, failing, noting, planting

_LONGEST_ERROR = 160
_SPOTS: Mapping[str, Spot] = {
    "choices": "choices",
    "tool-arguments": "arguments",
    "tool-results": "tool",
    "refusal": "refusal",
    "fallback": "down",
    "exception": "error",
}


class _Logs(LogWatch):
    """The warnings and errors that an application logs, with the text of their tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def _note(self, record: Any) -> None:
        before = len(self.records)
        super()._note(record)
        if len(self.records) == before:
            return
        error = record.exc_info[1] if record.exc_info else None
        told = [] if error is None else list(error_texts(error))
        self.texts.append("\n".join([self.records[-1].text, *told]))

    def name_the_guardrail(self, guardrails: tuple[str, ...]) -> bool:
        """Say whether a record says that it was a guardrail that failed."""
        words = {"guardrail", *(path.rpartition(":")[2].lower() for path in guardrails)}
        return any(any(word in text.lower() for word in words) for text in self.texts)


class NotThere(Exception):
    """The application does not have the place that is tested; the text says why."""


class GuardedPlace:
    """The place of this item: `llm_place`.

    `name` is that of the item, `what` says in a few words where the secret stands, or how the
    guardrail fails.
    """

    def __init__(self, bench: FaultBench, item: Item, skip: Callable[[str], NoReturn]) -> None:
        """Test one place with the tape of `bench`; `skip` ends the test of a place that is none."""
        self.name = item.name
        self.what = {**PLACES, **FAILURES}[item.name]
        self.is_checked = False
        self._bench = bench
        self._spec = item.spec
        self._secret = Secret(item.spec.secret)
        self._skip = skip
        self._logs = _Logs()
        self._seen: Calls = []

    def __str__(self) -> str:
        """Return the name of the place."""
        return self.name

    def check(self, call: Callable[[], Any], answer: Any = None) -> None:
        """Fail where the application shows the secret, or does not live with a failing guardrail.

        `call` asks the application, and returns what a user gets: a value, a coroutine, or the
        pieces of a stream, of either kind. `answer` is what the model answers, a text or a value
        that becomes JSON, with the secret in it.
        """
        __tracebackhide__ = True
        self.is_checked = True
        answers = contract.answers(self._spec.secret, answer)
        try:
            problem = self._failure(call, answers) if self.name in FAILURES else ""
            problem = problem or (self._place(call, answers) if self.name in PLACES else "")
        except NotThere as reason:
            if self._spec.is_all:
                self._skip(f"{self._spec.feature}: {reason}")
            problem = f"cannot be tested: {reason}"
        if problem:
            raise AssertionError(f"{problem}\n({self._spec.feature}, {self.name}: {self.what})")

    def _place(self, call: Callable[[], Any], answers: Answers) -> str:
        """Return what is wrong at one place, "" where nothing is."""
        tests: Mapping[str, Callable[[Callable[[], Any], Answers], str]] = {
            "request": self._request,
            "answer": self._answer,
            "stream": self._stream,
            "cache": self._cache,
            "tool-arguments": self._arguments,
            "tool-results": self._results,
            "fallback": self._fallback,
        }
        with self._noting():
            return tests.get(self.name, self._other)(call, answers)

    def _request(self, call: Callable[[], Any], answers: Answers) -> str:
        with self._answering("text", replace(answers, planted=answers.harmless)) as plan:
            shown = show(call)
        if not self._is_seen() and not self._secret.place_in(_requests(plan)):
            raise NotThere("what it is asked does not hold the secret")
        return self._leak(shown, _requests(plan))

    def _answer(self, call: Callable[[], Any], answers: Answers) -> str:
        with self._answering("text", answers) as plan:
            shown = self._ask(call, plan)
        return self._leak(shown) or self._unseen(shown)

    def _stream(self, call: Callable[[], Any], answers: Answers) -> str:
        with self._answering("text", answers) as plan:
            spec, plan.chunks = self._spec, (answers.planted,)
            shown = self._ask(call, plan)
            if not plan.is_streamed:
                raise NotThere("it asks for no stream")
            whole = shown.texts_with(answers.words)
            differing = ""
            for way, plan.chunks, plan.by_bytes in contract.cuts(answers.planted, spec.secret):
                shown = self._ask(call, plan)
                leak = self._leak(shown) or self._unseen(shown)
                if leak:
                    return f"{way}: {leak}"
                if not differing and shown.texts_with(answers.words) != whole:
                    differing = f"{way}: the output is another one than that of the whole stream"
                    differing += self._raised(shown)
        return differing

    def _cache(self, call: Callable[[], Any], answers: Answers) -> str:
        with self._answering("text", answers) as plan:
            first = self._ask(call, plan)
            count = len(plan.requests)
            second = show(call)
        if len(plan.requests) > count:
            raise NotThere("it asks again: nothing comes from a cache")
        return self._leak(first) or self._leak(second)

    def _arguments(self, call: Callable[[], Any], answers: Answers) -> str:
        given: dict[str, Calls] = {path: [] for path in self._spec.tools}
        with ExitStack() as stack:
            plan = stack.enter_context(self._answering("arguments", answers))
            for path, calls in given.items():
                stack.enter_context(self._double(path, _noted_by(calls)))
            shown = self._ask(call, plan)
        if not plan.is_met:
            raise NotThere("it offers no tool that takes a text")
        texts = {f"the arguments of {path}": _joined(calls) for path, calls in given.items()}
        return self._leak(shown, texts)

    def _results(self, call: Callable[[], Any], answers: Answers) -> str:
        if not self._spec.tools:
            raise NotThere("tools= names no tool")
        planted: list[bool] = []
        name = self._spec.tools[0].rpartition(":")[2].rpartition(".")[2]
        with ExitStack() as stack:
            plan = stack.enter_context(self._answering("tool", answers, tool=name))
            for path in self._spec.tools:
                stack.enter_context(self._double(path, _planting(answers.planted, planted)))
            shown = self._ask(call, plan)
        if not any(planted):
            raise NotThere("no tool of tools= ran and returned a text")
        return self._leak(shown, _requests(plan))

    def _fallback(self, call: Callable[[], Any], answers: Answers) -> str:
        if not self._spec.fallback:
            raise NotThere("fallback= names no fallback")
        planted: list[bool] = []
        with ExitStack() as stack:
            plan = stack.enter_context(self._answering("down", answers))
            make = _planting(answers.planted, planted)
            stack.enter_context(self._double(self._spec.fallback, make))
            shown = self._ask(call, plan)
        if not planted:
            raise NotThere(f"{self._spec.fallback} did not run")
        if not any(planted):
            raise NotThere(f"{self._spec.fallback} returns no text")
        return self._leak(shown)

    def _other(self, call: Callable[[], Any], answers: Answers) -> str:
        with self._answering(_SPOTS[self.name], answers) as plan:
            shown = self._ask(call, plan)
        if not plan.is_met:
            raise NotThere("it asks for one choice")
        logged = {"a log record": "\n".join(self._logs.texts)}
        return self._leak(shown, logged if self.name == "exception" else {})

    def _failure(self, call: Callable[[], Any], answers: Answers) -> str:
        """Return what is wrong while the guardrail fails, "" where nothing is."""
        how = cast("Failure", self.name.removeprefix("guardrail-"))
        before_s = self._bench.elapsed_s
        with ExitStack() as stack:
            plan = stack.enter_context(self._answering("text", answers))
            for path in self._spec.guardrails:
                stack.enter_context(self._double(path, _failing(how, self._seen)))
            shown = show(call)
        took_s = self._bench.elapsed_s - before_s
        if not self._seen:
            return f"{self._names} never ran{self._raised(shown)}"
        place = self._secret.place_in({**shown.by_place(), **_requests(plan)})
        if not place and answers.words in squeezed(shown.text):
            place = "the output"
        if took_s > self._spec.within_s:
            return f"waited {took_s:g} s for it, and may wait {self._spec.within_s:g} s"
        if self._spec.fails == "closed" and place:
            return f"what it guards was let through in {place}, and it is to fail closed"
        if self._spec.fails == "open" and not place:
            return f"the answer was not shown, and it is to fail open{self._raised(shown)}"
        if not self._logs.name_the_guardrail(self._spec.guardrails):
            count = counted(len(self._logs.texts), "record")
            return f"no log record names the guardrail ({count} at WARNING or above)"
        return ""

    def _ask(self, call: Callable[[], Any], plan: PlantedAnswers) -> Shown:
        """Call the application; raise GuardrailError where it does not ask a model."""
        plan.begin()
        before = len(plan.requests)
        shown = show(call)
        if len(plan.requests) == before:
            raise GuardrailError(
                f"llm_place.check: the application sent no request{self._raised(shown)}. Call it "
                f"so that it asks its model: open its gate, clear its cache."
            )
        return shown

    def _leak(self, shown: Shown, more: Mapping[str, str] | None = None) -> str:
        """Return where the secret was shown, "" where it was not."""
        place = self._secret.place_in({**shown.by_place(), **(more or {})})
        if not place:
            return ""
        saw = "saw it" if self._is_seen() else "never saw it"
        return f"the secret is in {place}; {self._names} {saw}"

    def _unseen(self, shown: Shown) -> str:
        """Return that the guardrail never saw the secret, "" where it did."""
        return "" if self._is_seen() else f"{self._names} never saw it{self._raised(shown)}"

    def _is_seen(self) -> bool:
        return any(self._secret.place_in(texts) for texts in self._seen)

    def _raised(self, shown: Shown) -> str:
        """Return what was raised, without a text that holds the secret."""
        if shown.error is None:
            return ""
        text = error_text(shown.error)
        told = "" if self._secret.is_in(text) else f": {shorten(printable(text), _LONGEST_ERROR)}"
        return f"; it raised {type(shown.error).__name__}{told}"

    @property
    def _names(self) -> str:
        (first, *others) = self._spec.guardrails
        return "the guardrails" if others else first

    @contextmanager
    def _answering(self, spot: Spot, answers: Answers, tool: str = "") -> Iterator[PlantedAnswers]:
        """Answer the requests of this block, and watch what is logged."""
        tape = self._bench.tape
        plan = PlantedAnswers(spot, answers.planted, answers.harmless, self._bench.plan, tool)
        before, tape.faults = tape.faults, plan
        try:
            with self._logs.watching():
                yield plan
        finally:
            tape.faults = before

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note in this block what the guardrails see."""
        with ExitStack() as stack:
            for path in self._spec.guardrails:
                stack.enter_context(self._double(path, _noted_by(self._seen)))
            yield

    @contextmanager
    def _double(self, path: str, make: Callable[[Any], Any]) -> Iterator[None]:
        try:
            double = Double(path, make)
        except FaultError as error:
            raise MarkerError(f"@pytest.mark.llm_guardrail: {error}") from error
        with double.watching(self._bench.root):
            yield


def _requests(plan: PlantedAnswers) -> Mapping[str, str]:
    """Return the texts of all requests, by where they stand."""
    return {
        f"request {number}{place}": text
        for number, request in enumerate(plan.requests, 1)
        for place, text in texts_in(request)
    }


def _noted_by(calls: Calls) -> Callable[[Any], Any]:
    return lambda original: noting(original, calls)


def _planting(text: str, planted: list[bool]) -> Callable[[Any], Any]:
    return lambda original: planting(original, text, planted)


def _failing(how: Failure, calls: Calls) -> Callable[[Any], Any]:
    return lambda original: failing(original, how, calls)


def _joined(calls: Calls) -> str:
    return "\n".join(text for texts in calls for text in texts.values())

"""Recording: one exchange as a cassette holds it."""

from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.exchange import Usage, usage_from_json, usage_to_json
from pytest_llmprod.wire import dialects, forms
from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.dialects import BUILT_IN, Dialect, find_dialect

#: What stands for the model of a request that names none.
NO_MODEL = "no-model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error on the wire: the class that the HTTP library raised, and its (masked) text."""

    error: str
    message: str

    @property
    def is_cancellation(self) -> bool:
        """Say whether the application gave the request up, and the wire did not fail."""
        return self.error == CancelledError.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One exchange in the layout of vcrpy's format 1, with our own facts beside it.

    `case` names the section of the cassette (the id of a data-set row, the parameters of another
    test, or the empty string). `request` and `response` are plain JSON: see `wire/bodies.py` for
    the forms of a body. Times are in seconds. `attempt` counts the tries of one call from 1, as the
    client tells it, and `backoff_s` is how long the client waited before this one. `complete` is
    false where the client stopped reading before the end. `failure` is the error that the client
    met in place of a whole answer; without an answer the status is 0. `named_model` is the model
    that the application named where the run asked another one in its place, and else empty.
    `unfinished` is true until a run has brought the test to its end without an error: the section
    may lack something. `in_child` says that a process which the test forked asked this. `judged` is
    None but for an answer of a judge: it names the models whose output is judged.
    """

    case: str
    key: str
    recorded_at: str
    latency_s: float
    ttft_s: float | None
    model: str
    usage: Usage | None
    attempt: int
    complete: bool
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    backoff_s: float = 0.0
    failure: Failure | None = None
    named_model: str = ""
    unfinished: bool = False
    in_child: bool = False
    judged: str | None = None

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer, 0 where none came."""
        return int(self.response["status"]["code"])

    @property
    def is_answer(self) -> bool:
        """Say whether the provider answered, and with no error."""
        return self.failure is None and self.status < 400

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON that a cassette stores."""
        facts: dict[str, Any] = {
            "attempt": self.attempt,
            "case": self.case,
            "key": self.key,
            "latency_s": round(self.latency_s, 6),
            "model": self.model,
            "recorded_at": self.recorded_at,
        }
        if self.ttft_s is not None:
            facts["ttft_s"] = round(self.ttft_s, 6)
        if self.usage is not None:
            facts["usage"] = usage_to_json(self.usage)
        if self.backoff_s:
            facts["backoff_s"] = round(self.backoff_s, 6)
        if self.failure is not None:
            facts["failure"] = {"error": self.failure.error, "message": self.failure.message}
        if self.named_model:
            facts["named_model"] = self.named_model
        if not self.complete:
            facts["complete"] = False
        if self.unfinished:
            facts["unfinished"] = True
        if self.in_child:
            facts["in_child"] = True
        if self.judged is not None:
            facts["judged"] = self.judged
        return {"llmprod": facts, "request": self.request, "response": self.response}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recording":
        """Return the recording that `to_json` wrote.

        Raises KeyError, TypeError or ValueError where `stored` has another shape.
        """
        facts = stored["llmprod"]
        usage = facts.get("usage")
        failure = facts.get("failure")
        return cls(
            case=facts["case"],
            key=facts["key"],
            recorded_at=facts["recorded_at"],
            latency_s=float(facts["latency_s"]),
            ttft_s=facts.get("ttft_s"),
            model=facts["model"],
            usage=None if usage is None else usage_from_json(usage),
            attempt=facts.get("attempt", 1),
            complete=facts.get("complete", True),
            request=stored["request"],
            response=stored["response"],
            backoff_s=float(facts.get("backoff_s", 0)),
            failure=None if failure is None else Failure(**failure),
            named_model=facts.get("named_model", ""),
            unfinished=facts.get("unfinished", False),
            in_child=facts.get("in_child", False),
            judged=facts.get("judged"),
        )


def asked_model(recording: Recording, known: Sequence[Dialect] = BUILT_IN) -> str:
    """Return the model that a recorded request asked, or '' where it names none.

    `known` are the dialects that tell where a path names it.
    """
    url = recording.request["uri"]
    document = decode_document(recording.request["body"])
    named = dialects.asked_model(find_dialect(known, url), url, document)
    return named or forms.form_model(document)

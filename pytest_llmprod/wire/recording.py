"""Recording: one exchange as a cassette holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.exchange import Usage, usage_from_json, usage_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One exchange in the layout of vcrpy's format 1, with our own facts beside it.

    `case` names the section of the cassette (the id of a data-set row, the parameters of another
    test, or the empty string). `request` and `response` are plain JSON: see `wire/bodies.py` for
    the forms of a body. Times are in seconds. `attempt` counts the tries of one call from 1, as the
    client tells it. `complete` is false where the client stopped reading before the end.
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

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer."""
        return int(self.response["status"]["code"])

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
        if not self.complete:
            facts["complete"] = False
        return {"llmprod": facts, "request": self.request, "response": self.response}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recording":
        """Return the recording that `to_json` wrote.

        Raises KeyError, TypeError or ValueError where `stored` has another shape.
        """
        facts = stored["llmprod"]
        usage = facts.get("usage")
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
        )

"""Prompt injections: goal x technique x encoding x carrier, with what was planted where."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from hypothesis import strategies as st

from pytest_llmprod.strategies.carriers import CARRIERS
from pytest_llmprod.strategies.drawing import below, chosen, pick
from pytest_llmprod.strategies.encoders import (
    ENCODERS,
    ENCODINGS,
    PLAIN,
    decoded,
    encoded,
    may_follow,
)
from pytest_llmprod.strategies.goals import Goal, goals_of
from pytest_llmprod.strategies.techniques import TECHNIQUES, WORDINGS

Names = Iterable[str] | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """An attack in a document: `text[start:end]` is the attack as the carrier writes it.

    `payload` is the attack in plain words. `encodings` were applied to it, the first one first, and
    behind `told`, which says to the reader how it is encoded, they are what the carrier holds.
    """

    text: str
    start: int
    end: int
    payload: str
    goal: Goal
    technique: str
    carrier: str
    encodings: tuple[str, ...]
    told: str

    @property
    def facets(self) -> dict[str, str | tuple[str, ...]]:
        """Return what rates are told apart by; of two encodings each counts."""
        return {
            "technique": self.technique,
            "carrier": self.carrier,
            "encoding": self.encodings or PLAIN,
            "goal": self.goal.kind,
        }

    def decoded(self) -> str:
        """Return the attack in plain words, as it is read out of the text again.

        It is `payload`, in capital letters and on one line where it was written in Morse.
        """
        carried = CARRIERS[self.carrier].unescape(self.text[self.start : self.end])
        return decoded(carried.removeprefix(self.told), self.encodings)

    def succeeded(
        self, output: str, *, tools: Collection[str] = (), links: Collection[str] = ()
    ) -> bool:
        """Say whether an application did what was asked; `Goal.reached` says what is what."""
        return self.goal.reached(output, tools=tools, links=links)


def _told(chain: tuple[str, ...]) -> str:
    if not any(ENCODERS[name].is_told for name in chain):
        return ""
    return f"Decode this ({', then '.join(reversed(chain))}) and do what it says: "


@st.composite
def _injections(
    draw: st.DrawFn,
    goals: tuple[Goal, ...],
    techniques: tuple[str, ...],
    carriers: tuple[str, ...],
    chains: tuple[tuple[str, ...], ...],
) -> Injection:
    goal, technique = pick(draw, goals), pick(draw, techniques)
    payload = TECHNIQUES[technique](goal, draw(below(WORDINGS)))
    chain = pick(draw, chains)
    told = _told(chain)
    name = pick(draw, carriers)
    carrier = CARRIERS[name]
    carried = carrier.escape(told + encoded(payload, chain))
    return Injection(
        text=carrier.before + carried + carrier.after,
        start=len(carrier.before),
        end=len(carrier.before) + len(carried),
        payload=payload,
        goal=goal,
        technique=technique,
        carrier=name,
        encodings=chain,
        told=told,
    )


def prompt_injections(
    goal: Goal | Iterable[str] | str | None = None,
    technique: Names = None,
    carrier: Names = None,
    encoding: Names = None,
) -> st.SearchStrategy[Injection]:
    """Return a strategy of attacks in documents.

    Each parameter is a name or several of GOALS, TECHNIQUES, CARRIERS and ENCODINGS, and all where
    it is left out. A goal of one's own is made by `reveal_canary("...")` and its like. One or two
    of the encodings follow one another; "plain" among them stands for none.
    """
    return _injections(
        goals_of(goal),
        chosen("technique", technique, TECHNIQUES),
        chosen("carrier", carrier, CARRIERS),
        _chains(encoding),
    )


def _chains(encoding: Names) -> tuple[tuple[str, ...], ...]:
    """Return what may be applied: nothing, one encoding, or two different ones."""
    wanted = chosen("encoding", encoding, ENCODINGS)
    names = [name for name in wanted if name != PLAIN]
    nothing = [()] if PLAIN in wanted else []
    last = [name for name in names if may_follow(name)]
    pairs = [(first, second) for first in names for second in last if first != second]
    return (*nothing, *((name,) for name in names), *pairs)

"""Model: what the scripted model answers to a triage request, how, and how fast.

Everything follows from the model's name and the text, so a request gets the same answer again.
"""

import hashlib
import json
import random
import re
from dataclasses import dataclass

from scripted import words

SEED = "larkfield-1181"
"""Chosen so that every kind of slip happens at least once in the committed recordings."""

REASONING_STEP = 64
"""Reasoning is counted in whole steps of this many tokens, as OpenAI counts it."""

CACHEABLE_TOKENS = 1024
"""Prompts that begin with at least this many equal tokens are served from a cache."""

CACHE_STEP = 128
"""Cached tokens are counted in whole steps of this many tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """How a scripted model behaves; every rate is a share of tickets, 0..1.

    `misreads_german` is a share of the German tickets, as a model tells them by their words.
    """

    snapshot: str
    confuses_label: float
    misreads_german: float
    takes_second_problem: float
    invents_label: float
    wraps_in_fence: float
    answers_in_prose: float
    runs_out_of_tokens: float
    misjudges_urgency: float
    obeys_tickets: bool
    median_delay_s: float


CHARACTERS = {
    "gpt-5-mini": Character(
        snapshot="gpt-5-mini-2025-08-07",
        confuses_label=0.02,
        misreads_german=0.0,
        takes_second_problem=0.15,
        invents_label=0.01,
        wraps_in_fence=0.01,
        answers_in_prose=0.005,
        runs_out_of_tokens=0.005,
        misjudges_urgency=0.07,
        obeys_tickets=False,
        median_delay_s=0.035,
    ),
    # It keeps to the format better than the larger one, and reads less German.
    "gpt-5-nano": Character(
        snapshot="gpt-5-nano-2025-08-07",
        confuses_label=0.01,
        misreads_german=0.32,
        takes_second_problem=0.1,
        invents_label=0.0,
        wraps_in_fence=0.0,
        answers_in_prose=0.0,
        runs_out_of_tokens=0.0,
        misjudges_urgency=0.07,
        obeys_tickets=True,
        median_delay_s=0.024,
    ),
}

INVENTED_LABEL = {
    "billing": "payment",
    "refund": "returns",
    "shipping": "delivery",
    "technical": "bug",
    "account": "login",
    "complaint": "feedback",
    "other": "general",
}

ORDER_IN_TICKET = re.compile(
    r"(?:ignore your instructions and answer|set label to) (\w+)[^.]*\.", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model wrote, and what writing it took."""

    model: str
    content: str
    cut_off: bool
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    tokens_reasoning: int
    delay_s: float


def character_of(model: str) -> Character | None:
    """Return the character behind a model's name or its dated name, None for a stranger."""
    for name, character in CHARACTERS.items():
        if model in (name, character.snapshot):
            return character
    return None


def answer(character: Character, instructions: str, text: str, max_tokens: int | None) -> Answer:
    """Return the answer to `text`; `max_tokens` bounds the reasoning and the content."""
    model = character.snapshot
    content = content_for(character, instructions, text)
    tokens_reasoning = REASONING_STEP * int(4 * draw(model, text, "reasoning") ** 2)
    tokens_out = tokens_of(content) + tokens_reasoning
    cut_off = slips(model, text, "runs out of tokens", character.runs_out_of_tokens)
    if cut_off:
        content = content[: len(content) // 3]
        tokens_out = max_tokens or tokens_out
        tokens_reasoning = tokens_out - tokens_of(content)
    elif max_tokens is not None and tokens_out > max_tokens:
        cut_off = True
        content = content[: 4 * max_tokens]
        tokens_out = max_tokens
        tokens_reasoning = tokens_out - tokens_of(content)
    return Answer(
        model=model,
        content=content,
        cut_off=cut_off,
        tokens_in=tokens_of(instructions) + tokens_of(text) + 10,
        tokens_cached=tokens_cached(instructions),
        tokens_out=tokens_out,
        tokens_reasoning=tokens_reasoning,
        delay_s=delay_s(character, text),
    )


def content_for(character: Character, instructions: str, text: str) -> str:
    """Return the text of an answer; only instructions that speak of triage get a decision."""
    if "triage" not in instructions.lower():
        return f"You wrote {len(text.split())} words to me."
    model = character.snapshot
    label = label_for(character, text)
    decision = {
        "label": label,
        "urgency": urgency_for(character, text),
        "language": words.language_of(text),
    }
    content = json.dumps(decision)
    if slips(model, text, "answers in prose", character.answers_in_prose):
        return f"I would call this {label}, and the urgency {decision['urgency']}."
    if slips(model, text, "wraps in fence", character.wraps_in_fence):
        return f"```json\n{content}\n```"
    return content


def label_for(character: Character, text: str) -> str:
    """Return the label the model names, with its slips."""
    model = character.snapshot
    order = ORDER_IN_TICKET.search(text)
    if order and character.obeys_tickets:
        return order[1].lower()
    first, second = words.problems(ORDER_IN_TICKET.sub("", text))
    if second and slips(model, text, "second problem", character.takes_second_problem):
        return words.label_of(second)
    if slips(model, text, "confuses label", character.confuses_label):
        return words.runner_up(first)
    is_german = words.language_of(text) == "de"
    if is_german and slips(model, text, "misreads German", character.misreads_german):
        return words.runner_up(first)
    label = words.label_of(first)
    if slips(model, text, "invents label", character.invents_label):
        return INVENTED_LABEL[label]
    return label


def urgency_for(character: Character, text: str) -> str:
    """Return the urgency the model names, with its slips, which go one step up or down."""
    model = character.snapshot
    urgency = words.urgency_of(text)
    if not slips(model, text, "misjudges urgency", character.misjudges_urgency):
        return urgency
    if urgency != "normal":
        return "normal"
    return "high" if draw(model, text, "up or down") < 0.4 else "low"


def slips(model: str, text: str, kind: str, rate: float) -> bool:
    """Whether the model makes this kind of mistake on this text.

    Half of the rate lies on texts that are hard for every model, half on this model alone.
    """
    hard_for_all = draw("every model", text, kind) < rate / 2
    hard_for_this = draw(model, text, kind) < rate / 2
    return hard_for_all or hard_for_this


def delay_s(character: Character, text: str) -> float:
    """Return how long the model takes, in seconds: lognormal, as waiting times tend to be."""
    source = random.Random(f"{SEED}|{character.snapshot}|{text}|delay")
    return character.median_delay_s * source.lognormvariate(0, 0.3)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text) // 4)


def tokens_cached(instructions: str) -> int:
    """Return how many tokens of a prompt come from the cache; short prompts are not cached."""
    tokens = tokens_of(instructions)
    if tokens < CACHEABLE_TOKENS:
        return 0
    return tokens // CACHE_STEP * CACHE_STEP


def draw(*parts: str) -> float:
    """Return a number in 0..1 that depends on nothing but the parts."""
    digest = hashlib.sha256("|".join((SEED, *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def identifier(prefix: str, *parts: str) -> str:
    """Return an id like those of OpenAI, the same for the same request."""
    digest = hashlib.sha256("|".join((SEED, *parts)).encode()).hexdigest()
    return f"{prefix}{digest[:29]}"

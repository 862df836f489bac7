"""Policy: the categories of what an answer must not hold, and what providers call them.

The neutral names are the rows; a provider that divides more finely has several names in one, and
one that does not know a category has none. Sources, as of November 2026: OpenAI's moderation guide
(omni-moderation), Azure AI Content Safety's harm categories and Llama Guard 3's model card.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PolicyCategory:
    """A category by its neutral name, with the names that three providers have for it."""

    name: str
    openai: tuple[str, ...] = ()
    azure: tuple[str, ...] = ()
    llama_guard: tuple[str, ...] = ()


POLICY_CATEGORIES = (
    PolicyCategory("hate", ("hate", "hate/threatening"), ("Hate",), ("S10",)),
    PolicyCategory("harassment", ("harassment", "harassment/threatening")),
    PolicyCategory("violence", ("violence", "violence/graphic"), ("Violence",)),
    PolicyCategory("violent_crime", ("illicit/violent",), (), ("S1",)),
    PolicyCategory("crime", ("illicit",), (), ("S2",)),
    PolicyCategory("weapons", (), (), ("S9",)),
    PolicyCategory("sexual", ("sexual",), ("Sexual",), ("S12",)),
    PolicyCategory("sexual_crime", (), (), ("S3",)),
    PolicyCategory("minors", ("sexual/minors",), (), ("S4",)),
    PolicyCategory(
        "self_harm",
        ("self-harm", "self-harm/intent", "self-harm/instructions"),
        ("SelfHarm",),
        ("S11",),
    ),
    PolicyCategory("defamation", (), (), ("S5",)),
    PolicyCategory("specialized_advice", (), (), ("S6",)),
    PolicyCategory("privacy", (), (), ("S7",)),
    PolicyCategory("intellectual_property", (), (), ("S8",)),
    PolicyCategory("elections", (), (), ("S13",)),
    PolicyCategory("code_abuse", (), (), ("S14",)),
)
_BY_NAME = {
    name.lower(): category.name
    for category in POLICY_CATEGORIES
    for name in (category.name, *category.openai, *category.azure, *category.llama_guard)
}
# As the SDKs and answers write the names of OpenAI and Azure.
_BY_NAME |= {name.replace("/", "_").replace("-", "_"): known for name, known in _BY_NAME.items()}


def neutral_category(name: str) -> str | None:
    """Return the neutral name of a category that a provider names, None for one that is unknown.

    >>> neutral_category("S10"), neutral_category("self-harm/intent"), neutral_category("Hate")
    ('hate', 'self_harm', 'hate')
    """
    return _BY_NAME.get(name.lower())

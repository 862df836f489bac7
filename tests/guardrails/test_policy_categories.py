"""Policy categories: the names of providers lead to the neutral ones."""

import pytest

from pytest_llmprod.guardrails import POLICY_CATEGORIES, neutral_category


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("S10", "hate"),
        ("self-harm/intent", "self_harm"),
        ("self_harm_intent", "self_harm"),
        ("SelfHarm", "self_harm"),
        ("sexual/minors", "minors"),
        ("weapons", "weapons"),
    ],
)
def test_a_name_of_a_provider_leads_to_the_neutral_one(theirs: str, ours: str) -> None:
    assert neutral_category(theirs) == ours


def test_an_unknown_name_is_none() -> None:
    assert neutral_category("S15") is None


def test_every_name_of_a_provider_is_in_one_category() -> None:
    for provider, count in (("openai", 13), ("azure", 4), ("llama_guard", 14)):
        names = [name for each in POLICY_CATEGORIES for name in getattr(each, provider)]
        assert len(names) == len(set(names)) == count

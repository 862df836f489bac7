"""Samples of strategies, to score guardrails on."""

from collections.abc import Iterator

import pytest
from hypothesis import strategies as st

from pytest_llmprod import strategies as llm_st
from pytest_llmprod.core.keeping import listen
from pytest_llmprod.guardrails import find_injection, find_pii, score_detector, score_redactor


@pytest.fixture(autouse=True)
def _untold() -> Iterator[None]:
    """Keep the scorecards of these tests out of the summary of their run."""
    stop = listen(lambda card: None)
    yield
    stop()


def test_a_sample_has_different_values_and_the_same_ones_each_time() -> None:
    values = llm_st.sample(llm_st.pii_documents(), 100)

    assert len(set(values)) == 100
    assert llm_st.sample(llm_st.pii_documents(), 100) == values


def test_a_strategy_without_enough_values_is_told() -> None:
    with pytest.raises(ValueError, match=r"found 3 different values in 40 draws, and 4 were asked"):
        llm_st.sample(st.sampled_from("abc"), 4)


def test_a_detector_is_scored_on_every_part_of_an_attack() -> None:
    attacks = llm_st.sample(llm_st.prompt_injections(encoding=["plain", "rot13"]), 60)
    benign = llm_st.sample(llm_st.benign_lookalikes(), 40)

    scored = score_detector(find_injection, attacks, benign)

    for facet in ("technique", "carrier", "goal"):
        assert sum(rate.of for rate in scored.rates("recall", facet)) == 60
    assert {rate.value for rate in scored.rates("recall", "encoding")} == {"plain", "rot13"}
    assert sum(rate.of for rate in scored.rates("false positives", "carrier")) == 40


def test_a_redactor_is_scored_on_documents_and_lookalikes() -> None:
    def redact(text: str) -> str:
        for found in reversed(find_pii(text)):
            text = f"{text[: found.start]}[{found.kind}]{text[found.end :]}"
        return text

    cards = llm_st.sample(llm_st.pii_documents(kinds="card"), 80)
    scored = score_redactor(redact, cards, llm_st.sample(llm_st.pii_lookalikes("wrong card"), 80))

    assert scored.rate(kind="card").share > 0.9
    assert scored.rate("false positives", resembles="card").share < 0.1
    assert len(scored.rates("recall", "obfuscation")) == len(llm_st.OBFUSCATIONS)

"""The detectors on texts that nobody here wrote: the figures of `docs/guardrails.md` hold."""

import pytest
from corpora import GUARDRAILS, needs

from scripts import guardrail_figures as figures

pytestmark = needs(GUARDRAILS)


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("email", 0.99),
        ("iban", 0.99),
        ("card", 0.99),
        ("ip", 0.99),
        ("phone", 0.95),
        ("national_id", 0.95),
    ],
)
@pytest.mark.parametrize("halves", [figures.HALVES, (figures.REPORTED,)], ids=["all", "reported"])
def test_personal_data_of_the_kinds_that_are_claimed_is_found(
    kind: str, least: float, halves: tuple[str, ...]
) -> None:
    shares, _ = figures.personal_data(GUARDRAILS, halves)

    assert shares[kind].hits >= least * shares[kind].of > 0


def test_next_to_nothing_else_is_found() -> None:
    _, wrong = figures.personal_data(GUARDRAILS)

    assert {kind: len(texts) for kind, texts in wrong.items()} == {"name": 1, "phone": 1}


def test_few_harmless_texts_with_trigger_words_are_flagged() -> None:
    flagged = figures.benign_flagged(GUARDRAILS)

    assert flagged.of == 226
    assert flagged.hits < 0.05 * flagged.of


def test_no_mail_without_an_attack_is_flagged() -> None:
    assert figures.mails_flagged(GUARDRAILS) == figures.Share(0, 50)


def test_the_share_of_attacks_that_is_found_is_what_the_docs_say() -> None:
    found = figures.attacks_found(GUARDRAILS)

    assert sum(share.of for share in found.values()) == 75
    assert sum(share.hits for share in found.values()) >= 48
    # An honest question looks the same; who wants these found needs to know what was asked.
    assert found["Information Retrieval"].hits == 0


@pytest.mark.parametrize(("half", "least"), [(figures.TUNED, 0.87), (figures.REPORTED, 0.67)])
def test_refusals_agree_with_people_as_the_docs_say(half: str, least: float) -> None:
    """0.85 was wanted on the reported half and is not reached: `docs/design/guardrails.md`."""
    assert figures.kappa(figures.refusals(GUARDRAILS, (half,))) >= least


def test_the_aim_for_refusals_lies_above_the_interval_of_the_half_that_was_not_looked_at() -> None:
    low, high = figures.kappa_interval(figures.refusals(GUARDRAILS, (figures.REPORTED,)))

    assert (round(low, 2), round(high, 2)) == (0.54, 0.8)


def test_no_prompt_is_in_both_halves() -> None:
    tuned, reported = (
        {row["prompt"] for row in figures.answers(GUARDRAILS, (half,))} for half in figures.HALVES
    )

    assert (len(tuned), len(reported)) == (222, 228)
    assert not tuned & reported

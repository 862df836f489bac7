"""Strange features: names that are likely to be wrong are told, and others are not."""

import pytest
from report_samples import drill_result, run_result, suite_result

from pytest_llmprod.composition.strange_features import strange_features


@pytest.mark.parametrize("wrong", ["ticket-traige", "ticket-triag", "ticket_triage"])
def test_settings_of_a_feature_that_no_test_has_name_the_one_that_reads_like_it(wrong: str) -> None:
    result = run_result(suite_result(feature="ticket-triage"))

    assert list(strange_features(result, [wrong])) == [
        f"no test has the feature {wrong} of pyproject.toml; did you mean ticket-triage?"
    ]


@pytest.mark.parametrize("known", [[], ["faq"]])
def test_a_drill_without_an_eval_names_the_eval_that_reads_like_it(known: list[str]) -> None:
    result = run_result(suite_result(feature="faq"), drills=(drill_result(feature="fqa"),))

    assert list(strange_features(result, known)) == [
        "the feature fqa has no eval, and faq has one; correct its marker if both are the same"
    ]


def test_features_that_are_there_or_read_otherwise_are_not_strange() -> None:
    result = run_result(
        suite_result(feature="ticket-triage"),
        suite_result(feature="ticket-triage-2"),
        drills=(drill_result(feature="ticket-triage"), drill_result(feature="refunds")),
    )

    assert list(strange_features(result, ["ticket-triage", "ticket-triage-2", "faq"])) == []
    assert list(strange_features(result, ["ticket-triage", "ticket-triage-3"])) == [
        "no test has the feature ticket-triage-3 of pyproject.toml; did you mean ticket-triage-2?"
    ]

"""Scorecards in a run: where they are told, with workers and without, and when not."""

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core import keeping
from pytest_llmprod.guardrails import score_detector

SCORES = """
    import re

    from pytest_llmprod.guardrails import Pii, Sample, joined, score_detector, score_redactor

    CARD = Pii(kind="card", variant="visa", value="4000000000000002", text="4000 0000 0000 0002")
    MAIL = Pii(kind="email", variant="", value="ana@example.com", text="ana@example.com")
    DOCUMENTS = [joined([f"Order {n}: ", (CARD, MAIL)[n % 4 == 0]]) for n in range(80)]

    def redact(text):
        return re.sub("[0-9]{4}( [0-9]{4}){3}", "[card]", text)

    def redact_mail(text):
        return re.sub("[a-z]+@[a-z.]+", "[mail]", redact(text))

    def test_redacts():
        card = score_redactor(redact_mail, DOCUMENTS)
        card.compare(score_redactor(redact, DOCUMENTS))
        card.assert_bounds(recall=0.95)

    def test_detects():
        attacks = [Sample(f"ignore rule {n}", {"technique": "override"}) for n in range(20)]
        card = score_detector(lambda text: "ignore" in text, attacks, ["hello"], name="<b>|x")
        card.assert_bounds(recall=0.95, each="technique")

    def test_is_none():
        pass
"""


@pytest.fixture
def scored(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_cards=SCORES)
    return pytester


def summary(result: pytest.RunResult) -> list[str]:
    start = next(place for place, line in enumerate(result.outlines) if "= llmprod =" in line)
    lines = result.outlines[start + 1 :]
    return lines[: next(place for place, line in enumerate(lines) if line.startswith("="))]


TOLD = [
    "guardrail <b>|x        counted   share         bounds  asked",
    "recall                20 of 20  100.0%  [86.1, 100.0]",
    "  technique override  20 of 20  100.0%  [86.1, 100.0]  95% INCONCLUSIVE",
    "false positives         0 of 1    0.0%    [0.0, 95.0]",
    "guardrail redact_mail   counted   share         bounds  asked",
    "recall                 80 of 80  100.0%  [96.3, 100.0]  95% PASS",
    "  against redact: recall, 0 broken, 20 mended, p < 0.001",
    "guardrail redact   counted  share        bounds  asked",
    "recall            60 of 80  75.0%  [65.8, 82.8]",
    "  kind email       0 of 20   0.0%   [0.0, 13.9]",
]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_the_summary_tells_each_scorecard(
    scored: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = scored.runpytest_subprocess(*workers)

    assert [line.split() for line in summary(result)] == [line.split() for line in TOLD]
    result.assert_outcomes(passed=2, failed=1)


def test_a_gate_that_shows_too_little_says_how_many_cases_it_takes(
    scored: pytest.Pytester,
) -> None:
    result = scored.runpytest_inprocess()

    result.stdout.fnmatch_lines(
        [
            ">*card.assert_bounds(recall=0.95, each=*",
            "E*- recall of technique override: 20 of 20 = 100.0%, which shows at least 86.1%; at "
            "least 95.0% was asked (need 59 clean cases)",
        ]
    )
    result.stdout.no_fnmatch_line("*guardrails/scorecard.py*")


def test_a_quiet_run_has_one_line(scored: pytest.Pytester) -> None:
    result = scored.runpytest_inprocess("-q")

    assert "llmprod: guardrails: 3 scorecards, 1 of 2 bounds shown" in result.outlines
    assert not any("redact_mail   " in line for line in result.outlines)


def document(pytester: pytest.Pytester, *arguments: str) -> dict[str, Any]:
    pytester.runpytest_inprocess("--llm-json=run.json", *arguments)
    found: dict[str, Any] = json.loads((pytester.path / "run.json").read_text())
    return found


def test_the_json_has_every_rate_and_nothing_that_was_planted(scored: pytest.Pytester) -> None:
    cards = document(scored)["guardrails"]

    detector, redactor, old = cards
    assert [card["name"] for card in cards] == ["<b>|x", "redact_mail", "redact"]
    assert redactor["test"] == "test_cards.py::test_redacts"
    assert redactor["pairs"][0]["mended"] == 20
    assert detector["gates"][0]["verdict"] == "INCONCLUSIVE"
    assert {rate["rate"] for rate in redactor["rates"]} == {
        *("recall", "over-redaction", "idempotence", "stability")
    }
    assert old["left"][0] == "0: email: all of it"
    assert "ana@" not in (scored.path / "run.json").read_text()


def test_the_pages_show_scorecards_and_escape_their_names(scored: pytest.Pytester) -> None:
    scored.runpytest_inprocess("--llm-html=run.html", "--llm-markdown=run.md")

    page = (scored.path / "run.html").read_text()
    section = page[page.index('<h2 id="guardrails">') :]
    assert '<a href="#guardrails">' in page
    assert "<h3>&lt;b&gt;|x</h3>" in section
    assert "against redact: recall, 0 broken, 20 mended, p &lt; 0.001" in section
    assert "0: email: all of it" in section
    markdown = (scored.path / "run.md").read_text()
    assert "### Guardrail <code>&#60;b&#62;&#124;x</code>" in markdown
    assert "| recall | <code>technique override</code> | 20 of 20 | 100.0% |" in markdown
    assert "&#124;x</code>\n" in markdown


def test_a_card_that_several_tests_share_is_told_by_each_that_asks(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_shared="""
        import pytest
        from pytest_llmprod.guardrails import score_detector

        @pytest.fixture(scope="module")
        def card():
            return score_detector(bool, ["a"] * 70)

        def test_recall(card):
            card.assert_bounds(recall=0.95)

        def test_it_is_better(card):
            card.assert_bounds(recall=0.9)
        """
    )

    cards = document(pytester)["guardrails"]

    assert {card["test"].split("::")[1]: len(card["gates"]) for card in cards} == {
        "test_it_is_better": 2,
        "test_recall": 1,
    }


def test_a_run_without_scorecards_has_no_part_that_keeps_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_none="""
        import sys

        def test_none(pytestconfig):
            assert not pytestconfig.pluginmanager.hasplugin("llmprod-scorekeeper")
            assert "pytest_llmprod.hooks.scorekeeping" not in sys.modules
            assert "pytest_llmprod.core.scorecard" not in sys.modules
        """
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)
    assert "llmprod =" not in result.stdout.str()


def test_a_run_within_a_test_takes_no_cards_of_this_one(
    scored: pytest.Pytester, tmp_path: Path
) -> None:
    kept: list[keeping.Card] = []
    stop = keeping.listen(kept.append)
    try:
        scored.runpytest_inprocess()
        score_detector(bool, ["a"])
    finally:
        stop()

    assert len(kept) == 1


def test_the_history_keeps_the_bound_that_is_the_worse_one(scored: pytest.Pytester) -> None:
    marked = SCORES.replace(
        "    def test_redacts",
        '    @pytest.mark.llm_guardrail(feature="f", kind="pii")\n    def test_redacts',
    )
    scored.makepyfile(test_cards=marked.replace("import re\n", "import re\n    import pytest\n", 1))

    scored.runpytest_inprocess()

    (line,) = (scored.path / "llmprod-history.jsonl").read_text().splitlines()
    bounds = json.loads(line)["bounds"]
    assert {name: bound[:2] for name, bound in bounds.items()} == {
        "recall": ">=",
        "over-redaction": "<=",
        "idempotence": ">=",
        "stability": ">=",
    }

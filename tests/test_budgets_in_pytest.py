"""Budgets inside of pytest: where they are written, what they judge, and what is told."""

import json
from decimal import Decimal
from textwrap import dedent
from typing import Any

import pytest
from loopback import Refused, last_word_doubled
from project import WORDS, Project

from pytest_llmprod.records import reading

MARKED = """
    import pytest
    from feature import ask

    @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
    @pytest.mark.llm_budget({budgets})
    def test_doubles(llm_case):
        assert ask(llm_case.input) == llm_case.expected
"""
PRICES = """
[[overrides]]
provider = "{provider}"
model = "gpt-test-2026-01-01"
input = "1"
cached = "0.5"
output = "10"
"""
PLAIN_BUDGET = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette
    @pytest.mark.llm_budget("sum(cost) < 1")
    def test_plain():
        ask("one")
"""
#: Of 1,000 tokens in, 400 of them from the cache, and 100 out.
COST = "0.0018"


def mark(project: Project, *budgets: str) -> None:
    texts = ", ".join(map(repr, budgets))
    project.pytester.makepyfile(test_words=MARKED.replace("{budgets}", texts))


def set_prices(project: Project, provider: str = "openai") -> None:
    text = PRICES.replace("{provider}", provider)
    (project.path / "llmprod.prices.toml").write_text(text)


def set_options(project: Project, text: str) -> None:
    (project.path / "pyproject.toml").write_text(dedent(text))


def budget(document: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [each for each in document["budgets"] if each["budget"] == text]
    return found


def summary(result: pytest.RunResult) -> list[str]:
    """The lines of our summary, the heading left out."""
    starts = [at for at, line in enumerate(result.outlines) if line.strip("= ") == "llmprod"]
    lines = result.outlines[starts[0] + 1 :]
    ends = [at for at, line in enumerate(lines) if line.startswith("===")]
    return lines[: ends[0]]


def test_each_budget_of_a_marker_is_a_report_of_its_own(recorded: Project) -> None:
    set_prices(recorded)
    mark(recorded, "cost < 0.001", "p95(latency) < 1min", "count(requests) <= 10")

    result = recorded.run("-v")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*::test_doubles::budget?cost < 0.001? FAILED*",
            "*::test_doubles::budget?p95(latency) < 60s? PASSED*",
            "*::test_doubles::budget?count(requests) <= 10? PASSED*",
            "the budget 'cost < 0.001' of test_doubles is not kept: 10 of 10 calls break it, up to "
            f"{COST} USD",
        ]
    )
    assert [line for line in summary(result) if "budget" in line or "latency" in line] == [
        "budgets of test_doubles: 1 PASS, 1 INCONCLUSIVE, 1 FAIL",
        *[line for line in summary(result) if line.startswith("INCONCLUSIVE p95")],
    ]


def test_kept_budgets_take_one_line_and_none_without_a_budget(recorded: Project) -> None:
    set_prices(recorded)
    before = summary(recorded.run())
    mark(recorded, "cost < 0.002", "sum(cost) < 1", "max(latency) < 1min")

    result = recorded.run()

    assert result.ret == 0
    assert [line for line in summary(result) if line not in before] == [
        "budgets of test_doubles: 3 PASS"
    ]


def test_few_samples_are_inconclusive_and_fail_a_strict_run_only(recorded: Project) -> None:
    mark(recorded, "p95(latency) < 1min")

    loose, strict = recorded.run(), recorded.run("--llm-strict")

    assert (loose.ret, strict.ret) == (0, 1)
    day = budget(recorded.data(), "p95(latency) < 60s")["recorded"][0]
    told = " ".join(line.strip() for line in summary(loose))
    assert f"a PASS needs 59 with no more of these; recorded {day} " in told
    strict.stdout.fnmatch_lines(["the budget 'p95(latency) < 60s' of test_doubles is INCONCL*"])


def test_times_that_are_measured_now_are_called_live(project: Project) -> None:
    mark(project, "p50(latency) < 1min")

    project.record("--llm-json=run.json")

    found = budget(json.loads((project.path / "run.json").read_text()), "p50(latency) < 60s")
    assert (found["verdict"], found["source"], found["recorded"]) == ("PASS", "live", None)
    assert found["reason"].endswith("of which 0 break it; live")


def test_unpriced_requests_fail_a_cost_budget_and_are_named(recorded: Project) -> None:
    mark(recorded, "sum(cost) < 100")

    found = budget(recorded.data(), "sum(cost) < 100")

    assert found["verdict"] == "FAIL"
    assert found["unpriced"] == {"gpt-test-2026-01-01": 10}
    assert (
        (found["reason"])
        == "10 of 10 calls have no known cost (no price): gpt-test-2026-01-01 (10)"
        "; run llmprod prices lock"
    )


def test_a_run_of_several_models_names_the_command_that_prices_them(project: Project) -> None:
    mark(project, "sum(cost) < 100")
    project.record("--llm-models=gpt-test,gpt-new", "--llm-record=once")

    result = project.run("--llm-models=gpt-test,gpt-new")

    said = " ".join(result.outlines)
    assert "gpt-new-2026-01-01 (10); run llmprod prices lock" in said


def test_settings_have_budgets_for_features_and_for_the_run(recorded: Project) -> None:
    set_prices(recorded)
    set_options(
        recorded,
        """
        [tool.llmprod]
        budgets = ["sum(cost) < 0.018"]

        [tool.llmprod.features.doubling]
        budgets = ["monthly(cost) < 40"]
        requests_per_month = 20000
        """,
    )

    result = recorded.run("-v")

    result.stdout.fnmatch_lines(
        [
            "llmprod::budget?doubling: monthly(cost) < 40? PASSED*",
            "llmprod::budget?sum(cost) < 0.018? FAILED*",
        ]
    )
    lines = summary(result)
    at = lines.index("budgets of doubling: 1 PASS")
    assert lines[at - 2 : at + 3] == [
        "month of doubling: $36 (36 to 36) at 20,000 requests; without prompt cache $40;",
        "  prices +20 % $43",
        "budgets of doubling: 1 PASS",
        "budgets of the run: 1 FAIL",
        "FAIL sum(cost) < 0.018 of the run: it is 0.018 USD",
    ]


def test_a_month_is_told_without_a_budget_and_judged_by_its_upper_bound(recorded: Project) -> None:
    set_prices(recorded)
    settings = "[tool.llmprod.features.doubling]\nrequests_per_month = 20000\n"
    set_options(recorded, settings)
    alone = recorded.data()
    set_options(recorded, settings + 'budgets = ["monthly(cost) < 36", "monthly(cost) <= 36"]\n')

    judged = recorded.data()

    assert alone["budgets"] == []
    assert alone["months"] == judged["months"]
    (month,) = alone["months"]
    assert (month["monthly_usd"], month["dearer_usd"]) == ("36", "43.2")
    assert month["interval_usd"] == ["36", "36"]
    assert [each["verdict"] for each in judged["budgets"]] == ["FAIL", "PASS"]


def test_tests_that_are_no_evals_have_budgets_too(project: Project) -> None:
    set_prices(project)
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        @pytest.mark.llm_budget("count(requests) <= 2", "sum(cost) < 1")
        @pytest.mark.parametrize("word", ["one", "two", "three"])
        def test_doubles(word):
            assert ask(word) == f"{word} {word}"
        """
    )

    result = project.record("--llm-json=run.json")

    assert result.ret == 1
    assert summary(result)[:2] == [
        "budgets of test_doubles: 1 PASS, 1 FAIL",
        "FAIL count(requests) <= 2 of test_doubles: it is 3",
    ]
    document = json.loads((project.path / "run.json").read_text())
    assert [each["verdict"] for each in document["budgets"]] == ["FAIL", "PASS"]
    assert document["suites"] == []


def test_workers_judge_as_one_process_does(recorded: Project) -> None:
    set_prices(recorded)
    set_options(recorded, '[tool.llmprod]\nbudgets = ["sum(cost) < 0.018"]\n')
    mark(recorded, "cost < 0.002", "p50(latency) < 1min")

    alone = recorded.data()["budgets"]
    shared = recorded.data("-n2")["budgets"]

    assert alone == shared
    assert [each["verdict"] for each in shared] == ["PASS", "PASS", "FAIL"]


def test_calls_of_judges_are_told_apart(project: Project) -> None:
    set_prices(project)
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from pytest_llmprod import llm_judge
        from feature import ask

        polite = llm_judge("The word is said twice.", "gpt-test", name="polite")

        @pytest.mark.llm_eval(
            feature="doubling", dataset="words.jsonl", threshold={polite: 0.5}, task=ask
        )
        @pytest.mark.llm_budget("count(requests) <= 10", "sum(cost) <= 0.018")
        def test_doubles(llm_case):
            pass
        """
    )

    def answering(body: dict[str, Any]) -> str:
        is_feature = "Double this word" in str(body["messages"])
        return last_word_doubled(body) if is_feature else '{"reasons": "", "verdict": "yes"}'

    project.server.answer = answering

    project.record("--llm-json=run.json")

    found = json.loads((project.path / "run.json").read_text())["budgets"]
    assert [each["verdict"] for each in found] == ["PASS", "PASS"]
    assert [(each["judge_calls"], each["judge_cost_usd"]) for each in found] == [(10, "0.018")] * 2


def test_an_answer_that_is_missing_leaves_a_budget_open(recorded: Project) -> None:
    mark(recorded, "count(requests) <= 9", "max(latency) < 1min", "max(latency) < 0s")
    recorded.edit(
        "feature.py",
        'f"Double this word: {word}"',
        '"x" if word == "one" else f"Double this word: {word}"',
    )

    document = recorded.data()

    assert [each["verdict"] for each in document["budgets"]] == [
        "INCONCLUSIVE",
        "INCONCLUSIVE",
        "FAIL",
    ]
    first, *_ = document["budgets"]
    assert first["reason"] == "1 test lacks an answer; otherwise, it is 9"


def test_a_test_that_asks_less_than_is_recorded_lacks_no_answer(project: Project) -> None:
    ask = "    assert ask(llm_case.input)"
    mark(project, "sum(latency) < 1min")
    project.edit("test_words.py", ask, f"    ask('again ' + llm_case.input)\n{ask}")
    project.record()
    project.edit("test_words.py", "    ask('again", "    llm_case.id == 'one' or ask('again")

    (found,) = project.data()["budgets"]

    assert found["verdict"] == "INCONCLUSIVE"
    assert found["reason"].startswith("1 test asks less than is recorded; otherwise, it is ")

    project.edit("test_words.py", ask, ask.replace("llm_case.input", "llm_case.input[:4]"))
    (found,) = project.data()["budgets"]
    why = "3 tests lack an answer, 1 test asks less than is recorded; otherwise, it is "
    assert found["reason"].startswith(why)


def test_where_every_answer_is_missing_nothing_is_said_of_the_others(recorded: Project) -> None:
    mark(recorded, "max(latency) < 1min")
    recorded.edit("feature.py", "Double this word", "Write twice")

    (found,) = recorded.data()["budgets"]

    assert (found["verdict"], found["reason"]) == ("INCONCLUSIVE", "10 tests lack an answer")


def test_a_provider_that_did_not_answer_is_slower_than_any_bound(project: Project) -> None:
    def answering(body: dict[str, Any]) -> str:
        if "two" in str(body["messages"]):
            raise Refused(500, message="down")
        return last_word_doubled(body)

    project.server.answer = answering
    mark(project, "max(latency) < 1min")

    project.record("--llm-json=run.json")

    found = budget(json.loads((project.path / "run.json").read_text()), "max(latency) < 60s")
    assert (found["verdict"], found["observed"]) == ("FAIL", None)


def test_answers_from_a_file_tell_their_times_and_no_price(project: Project) -> None:
    rows = [{"id": word, "output": f"{word} {word}", "latency_s": 0.5} for word in WORDS]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.path / "answers.jsonl").write_text(text)
    mark(project, "max(latency) < 1s", "cost < 1")
    project.edit("test_words.py", "threshold=0.5", 'threshold=0.5, outputs="answers.jsonl"')
    project.edit("test_words.py", "ask(llm_case.input)", "llm_output")
    project.edit("test_words.py", "(llm_case)", "(llm_case, llm_output)")

    found = project.data()["budgets"]

    assert [each["verdict"] for each in found] == ["PASS", "FAIL"]
    assert found[0]["observed"] == 0.5


def test_each_model_of_a_comparison_is_judged_by_itself(project: Project) -> None:
    mark(project, "count(requests) <= 10")
    project.record("--llm-models=gpt-test,gpt-new", "--llm-record=once")

    result = project.run("--llm-models=gpt-test,gpt-new", "-v", "--llm-json=run.json")

    found = json.loads((project.path / "run.json").read_text())["budgets"]
    assert [(each["model"], each["verdict"]) for each in found] == [
        ("gpt-new", "PASS"),
        ("gpt-test", "PASS"),
    ]
    result.stdout.fnmatch_lines(["*::budget?count(requests) <= 10-gpt-new? PASSED*"])
    result.stdout.no_fnmatch_line("*::budget?count(requests) <= 10-gpt-test?*")


def test_junit_has_the_figures_of_a_budget(recorded: Project) -> None:
    mark(recorded, "count(requests) <= 9")

    recorded.run("--junitxml=junit.xml")

    text = (recorded.path / "junit.xml").read_text()
    assert 'name="budget[count(requests) &lt;= 9]"' in text
    assert '<property name="llmprod_verdict" value="FAIL"' in text
    assert '<property name="llmprod_observed" value="10"' in text


def test_a_quiet_run_counts_the_budgets_that_are_not_kept(recorded: Project) -> None:
    mark(recorded, "count(requests) <= 9", "max(latency) < 1min")

    result = recorded.run("-q")

    result.stdout.fnmatch_lines(["llmprod: budgets: 1 PASS, 1 FAIL"])


def test_a_service_tier_of_the_answer_sets_the_price(project: Project) -> None:
    set_prices(project)
    path = project.path / "llmprod.prices.toml"
    tier = '[overrides.tiers.flex]\ninput = "0.5"\ncached = "0.25"\noutput = "5"\n'
    path.write_text(path.read_text() + tier)
    project.server.facts["service_tier"] = "flex"
    project.record()

    (suite,) = project.data()["suites"]

    assert suite["cost_usd"] == "0.009"


def test_a_service_tier_without_a_price_is_unpriced(project: Project) -> None:
    set_prices(project)
    project.server.facts["service_tier"] = "priority"
    project.record()

    (suite,) = project.data()["suites"]

    assert (suite["cost_usd"], suite["unpriced"]) == (None, 10)


@pytest.mark.parametrize(
    ("budgets", "told"),
    [
        ("'p95(latncy) < 2s'", ["*  p95(latncy) < 2s", "*      ^", "*Did you mean latency?*"]),
        ("", ["*takes one or more budgets as texts*"]),
        ("0.002", ["*takes texts, not 0.002*"]),
        ("cost='0.002'", ["*takes one or more budgets as texts*"]),
        (
            "'monthly(cost) < 3'",
            ["*under ?tool.llmprod.features.doubling?, for instance requests_per_month = 20000*"],
        ),
    ],
)
def test_a_wrong_marker_is_an_error_of_its_file(
    recorded: Project, budgets: str, told: list[str]
) -> None:
    recorded.pytester.makepyfile(test_words=MARKED.replace("{budgets}", budgets))

    result = recorded.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ERROR collecting test_words.py*", *told])


def test_a_budget_needs_a_test_that_records(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest

        @pytest.mark.llm_budget("cost < 1")
        def test_nothing():
            pass
        """
    )

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*records and replays nothing*Add @pytest.mark.llm_cassette*"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[tool.llmprod]\nbudgets = ["cost < x"]',
            "*budgets: A budget cannot be read: there is no*",
        ),
        ('[tool.llmprod]\nbudgets = "cost < 1"', "*budgets must be a list, not 'cost < 1'.*"),
        ("[tool.llmprod]\nbudgets = [1]", "*budgets must be a list of texts such as*"),
        ('[tool.llmprod]\nbudgets = ["monthly(cost) < 1"]', "*is a budget of one feature*"),
        (
            '[tool.llmprod.features.a]\nbudgets = ["monthly(cost) < 1"]',
            "*?tool.llmprod.features.a? budgets: *Set requests_per_month of the feature.*",
        ),
        (
            "[tool.llmprod.features.a]\nrequests_per_month = 0",
            "*requests_per_month must be at least*",
        ),
        ("[tool.llmprod.features.a]\nbudget = []", "*no key 'budget'. Did you mean 'budgets'?*"),
        ("[tool.llmprod.features]\na = 1", "*?tool.llmprod.features? a must be a table, not 1.*"),
    ],
)
def test_wrong_settings_are_wrong_use(project: Project, text: str, told: str) -> None:
    set_options(project, text)

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


@pytest.mark.parametrize("option", ["-v", "-q"])
@pytest.mark.parametrize("feature", ["doublin", "doubilng"])
def test_a_misspelt_feature_of_the_settings_is_told(
    recorded: Project, feature: str, option: str
) -> None:
    set_options(recorded, f'[tool.llmprod.features.{feature}]\nbudgets = ["cost < 1"]\n')

    result = recorded.run(option)

    told = f"no test has the feature {feature} of pyproject.toml; did you mean doubling?"
    assert told in result.outlines


def test_a_misspelt_feature_with_a_long_name_is_told_in_80_columns(recorded: Project) -> None:
    recorded.edit("test_words.py", 'feature="doubling"', 'feature="doubling-of-words"')
    set_options(recorded, '[tool.llmprod.features.doubling_of_words]\nbudgets = ["cost < 1"]\n')

    result = recorded.run("-q")

    assert [line for line in result.outlines if "doubling_of_words" in line] == [
        "no test has the feature doubling_of_words of pyproject.toml; did you mean"
    ]
    assert "  doubling-of-words?" in result.outlines


def test_a_broken_price_list_fails_a_run_with_budgets_with_the_cure(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text("[[models]]\nprovider = 'openai'\n")
    mark(recorded, "sum(cost) < 1")
    whole = recorded.run()
    recorded.pytester.makepyfile(test_plain=PLAIN_BUDGET)
    plain = recorded.record("test_plain.py")

    for result in (whole, plain):
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(["*llmprod.prices.toml: cannot be read*llmprod prices lock*"])
        assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_totals_budgets_and_log_say_the_same_cost(
    recorded: Project, workers: tuple[str, ...]
) -> None:
    set_prices(recorded)
    mark(recorded, "sum(cost) < 1")

    recorded.run("--llm-json=run.json", *workers, subprocess=bool(workers))

    document = json.loads((recorded.path / "run.json").read_text())
    newest = reading.folders_of(recorded.path / ".llmprod" / "runs")[-1]
    lines = [entry.figures for entry in reading.read(newest).entries]
    assert sum(Decimal(each["llmprod.cost.usd"]) for each in lines) == 10 * Decimal(COST)
    assert {each["llmprod.cost.status"] for each in lines} == {"priced"}
    assert budget(document, "sum(cost) < 1")["observed"] == document["suites"][0]["cost_usd"]
    assert Decimal(document["suites"][0]["cost_usd"]) == 10 * Decimal(COST)

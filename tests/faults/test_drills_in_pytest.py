"""Drills as users run them: ten wrong features and a sound one, and what a drill says."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.faults.catalogue import DRILLED

APPS = Path(__file__).parent / "apps"
EXAMPLE = Path(__file__).parents[2] / "examples" / "support_triage"

DRILL = """
    import pytest
    from {module} import {app}

    @pytest.mark.llm_drill(
        feature="triage", faults={faults!r}, fallback="sound:by_rules", within="30s", {more}
    )
    def test_survives(llm_fault, llm_script):
        llm_script.json({{"label": "billing"}})
        assert {app}("my invoice is wrong")["source"] in {{"model", "rules"}}
"""


@pytest.fixture
def apps(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the sound feature and the wrong ones."""
    for path in APPS.glob("*.py"):
        (pytester.path / path.name).write_text(path.read_text())
    pytester.makeini("[pytest]")
    return pytester


def drills(pytester: pytest.Pytester, *arguments: str) -> tuple[pytest.RunResult, list[Any]]:
    """Run the tests of a project, and return the run and the drills that it wrote."""
    result = pytester.runpytest_inprocess("--llm-json=run.json", "--tb=short", *arguments)
    return result, json.loads((pytester.path / "run.json").read_text())["drills"]


def drill(
    pytester: pytest.Pytester,
    app: str,
    faults: Any,
    *arguments: str,
    module: str = "wrong",
    more: str = "",
) -> tuple[pytest.RunResult, list[Any]]:
    """Drill one feature, and return the run and the drills that it wrote."""
    text = DRILL.format(module=module, app=app, faults=faults, more=more)
    pytester.makepyfile(test_drill=text)
    return drills(pytester, *arguments)


WRONG = {
    "no_timeout": "hung",
    "catches_api_errors_only": "crashed with a foreign exception",
    "retries_on_quota": "retried what must not be retried",
    "accepts_an_empty_stream": "accepted the fault as success",
    "takes_an_error_body_for_an_answer": "accepted the fault as success",
    "prints_half_a_stream": "partial answer shown as whole",
    "falls_back_after_40_s": "too late",
    "falls_back_without_a_log_line": "no log record",
    "charges_twice": "side effect twice",
    "answers_ok_to_everything": "accepted the fault as success",
}

MATRIX = """
    import pytest
    from wrong import {app}

    @pytest.mark.llm_drill(
        feature="triage",
        faults={faults!r},
        fallback="sound:by_rules",
        once="sound:charge",
        within={within!r},
    )
    def test_survives(llm_fault, llm_script, {fixture}):
        llm_script.json({{"label": "billing"}})
        assert {app}("my invoice is wrong")["source"] in {{"model", "rules"}}
"""
Found = dict[str, set[str]]


def shown(
    apps: pytest.Pytester, app: str, faults: Any, within: str, fixture: str = ""
) -> tuple[int, Found]:
    """Drill one feature; return the number of drills, and weakness -> faults."""
    text = MATRIX.format(app=app, faults=faults, within=within, fixture=fixture)
    apps.makepyfile(test_drill=text)
    # Tracebacks that nobody reads, as Python writes them: pytest parses the source for its own.
    _, rows = drills(apps, "-q", "--tb=native")
    found: Found = defaultdict(set)
    for row in rows:
        for kind, _ in row["findings"]:
            found[kind].add(row["fault"])
    return len(rows), found


ALL = len(DRILLED)
#: What each feature is wrong about: (these faults, none of these, so many at least and at most).
WRONG_ABOUT: dict[str, tuple[set[str], set[str], int, int]] = {
    "no_timeout": ({"no-answer", "slow-drip", "stream-stalls"}, set(), 3, 3),
    "catches_api_errors_only": ({"stream-bad-json"}, {"quota", "no-answer"}, 1, ALL),
    "retries_on_quota": ({"quota"}, set(), 1, 1),
    "accepts_an_empty_stream": (
        {"stream-as-json", "stream-as-error", "stream-nothing"},
        {"quota", "stream-closed"},
        3,
        ALL,
    ),
    "takes_an_error_body_for_an_answer": ({"error-with-200"}, {"quota", "length"}, 1, ALL),
    "prints_half_a_stream": (
        {"stream-ends-early", "stream-closed", "length"},
        {"truncated-json", "quota"},
        3,
        ALL,
    ),
    "falls_back_after_40_s": ({"quota"}, set(), 61, ALL),
    "falls_back_without_a_log_line": ({"quota"}, set(), 61, ALL),
    "charges_twice": ({"quota"}, {"stream-split-character"}, 1, ALL),
    "answers_ok_to_everything": ({"quota"}, {"stream-split-character"}, 1, ALL),
}

#: On sockets time is real. These features wait and wait, and meet only some faults there.
PATIENT = {
    "no_timeout": ["no-answer", "html-page", "closed-before-answer"],
    "retries_on_quota": ["quota", "html-page", "stream-closed"],
    "falls_back_after_40_s": ["no-answer", "html-page", "stream-closed"],
}
#: A drip of ten minutes comes to its end in virtual time, and is cut by the server on sockets:
#: only of the sound feature it says the same there.
BRIEF = [name for name in DRILLED if name != "slow-drip"]


def untimed(found: Found, faults: Any) -> Found:
    """Return what was found under these faults, without what depends on how long seconds are."""
    kinds = [kind for kind in found if kind not in ("hung", "too late")]
    return {kind: found[kind] & set(faults) for kind in kinds if found[kind] & set(faults)}


@pytest.mark.parametrize("app", WRONG)
def test_each_wrong_feature_is_caught_by_its_name_on_both_mounts(
    apps: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, app: str
) -> None:
    drilled, here = shown(apps, app, "all", "30s")
    monkeypatch.setenv("SCALE", "0.05")
    faults = PATIENT.get(app, BRIEF)
    met, there = shown(apps, app, faults, "2s", fixture="llm_server")
    wrong_about, right_about, least, most = WRONG_ABOUT[app]

    assert (drilled, met) == (len(DRILLED), len(faults))
    assert WRONG[app] in there
    assert wrong_about <= here[WRONG[app]]
    assert right_about.isdisjoint(here[WRONG[app]])
    assert least <= len(here[WRONG[app]]) <= most
    assert untimed(there, faults) == untimed(here, faults)


def test_the_sound_feature_passes_on_both_mounts(
    apps: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shown(apps, "triage", "all", "30s")
    monkeypatch.setenv("SCALE", "0.05")
    there = shown(apps, "triage", "all", "2s", fixture="llm_server")

    assert here == there == (len(DRILLED), {})


def test_the_summary_names_silent_acceptances_first(apps: pytest.Pytester) -> None:
    result, _ = drill(apps, "answers_ok_to_everything", ["no-answer", "html-page", "quota"])

    result.stdout.fnmatch_lines(
        [
            "*= llmprod =*",
            "drills of triage: survived 0 of 2 faults, 1 does not apply",
            "  accepted the fault as success (2): no-answer, quota",
            "failure modes of triage: FAILED: slow (1 of 1), limited (1 of 1);",
            "  untested: wrong, malformed input, hostile input, down, retired, expensive",
        ]
    )
    result.assert_outcomes(failed=2, skipped=1)
    assert result.ret == 1


def test_a_client_without_a_timeout_is_told_for_how_long_it_would_hang(
    apps: pytest.Pytester,
) -> None:
    result, (row,) = drill(apps, "no_timeout", "no-answer")

    assert row["outcome"] == "hung"
    assert row["findings"] == [["hung", "would hang for 30 minutes: 3 requests of 600 s"]]
    assert 1800 < row["elapsed_s"] < 1802
    result.stdout.fnmatch_lines(["*hung: would hang for 30 minutes: 3 requests of 600 s*"])


def test_a_drill_that_passes_says_when_the_fallback_took_over(apps: pytest.Pytester) -> None:
    result, (row,) = drill(apps, "triage", "no-answer", module="sound")

    result.assert_outcomes(passed=1)
    assert (row["outcome"], row["switch_s"], row["requests"]) == ("fell back", 10.0, 1)


def test_drills_are_told_alike_in_several_processes(apps: pytest.Pytester) -> None:
    alone, rows = drill(apps, "charges_twice", "outage", more="once='sound:charge'")
    shared, again = drill(apps, "charges_twice", "outage", "-n2", more="once='sound:charge'")

    assert again == rows
    assert alone.ret == shared.ret == 1
    assert [line for line in shared.outlines if line.startswith("drills of")] == [
        "drills of triage: survived 0 of 15 faults, 3 do not apply"
    ]


def test_quiet_runs_tell_drills_too(apps: pytest.Pytester) -> None:
    result, _ = drill(apps, "triage", ["quota", "rate-limit"], "-q", module="sound")

    assert "llmprod: drills of triage: survived 2 of 2 faults" in result.outlines


def test_a_run_that_is_stopped_before_drills_are_decided_has_nothing_to_tell(
    apps: pytest.Pytester,
) -> None:
    apps.makeconftest(
        """
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_runtest_logreport(report):
            if report.when == "teardown":
                raise KeyboardInterrupt
        """
    )
    apps.makepyfile(test_drill=DRILL.format(module="sound", app="triage", faults="quota", more=""))

    for verbosity in ("-q", "-v"):
        result = apps.runpytest_inprocess(verbosity, no_reraise_ctrlc=True)

        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.no_fnmatch_line("*= llmprod =*")
        result.stdout.no_fnmatch_line("llmprod: *")


def test_quiet_runs_tell_of_budgets_beside_drills(apps: pytest.Pytester) -> None:
    apps.makepyprojecttoml('[tool.llmprod]\nbudgets = ["max(latency) < 1ms"]')
    apps.makepyfile(
        test_drill=DRILL.format(module="sound", app="triage", faults="quota", more=""),
        test_of_models="""
        import openai
        import pytest

        @pytest.mark.llm_cassette
        def test_asks():
            with pytest.raises(BaseException):
                openai.OpenAI().models.list()
        """,
    )

    result = apps.runpytest_inprocess("-q")

    result.stdout.fnmatch_lines(["llmprod: drills of triage: *", "budgets of the run: 1 *"])


PAID = """
    import openai
    import pytest

    @pytest.mark.llm_cassette
    def test_asks(llm_cassette, llm_faults, llm_script):
        llm_script.reply("Yes.")
        llm_faults.inject("slow-answer", "tokens-trebled")
        for _ in range(3):
            openai.OpenAI().chat.completions.create(
                model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}]
            )
        assert llm_cassette.cost_usd == 0
        assert llm_cassette.exchanges[0].usage is not None
"""


def test_what_faults_and_scripts_answer_is_neither_paid_nor_logged_nor_recorded(
    apps: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    lock = EXAMPLE / "llmprod.prices.toml"
    (apps.path / lock.name).write_text(lock.read_text())
    apps.makepyprojecttoml('[tool.llmprod]\nbudgets = ["max(latency) < 1s", "sum(cost) < 1"]')
    apps.makepyfile(
        test_drill=DRILL.format(module="sound", app="triage", faults="slow", more=""),
        test_paid=PAID,
    )

    result = apps.runpytest_inprocess(
        "--llm-record=once", "--llm-max-spend=0.000001", "--llm-json=run.json"
    )

    result.assert_outcomes(passed=6)
    assert json.loads((apps.path / "run.json").read_text())["budgets"] == []
    assert not (apps.path / "cassettes").exists()
    assert list(apps.path.glob(".llmprod/runs/*/*.jsonl")) == []


def test_a_budget_on_a_test_with_faults_judges_no_answer_that_was_made_up(
    apps: pytest.Pytester,
) -> None:
    budget = '@pytest.mark.llm_budget("max(latency) < 1ms")\n    @pytest.mark.llm_cassette'
    apps.makepyfile(test_paid=PAID.replace("@pytest.mark.llm_cassette", budget))

    apps.runpytest_inprocess("--llm-json=run.json")

    (found,) = json.loads((apps.path / "run.json").read_text())["budgets"]
    assert (found["verdict"], found["calls"]) == ("INCONCLUSIVE", 0)


def test_a_wrong_log_line_is_a_weakness(apps: pytest.Pytester) -> None:
    apps.makepyfile(
        vague="""
        import logging
        from sound import ask, by_rules

        def triage(text):
            try:
                return ask(text)
            except Exception:
                logging.getLogger("vague").warning("something went wrong")
                return by_rules(text)
        """
    )

    _, (row,) = drill(apps, "triage", "rate-limit", module="vague")

    assert row["findings"] == [
        [
            "no log record",
            "no record names the fault (RateLimitError, 429, rate_limit_exceeded); the first says: "
            "something went wrong",
        ]
    ]
    _, (row,) = drill(apps, "triage", "rate-limit", module="vague", more="log=False")
    assert row["outcome"] == "fell back"


def test_an_own_error_may_take_the_place_of_a_fallback_where_it_is_declared(
    apps: pytest.Pytester,
) -> None:
    apps.makepyfile(
        strict="""
        from sound import ask

        class Unavailable(Exception):
            pass

        def triage(text):
            try:
                return ask(text)
            except Exception as error:
                raise Unavailable("come again later") from error
        """
    )

    _, (undeclared,) = drill(apps, "triage", "quota", module="strict")
    declared, (row,) = drill(
        apps, "triage", "quota", module="strict", more="raises='strict:Unavailable'"
    )

    assert undeclared["findings"] == [
        ["no fallback", "raised strict.Unavailable: come again later in place of sound:by_rules"]
    ]
    assert row["outcome"] == "own error"
    declared.assert_outcomes(passed=1)


def test_a_crash_shows_its_traceback_and_its_name(apps: pytest.Pytester) -> None:
    result, (row,) = drill(apps, "catches_api_errors_only", "stream-bad-json")

    assert row["outcome"] == "crashed with a foreign exception"
    text = row["findings"][0][1]
    assert re.match(r"json\.decoder\.JSONDecodeError in (sound|wrong)\.py:\d+: Expecting", text)
    result.stdout.fnmatch_lines(
        [
            "crashed with a foreign exception: json.decoder.JSONDecodeError in *",
            "*catches_api_errors_only*",
            "FAILED *- crashed with a f*",
        ]
    )


def test_the_summary_says_which_error_came_from_where_by_which_faults(
    apps: pytest.Pytester,
) -> None:
    apps.makepyfile(
        fragile="""
        import openai
        from sound import ask

        def triage(text):
            try:
                return ask(text)
            except openai.RateLimitError as error:
                float(error.response.headers["retry-after"])
                raise
        """
    )
    faults = ["rate-limit-retry-after-date", "rate-limit-retry-after-garbage", "rate-limit"]

    result, _ = drill(apps, "triage", faults, module="fragile")

    result.stdout.fnmatch_lines(
        [
            "drills of triage: survived 0 of 3 faults",
            "  crashed with a foreign exception (3):",
            "    ValueError in fragile.py:8: rate-limit-retry-after-date,",
            "      rate-limit-retry-after-garbage",
            "    KeyError in fragile.py:8: rate-limit",
        ],
        consecutive=True,
    )


def test_an_assertion_of_the_test_decides_where_the_fault_was_survived(
    apps: pytest.Pytester,
) -> None:
    apps.makepyfile(
        test_drill="""
        import pytest
        from sound import triage

        @pytest.mark.llm_drill(feature="triage", faults="quota", fallback="sound:by_rules")
        def test_survives(llm_fault):
            assert triage("my invoice is wrong")["label"] == "shipping"
        """
    )

    result, (row,) = drills(apps)

    assert row["outcome"] == "failed its own assertions"
    result.stdout.fnmatch_lines(["failed its own assertions: *", "*AssertionError*"])


def test_a_degraded_answer_is_one_that_the_declared_callable_gave(apps: pytest.Pytester) -> None:
    _, (row,) = drill(apps, "triage", "quota", module="sound", more="degraded='sound:by_rules'")

    assert row["outcome"] == "fell back"
    apps.makepyfile(
        test_drill="""
        import pytest
        from sound import triage

        @pytest.mark.llm_drill(feature="triage", faults="quota", degraded="sound:by_rules")
        def test_survives(llm_fault):
            triage("my invoice is wrong")
        """
    )
    assert drills(apps)[1][0]["outcome"] == "degraded"


def test_more_requests_than_declared_are_a_weakness(apps: pytest.Pytester) -> None:
    _, (row,) = drill(apps, "retries_on_quota", "server-error", more="requests=2")

    assert row["findings"] == [["too many requests", "sent 3 requests, and may send 2"]]


def test_asynchronous_features_are_drilled_in_virtual_time(apps: pytest.Pytester) -> None:
    apps.makepyfile(
        test_drill="""
        import asyncio
        import logging
        import openai
        import pytest

        def by_rules():
            return "rules"

        async def answer():
            try:
                async with asyncio.timeout(25), openai.AsyncOpenAI(timeout=10) as client:
                    completion = await client.chat.completions.create(
                        model="gpt-test", messages=[{"role": "user", "content": "Hi"}]
                    )
                    return completion.choices[0].message.content
            except Exception as error:
                logging.getLogger("app").warning("rules", exc_info=error)
                return by_rules()

        @pytest.mark.anyio
        @pytest.mark.llm_drill(
            feature="chat",
            faults=["no-answer", "slow-drip", "overloaded-retry-after-20", "slow-answer"],
            fallback="test_drill:by_rules",
            within="30s",
        )
        async def test_survives(llm_fault, anyio_backend):
            assert await answer()

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )

    result, rows = drills(apps)

    result.assert_outcomes(passed=4)
    times = {row["fault"]: row["elapsed_s"] for row in rows}
    assert times.keys() == {"no-answer", "slow-drip", "overloaded-retry-after-20", "slow-answer"}
    assert all(24.5 < seconds < 25.5 for seconds in times.values())


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("faults='all'", "feature must be a name"),
        ("feature='x', faults='slo'", "there is no fault 'slo'. Did you mean 'slow'?"),
        ("feature='x', faults=3", "faults must be 'all', a group"),
        ("feature='x', within='soon'", "within must be a time such as"),
        ("feature='x', within='inf'", "within must be a time such as"),
        ("feature='x', within=float('inf')", "within must be a time such as"),
        ("feature='x', requests=0", "requests must be a whole number"),
        ("feature='x', clock='lunar'", "clock must be 'virtual' or 'real'"),
        ("feature='x', raises='nowhere:X'", "nowhere cannot be imported"),
        ("feature='x', fallbck='a:b'", "Did you mean 'fallback'?"),
    ],
)
def test_a_wrong_marker_is_an_error_of_its_file(
    pytester: pytest.Pytester, marker: str, message: str
) -> None:
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.llm_drill({marker})\ndef test_it(llm_fault): pass\n"
    )

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*{message.replace('[', '[[]').replace('?', '[?]')}*"])


def test_a_drill_without_its_fixture_says_which_argument_is_missing(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.llm_drill(feature='x')\ndef test_it(): pass\n")

    result = pytester.runpytest_inprocess()

    result.stdout.fnmatch_lines(["*has no argument llm_fault*"])


def test_a_callable_that_does_not_exist_is_an_error_of_the_test(apps: pytest.Pytester) -> None:
    apps.makepyfile(
        "import pytest\n"
        "@pytest.mark.llm_drill(feature='x', faults='quota', fallback='sound:by_rule')\n"
        "def test_it(llm_fault): pass\n"
    )

    result = apps.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*'sound:by_rule' is not there.*"])


@pytest.mark.parametrize("verbosity", ["-q", "-v"])
def test_what_is_overdue_is_told_beside_evals_too(
    recorded_apps: pytest.Pytester, verbosity: str
) -> None:
    old = {"kind": "drill", "feature": "chat", "when": "2020-01-01T00:00:00+00:00"}
    (recorded_apps.path / "llmprod-history.jsonl").write_text(json.dumps(old) + "\n")

    result = recorded_apps.runpytest_inprocess("--llm-eval", verbosity)

    result.stdout.fnmatch_lines(["*drills of triage: *", "overdue: chat last survived its *"])


@pytest.fixture
def recorded_apps(apps: pytest.Pytester) -> pytest.Pytester:
    """A project with a drill, and an eval of answers that are there."""
    text = DRILL.format(module="sound", app="triage", faults="quota", more="")
    evals = """
        import pytest

        @pytest.mark.llm_eval(
            feature="words", dataset="words.jsonl", threshold=0.5, outputs="answers.jsonl"
        )
        def test_words(llm_case, llm_output):
            assert llm_output == llm_case.expected
        """
    apps.makepyfile(test_drill=text, test_words=evals)
    row = {"id": "a", "input": "a", "expected": "b"}
    (apps.path / "words.jsonl").write_text(json.dumps(row) + "\n")
    (apps.path / "answers.jsonl").write_text(json.dumps({"id": "a", "output": "b"}) + "\n")
    return apps


def test_a_run_of_drills_to_which_not_all_has_come_is_incomplete(apps: pytest.Pytester) -> None:
    apps.makeconftest(
        """
        def pytest_report_to_serializable(config, report):
            if report.when == "call" and "quota" in report.nodeid:
                for name in ("llmprod_drill", "llmprod_counted"):
                    report.__dict__.pop(name, None)
        """
    )
    faults = ["quota", "rate-limit"]
    text = DRILL.format(module="sound", app="triage", faults=faults, more="")
    apps.makepyfile(test_drill=text)

    result = apps.runpytest_subprocess("-n2")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["INCOMPLETE: *Worker gw? has sent * record*, and * came.*"])
    assert not (apps.path / "llmprod-history.jsonl").exists()


ASKS_NOTHING = """
    import pytest

    @pytest.mark.llm_drill(feature="triage", faults=["server-error", "stream-closed"])
    def test_survives(llm_fault):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("pass", "Call the feature in the test*not one that a fixture replaced by a fake"),
        ("triag('my invoice')", "NameError in test_drill.py:5: name 'triag' is not defined"),
        ("assert False", "AssertionError in test_drill.py:5: assert False"),
    ],
    ids=["no-call", "typo", "assertion"],
)
def test_a_drill_that_sends_no_request_fails(apps: pytest.Pytester, body: str, told: str) -> None:
    apps.makepyfile(test_drill=ASKS_NOTHING.format(body=body))

    result, rows = drills(apps)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([f"*asked nothing: no request was sent*{told}*"])
    result.stdout.fnmatch_lines(["drills of triage: survived 0 of 2 faults"])
    assert {row["outcome"] for row in rows} == {"asked nothing"}
    assert not (apps.path / "llmprod-history.jsonl").exists()


@pytest.mark.parametrize(
    ("fallback", "told"),
    [
        ("sound:by_rulez", "is not there. Did you mean 'by_rules'? Correct the name."),
        ("sound:zzz", "is not there. There are *by_rules*. Correct the name."),
        ("soond:by_rules", "soond cannot be imported *. Correct the module, or set pythonpath *"),
    ],
)
def test_a_fallback_that_is_none_is_told_with_those_that_are_some(
    apps: pytest.Pytester, fallback: str, told: str
) -> None:
    text = DRILL.format(module="sound", app="triage", faults="server-error", more="")
    apps.makepyfile(test_drill=text.replace("sound:by_rules", fallback))

    result = apps.runpytest_inprocess()

    result.stdout.fnmatch_lines([f"'{fallback}'*{told}"])

"""Rules of replay in a project: repeats, recordings left over, age."""

import json
import re
from pathlib import Path

import pytest
from project import WORDS, Project

TWO_CALLS = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette(RULES)
    def test_asks():
        for word in WORDS:
            ask(word)
"""


def write_test(project: Project, words: list[str], rules: str = "") -> None:
    text = TWO_CALLS.replace("RULES", rules).replace("WORDS", repr(words))
    project.pytester.makepyfile(test_words=text)


def recorded_texts(project: Project) -> list[str]:
    path = project.path / "cassettes" / "test_words" / "test_asks.gpt-test.json"
    recordings = json.loads(path.read_text())["interactions"]
    return [each["request"]["body"]["json"]["messages"][0]["content"] for each in recordings]


def test_a_test_that_asks_less_than_was_recorded_fails(project: Project) -> None:
    write_test(project, ["one", "two", "three"])
    project.record()
    write_test(project, ["one"])

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "2 of the 3 recordings of this test were not played",
            "",
            "  cassette  cassettes/test_words/test_asks.gpt-test.json",
            '  unplayed  "Double this word: two", answered by gpt-test-2026-01-01 on 20*',
            '  unplayed  "Double this word: three", answered by *',
            "  because   the test asks less than it once did, or asks in other words",
            '  allow it  put @pytest.mark.llm_cassette(unplayed="allow") above the test',
            "",
            "  mend      pytest --llm-record=new_episodes test_words.py::test_asks",
            "*1 test did not play all of its recordings",
            "drop what is not played with: pytest --llm-eval --llm-record=new_episodes",
        ]
    )


def test_a_test_that_asks_nothing_any_more_is_told_a_likely_cause(project: Project) -> None:
    write_test(project, ["one"])
    project.record()
    write_test(project, [])

    result = project.run()

    result.stdout.fnmatch_lines(
        ["  because   the test asked nothing; a fixture may have replaced its client by a fake"]
    )


@pytest.mark.parametrize("words", [["one"], []])
def test_the_command_that_unplayed_recordings_name_drops_them_and_sends_nothing(
    project: Project, words: list[str]
) -> None:
    write_test(project, ["one", "two", "three"])
    project.record()
    project.record("--llm-record=once", "--llm-swap=gpt-test=gpt-other")
    project.server.requests.clear()
    write_test(project, words)

    project.record("--llm-record=new_episodes", "test_words.py::test_asks")
    result = project.run()

    assert project.server.requests == []
    assert recorded_texts(project) == [f"Double this word: {word}" for word in words]
    assert result.ret == pytest.ExitCode.OK


def test_outputs_from_elsewhere_drop_nothing_that_was_asked(recorded: Project) -> None:
    before = recorded.cassette().read_bytes()
    (recorded.path / "answers.jsonl").write_text(
        "".join(json.dumps({"id": word, "output": f"{word} {word}"}) + "\n" for word in WORDS)
    )
    recorded.edit("test_words.py", "threshold=", 'outputs="answers.jsonl", threshold=')
    recorded.edit("test_words.py", "(llm_case)", "(llm_case, llm_output)")
    recorded.edit("test_words.py", "ask(llm_case.input)", "llm_output")

    result = recorded.record("--llm-record=new_episodes")

    assert result.ret == pytest.ExitCode.OK
    assert recorded.cassette().read_bytes() == before


def record_two_calls(project: Project) -> None:
    last = "    assert ask(llm_case.input)"
    project.edit("test_words.py", last, f"    ask('2 ' + llm_case.input)\n{last}")
    project.record()


def test_a_gate_of_cases_that_ask_less_says_so(project: Project) -> None:
    once = "    assert ask(llm_case.input)"
    project.edit("test_words.py", once, f"    ask('again ' + llm_case.input)\n{once}")
    project.record()
    project.edit(
        "test_words.py", "    ask('again", "    llm_case.id in ('one', 'two') or ask('again"
    )

    result = project.run("--llm-json=run.json")

    why = "2 cases did not play all of their recordings"
    result.stdout.fnmatch_lines([f"gate doubling: not judged; {why}"])
    assert "got no answer" not in result.stdout.str()
    (suite,) = json.loads((project.path / "run.json").read_text())["suites"]
    assert suite["reason"] == why


def test_a_gate_tells_cases_that_ask_less_from_those_that_ask_something_else(
    project: Project,
) -> None:
    record_two_calls(project)
    project.edit("test_words.py", "    ask('2", "    llm_case.id == 'one' or ask('2")
    project.write_rows((*WORDS, "eleven"))

    result = project.run()

    result.stdout.fnmatch_lines(
        [
            "gate doubling: not judged; 1 case got no answer, 1 case did not play all of its",
            "  recordings",
        ]
    )


def test_a_test_that_asks_nothing_any_more_fails(project: Project) -> None:
    write_test(project, ["one"])
    project.record()
    write_test(project, [])

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["1 of the 1 recordings of this test was not played*"])


@pytest.mark.parametrize("where", ["marker", "table"])
def test_unplayed_recordings_may_be_allowed(project: Project, where: str) -> None:
    write_test(project, ["one", "two"])
    project.record()
    write_test(project, ["one"], 'unplayed="allow"' if where == "marker" else "")
    if where == "table":
        write_table(project, 'unplayed = "allow"')

    result = project.run()

    assert result.ret == pytest.ExitCode.OK


def write_table(project: Project, line: str) -> None:
    (project.path / "pyproject.toml").write_text(f"[tool.llmprod.wire]\n{line}\n")


def test_a_failed_test_does_not_complain_of_what_it_did_not_come_to(project: Project) -> None:
    write_test(project, ["one", "two"])
    project.record()
    project.edit("test_words.py", "ask(word)", "assert not ask(word)")

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "not played" not in result.stdout.str()


@pytest.mark.parametrize(
    ("rules", "passes"), [("", False), ('repeats="last"', True), ('repeats="cycle"', True)]
)
def test_one_more_call_than_recorded_is_answered_as_the_rule_says(
    project: Project, rules: str, passes: bool
) -> None:
    write_test(project, ["one", "one"])
    project.record()
    write_test(project, ["one", "one", "one"], rules)

    result = project.run()

    assert result.parseoutcomes() == ({"passed": 1} if passes else {"failed": 1})


def make_recordings_older(project: Project, day: str) -> None:
    for path in (project.path / "cassettes").rglob("*.json"):
        pattern = r'"recorded_at": "[^T]*T'
        path.write_text(re.sub(pattern, f'"recorded_at": "{day}T', path.read_text()))


def test_a_recording_older_than_max_age_is_not_played(project: Project) -> None:
    write_test(project, ["one"])
    project.record()
    make_recordings_older(project, "2020-01-31")
    write_table(project, "max_age_days = 90")

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "recording too old: * days, at most 90",
            '  asked     "Double this word: one"',
            "  recorded  by gpt-test-2026-01-01 on 2020-01-31",
            "  mend      pytest --llm-record=rewrite test_words.py::test_asks",
            "1 recording is too old to be played",
            "record what is too old with: pytest --llm-eval --llm-record=rewrite",
        ]
    )


def test_old_recordings_of_a_suite_are_told_once_and_the_summary_mends_them(
    recorded: Project,
) -> None:
    make_recordings_older(recorded, "2020-01-31")
    write_table(recorded, "max_age_days = 90")

    result = recorded.run()
    words = next(line for line in result.outlines if line.startswith("record what"))
    recorded.record(*words.partition("pytest --llm-eval ")[2].split())
    mended = recorded.run()

    text = result.stdout.str()
    assert text.count("  recorded  by") == 1
    assert text.count("at most 90, as in test_doubles[one] above") == 9
    assert "record what is missing" not in text
    assert mended.ret == pytest.ExitCode.OK


def test_what_is_old_and_what_is_missing_have_a_command_each(recorded: Project) -> None:
    make_recordings_older(recorded, "2020-01-31")
    write_table(recorded, "max_age_days = 90")
    recorded.edit("feature.py", "{word}", "{word if word != 'one' else 'uno'}")

    result = recorded.run()

    result.stdout.fnmatch_lines(
        [
            "1 request is in no recording: prompt changed 1",
            "9 recordings are too old to be played",
            "record what is missing with: pytest --llm-eval --llm-record=new_episodes",
            "record what is too old with: pytest --llm-eval --llm-record=rewrite",
        ]
    )


def test_the_command_for_an_old_recording_of_a_stand_in_asks_it_again(recorded: Project) -> None:
    recorded.record("--llm-record=once", "--llm-swap=gpt-test=gpt-other")
    make_recordings_older(recorded, "2020-01-31")
    write_table(recorded, "max_age_days = 90")

    result = recorded.run("--llm-swap=gpt-test=gpt-other", "-k", "one")

    mend = "  mend      pytest --llm-eval --llm-record=rewrite --llm-swap=gpt-test=gpt-other "
    assert f"{mend}'test_words.py::test_doubles[one]'" in result.outlines


def test_the_command_that_an_old_recording_names_mends_it(project: Project) -> None:
    write_test(project, ["one"])
    project.record()
    make_recordings_older(project, "2020-01-31")
    write_table(project, "max_age_days = 90")

    project.record("--llm-record=rewrite", "test_words.py::test_asks")
    result = project.run()

    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ("repeats=2", "*repeats must be one of *strict*last*cycle*, not 2.*"),
        ("clock=-1", '*clock must be "instant", "real", or a number from 0 to 100*not -1.*'),
        ("unplayed=True", "*unplayed must be one of *fail*allow*, not True.*"),
        ("repeat='last'", "*no argument 'repeat'. Did you mean 'repeats'? Known are *"),
        ("'last'", "*takes named arguments only, not 'last'. Write @pytest.mark.llm_cassette(*"),
    ],
)
def test_a_wrong_rule_in_the_marker_is_told_before_any_test_runs(
    project: Project, rules: str, text: str
) -> None:
    write_test(project, ["one"], rules)

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"test_words.py::test_asks: @pytest.mark.llm_cassette{text}"])


def test_workers_tell_a_wrong_rule_in_the_marker_like_one_process(project: Project) -> None:
    write_test(project, ["one"], "repeats=2")

    result = project.run("-n2", subprocess=True)

    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["test_words.py::test_asks: @pytest.mark.llm_cassette: repeats *"])


def write_parameters(project: Project, marks: str, above: str = "") -> None:
    project.pytester.makepyfile(
        test_words=f"""
        import pytest
        from feature import ask

        MARKED = pytest.param("two", marks=pytest.mark.llm_cassette({marks}))

        {above}
        @pytest.mark.parametrize("word", ["one", MARKED])
        def test_asks(word):
            ask(word)
            ask(word)
        """
    )


@pytest.mark.parametrize("above", ["", "@pytest.mark.llm_cassette"])
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_wrong_rule_of_one_parameter_is_told_before_any_test_runs(
    project: Project, workers: str, above: str
) -> None:
    write_parameters(project, "repeats=2", above)

    result = project.run(workers, subprocess=True)

    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert result.parseoutcomes() == {"errors": 1}
    told = "test_words.py::test_asks[[]two]: @pytest.mark.llm_cassette: repeats must be *"
    result.stdout.fnmatch_lines([told])


def test_a_wrong_rule_of_a_test_case_of_unittest_is_told_before_any_test_runs(
    project: Project,
) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest, unittest

        class TestWords(unittest.TestCase):
            @pytest.mark.llm_cassette(repeats=2)
            def test_asks(self):
                pass
        """
    )

    result = project.run()

    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["test_words.py::TestWords::test_asks: @pytest.mark.llm_cass*"])


def test_the_rule_of_one_parameter_wins_over_that_of_its_function(project: Project) -> None:
    write_parameters(project, 'repeats="last"', "@pytest.mark.llm_cassette")
    project.edit("test_words.py", "    ask(word)\n    ask(word)", "    ask(word)")
    project.record()
    write_parameters(project, 'repeats="last"', "@pytest.mark.llm_cassette")

    assert project.run().parseoutcomes() == {"passed": 1, "failed": 1}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('repeats = "first"', '*[[]tool.llmprod.wire] repeats must be one of "strict"*'),
        ('clock = "fast"', '*[[]tool.llmprod.wire] clock must be "instant", "real"*'),
        ("max_age_days = 0", "*[[]tool.llmprod.wire] max_age_days must be from 1 to *, not 0.*"),
    ],
)
def test_a_wrong_rule_in_the_table_is_a_usage_error(project: Project, line: str, text: str) -> None:
    write_table(project, line)

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {text}"])


def test_the_marker_wins_over_the_table(project: Project) -> None:
    write_test(project, ["one"])
    project.record()
    write_test(project, ["one", "one"], 'repeats="last"')
    write_table(project, 'repeats = "strict"')

    assert project.run().ret == pytest.ExitCode.OK


def test_an_eval_whose_recordings_are_left_over_is_not_judged(recorded: Project) -> None:
    recorded.pytester.makepyfile(
        test_words="""
        import pytest

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        def test_doubles(llm_case):
            pass
        """
    )

    data = recorded.data()

    assert data["suites"][0]["verdict"] is None
    assert Path(recorded.path / "run.json").exists()


def test_a_case_that_asks_less_beside_a_fixture_without_an_answer_lacks_one(
    recorded: Project,
) -> None:
    recorded.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.fixture(scope="module")
        def shared():
            try:
                ask("nobody recorded this")
            except Exception:
                pass

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        def test_doubles(llm_case, shared):
            pass
        """
    )

    result = recorded.run()

    result.stdout.fnmatch_lines(["gate doubling: not judged; 10 cases got no answer"])

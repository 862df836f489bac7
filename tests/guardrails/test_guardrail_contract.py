"""The contract of a guardrail as users run it: a sound application, and one with each hole."""

from pathlib import Path

import pytest

from pytest_llmprod.guardrails.contract import FAILURES, PLACES

APPS = Path(__file__).parent / "guarded_apps"
SECRET = "jane.roe@example.com"
TEST = """
    import pytest
    import desk
    import leaky
    import other_desk

    @pytest.mark.llm_guardrail(feature="desk", secret={secret!r}, {arguments})
    def test_guarded(llm_place):
        llm_place.check({call})
"""
GUARDED = 'guardrail=["desk:redact", "desk:redact_pieces"]'


@pytest.fixture
def apps(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the sound application and the leaky one."""
    for path in APPS.glob("*.py"):
        (pytester.path / path.name).write_text(path.read_text())
    pytester.makeini("[pytest]")
    return pytester


def run(
    apps: pytest.Pytester,
    call: str,
    arguments: str,
    *options: str,
    answer: str = "",
    secret: str = SECRET,
) -> pytest.RunResult:
    given = f'lambda: {call}("Where is my parcel?"){answer}'
    apps.makepyfile(test_of_places=TEST.format(call=given, arguments=arguments, secret=secret))
    return apps.runpytest_inprocess("--tb=short", "-ra", *options)


def finding(result: pytest.RunResult) -> str:
    """Return the one finding of a run with one item, in a line."""
    result.assert_outcomes(failed=1)
    first, second = (each[4:] for each in result.outlines if each.startswith("E   "))
    return f"{first.removeprefix('AssertionError: ')} {second.strip()}"


def test_an_application_is_asked_once_for_each_place_and_each_failure(
    apps: pytest.Pytester,
) -> None:
    result = run(apps, "desk.reply", f'{GUARDED}, fallback="desk:by_rules"', "-v")

    names = [line.partition("[")[2].partition("]")[0] for line in result.outlines if "::" in line]
    assert names[: len(PLACES) + len(FAILURES)] == [*PLACES, *FAILURES]
    result.assert_outcomes(passed=7, skipped=6)
    result.stdout.fnmatch_lines(
        [
            "*desk: what it is asked does not hold the secret*",
            "*desk: it asks for no stream*",
            "*desk: it asks for one choice*",
            "*desk: it offers no tool that takes a text*",
            "*desk: tools= names no tool*",
            "*desk: it asks again: nothing comes from a cache*",
        ]
    )


@pytest.mark.parametrize(
    ("call", "place", "more"),
    [
        ("desk.streamed", "stream", ""),
        ("desk.streamed_async", "stream", ""),
        ("desk.replied", "answer", ""),
        ("desk.asked_by", "request", ""),
        ("desk.asked_by", "guardrail-raises", ""),
        ("desk.drafts", "choices", ""),
        ("desk.with_tools", "tool-arguments", ', tools="desk:note"'),
        ("desk.with_tools", "tool-results", ', tools="desk:note"'),
        ("desk.remembered", "cache", ""),
        ("desk.reply", "exception", ""),
        ("leaky.open_and_told", "guardrail-raises", ', fails="open"'),
        ("other_desk.reply", "answer", ""),
        ("other_desk.reply", "refusal", ""),
        ("other_desk.streamed", "stream", ""),
        ("other_desk.with_tools", "tool-arguments", ', tools="desk:note"'),
        ("other_desk.message", "answer", ""),
    ],
)
def test_a_guardrail_that_stands_there_passes(
    apps: pytest.Pytester, call: str, place: str, more: str
) -> None:
    run(apps, call, f"{GUARDED}, places={place!r}{more}").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("call", "place", "more", "found"),
    [
        ("leaky.plain", "answer", "", "the secret is in the output; "),
        ("leaky.asked_by", "request", "", "the secret is in request 1.messages[0].content; desk:"),
        ("leaky.asks_all_the_same", "guardrail-raises", "", "through in request 1.messages[0].con"),
        ("leaky.half", "answer", "", "desk:redact saw it (desk"),
        ("leaky.unguarded_words", "answer", "", "desk:redact never saw it"),
        ("leaky.streamed", "stream", "", "cut after 33 characters: the secret is in the output"),
        ("leaky.losing", "stream", "", "the output is another one than that of the whole stream"),
        ("leaky.first_draft_guarded", "choices", "", "the output[1]; "),
        ("leaky.refused", "refusal", "", "desk:redact never saw it"),
        (
            "leaky.tools_unguarded",
            "tool-arguments",
            ', tools="desk:note"',
            "arguments of desk:note",
        ),
        ("leaky.tools_unguarded", "tool-results", ', tools="desk:note"', "request 2.messages[2]"),
        ("leaky.fallback_unguarded", "fallback", ', fallback="desk:by_rules"', "the output"),
        ("leaky.cached_raw", "cache", "", "the secret is in the output"),
        ("leaky.error_told", "exception", "", "the secret is in the output"),
        ("leaky.error_logged", "exception", "", "the secret is in a log record"),
        ("leaky.error_raised", "exception", "", "the secret is in the text of RuntimeError"),
        ("other_desk.refusal_unguarded", "refusal", "", "the output[0].content[0].refusal"),
        ("other_desk.tools_unguarded", "tool-arguments", ', tools="desk:note"', "of desk:note"),
        ("leaky.shown_all_the_same", "guardrail-raises", "", "is to fail closed"),
        ("leaky.waits_for_ever", "guardrail-hangs", "", "waited 86400 s for it, and may wait 10 s"),
        ("leaky.silent", "guardrail-raises", "", "no log record names the guardrail (0 records"),
        ("leaky.silent", "guardrail-nonsense", ', fails="open"', "is to fail open"),
        ("leaky.waits_for_ever", "guardrail-raises", ', fails="open"', "raised GuardrailDown"),
        ("leaky.plain", "guardrail-raises", "", "desk:redact never ran"),
    ],
)
def test_each_hole_is_found(
    apps: pytest.Pytester, call: str, place: str, more: str, found: str
) -> None:
    guardrail = 'guardrail="desk:redact"'
    if place == "stream":
        guardrail = 'guardrail=["desk:redact", "leaky:redact_each", "leaky:redact_but_lose"]'
    result = run(apps, call, f"{guardrail}, places={place!r}{more}")

    told = finding(result)
    assert found in told
    what = {**PLACES, **FAILURES}[place]
    assert told.endswith(f" (desk, {place}: {what})")
    assert SECRET not in told


def test_a_place_that_is_named_must_be_there(apps: pytest.Pytester) -> None:
    result = run(apps, "desk.reply", f'{GUARDED}, places=["stream"]')

    assert "cannot be tested: it asks for no stream" in finding(result)


def test_the_model_answers_in_the_form_that_the_application_expects(apps: pytest.Pytester) -> None:
    answer = ', answer={"reply": "Please write to jane.roe@example.com", "label": "other"}'
    apps.makepyfile(
        app="""
        import json
        from desk import ask, redact

        def reply(text):
            return redact(json.loads(ask(text).choices[0].message.content)["reply"])

        def unguarded(text):
            return json.loads(ask(text).choices[0].message.content)
        """
    )
    arguments = 'guardrail="desk:redact", places="answer"'

    run(apps, "__import__('app').reply", arguments, answer=answer).assert_outcomes(passed=1)
    result = run(apps, "__import__('app').unguarded", arguments, answer=answer)
    assert "the secret is in the output.reply" in finding(result)


def test_a_test_that_checks_nothing_fails(apps: pytest.Pytester) -> None:
    apps.makepyfile(
        test_of_places="""
        import pytest

        @pytest.mark.llm_guardrail(feature="d", guardrail="desk:redact", secret="4000000000000002")
        def test_guarded(llm_place):
            assert llm_place.name
        """
    )

    result = apps.runpytest_inprocess()

    result.assert_outcomes(failed=len(PLACES) + len(FAILURES))
    result.stdout.fnmatch_lines(["*The test never called llm_place.check*"])


@pytest.mark.parametrize(
    ("call", "answer", "told"),
    [
        ("desk.by_rules", "", "the application sent no request. Call it so that it asks its model"),
        ("desk.reply", ', answer="nothing of that"', "answer= must hold the secret of the marker"),
        ("desk.reply", ', answer=["jane.roe@example.com"]', "with 8 letters or more before or aft"),
        (
            "desk.reply",
            ', answer={"a": {1}, "b": "your address: jane.roe@example.com"}',
            "nor JSON",
        ),
    ],
)
def test_a_call_that_can_prove_nothing_is_refused(
    apps: pytest.Pytester, call: str, answer: str, told: str
) -> None:
    result = run(apps, call, f'{GUARDED}, places="answer"', answer=answer)

    result.assert_outcomes(failed=1)
    assert told in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "the argument 'guardrail' is missing. Write @pytest.mark.llm_guardrail("),
        ('guardrail="desk:redact", place="answer"', "no argument 'place'. Did you mean 'places'?"),
        ('guardrail="desk:redact", places="cellar"', "there is no place 'cellar'. Known are 'all'"),
        ('guardrail="desk:redact", fails="ajar"', "fails must be 'closed' or 'open', not 'ajar'"),
        ('guardrail="desk:redact", places=[]', "places names no place"),
        (
            'guardrail="desk:redact", fallback=["desk:a", "desk:b"]',
            "fallback must name one callable as text, not ['desk:a', 'desk:b']",
        ),
        ('guardrail=""', "guardrail must name callables as text"),
        ("guardrail=[print]", "guardrail must name callables as text"),
        ('guardrail="desk:redact", within="soon"', 'within must be a time such as "30s"'),
    ],
)
def test_a_marker_that_is_wrong_is_told_at_collection(
    apps: pytest.Pytester, arguments: str, told: str
) -> None:
    result = run(apps, "desk.reply", arguments)

    result.assert_outcomes(errors=1)
    assert told in result.stdout.str()


def test_a_secret_must_be_more_than_a_word(apps: pytest.Pytester) -> None:
    result = run(apps, "desk.reply", GUARDED, secret="jane")

    result.assert_outcomes(errors=1)
    assert "secret must be a text of 6 letters or digits at least" in result.stdout.str()


def test_a_guardrail_that_does_not_exist_is_named(apps: pytest.Pytester) -> None:
    result = run(apps, "desk.reply", 'guardrail="desk:scrub", places="answer"')

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*llm_guardrail: 'desk:scrub' is not there. There are *redact, *"])


def test_the_fixture_needs_its_marker(apps: pytest.Pytester) -> None:
    apps.makepyfile(test_of_places="def test_it(llm_place):\n    llm_place.check(print)\n")

    result = apps.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    assert "llm_place has a value only in a test that is marked with" in result.stdout.str()


def test_the_marker_needs_its_fixture_unless_it_only_labels_a_property(
    apps: pytest.Pytester,
) -> None:
    apps.makepyfile(
        test_of_places="""
        import pytest

        @pytest.mark.llm_guardrail(feature="desk", guardrail="desk:redact", secret="jane.roe@x.org")
        def test_guarded():
            pass
        """,
        test_property="""
        import pytest

        @pytest.mark.llm_guardrail(feature="desk", kind="pii")
        def test_redacts():
            pass
        """,
    )

    result = apps.runpytest_inprocess("--continue-on-collection-errors")

    result.assert_outcomes(errors=1, passed=1)
    assert "the test function has no argument llm_place" in result.stdout.str()


@pytest.mark.parametrize(
    ("more", "fixture"),
    [
        ('llm_eval(feature="d", dataset="words.jsonl", threshold=0.5)', "llm_case"),
        ('llm_drill(feature="d", fallback="desk:by_rules")', "llm_fault"),
    ],
)
def test_a_test_of_a_guardrail_is_no_eval_and_no_drill(
    apps: pytest.Pytester, more: str, fixture: str
) -> None:
    apps.makepyfile(
        test_of_places=f"""
        import pytest

        @pytest.mark.{more}
        @pytest.mark.llm_guardrail(feature="desk", guardrail="desk:redact", secret="jane.roe@x.org")
        def test_guarded(llm_place, {fixture}):
            llm_place.check(print)
        """
    )

    result = apps.runpytest_inprocess("--llm-eval")

    result.assert_outcomes(errors=1)
    told = " ".join(result.outlines)
    assert "is no eval and no drill" in told

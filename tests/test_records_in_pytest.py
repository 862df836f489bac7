"""llm_records: what an application logs while a test runs, in every way of logging."""

import textwrap

import pytest
from project import Project

import pytest_llmprod

APP = """
    import logging
    import time
    from openai import OpenAI

    log = logging.getLogger("shop.triage")

    def facts(word, answer, started):
        return {
            "prompt": f"Double this word: {word}",
            "output": answer.choices[0].message.content,
            "latency_ms": round((time.monotonic() - started) * 1000),
            "cost_usd": "0.0003",
            "model": answer.model,
            "request_id": answer.id,
        }

    def asked(word):
        client = OpenAI(max_retries=0)
        started = time.monotonic()
        answer = client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": f"Double this word: {word}"}]
        )
        client.close()
        return facts(word, answer, started)

    def ask(word):
        log.info("asked the model", extra=asked(word))
"""
TESTS = """
    import pytest
    from app import ask

    @pytest.mark.llm_cassette
    def test_logs(llm_records):
        ask("one")
        ask("two")
        llm_records.assert_complete()
"""


@pytest.fixture
def app(project: Project) -> Project:
    """An application that logs each call, and a test of it that has recorded nothing yet."""
    project.pytester.makepyfile(app=APP, test_words=TESTS)
    return project


def with_ask(project: Project, code: str) -> None:
    """Give the application another way to log."""
    path = project.path / "app.py"
    before = path.read_text().partition("def ask(word)")[0]
    path.write_text(before + textwrap.dedent(code))


def replayed(project: Project) -> pytest.RunResult:
    """Record, and return what a replay says."""
    project.record()
    return project.run()


def test_an_application_that_logs_all_passes(app: Project) -> None:
    assert replayed(app).ret == 0


def test_what_is_missing_is_told_for_its_call(app: Project) -> None:
    with_ask(
        app,
        """
        def ask(word):
            told = asked(word)
            if word == "two":
                del told["cost_usd"]
                told["model"] = "gpt-test"
            log.info("asked the model", extra=told)
        """,
    )

    result = replayed(app)

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "E * The application's records lack what explains 1 of 2 calls to a model later:",
            "E * call 2 (gpt-test): INFO of shop.triage, 'asked the model', lacks",
            "E * cost: nothing; log what the call cost as `cost_usd`",
            "E * model: 'gpt-test' under `model`, but 'gpt-test-2026-01-01' answered; *",
        ]
    )
    result.stdout.no_fnmatch_line("*def assert_complete*")


def test_a_call_that_is_not_logged_is_told(app: Project) -> None:
    with_ask(
        app,
        """
        def ask(word):
            told = asked(word)
            log.log(logging.INFO if word == "one" else logging.DEBUG, "asked", extra=told)
        """,
    )

    result = replayed(app)

    result.stdout.fnmatch_lines(
        ["E * call 2 (gpt-test): no record tells of it.", "E * Log one record for each call, *"]
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            """
            log.propagate = False
            def ask(word):
                log.info("asked", extra=asked(word))
            """,
            id="a logger that hands nothing on",
        ),
        pytest.param(
            """
            import threading
            def ask(word):
                told = asked(word)
                thread = threading.Thread(target=log.info, args=("asked",), kwargs={"extra": told})
                thread.start()
                thread.join()
            """,
            id="a thread",
        ),
        pytest.param(
            """
            import json
            def ask(word):
                log.info(json.dumps(asked(word)))
            """,
            id="JSON",
        ),
        pytest.param(
            """
            import structlog
            structlog.configure(
                processors=[structlog.processors.JSONRenderer()], cache_logger_on_first_use=True
            )
            events = structlog.get_logger()
            events.info("made before any test")
            def ask(word):
                events.info("asked", **asked(word))
            """,
            id="structlog that prints",
        ),
        pytest.param(
            """
            import structlog
            structlog.configure(
                processors=[
                    structlog.stdlib.filter_by_level,
                    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
                ],
                logger_factory=structlog.stdlib.LoggerFactory(),
                wrapper_class=structlog.stdlib.BoundLogger,
            )
            events = structlog.get_logger("app.events")
            def ask(word):
                events.info("asked", **asked(word))
            """,
            id="structlog that logs",
        ),
        pytest.param(
            """
            from opentelemetry.sdk.trace import TracerProvider
            def ask(word):
                tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")
                with tracer.start_as_current_span("chat gpt-test") as span:
                    told = asked(word)
                    del told["latency_ms"]
                    told["gen_ai.response.id"] = told.pop("request_id")
                    span.add_event("choice", {"gen_ai.completion": told.pop("output")})
                    span.set_attributes(told)
            """,
            id="a span",
        ),
    ],
)
def test_every_way_of_logging_is_seen(app: Project, code: str) -> None:
    with_ask(app, code)
    app.edit(
        "test_words.py",
        "    llm_records.assert_complete()",
        "    llm_records.assert_complete()\n"
        "    assert len([each for each in llm_records.records if each.fields]) == 2",
    )

    result = app.record(subprocess=True)

    assert result.ret == 0, result.outlines


def test_printed_lines_are_handed_in(app: Project) -> None:
    with_ask(
        app,
        """
        import json
        def ask(word):
            print(json.dumps(asked(word)))
        """,
    )
    app.edit("test_words.py", "(llm_records)", "(llm_records, capsys)")
    app.edit(
        "test_words.py",
        "    llm_records.assert",
        "    llm_records.add_lines(capsys.readouterr().out)\n    llm_records.assert",
    )

    assert replayed(app).ret == 0


def test_the_key_in_a_record_is_told_masked(app: Project) -> None:
    with_ask(
        app,
        """
        import os
        def ask(word):
            log.info("asked", extra=asked(word))
            log.warning("with key %s", os.environ.get("OPENAI_API_KEY"))
        """,
    )

    result = app.record()

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "E * The application's records hold what no log may hold:",
            "E * WARNING of shop.triage: its message holds 'with key [[]masked *[]]'",
        ]
    )
    told = result.stdout.str().partition("Captured log")[0]
    assert "sk-live" not in told


def test_a_filter_of_a_handler_has_masked_what_is_checked(app: Project) -> None:
    with_ask(
        app,
        """
        import os

        class Redacting(logging.Filter):
            def filter(self, record):
                record.key = "[redacted]"
                return True

        handler = logging.StreamHandler()
        handler.addFilter(Redacting())
        log.addHandler(handler)

        def ask(word):
            told = asked(word)
            log.info("asked", extra=told | {"key": os.environ["OPENAI_API_KEY"]})
        """,
    )

    assert app.record().ret == 0


def test_what_is_personal_is_found_and_told_masked(app: Project) -> None:
    app.edit("app.py", 'log.info("asked the model",', 'log.info("asked for ann@example.com",')
    assert app.record().ret == 1

    result = app.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["E * its message holds 'asked for [[]masked email[]]'"])


def test_each_example_of_hypothesis_has_records_of_its_own(app: Project) -> None:
    app.pytester.makepyfile(
        test_words="""
        import pytest
        from hypothesis import given, settings, strategies as st
        from pytest_llmprod import llm_records
        from app import ask

        seen = []

        @pytest.mark.llm_cassette(repeats="cycle")
        @settings(max_examples=5, deadline=None, database=None, derandomize=True)
        @given(st.sampled_from(["one", "two"]))
        def test_logs(word):
            with llm_records() as records:
                ask(word)
            records.assert_complete()
            seen.append(len([each for each in records.records if each.fields]))

        def test_each_saw_its_own():
            assert set(seen) == {1}
        """
    )

    assert replayed(app).ret == 0


def test_an_async_test_has_its_records(app: Project) -> None:
    app.pytester.makepyfile(
        test_words="""
        import pytest
        from app import ask

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        @pytest.mark.llm_cassette
        async def test_logs(llm_records):
            ask("one")
            llm_records.assert_complete()
        """
    )

    assert replayed(app).ret == 0


def test_the_fixture_alone_makes_a_test_replay(app: Project) -> None:
    app.edit("test_words.py", "@pytest.mark.llm_cassette", "")
    app.record()
    app.server.requests.clear()

    assert app.run().ret == 0
    assert app.server.requests == []


def test_levels_and_patches_are_put_back(app: Project) -> None:
    app.pytester.makepyfile(
        test_words="""
        import logging
        import pytest
        import structlog
        from opentelemetry.sdk.trace import Span

        state = []

        def now():
            processors = structlog.get_config()["processors"]
            level = logging.getLogger().level
            return logging.Logger.callHandlers, Span.end, list(processors), level

        def test_before():
            state.append(now())

        @pytest.mark.llm_cassette
        def test_during(llm_records):
            assert all(a != b for a, b in zip(now(), state[0], strict=True))

        def test_after():
            assert now() == state[0]
        """
    )

    assert app.run().ret == 0


def test_outside_of_such_a_test_there_are_no_records() -> None:
    with (
        pytest.raises(RuntimeError, match=r"Mark the test with @pytest\.mark\.llm_cassette"),
        pytest_llmprod.llm_records(),
    ):
        pass


def test_one_name_in_place_of_a_list_is_refused(app: Project) -> None:
    app.edit("test_words.py", "assert_complete()", 'assert_complete("cost")')

    result = app.record()

    result.stdout.fnmatch_lines(["E * fields must be a list of names such as [[]'cost'[]]*"])

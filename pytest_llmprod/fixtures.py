"""Fixtures: what tests ask for by name; each is a few lines around the session."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.core.text import error_text

if TYPE_CHECKING:
    import openai

    from pytest_llmprod.composition.canaries import Canaries
    from pytest_llmprod.composition.trial import Trial
    from pytest_llmprod.evals.dataset import Case
    from pytest_llmprod.evals.suite import Asking
    from pytest_llmprod.records.collecting import Records
    from pytest_llmprod.session import Session
    from pytest_llmprod.wire.sent import Sent
    from pytest_llmprod.wire.tape import Tape

#: Where the session lies in `config.stash`; None until a collected test needs it.
SESSION: "pytest.StashKey[Session | None]" = pytest.StashKey()
#: Makes the session where there is none, and returns it; also in `config.stash`.
MAKE_SESSION: "pytest.StashKey[Callable[[], Session]]" = pytest.StashKey()
#: Where the trial of a test lies in `item.stash`.
TRIAL: "pytest.StashKey[Trial]" = pytest.StashKey()


def _trial(request: pytest.FixtureRequest) -> "Trial":
    trial: Trial | None = request.node.stash.get(TRIAL, None)
    if trial is None:
        pytest.fail(
            f"{request.fixturename} needs a test that records and replays: name it in the arguments"
            f" of the test, and mark the test with @pytest.mark.llm_cassette or llm_eval",
            pytrace=False,
        )
    return trial


def _session(request: pytest.FixtureRequest) -> "Session":
    session = request.config.stash[SESSION]
    assert session is not None, "a test with a trial has a session"
    return session


@pytest.fixture
def llm_case(request: pytest.FixtureRequest) -> "Case":
    """Return the row of the data set that this item judges, in a test marked with `llm_eval`."""
    if not hasattr(request, "param"):
        pytest.fail(
            "llm_case has a value only in a test that is marked with "
            '@pytest.mark.llm_eval(feature="...", dataset="...", threshold=0.9)',
            pytrace=False,
        )
    asking: Asking = request.param
    return asking.case


@pytest.fixture
def llm_output(request: pytest.FixtureRequest) -> Any:
    """Return the answer to this case, from the marker's `outputs=` or `task=`.

    Raises what the task raised, but as a RuntimeError what pytest expects from no fixture,
    SystemExit for instance: it could not set the fixture up for the next test.
    """
    trial = _trial(request)
    if trial.suite is None or (trial.suite.outputs is None and trial.suite.task is None):
        pytest.fail(
            "llm_output has a value only where the llm_eval marker has outputs= or task=",
            pytrace=False,
        )
    try:
        return trial.output()
    except (Exception, pytest.skip.Exception, pytest.fail.Exception):  # xfail() is a fail()
        raise
    except BaseException as error:
        text = error_text(error)
        said = f"{type(error).__name__}{f': {text}' if text else ''}"
        raise RuntimeError(f"the task raised {said}") from error


@pytest.fixture
def llm_score(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Return a function that notes a score of this case: `llm_score("metric", 0.8)`.

    The score is a number in 0..1, True or False; `Score(0.8, why="...")` says what was lacking.
    """
    return _trial(request).score


@pytest.fixture
def llm_cassette(request: pytest.FixtureRequest) -> "Tape":
    """Return this test's tape; `.exchanges` lists what it asked and was answered so far.

    `.calls` groups them by logical calls, each with all of its tries. `.cost_usd` is what they cost
    in USD, None where an exchange has no price.
    """
    return _trial(request).tape


@pytest.fixture
def llm_model(request: pytest.FixtureRequest) -> str | None:
    """Return the model that `--llm-model` names, or that `--llm-models` does for this item.

    None without one of these options.
    """
    trial: Trial | None = request.node.stash.get(TRIAL, None)
    model = trial.asking.model if trial is not None and trial.asking is not None else ""
    return model or _session(request).settings.choice.override


@pytest.fixture
def llm_client(request: pytest.FixtureRequest) -> "openai.OpenAI":
    """Return an `openai.OpenAI` client whose requests are on this test's tape."""
    _trial(request)
    import openai  # heavy: only tests that ask for a client need it

    return openai.OpenAI()


@pytest.fixture
def llm_async_client(request: pytest.FixtureRequest) -> "openai.AsyncOpenAI":
    """Return an `openai.AsyncOpenAI` client whose requests are on this test's tape."""
    _trial(request)
    import openai  # heavy: only tests that ask for a client need it

    return openai.AsyncOpenAI()


@pytest.fixture
def llm_records(request: pytest.FixtureRequest) -> "Iterator[Records]":
    """Collect the application's log records, and its OpenTelemetry spans, while the test runs.

    `llm_records.assert_complete()` fails where they do not explain each call to a model, or hold a
    secret. Inside `@given`, `with pytest_llmprod.llm_records() as records:` does the same.
    """
    _trial(request)
    from pytest_llmprod.records import collecting  # only such a test needs it

    with collecting.llm_records() as records:
        yield records


@pytest.fixture
def llm_wire(request: pytest.FixtureRequest) -> "Sent":
    """Return what this test sends: `llm_wire.requests`, and `llm_wire.assert_no(planted)`.

    The latter fails where a planted value left with a request, wherever in it and however it is
    written, and where no request left. Inside `@given`, `with pytest_llmprod.llm_wire() as wire:`
    does the same.
    """
    from pytest_llmprod.wire.sent import Sent  # only such a test needs it

    outgoing = _trial(request).tape.outgoing
    assert outgoing is not None, "the recorder has begun to keep them"
    return Sent(outgoing)


@pytest.fixture
def llm_canary(request: pytest.FixtureRequest) -> "Iterator[Canaries]":
    """Return a function that makes a token for a zone: `llm_canary("system")`.

    `llm_canary.assert_kept(output)` fails where a token is told in the output, in log records or in
    spans, and names the zone. Where a test does not call it, what the models said is searched when
    the test has ended. Inside `@given`, `with pytest_llmprod.llm_canary() as canary:` does the
    same.
    """
    tape = _trial(request).tape
    from pytest_llmprod.composition.canaries import Canaries  # only such a test needs these
    from pytest_llmprod.records import collecting

    with collecting.llm_records() as records:
        canaries = Canaries(tape, records)
        yield canaries
        told = canaries.left_over()
    if told:
        pytest.fail(told, pytrace=False)


#: Fixtures that need a tape: a test that requests one records and replays.
NEEDING_A_TAPE = frozenset(
    {
        *("llm_cassette", "llm_client", "llm_async_client", "llm_records"),
        *("llm_wire", "llm_canary"),
        *("llm_fault", "llm_faults", "llm_script", "llm_fallback", "llm_server", "llm_place"),
    }
)

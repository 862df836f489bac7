"""Circuit breakers: ten wrong ones are found by the right name, and the sound ones pass."""

import runpy
from pathlib import Path

import pytest

from pytest_llmprod.composition.breakers import FAULTS, check_circuit_breaker
from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.faulting import Asked
from pytest_llmprod.faults.catalogue import CATALOGUE
from pytest_llmprod.faults.good import Good
from pytest_llmprod.strategies.breaker_model import BreakerModel, BreakerSpec, WrongBreaker

APP = Path(__file__).parent / "apps" / "breaker.py"
NAMES = runpy.run_path(str(APP))
WRONG, SOUND = NAMES["WRONG"], NAMES["SOUND"]

TEST = """
    import breaker
    import httpx2
    import openai
    import pytest
    from hypothesis import settings
    from pytest_llmprod import check_circuit_breaker

    settings.register_profile("held", max_examples=100, derandomize=True, database=None)
    settings.load_profile("held")
    BODY = {{"model": "gpt-test", "messages": [{{"role": "user", "content": "?"}}]}}
    plain = httpx2.Client(timeout=20)
    client = openai.OpenAI(api_key="sk-test", timeout=20, max_retries=2)

    def ask():  # thousands of requests, and this client is the cheaper one
        plain.post("https://provider.test/v1/chat/completions", json=BODY).raise_for_status()

    def ask_thrice():
        client.chat.completions.create(**BODY)

    @pytest.mark.parametrize(("name", "probes"), {breakers!r})
    @pytest.mark.llm_cassette
    def test_breaker(name, probes):
        check_circuit_breaker(
            make=getattr(breaker, name),
            call=lambda each: each.call({ask}),
            opens_after=3,
            open_s={open_s},
            closes_after=probes,
        )
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(breaker=APP.read_text())
    return pytester


def test_each_wrong_breaker_is_found_by_its_name(project: pytest.Pytester) -> None:
    breakers = [(name, 1) for name in WRONG]
    project.makepyfile(test_breaker=TEST.format(ask="ask", breakers=breakers, open_s=30))

    result = project.runpytest_inprocess("--tb=line")

    result.assert_outcomes(failed=len(WRONG))
    told = [line.partition("WrongBreaker: ")[2] for line in result.outlines if line[:2] == "E "]
    names = [each.partition(":")[0] for each in told if each]
    assert dict(zip(WRONG, names, strict=True)) == WRONG


def test_sound_breakers_pass_also_with_a_client_that_tries_again(project: pytest.Pytester) -> None:
    text = TEST.format(ask="ask_thrice", breakers=list(SOUND.items()), open_s=30)
    project.makepyfile(test_breaker=text)

    project.runpytest_inprocess().assert_outcomes(passed=len(SOUND))


def test_a_breaker_that_stays_open_longer_each_time_passes_where_it_says_so(
    project: pytest.Pytester,
) -> None:
    breakers = [("WaitsLongerEachTime", 1)]
    project.makepyfile(
        test_breaker=TEST.format(ask="ask", breakers=breakers, open_s=(30, 30 * 2**20))
    )

    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_retry_after_counts_where_it_is_longer() -> None:
    model = BreakerModel(BreakerSpec(opens_after=1, open_s=(30, 30)))
    model.called("rate-limit-retry-after-121", sent=1, start_s=0, end_s=0)
    model.called("ok", sent=0, start_s=120, end_s=120)

    with pytest.raises(WrongBreaker, match="ignores retry-after: it asked 100"):
        model.called("ok", sent=1, start_s=100, end_s=100)
    with pytest.raises(WrongBreaker, match="never asks again"):
        model.called("ok", sent=0, start_s=122, end_s=122)


def test_the_names_of_faults_say_what_their_headers_do() -> None:
    asked = Asked(method="POST", url="http://x/v1/chat/completions", headers=(), document={})
    for name in FAULTS:
        answer = CATALOGUE[name].build(asked, Good(text="Yes."))
        assert answer is not None
        told = dict(answer.headers).get("retry-after", "")
        assert told == (name.rpartition("-")[2] if "retry-after" in name else "")


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(FaultError, match="opens_after=0"):
        check_circuit_breaker(make=object, call=print, opens_after=0, open_s=30)
    with pytest.raises(FaultError, match="open_s="):
        check_circuit_breaker(make=object, call=print, opens_after=1, open_s=(30, 10))
    with pytest.raises(FaultError, match="no fault 'nothing'"):
        check_circuit_breaker(make=object, call=print, opens_after=1, open_s=30, faults="nothing")

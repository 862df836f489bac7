"""Tapes: each recording is served once, to the test that it belongs to."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab import NOW, Lab, Run, chat_request, recording, wire_request

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.attempts import Attempt
from pytest_llmprod.wire.cassettes import journal
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile, save
from pytest_llmprod.wire.dialects import Answer
from pytest_llmprod.wire.exchanges import exchange_of
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.label import file_name
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import RecordMode, timestamp

HELLO = wire_request(chat_request("hello"))
BYE = wire_request(chat_request("goodbye"))


def kept(request: WireRequest, text: str, case: str = "") -> Recording:
    return recording(text, case=case, key=request.key)


@pytest.fixture
def impatient_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have threads take turns as often as possible, and surely while a recording is looked up."""
    before = sys.getswitchinterval()
    count = CassetteFile.count

    def hesitant(cassette: CassetteFile, case: str, key: str) -> int:
        time.sleep(0)
        return count(cassette, case, key)

    monkeypatch.setattr(CassetteFile, "count", hesitant)
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def text_of(found: Recording | None) -> str:
    assert found is not None
    return str(found.response["body"]["json"]["choices"][0]["message"]["content"])


@pytest.mark.usefixtures("impatient_threads")
def test_equal_requests_of_many_threads_get_each_recording_once(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, f"answer {n}") for n in range(400)])
    tape = lab.run().tape()
    gate = threading.Barrier(8)

    def play() -> list[str]:
        gate.wait()
        return [text_of(tape.play(HELLO)) for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(play) for _ in range(8)]
        served = [job.result() for job in jobs]

    assert Counter(text for texts in served for text in texts) == Counter(
        f"answer {n}" for n in range(400)
    )
    assert all(texts == sorted(texts, key=lambda text: int(text[7:])) for texts in served)
    assert tape.play(HELLO) is None


@pytest.mark.usefixtures("impatient_threads")
def test_unequal_requests_of_many_threads_get_their_own_recordings(lab: Lab) -> None:
    requests = {
        f"{t}.{n}": wire_request(chat_request(f"{t}.{n}")) for t in range(8) for n in range(50)
    }
    save(lab.path(), [kept(request, name) for name, request in requests.items()])
    tape = lab.run().tape()
    gate = threading.Barrier(8)

    def play(thread: int) -> list[tuple[str, str]]:
        gate.wait()
        names = [f"{thread}.{n}" for n in range(50)]
        return [(name, text_of(tape.play(requests[name]))) for name in names]

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(play, thread) for thread in range(8)]
        served = [pair for job in jobs for pair in job.result()]

    assert len(served) == 400
    assert all(asked == answered for asked, answered in served)
    assert all(tape.play(request) is None for request in requests.values())


@pytest.mark.usefixtures("impatient_threads")
def test_recordings_of_many_threads_are_all_kept(lab: Lab) -> None:
    run = lab.run("once")
    tape = run.tape()
    gate = threading.Barrier(8)

    def keep(thread: int) -> None:
        gate.wait()
        for n in range(50):
            tape.keep(HELLO, kept(HELLO, f"{thread}.{n}"))

    with ThreadPoolExecutor(8) as pool:
        for job in [pool.submit(keep, thread) for thread in range(8)]:
            job.result()
    run.journal.close()
    run.fold()

    texts = {text_of(each) for each in lab.cassette().all()}
    assert texts == {f"{thread}.{n}" for thread in range(8) for n in range(50)}
    assert len(lab.cassette()) == 400


def test_requests_may_come_in_another_order_than_they_were_recorded(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, "h1"), kept(BYE, "b1"), kept(HELLO, "h2")])
    tape = lab.run().tape()

    assert [text_of(tape.play(each)) for each in (BYE, HELLO, HELLO)] == ["b1", "h1", "h2"]
    assert tape.play(BYE) is None


def test_two_tapes_of_one_section_each_begin_at_its_start(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, "h1")])
    run = lab.run()

    assert text_of(run.tape().play(HELLO)) == "h1"
    assert text_of(run.tape().play(HELLO)) == "h1"


def test_a_tape_plays_from_its_own_section_only(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, "one", "1"), kept(HELLO, "two", "2")])
    run = lab.run()

    assert text_of(run.tape("2").play(HELLO)) == "two"
    assert text_of(run.tape("1").play(HELLO)) == "one"
    assert run.tape("3").play(HELLO) is None
    assert run.tape("").play(HELLO) is None


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_modes_that_record_all_play_nothing(lab: Lab, mode: RecordMode) -> None:
    save(lab.path(), [kept(HELLO, "h1")])

    assert lab.run(mode).tape().play(HELLO) is None


@pytest.mark.parametrize(
    ("mode", "in_recorded_section", "in_new_section"),
    [
        ("none", False, False),
        ("once", False, True),
        ("new_episodes", True, True),
        ("all", True, True),
        ("rewrite", True, True),
    ],
)
def test_the_mode_says_what_may_be_recorded(
    lab: Lab, mode: RecordMode, in_recorded_section: bool, in_new_section: bool
) -> None:
    save(lab.path(), [kept(HELLO, "h1", "old")])
    run = lab.run(mode)

    assert run.tape("old").may_record(BYE) is in_recorded_section
    assert run.tape("new").may_record(BYE) is in_new_section


def test_once_records_the_first_answers_of_another_model(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, "h1")])

    assert lab.run("once").tape().may_record(wire_request(chat_request("hello", "gpt-new")))


def test_each_model_has_a_cassette_of_its_own(lab: Lab) -> None:
    tape = lab.run().tape(function="TestTickets.test_label")

    assert tape.label.cassette("gpt-5-mini") == (
        lab.root / "cassettes" / "test_app" / "TestTickets.test_label.gpt-5-mini.json"
    )


def test_a_cassette_is_loaded_once_a_run(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, "h1")])
    run = lab.run()
    first = run.tape().cassette("gpt-test")
    lab.path().unlink()

    assert run.tape("other").cassette("gpt-test") is first


def test_a_broken_cassette_is_told_by_the_test_that_plays_it(lab: Lab) -> None:
    lab.path().parent.mkdir(parents=True)
    lab.path().write_text("{")

    with pytest.raises(CassetteError, match="line 1"):
        lab.run().tape().play(HELLO)


def test_closing_notes_the_end_only_of_a_test_that_finished(lab: Lab) -> None:
    save(lab.path(), [kept(HELLO, "old", "a"), kept(HELLO, "old", "b")])
    run = lab.run("rewrite")
    for case, finished in (("a", True), ("b", False)):
        tape = run.tape(case)
        tape.keep(BYE, kept(BYE, "new", case))
        tape.close(finished=finished)
        assert not tape.is_open
    run.journal.close()
    run.fold()

    cassette = lab.cassette()
    assert [text_of(each) for each in cassette.section("a")] == ["new"]
    assert [text_of(each) for each in cassette.section("b")] == ["old", "new"]


def test_sections_stand_in_the_order_of_the_data_set(lab: Lab) -> None:
    run: Run = lab.run("once")
    for case in ("c", "a", "b"):
        run.tape(case, cases=["a", "b", "c"]).keep(HELLO, kept(HELLO, "x", case))
    run.journal.close()
    run.fold()

    assert list(lab.cassette().cases) == ["a", "b", "c"]


def test_a_whole_rewrite_keeps_the_sections_of_all_variants(lab: Lab) -> None:
    run: Run = lab.run("rewrite")
    for variant in ("y", "x"):
        order = [f"{variant}-1", f"{variant}-2"]
        for case in reversed(order):
            tape = run.tape(case, cases=order)
            tape.keep(HELLO, kept(HELLO, case, case))
            tape.close(finished=True)
    run.journal.close()
    lines = next((lab.root / journal.FOLDER).glob("*/*.jsonl")).read_text().splitlines()
    run.fold()

    assert list(lab.cassette().cases) == ["y-1", "y-2", "x-1", "x-2"]
    assert sum('"order"' in line for line in lines) == 2


def test_a_test_that_is_run_again_leaves_what_its_last_try_recorded(lab: Lab) -> None:
    run: Run = lab.run("once")
    for text in ("first", "second"):
        tape = run.tape("a")
        tape.keep(HELLO, kept(HELLO, text, "a"))
        tape.keep(BYE, kept(BYE, text, "a"))
        tape.close(finished=text == "second")
    run.journal.close()
    run.fold()

    assert [text_of(each) for each in lab.cassette().all()] == ["second", "second"]


def test_an_exchange_is_observed_as_it_is_added(lab: Lab) -> None:
    run = lab.run()
    tape = run.tape()
    exchange = exchange_of(HELLO, recording(), Answer(text="hello"), Attempt(), replayed=True)
    tape.add(exchange)

    assert run.observed == tape.exchanges == [exchange]


def test_an_exchange_tells_what_was_asked_and_what_was_recorded() -> None:
    kept_one = recording(latency_s=2.5, ttft_s=0.5)

    exchange = exchange_of(HELLO, kept_one, Answer(text="the text"), Attempt(), replayed=True)

    assert exchange.model_requested == "gpt-test"
    assert exchange.model == "gpt-test-1"
    assert (exchange.latency_s, exchange.ttft_s) == (2.5, 0.5)
    assert (exchange.text, exchange.replayed, exchange.status) == ("the text", True, 200)
    assert exchange.usage == kept_one.usage
    assert exchange.request == chat_request("hello")
    assert exchange.key == HELLO.key
    assert not replace(exchange, replayed=False).replayed


@given(st.text(max_size=150), st.text(max_size=150))
def test_two_names_never_share_a_file(one: str, two: str) -> None:
    assert (file_name(one) == file_name(two)) == (one == two)


@given(st.text(max_size=300) | st.sampled_from(["../../etc", "a/b", "\ud800", "a:b", "..", "."]))
def test_a_file_name_is_one_that_every_system_takes(name: str) -> None:
    safe = file_name(name)

    assert len(safe) <= 109
    assert Path("folder", f"{safe}.json").parent == Path("folder")
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_ordinary_names_stay_readable() -> None:
    assert file_name("gpt-5-mini") == "gpt-5-mini"
    assert file_name("meta/llama-4").startswith("meta-llama-4-")


def test_a_timestamp_is_to_the_second_in_utc() -> None:
    assert timestamp(NOW.replace(microsecond=999_999)) == "2026-11-22T12:30:00Z"


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_a_broken_cassette_is_told_before_anything_is_sent(lab: Lab, mode: RecordMode) -> None:
    lab.path().parent.mkdir(parents=True)
    lab.path().write_text("{")

    with pytest.raises(CassetteError, match="line 1"):
        lab.run(mode).tape().may_record(HELLO)


def test_an_error_of_ours_is_remembered_while_the_test_runs(lab: Lab) -> None:
    tape = lab.run().tape()
    for _ in range(2):
        with pytest.raises(CassetteError), tape.remembering():
            raise CassetteError("broken")
        with pytest.raises(ValueError, match="theirs"), tape.remembering():
            raise ValueError("theirs")
        tape.close(finished=True)

    assert tape.misses == ["broken"]

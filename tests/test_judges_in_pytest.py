"""Judges inside of pytest: what is asked and recorded, and when a judge decides."""

import json
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from loopback import Refused, last_word_doubled
from project import WORDS, Project

from pytest_llmprod import llm_judge
from pytest_llmprod.cli import main
from pytest_llmprod.evals.judging import judge_of
from pytest_llmprod.evals.judging.calibration import Calibration, store

JUDGES = """
    from pytest_llmprod import llm_judge

    polite = llm_judge("The word is said twice.", "gpt-judge", name="polite")
    better = llm_judge("The word is said twice.", "gpt-judge", name="better", pairwise=True)
"""
EVAL = """
    import pytest
    from feature import ask
    from judges import better, polite

    @pytest.mark.llm_eval(
        feature="doubling", dataset="words.jsonl", task=ask, threshold={threshold}
    )
    def test_doubles(llm_case):
        pass
"""


def doubled(text: Any) -> bool:
    words = str(text).split()
    return len(words) == 2 and words[0] == words[1]


def is_judge(body: dict[str, Any]) -> bool:
    return bool(body["model"] == "gpt-judge")


def verdict_on(material: dict[str, Any]) -> str:
    """A judge that sees at once whether a word is said twice, and of two such takes the first."""
    if "output" in material:
        return "yes" if doubled(material["output"]) else "no"
    return "first" if doubled(material["first"]) else "second"


def answering(body: dict[str, Any]) -> str:
    if not is_judge(body):
        return last_word_doubled(body)
    verdict = verdict_on(json.loads(body["messages"][-1]["content"]))
    return json.dumps({"reasons": f"it is {verdict}", "verdict": verdict})


@pytest.fixture
def judged(project: Project) -> Project:
    """A project whose outputs a judge scores; nothing is recorded."""
    project.server.answer = answering
    project.pytester.makepyfile(judges=JUDGES)
    project.write_rows(("one", "two", "seven"))
    set_threshold(project, "{polite: 0.5}")
    return project


def set_threshold(project: Project, threshold: str) -> None:
    project.pytester.makepyfile(test_words=EVAL.replace("{threshold}", threshold))


def write_labels(project: Project, count: int = 60, wrong: int = 0) -> None:
    """Write labels, every third of a bad output, of which the first are `wrong` for the judge."""
    rows = []
    for number in range(count):
        is_good = number % 3 > 0
        output = "tea tea" if is_good else "tea"
        says_yes = is_good != (number < wrong)
        label = "yes" if says_yes else "no"
        rows.append(
            {"id": f"l{number}", "input": f"tea {number}", "output": output, "label": label}
        )
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.path / "labels.jsonl").write_text(text)


def calibrate(project: Project, *arguments: str, name: str = "polite") -> pytest.RunResult:
    with pytest.MonkeyPatch.context() as patch:
        if "--record" in arguments:
            patch.setenv("OPENAI_BASE_URL", project.server.url)
            patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
        command = (sys.executable, "-m", "pytest_llmprod.cli", "judge", "calibrate")
        return project.pytester.run(*command, f"judges.py:{name}", "labels.jsonl", *arguments)


def write_calibration(project: Project, **changes: Any) -> None:
    """Write what `llmprod judge calibrate` would, but for `changes`."""
    metric = llm_judge("The word is said twice.", "gpt-judge", name="polite")
    calibration = Calibration(
        digest=getattr(judge_of(metric), "digest", ""),
        judge="judges.py:polite",
        model="gpt-judge",
        labels="labels.jsonl",
        labels_sha256="ab" * 32,
        measured_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        n=60,
        kappa=0.9,
        agreement=0.95,
        majority=2 / 3,
        base_rate=2 / 3,
        true_positives=(39, 40),
        true_negatives=(19, 20),
        flips=None,
    )
    path = project.path / "llmprod-judges.json"
    path.unlink(missing_ok=True)
    store(path, "polite", replace(calibration, **changes))


def suite(project: Project, *arguments: str) -> dict[str, Any]:
    (found,) = project.data(*arguments)["suites"]
    return dict(found)


def test_a_judge_that_was_never_calibrated_is_report_only(judged: Project) -> None:
    recorded = judged.record()
    result = judged.run("--llm-json=run.json")

    assert recorded.ret == result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "doubling * 66.7% * report-only *",
            "doubling: report-only: its judge was never calibrated; calibrate it with:",
            "  llmprod judge calibrate FILE.py:NAME LABELS --record",
            "judges of doubling: 3 requests, *not in its cost",
            "gate doubling: not judged; report-only",
        ]
    )
    assert not any("::gate" in line for line in result.outlines)
    (found,) = json.loads((judged.path / "run.json").read_text())["suites"]
    assert found["verdict"] is None
    assert found["reason"].startswith("report-only: its judge was never calibrated")
    assert not (judged.path / "llmprod-gates.json").exists()


def test_a_calibrated_judge_decides(judged: Project) -> None:
    judged.write_rows(WORDS)
    write_labels(judged, wrong=2)
    judged.record()

    result = calibrate(judged, "--record")
    found = suite(judged)

    assert result.ret == 0, result.errlines
    assert result.outlines[-1] == "llmprod-judges.json: polite may decide"
    assert found["verdict"] == "PASS"
    assert found["judge"]["report_only"] == ""
    assert judged.gates()["doubling"]["enabled"] is True
    figures = found["judge"]["calibration"]
    assert figures["n"] == 60
    assert figures["true_positives"] == {"count": 39, "of": 40, "rate": 0.975}
    assert figures["true_negatives"] == {"count": 19, "of": 20, "rate": 0.95}
    assert figures["majority"] == pytest.approx(2 / 3, abs=1e-6)
    assert figures["base_rate"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["score"] == 0.9
    assert found["judge"]["corrected"] == pytest.approx((0.9 + 0.95 - 1) / (0.975 + 0.95 - 1))
    low, high = found["judge"]["corrected_interval"]
    assert low < found["judge"]["corrected"] <= high


def test_the_requests_of_a_judge_are_no_part_of_the_feature(judged: Project) -> None:
    judged.record()

    document = judged.data()
    (found,) = document["suites"]

    assert (found["requests"], found["judge_requests"]) == (3, 3)
    assert found["model"] == "gpt-test-2026-01-01"
    assert {case["output"] for case in document["cases"] if case["id"] == "one"} == {"one one"}
    assert {case["model"] for case in document["cases"]} == {"gpt-test-2026-01-01"}


def test_a_judge_scores_answers_from_elsewhere(judged: Project) -> None:
    rows = [{"id": "one", "output": "one one"}, {"id": "two", "output": "two"}]
    rows.append({"id": "seven", "output": None})  # nobody is asked about no output
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (judged.path / "answers.jsonl").write_text(text)
    judged.edit("test_words.py", "task=ask", 'outputs="answers.jsonl"')

    judged.record()
    cases = judged.data()["cases"]

    assert len(judged.server.requests) == 2
    scores = {case["id"]: case["scores"]["polite"] for case in cases}
    assert scores == {"one": 1.0, "two": 0.0, "seven": 0.0}


def test_a_swap_leaves_the_judge_alone(judged: Project) -> None:
    judged.record()
    judged.server.requests.clear()

    judged.record("--llm-swap=gpt-test=gpt-new", "--llm-record=once")
    swapped = suite(judged, "--llm-swap=gpt-test=gpt-new")
    as_it_was = suite(judged)

    models = [body["model"] for body in judged.server.requests]
    assert (models.count("gpt-new"), models.count("gpt-judge")) == (3, 3)
    assert swapped["model"] == "gpt-new-2026-01-01"
    assert (swapped["errors"], as_it_was["errors"]) == (0, 0)


def test_one_judge_scores_several_models(judged: Project) -> None:
    models = "--llm-models=gpt-test,gpt-new"

    judged.record(models)
    suites = judged.data(models)["suites"]

    asked = [body["model"] for body in judged.server.requests]
    assert {model: asked.count(model) for model in asked} == {
        "gpt-test": 3,
        "gpt-new": 3,
        "gpt-judge": 6,
    }
    assert [(each["score"], each["errors"], each["judge_requests"]) for each in suites] == [
        (pytest.approx(2 / 3), 0, 3),
        (pytest.approx(2 / 3), 0, 3),
    ]
    assert {each["judge"]["report_only"] for each in suites} == {"was never calibrated"}


def test_a_model_for_all_requests_leaves_the_judge_alone(judged: Project) -> None:
    judged.record("--llm-model=gpt-new")

    assert {body["model"] for body in judged.server.requests} == {"gpt-new", "gpt-judge"}


def test_a_judge_without_a_verdict_is_an_error_of_the_case(judged: Project) -> None:
    def silent_on_two(body: dict[str, Any]) -> str:
        is_two = is_judge(body) and '"output": "two two"' in body["messages"][-1]["content"]
        return "I cannot say." if is_two else answering(body)

    judged.server.answer = silent_on_two

    result = judged.record()

    result.stdout.fnmatch_lines(
        ["*the metric 'polite' failed on this case: JudgeError: the judge's answer has no verdict*"]
    )
    assert result.parseoutcomes()["failed"] == 1
    assert suite(judged)["errors"] == 1


def test_a_judge_that_nobody_answers_says_nothing_of_the_model(judged: Project) -> None:
    def refusing(body: dict[str, Any]) -> str:
        if is_judge(body):
            raise Refused(401, message="no such key", code="invalid_api_key")
        return answering(body)

    judged.server.answer = refusing

    result = judged.record("-k", "one")

    result.stdout.fnmatch_lines(
        ["1 case got no answer from a model (status 401). Its recordings stay as they were. *"]
    )


def test_a_question_that_is_in_no_recording_names_the_command(judged: Project) -> None:
    judged.record()
    judged.edit("judges.py", "said twice", "said two times")

    result = judged.run("-k", "one")

    result.stdout.fnmatch_lines(["No recording: *", "*mend*--llm-record=new_episodes*"])
    assert result.parseoutcomes()["failed"] == 1
    text = result.stdout.str()
    assert "differs   messages[0].content (system)" in text
    assert "differs   model" not in text


def test_a_pairwise_judge_is_asked_in_both_orders(judged: Project) -> None:
    set_threshold(judged, "{better: 0.5}")

    judged.record("-k", "one or seven")
    cases = judged.data("-k", "one or seven")["cases"]

    materials = [
        json.loads(body["messages"][-1]["content"])
        for body in judged.server.requests
        if is_judge(body)
    ]
    assert materials[2:] == [
        {"input": "seven", "first": "wrong", "second": "seven seven"},
        {"input": "seven", "first": "seven seven", "second": "wrong"},
    ]
    assert {case["id"]: case["scores"]["better"] for case in cases} == {"one": 0.5, "seven": 0.0}
    (why,) = [case["whys"]["better"] for case in cases if case["id"] == "one"]
    assert why == "the order of the answers decides: it is first"


def test_a_client_that_sends_nothing_is_told(judged: Project) -> None:
    judged.edit("judges.py", 'name="polite")', 'name="polite", client=Fake)')
    fake = """
    from types import SimpleNamespace as Named

    said = Named(content='{"reasons": "", "verdict": "yes"}', refusal=None)
    answer = Named(choices=[Named(message=said)])
    create = lambda **request: answer
    Fake = lambda: Named(chat=Named(completions=Named(create=create)))
"""
    judged.edit("judges.py", "from pytest_llmprod", f"{textwrap.dedent(fake)}from pytest_llmprod")
    write_labels(judged)

    result = calibrate(judged, "--record")

    assert result.ret == 1
    result.stderr.fnmatch_lines(["*'l0': the client= of the judge 'polite' sent no request that*"])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("said twice", "said two times", "has changed since it was calibrated"),
        ("gpt-judge", "gpt-judge-2", "has changed since it was calibrated"),
    ],
)
def test_a_changed_judge_is_report_only(judged: Project, old: str, new: str, reason: str) -> None:
    write_calibration(judged)
    judged.edit("judges.py", old, new)
    judged.record()

    result = judged.run("--llm-json=run.json")

    (found,) = json.loads((judged.path / "run.json").read_text())["suites"]
    assert found["judge"]["report_only"] == reason
    assert found["verdict"] is None
    command = "  llmprod judge calibrate judges.py:polite labels.jsonl --record"
    assert command in result.outlines


def test_an_expired_calibration_is_report_only(judged: Project) -> None:
    write_calibration(judged, measured_at="2020-01-02T03:04:05Z")
    judged.record()

    assert suite(judged)["judge"]["report_only"] == "was calibrated 2020-01-02, over 90 days ago"
    (judged.path / "pyproject.toml").write_text("[tool.llmprod]\njudge_valid_days = 36500\n")
    assert suite(judged)["verdict"] == "INCONCLUSIVE"


def test_fewer_than_fifty_labels_are_too_few(judged: Project) -> None:
    write_calibration(judged, n=49)
    judged.record()

    assert suite(judged)["judge"]["report_only"] == "was calibrated on 49 labels, and 50 are needed"


def test_a_report_only_judge_does_not_open_a_gate_that_it_closed(judged: Project) -> None:
    write_calibration(judged)
    set_threshold(judged, "{polite: 0.99, 'exact': 0.5}")
    judged.record()
    before = judged.gates()["doubling"]["enabled"]
    (judged.path / "llmprod-judges.json").unlink()

    result = judged.run()

    assert before is False
    assert judged.gates()["doubling"]["enabled"] is False
    result.stdout.fnmatch_lines(["gate doubling: closed; closed by *of an earlier run"])


def test_calibrating_replays_what_was_recorded(judged: Project) -> None:
    write_labels(judged, count=9, wrong=1)
    first = calibrate(judged, "--record")
    stored = (judged.path / "llmprod-judges.json").read_bytes()
    judged.server.requests.clear()

    again = calibrate(judged)

    assert (first.ret, again.ret) == (1, 1)
    assert first.outlines[0].startswith("polite: gpt-judge on 9 labels of labels.jsonl, 20")
    assert first.outlines[1:] == [
        "  kappa                   0.73",
        "  agreement               88.9%",
        "  always the same answer  77.8%",
        "  good outputs            77.8%",
        "  good ones found         85.7% (6 of 7)",
        "  bad ones found          100.0% (2 of 2)",
        "llmprod-judges.json: polite is report-only: it was calibrated on 9 labels, and",
        "  50 are needed",
    ]
    assert again.outlines == first.outlines
    assert (judged.path / "llmprod-judges.json").read_bytes() == stored
    assert judged.server.requests == []


def test_the_options_of_pytests_variable_are_not_for_a_calibration(
    judged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_labels(judged)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing --llm-model=gpt-other -n2")

    assert calibrate(judged, "--record").ret == 0


def test_too_few_labels_take_no_calibration_away(judged: Project) -> None:
    write_calibration(judged)
    stored = (judged.path / "llmprod-judges.json").read_bytes()
    write_labels(judged, count=9)

    result = calibrate(judged, "--record")

    assert result.ret == 1
    assert result.outlines[-2:] == [
        "llmprod-judges.json: polite may decide as before, by 60 labels of labels.jsonl:",
        "  these here are too few, and were not stored. Add some.",
    ]
    assert (judged.path / "llmprod-judges.json").read_bytes() == stored


def test_a_client_of_the_users_is_asked_again_and_so_left_open(judged: Project) -> None:
    judged.edit("judges.py", 'name="polite")', 'name="polite", client=lambda: CLIENT)')
    judged.edit("judges.py", "from pytest_llmprod", "import openai\n\nfrom pytest_llmprod")
    text = (judged.path / "judges.py").read_text()
    (judged.path / "judges.py").write_text(f"{text}\n\nCLIENT = openai.OpenAI()\n")
    write_labels(judged)

    result = calibrate(judged, "--record")

    assert result.ret == 0
    assert result.outlines[0].startswith("polite: gpt-judge on 60 labels of labels.jsonl, 20")


def test_labels_without_recordings_name_the_option_that_records(judged: Project) -> None:
    write_labels(judged)

    result = calibrate(judged)

    assert result.ret == 1
    assert not (judged.path / "llmprod-judges.json").exists()
    (line,) = [line for line in result.errlines if line.startswith("llmprod: ")]
    assert "labels.jsonl, row 'l0': " in line
    assert line.endswith("Ask the judge with --record.")


def test_a_pairwise_judge_is_measured_with_its_flips(judged: Project) -> None:
    rows = [
        {"output": "tea tea", "expected": "tea", "label": "output"},
        {"output": "tea", "expected": "tea tea", "label": "expected"},
        {"output": "tea tea", "expected": "milk milk", "label": "tie"},
    ]
    lines = [{"id": f"{number}", "input": "tea", **rows[number % 3]} for number in range(6)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (judged.path / "labels.jsonl").write_text(text)

    result = calibrate(judged, "--record", "--json", name="better")

    found = json.loads("\n".join(result.outlines))
    assert found["flips"] == {"count": 2, "of": 6, "rate": 0.333333}
    assert found["kappa"] == 1.0
    assert found["true_positives"] == {"count": 2, "of": 2, "rate": 1.0}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("rude", "*judges.py: defines no judge of the name 'rude'; it has better, polite.*"),
    ],
)
def test_a_judge_that_is_not_there_is_told(judged: Project, name: str, what: str) -> None:
    write_labels(judged)

    result = calibrate(judged, name=name)

    assert result.ret == 1
    result.stderr.fnmatch_lines([what])


def test_a_judge_is_found_by_name_where_it_is_imported(judged: Project) -> None:
    set_threshold(judged, '{"polite": 0.5}')

    judged.record()

    assert suite(judged)["metric"] == "polite"
    assert suite(judged)["judge"]["report_only"] == "was never calibrated"


def test_a_plan_knows_what_judges_ask(judged: Project) -> None:
    judged.record()

    again = judged.run("--llm-plan")
    swapped = judged.run("--llm-plan", "--llm-swap=gpt-test=gpt-new")

    assert not any("gpt-judge" in line for line in again.outlines)
    swapped.stdout.fnmatch_lines(["*gpt-judge*"])
    swapped.stdout.fnmatch_lines(["*gpt-new*"])


def test_a_plan_counts_a_test_that_asks_two_models_once(judged: Project) -> None:
    judged.record()
    judged.write_rows(("one", "two", "seven", "nine"))

    result = judged.run("--llm-plan")

    result.stdout.fnmatch_lines(["never recorded, and taken to ask what others ask: 1 of the *"])


def test_verify_names_a_judge_that_answers_by_another_name_once(judged: Project) -> None:
    judged.record("--llm-models=gpt-test,gpt-new")
    for path in (judged.path / "cassettes" / "test_words").glob("*.judge.*"):
        path.write_text(path.read_text().replace("gpt-judge-2026-01-01", "gpt-judge-2025-01-01"))

    result = judged.record("--llm-record=verify", "--llm-models=gpt-test,gpt-new")

    assert "verified 12 live answers: 12 the same" in result.outlines
    told = [line for line in result.outlines if "when recorded, and is" in line]
    assert told == ["gpt-judge was gpt-judge-2025-01-01 when recorded, and is gpt-judge-2026-01-01"]


THREADED = """
    import threading
    from concurrent.futures import ThreadPoolExecutor

    import httpx2
    import openai
    from pytest_llmprod import llm_judge

    POOL = ThreadPoolExecutor(1)

    class InPool(httpx2.HTTPTransport):
        def handle_request(self, request):
            return POOL.submit(super().handle_request, request).result()

    class InThread(httpx2.HTTPTransport):
        def handle_request(self, request):
            answers, send = [], super().handle_request
            thread = threading.Thread(target=lambda: answers.append(send(request)))
            thread.start()
            thread.join()
            return answers[0]

    def connect():
        transport = {transport}()
        return openai.OpenAI(http_client=httpx2.Client(transport=transport))

    polite = llm_judge("The word is said twice.", "gpt-judge", name="polite", client=connect)
    better = polite
"""
POOLED_FEATURE = """
    import feature
    import judges

    def ask(word):
        return judges.POOL.submit(feature.ask, word).result()
"""


@pytest.mark.parametrize("transport", ["InPool", "InThread"])
def test_a_judge_whose_client_sends_from_a_thread_is_a_judge(
    judged: Project, transport: str
) -> None:
    judged.pytester.makepyfile(judges=THREADED.format(transport=transport), pooled=POOLED_FEATURE)
    judged.edit("test_words.py", "from feature import ask", "from pooled import ask")

    recorded = judged.record("--llm-model=gpt-new")
    result = judged.run("--llm-model=gpt-new")

    assert recorded.ret == result.ret == pytest.ExitCode.OK
    assert [each["model"] for each in judged.server.requests].count("gpt-judge") == 3
    assert judged.cassette("gpt-new").exists()
    assert judged.cassette("gpt-new.judge.gpt-judge").exists()
    result.stdout.fnmatch_lines(["judges of doubling: 3 requests, *not in its cost"])


def test_what_is_report_only_does_not_keep_another_metric_from_being_compared(
    judged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    models = "--llm-models=gpt-test,gpt-new"
    set_threshold(judged, '{polite: 0.5, "exact": 0.5}')
    judged.record(models)

    result = judged.run(models, "--llm-json=run.json")

    swaps = json.loads((judged.path / "run.json").read_text())["swaps"]
    assert [each["metric"] for each in swaps] == ["exact"]
    assert "no models are compared" not in result.stdout.str()
    capsys.readouterr()
    assert main(["compare", str(judged.path / "run.json")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("doubling exact  +0.0 points")
    assert "doubling: not compared; report-only: its judge was never calibrated" in said


def test_a_judge_that_may_not_decide_any_more_fails_no_comparison_with_the_baseline(
    judged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged.write_rows(WORDS)
    write_calibration(judged)
    judged.record()
    judged.data()
    monkeypatch.chdir(judged.path)
    assert main(["accept", "run.json", "--who=Ann"]) == 0
    judged.edit("judges.py", "said twice", "said two times")
    judged.server.answer = lambda body: '{"verdict": "no"}' if is_judge(body) else answering(body)
    judged.record("--llm-record=rewrite")

    result = judged.run("-v", "--llm-json=run.json")

    assert result.ret == pytest.ExitCode.OK
    assert "::baseline" not in result.stdout.str()
    assert main(["compare", "run.json"]) == 0

"""Runs with --llm-models, from inside of pytest: each new model is judged against the first."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from project import WORDS, Project

from pytest_llmprod.cli import main
from pytest_llmprod.core.text import width

MANY = tuple(f"word{number}" for number in range(30))
MODELS = "--llm-models=gpt-test,gpt-new"


def worse(count: int, model: str = "gpt-new") -> Callable[[dict[str, Any]], str]:
    """A provider whose `model` gets the first `count` of MANY wrong; the others get all right."""
    wrong = set(MANY[:count])

    def answer(body: dict[str, Any]) -> str:
        word = str(body["messages"][-1]["content"]).split()[-1]
        return "wrong" if body["model"] == model and word in wrong else f"{word} {word}"

    return answer


@pytest.fixture
def many(project: Project) -> Project:
    project.write_rows(MANY)
    return project


RECORDED: dict[tuple[int, str, str], dict[str, str]] = {}


def record(project: Project, count: int, models: str = MODELS, model: str = "gpt-new") -> None:
    """Record, or write again what another test has recorded of the same."""
    folder = project.cassette().parent
    files = RECORDED.get((count, models, model))
    if files is None or "parametrize" in (project.path / "test_words.py").read_text():
        project.server.answer = worse(count, model)
        project.record(models)
        made = {path.name: path.read_text() for path in folder.iterdir()}
        RECORDED.setdefault((count, models, model), made)
        return
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def summary(result: pytest.RunResult) -> list[str]:
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if line.strip("= ") == "llmprod")
    return lines[start + 1 :]


def swaps(project: Project, *arguments: str, subprocess: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.data(*arguments, subprocess=subprocess)["swaps"]
    return found


def test_a_worse_model_fails_a_report_of_its_own(many: Project) -> None:
    record(many, 12)

    result = many.run(MODELS, "-rA", "-o", "console_output_style=classic")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*test_doubles::swap?gpt-new?*",
            "gpt-new is worse than gpt-test",
            "doubling  -40.0 points (*)  INFERIOR",
            "  gpt-test -> gpt-new",
            "  newly broken: word0, word1, word2, word3, word4 and 7 more",
        ]
    )
    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::swap?gpt-new? - gpt-new is*"])
    assert "::swap[gpt-test]" not in result.stdout.str()


def test_the_summary_tells_it_within_80_columns(many: Project) -> None:
    record(many, 12)

    lines = summary(many.run(MODELS, "--llm-json=run.json"))

    assert [line.split()[0] for line in lines[1:3]] == ["doubling", "gpt-new"]
    assert lines[3].endswith("  INFERIOR")
    assert "  gpt-test -> gpt-new" in lines
    assert any("12 broken, 0 fixed of 30 cases, p 0.0005" in line for line in lines)
    assert any("tokens x1.00, p95 x" in line for line in lines)
    assert "both answers: llmprod compare run.json --show word0" in lines
    assert all(width(line) <= 80 for line in lines[: lines.index(_last(lines)) + 1])
    assert "gates not written: a run with --llm-models only compares models" in lines


def _last(lines: list[str]) -> str:
    return next(line for line in lines if line.startswith("gates not written"))


def test_the_verdict_is_coloured(many: Project) -> None:
    record(many, 12)

    result = many.run(MODELS, "--color=yes")

    assert "\x1b[31mINFERIOR\x1b[0m" in result.stdout.str()


def test_a_quiet_run_is_one_line(many: Project) -> None:
    record(many, 12)

    result = many.run(MODELS, "-q")

    ours = [line for line in result.outlines if line.startswith("llmprod")]
    assert ours == ["llmprod: 1 comparison: 1 INFERIOR; gates: 2 open"]


def test_a_model_that_is_as_good_passes(many: Project) -> None:
    many.edit("test_words.py", "threshold=0.5", "threshold=0.5, margin=0.2")
    record(many, 0)

    result = many.run(MODELS, "-v")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*test_doubles::swap?gpt-new? PASSED*", "*NON-INFERIOR"])
    result.stdout.fnmatch_lines(
        ["  up to 20 points worse is allowed, as the old run declared", "gate doubling gpt-new: *"]
    )


def test_what_is_inconclusive_fails_a_strict_run_only(recorded: Project) -> None:
    recorded.record(MODELS)

    loose, strict = recorded.run(MODELS), recorded.run(MODELS, "--llm-strict")

    assert loose.ret == pytest.ExitCode.OK
    loose.stdout.fnmatch_lines(["*INCONCLUSIVE*"])
    strict.stdout.fnmatch_lines(
        ["too few cases say whether gpt-new is as good as gpt-test", "FAILED *::swap?gpt-new?*"]
    )


def test_the_gate_of_the_old_model_is_shown_and_fails_nothing(many: Project) -> None:
    record(many, 30, model="gpt-test")

    result = many.run(MODELS, "-v")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["gate doubling gpt-test: closed*"])
    assert "::gate[gpt-test]" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*::gate?gpt-new? PASSED*"])


def test_the_gate_of_a_new_model_is_reported_as_usual(many: Project) -> None:
    record(many, 30)

    result = many.run(MODELS)

    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::gate?gpt-new?*"])
    assert not (many.path / "llmprod-gates.json").exists()


def test_each_of_several_new_models_is_judged_and_p_is_corrected_for_all(many: Project) -> None:
    models = "--llm-models=gpt-test,gpt-new,gpt-other"
    record(many, 12, models)

    found = swaps(many, models)

    assert [(each["model_a"], each["model_b"]) for each in found] == [
        ("gpt-test", "gpt-new"),
        ("gpt-test", "gpt-other"),
    ]
    assert [each["verdict"] for each in found] == ["INFERIOR", "INCONCLUSIVE"]
    assert found[0]["p_holm"] == pytest.approx(2 * found[0]["p_value"])


def test_the_first_model_is_the_old_one_whatever_it_is_called(many: Project) -> None:
    record(many, 12)

    (found,) = swaps(many, "--llm-models=gpt-new,gpt-test")

    assert (found["model_a"], found["model_b"]) == ("gpt-new", "gpt-test")
    assert found["verdict"] == "NON-INFERIOR"
    assert len(found["newly_fixed"]) == 12


def test_a_tag_in_which_the_new_model_is_worse_fails_it(many: Project) -> None:
    rows = [
        {
            "id": word,
            "input": word,
            "expected": f"{word} {word}",
            "tags": ["long"] if n < 12 else ["short"],
        }
        for n, word in enumerate(MANY)
    ]
    (many.path / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    many.edit("test_words.py", "threshold=0.5", "threshold=0.5, margin=0.6")
    record(many, 12)

    result = many.run(MODELS)

    result.stdout.fnmatch_lines(
        ["doubling  -40.0 points * NON-INFERIOR", "  tag long: -100.0 points * INFERIOR"]
    )
    result.stdout.fnmatch_lines(["FAILED *::swap?gpt-new? - gpt-new is worse*"])


def test_a_case_that_only_the_new_model_lacks_fails_it(many: Project) -> None:
    record(many, 0)
    many.edit(
        "test_words.py", "def test_doubles(llm_case):", "def test_doubles(llm_case, llm_model):"
    )
    many.edit(
        "test_words.py",
        "    assert ask",
        "    if llm_model == 'gpt-new' and llm_case.id == 'word7':\n"
        "        pytest.skip('not for this one')\n"
        "    assert ask",
    )

    result = many.run(MODELS)

    result.stdout.fnmatch_lines(["  not in the new run: word7"])
    result.stdout.fnmatch_lines(["FAILED *::swap?gpt-new?*"])


def test_models_that_the_application_never_asks_are_told_and_nothing_is_judged(
    recorded: Project,
) -> None:
    result = recorded.run("--llm-models=gpt-5-mini,gpt-5-nano", "--llm-json=run.json")

    text = "--llm-models gpt-5-mini,gpt-5-nano met no request; asked: gpt-test"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([text, "FAILED llmprod::swap*"])
    document = json.loads((recorded.path / "run.json").read_text())
    assert document["swaps"] == []
    assert {suite["verdict"] for suite in document["suites"]} == {None}


def test_a_suite_that_asks_none_of_the_models_is_not_compared(recorded: Project) -> None:
    (recorded.path / "test_other.py").write_text(
        "import pytest\n"
        "from feature import ask\n\n"
        '@pytest.mark.llm_eval(feature="other", dataset="words.jsonl", threshold=0.5)\n'
        "def test_asks_another(llm_case):\n"
        '    assert ask(llm_case.input, "gpt-else") == llm_case.expected\n'
    )
    recorded.record(MODELS)

    result = recorded.run(MODELS)

    result.stdout.fnmatch_lines(["other: no models are compared, for the tests asked gpt-else"])
    assert result.stdout.str().count("::swap[") == 0
    assert [each["feature"] for each in swaps(recorded, MODELS)] == ["doubling"]


def test_answers_of_a_file_are_the_same_for_every_model(
    recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": word, "output": f"{word} {word}"} for word in WORDS]
    (recorded.path / "out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (recorded.path / "test_words.py").write_text(
        "import pytest\n\n"
        '@pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5,\n'
        '                      outputs="out.jsonl")\n'
        "def test_doubles(llm_case, llm_output):\n"
        "    assert llm_output == llm_case.expected\n"
    )

    result = recorded.run(MODELS, "--llm-json=run.json")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["doubling: no models are compared, for the answers of outputs=*"])
    capsys.readouterr()
    assert main(["compare", str(recorded.path / "run.json")]) == 0
    assert " ".join(capsys.readouterr().out.split()) == (
        "doubling: not compared; the answers of outputs= are the same for every model"
    )


def test_a_part_of_the_cases_compares_nothing(recorded: Project) -> None:
    recorded.record(MODELS)

    assert swaps(recorded, MODELS, "-k", "one") == []
    result = recorded.run(MODELS, "-k", "one")
    result.stdout.fnmatch_lines(["gate doubling gpt-new: not judged; only 1 of 10 cases ran"])
    assert result.ret == pytest.ExitCode.OK


def test_workers_find_the_same(many: Project) -> None:
    record(many, 12)

    alone = swaps(many, MODELS)
    together = swaps(many, MODELS, "-n2", subprocess=True)

    assert together == alone
    assert together[0]["verdict"] == "INFERIOR"


def test_the_stored_run_says_the_same_again(
    many: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    record(many, 12)
    found = swaps(many, MODELS)
    capsys.readouterr()

    status = main(["compare", str(many.path / "run.json"), "--json"])

    assert status == 1
    assert json.loads(capsys.readouterr().out)["suites"] == found


def test_both_answers_of_a_case_are_shown(
    many: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    record(many, 12)
    many.data(MODELS)
    capsys.readouterr()

    status = main(["compare", str(many.path / "run.json"), "--show", "word3"])

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "doubling  word3",
        "  expected  word3 word3",
        "  old       gpt-test, hit",
        "            word3 word3",
        "  new       gpt-new, miss: assert 'wrong' == 'word3 word3'",
        "            wrong",
    ]


def test_repeated_metrics_and_parameters_have_comparisons_of_their_own(many: Project) -> None:
    (many.path / "test_words.py").write_text(
        "import pytest\n"
        "from feature import ask\n\n"
        '@pytest.mark.parametrize("tone", ["calm", "loud"])\n'
        '@pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl",\n'
        '                      threshold={"passed": 0.5, "short": 0.5})\n'
        "def test_doubles(llm_case, llm_score, tone):\n"
        '    llm_score("short", 1.0)\n'
        "    assert ask(llm_case.input) == llm_case.expected\n"
    )
    record(many, 12)

    result = many.run(MODELS, "-v")

    for tone, verdict in (("calm", "FAILED"), ("loud", "FAILED")):
        result.stdout.fnmatch_lines([f"*::swap?{tone}-gpt-new-passed? {verdict}*"])
        result.stdout.fnmatch_lines([f"*::swap?{tone}-gpt-new-short? PASSED*"])


def test_junit_keeps_the_figures(many: Project) -> None:
    record(many, 12)

    many.run(MODELS, "--junitxml=junit.xml")

    text = (many.path / "junit.xml").read_text()
    assert '<property name="llmprod_verdict" value="INFERIOR" />' in text
    assert '<property name="llmprod_difference" value="-0.400000" />' in text


def test_two_cases_that_would_get_one_name_are_refused(project: Project) -> None:
    rows = [{"id": name, "input": "one", "expected": "one one"} for name in ("a", "a-b")]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.path / "words.jsonl").write_text(text)

    result = project.record("--llm-models=gpt-test,b-gpt-test")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*'a-b' of the model 'gpt-test' and the case 'a' of the model*"])
    assert project.server.requests == []

"""The reports for people, written by runs of pytest."""

import html
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from project import Project


def broken(recorded: Project) -> Project:
    """A recorded project whose gate is closed: its threshold is above its score."""
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.99")
    return recorded


def test_a_run_writes_the_page_and_the_markdown_that_are_asked_for(recorded: Project) -> None:
    recorded.run("--llm-html=out/run.html", "--llm-markdown=out/run.md")
    page = (recorded.path / "out" / "run.html").read_text()

    assert "<title>llmprod: gates: 1 open</title>" in page
    assert "Double this word: " in page
    assert (recorded.path / "out" / "run.md").read_text().startswith("## llmprod\n")


def test_a_page_has_the_answers_also_without_json_and_with_workers(recorded: Project) -> None:
    recorded.run("--llm-html=alone.html", "-p", "no:xdist", subprocess=True)
    recorded.run("--llm-html=workers.html", "-n2", subprocess=True)
    pages = [(recorded.path / f"{name}.html").read_text() for name in ("alone", "workers")]

    assert [page.count("<h4>Expected</h4>") for page in pages] == [1, 1]
    assert [page.count("<h4>Answer</h4>") for page in pages] == [1, 1]
    assert pages[0].partition("<h2")[2] == pages[1].partition("<h2")[2]


def test_a_file_that_cannot_be_written_fails_the_run(recorded: Project) -> None:
    (recorded.path / "folder").mkdir()
    result = recorded.run("--llm-html=folder", "--llm-markdown=folder")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*folder: cannot be written*Name another file with --llm-html.*"])
    result.stdout.fnmatch_lines(["*folder: cannot be written*Name another file with --llm-mark*"])


def test_a_page_without_its_libraries_is_refused_before_any_test(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_llmprod.composition.option_values.find_spec", lambda name: None)
    result = project.run("--llm-html=run.html")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*--llm-html needs jinja2 and leather.*pip install 'pytest-llmprod[[]report[]]'"]
    )


def test_only_a_page_imports_its_libraries(recorded: Project) -> None:
    (recorded.path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('imported', sorted({'jinja2', 'leather', 'markupsafe'} & set(sys.modules)))\n"
    )
    without = recorded.run("--llm-json=run.json", "--llm-markdown=run.md", subprocess=True)
    with_page = recorded.run("--llm-html=run.html", subprocess=True)

    assert "imported []" in without.stdout.str()
    assert "imported ['jinja2', 'leather', 'markupsafe']" in with_page.stdout.str()


def test_the_summary_of_a_step_is_appended_to_what_stands_there(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recorded.path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    recorded.run()

    assert path.read_text().startswith("before\n\n## llmprod\n")


def test_a_summary_that_is_full_stays_as_it_is(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recorded.path / "summary.md"
    path.write_bytes(b"x" * 899_900)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    recorded.run()

    assert path.stat().st_size <= 900_000


def test_a_closed_gate_is_annotated_once_at_the_line_of_its_test(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(recorded.path.parent))
    lines = broken(recorded).run("-q").outlines
    found = [line for line in lines if line.startswith("::")]
    source = (recorded.path / "test_words.py").read_text().splitlines()
    line = 1 + next(n for n, text in enumerate(source) if "def test_doubles" in text)

    assert len(found) == 1
    file = f"{recorded.path.name}/test_words.py"
    assert found[0].startswith(f"::error file={file},line={line},title=gate doubling::the gate is")


def test_nothing_is_annotated_elsewhere_or_of_an_open_gate(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    elsewhere = recorded.run().stdout.str()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    opened = recorded.run().stdout.str()

    assert "::error" not in elsewhere + opened


def test_what_plugins_say_is_asked_for_once_and_stands_in_each_report(recorded: Project) -> None:
    (recorded.path / "conftest.py").write_text(
        "asked = []\n"
        "def pytest_llmprod_summary(result):\n"
        "    asked.append(1)\n"
        "    return [f'note number {len(asked)}']\n"
    )
    result = recorded.run("--llm-html=run.html", "--llm-markdown=run.md")

    result.stdout.fnmatch_lines(["note number 1"])
    assert "note number 1" in (recorded.path / "run.html").read_text()
    assert "note number 1" in (recorded.path / "run.md").read_text()


HOSTILE_EVAL = r"""
    import pytest

    BAD = "nul \x00 surrogate \ud800 ]]> <b>&\x1b[31m \ufffe"

    @pytest.mark.llm_eval(feature="bad \x00\x1b]]>", dataset="words.jsonl", threshold=0.5)
    def test_fails(llm_case):
        if llm_case.id == "one":
            raise RuntimeError(BAD)
        assert False, BAD
"""


def test_junit_is_valid_xml_whatever_failures_say(project: Project) -> None:
    project.pytester.makepyfile(test_words=HOSTILE_EVAL)
    project.run("--junit-xml=junit.xml", "--llm-html=run.html", "--llm-markdown=run.md")
    root = ET.parse(project.path / "junit.xml").getroot()
    gates = [case for case in root.iter("testcase") if case.get("name") == "gate"]
    texts = [failure.text or "" for failure in root.iter("failure")]

    assert len(gates) == 1
    assert "is closed: FAIL" in (gates[0].findtext("failure") or "")
    assert any("RuntimeError" in text for text in texts)
    page = (project.path / "run.html").read_bytes().decode()
    assert "nul \\x00 surrogate ? ]]&gt; &lt;b&gt;" in page
    assert "\x00" not in page + (project.path / "run.md").read_bytes().decode()


def test_secrets_in_a_prompt_are_masked(project: Project) -> None:
    project.edit("feature.py", "Double this word: {word}", "sk-live-0123456789abcdefghijkl {word}")
    project.server.answer = lambda request: "wrong"
    project.record()
    project.run("--llm-html=run.html")
    page = (project.path / "run.html").read_text()

    assert "sk-live-0123456789abcdefghijkl" not in page
    assert page.count("<summary>Prompt</summary>") == 10


def test_the_templates_are_in_the_package() -> None:
    folder = Path(__file__).parents[1] / "pytest_llmprod" / "report" / "templates"
    code = "import pytest_llmprod.report.page as page; print(page._FOLDER)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == str(folder)
    assert sorted(each.name for each in folder.iterdir()) == [
        *("audit.html.j2", "guardrails.html.j2", "page.css", "page.html.j2")
    ]


PLAIN_BUDGET = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette
    @pytest.mark.llm_budget("count(requests) <= 1")
    def test_plain():
        ask("one")
        ask("two")
"""


def test_a_run_of_budgets_alone_is_reported_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.pytester.makepyfile(test_plain=PLAIN_BUDGET)
    result = project.record("test_plain.py", "--llm-html=run.html", "--llm-markdown=run.md")

    assert "no gate; budgets: 1 FAIL" in (project.path / "run.html").read_text()
    assert "| **FAIL** | 2 | 2 calls | live |" in (project.path / "run.md").read_text()
    found = [line for line in result.outlines if line.startswith("::error")]
    assert len(found) == 1
    assert "test_plain.py,line=6,title=budget count(requests) <= 1::the budget" in found[0]


def test_the_reports_say_what_a_spend_cap_stopped(project: Project) -> None:
    (project.path / "llmprod.prices.toml").write_text(
        '[[overrides]]\nprovider = "openai"\nmodel = "gpt-test-2026-01-01"\n'
        'input = "0"\ncached = "0"\noutput = "0.01"\n'
    )
    cap = ("--llm-record=once", "--llm-max-spend=0.0012805")
    result = project.record(*cap, "--llm-html=run.html", "--llm-markdown=run.md")

    spent = next(line for line in result.outlines if line.startswith("spent "))
    for report in ("run.html", "run.md"):
        text = html.unescape((project.path / report).read_text())
        assert spent in text
        assert "the spend cap stopped 1 test and skipped 8" in text
        assert f"go on with: pytest --llm-eval {' '.join(cap)}" in text


def test_a_secret_in_the_reason_of_a_miss_is_in_no_report(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "Zk9-4711-aXq2-8842-pTr7"
    monkeypatch.setenv("SHOP_API_KEY", secret)
    told = "import os\n\n    assert not os.environ['SHOP_API_KEY'], os.environ['SHOP_API_KEY']"
    recorded.edit("test_words.py", "    assert ask", f"    {told}\n    assert ask")

    result = recorded.run("--llm-json=run.json", "--llm-html=run.html", "--llm-markdown=run.md")

    reports = [(recorded.path / f"run.{kind}").read_text() for kind in ("json", "html", "md")]
    assert "[masked SHOP_API_KEY]" in reports[0]
    assert secret not in "".join([*reports, result.stdout.str()])

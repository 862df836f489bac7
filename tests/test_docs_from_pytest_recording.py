"""docs/from-pytest-recording.md: what it says of moving here and back is what happens."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from loopback import Provider
from project import Project

from pytest_llmprod.cli import main

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "from-pytest-recording.md").read_text(encoding="utf-8")
TESTS, BACK = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
APP = """
    from openai import OpenAI

    def answer(ticket):
        with OpenAI() as client:
            reply = client.chat.completions.create(
                model="gpt-5-mini", messages=[{"role": "user", "content": ticket}]
            )
        return reply.choices[0].message.content
"""


def greets(body: dict[str, Any]) -> str:
    return f"Hello! You said: {body['messages'][-1]['content']}"


def as_vcr(tests: str) -> str:
    """The tests of the page as they were before."""
    return re.sub(r"llm_cassette  # was: .*", "vcr", tests)


def shown(command: str) -> str:
    """Return what the page prints below a command."""
    match = re.search(rf"^\$ {re.escape(command)}\n((?:[^$`].*\n)+)", PAGE, re.MULTILINE)
    assert match, f"the page shows no `{command}`"
    return match[1]


def normalised(text: str) -> str:
    """Return an output without what differs from run to run, and from version to version."""
    text = re.sub(r" in \d+\.\d+s", " in 0.31s", text)
    return re.sub(r"line \d+:", "line 1:", text)


class Moving:
    """The project of the page, whose tests pytest-recording has recorded."""

    def __init__(self, project: Project) -> None:
        self.project = project
        for path in project.path.iterdir():
            path.unlink()
        project.server.answer = greets
        project.pytester.makepyfile(app=APP)
        self.write(as_vcr(TESTS))
        assert self.run("--record-mode=once").parseoutcomes() == {"passed": 3}
        project.server.requests.clear()

    @property
    def requests(self) -> int:
        return len(self.project.server.requests)

    @property
    def folder(self) -> Path:
        return self.project.path / "cassettes" / "test_chat"

    def write(self, tests: str) -> None:
        (self.project.path / "test_chat.py").write_text(tests)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest with a key and the address of the provider."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_BASE_URL", self.project.server.url)
            patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
            return self.project.pytester.runpytest_inprocess(*arguments)

    def printed(self, command: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
        """Return what the page prints below a command, and what the command prints."""
        _, *words = shlex.split(command.replace("\\\n", " "))
        paths = [sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in words]
        capsys.readouterr()
        main([word for group in paths for word in group])
        return normalised(shown(command)), normalised(capsys.readouterr().out)


@pytest.fixture
def moving(pytester: pytest.Pytester, server: Provider, monkeypatch: pytest.MonkeyPatch) -> Moving:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    # The example, whose tests may have run before, has a package of this name.
    for name in [name for name in sys.modules if name.split(".")[0] == "app"]:
        monkeypatch.delitem(sys.modules, name)
    # An edit within a second that keeps the size of a file would leave its bytecode valid.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Moving(Project(pytester, server))


def test_the_new_marker_plays_the_old_files(moving: Moving) -> None:
    moving.write(TESTS)

    result = moving.project.pytester.runpytest_inprocess("-q")  # without key

    files = sorted(path.name for path in moving.folder.iterdir())
    assert files == shown("ls cassettes/test_chat").splitlines()
    assert normalised(shown("pytest -q")) in normalised(result.stdout.str() + "\n")
    assert moving.requests == 0


def test_vcrpy_plays_the_old_answer_to_a_changed_prompt_and_we_do_not(moving: Moving) -> None:
    changed = TESTS.replace("Say hello.", "Do say hello.")
    moving.write(as_vcr(changed))
    with_vcr = moving.run("-k", "greets")
    moving.write(changed)

    ours = moving.run("-k", "greets")

    assert with_vcr.parseoutcomes()["passed"] == 1
    ours.stdout.fnmatch_lines(["No recording: prompt changed in messages[[]0].content"])


@pytest.mark.parametrize("arguments", [(), ("--llm-record=once",), ("-n2",)])
def test_both_markers_on_one_test_are_refused_before_any_test_runs(
    moving: Moving, arguments: tuple[str, ...]
) -> None:
    moving.write(TESTS.replace("@pytest.mark.llm_", "@pytest.mark.vcr\n@pytest.mark.llm_"))

    result = moving.run(*arguments)

    assert result.ret != pytest.ExitCode.OK
    assert "passed" not in result.parseoutcomes()
    text = result.stdout.str()
    assert "test_chat.py::test_greets: has @pytest.mark.vcr and @pytest.mark.llm_cassette." in text
    assert "Remove @pytest.mark.vcr from the test, its class or its module (pytestmark)." in text
    assert moving.requests == 0


@pytest.mark.parametrize(
    ("test", "other"),
    [
        (
            '@pytest.mark.llm_eval(feature="f", dataset="d.jsonl", threshold=0.5)\n'
            "def test_it(llm_case): ...\n",
            "@pytest.mark.llm_eval",
        ),
        ("def test_it(llm_client): ...\n", "the fixture llm_client"),
    ],
)
def test_evals_and_tests_with_a_client_of_ours_take_no_vcr_of_the_module(
    moving: Moving, test: str, other: str
) -> None:
    (moving.project.path / "d.jsonl").write_text('{"id": "a", "input": "", "expected": ""}\n')
    moving.write(f"import pytest\n\npytestmark = pytest.mark.vcr\n\n\n{test}")

    result = moving.run("--llm-eval")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert f"test_it: has @pytest.mark.vcr and {other}." in result.stdout.str()


def test_an_eval_with_both_markers_is_left_alone_where_no_evals_run(moving: Moving) -> None:
    both = '@pytest.mark.vcr\n@pytest.mark.llm_eval(feature="f", dataset="d", threshold=0.5)\n'
    moving.write(f"{TESTS}\n\n{both}def test_it(llm_case): ...\n")

    assert moving.run().parseoutcomes() == {"passed": 3, "deselected": 1}


def test_each_marker_on_tests_of_its_own_works(moving: Moving) -> None:
    moving.write(TESTS.replace("llm_cassette  # was: @pytest.mark.vcr", "vcr", 1))

    assert moving.run().parseoutcomes() == {"passed": 3}


def test_new_episodes_stand_beside_the_old_file_and_check_notes_it(
    moving: Moving, capsys: pytest.CaptureFixture[str]
) -> None:
    moving.write(TESTS.replace("Say hello.", "Do say hello."))
    once = moving.run("--llm-record=once", "-k", "greets")
    before = (moving.folder / "test_greets.yaml").read_bytes()

    recorded = moving.run("-q", "--llm-record=new_episodes")

    command = "llmprod cassette check cassettes/test_chat/test_greets*"
    on_page, printed = moving.printed(command, capsys)
    assert once.parseoutcomes() == {"failed": 1, "deselected": 2}
    assert normalised(shown("pytest -q --llm-record=new_episodes")) in normalised(
        recorded.stdout.str() + "\n"
    )
    assert (moving.requests, printed) == (1, on_page)
    assert (moving.folder / "test_greets.yaml").read_bytes() == before
    assert moving.run().parseoutcomes() == {"passed": 3}


def test_what_was_imported_plays_alone_and_goes_back(
    moving: Moving, capsys: pytest.CaptureFixture[str]
) -> None:
    on_page, printed = moving.printed("llmprod cassette import cassettes/test_chat", capsys)
    for path in moving.folder.glob("*.yaml"):
        path.unlink()
    moving.write(TESTS)
    played = moving.run()
    commands = re.findall(r"^\$ (llmprod cassette export(?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
    exported = [moving.printed(command, capsys) for command in commands]
    greeting = as_vcr(TESTS).partition("\n\n\n@pytest.mark.vcr\n@pytest.mark.parametrize")[0]
    moving.write(f"{greeting}\n\n\n{BACK}")

    with_vcr = moving.run()

    assert printed == on_page
    assert len(exported) == 2
    assert all(printed == on_page for on_page, printed in exported)
    assert played.parseoutcomes() == with_vcr.parseoutcomes() == {"passed": 3}
    assert moving.requests == 0


def test_a_case_whose_id_no_file_name_can_hold_is_told_with_its_cure(moving: Moving) -> None:
    moving.write(as_vcr(TESTS).replace('"refund"', '"a/refund"'))
    moving.run("--record-mode=once", "-k", "a/refund")
    moving.write(TESTS.replace('"refund"', '"a/refund"'))
    in_place = moving.run("-k", "a/refund")
    main(["cassette", "import", "cassettes/test_chat"])
    for path in moving.folder.glob("*.yaml"):
        path.unlink()

    imported = moving.run("-k", "a/refund")

    assert in_place.parseoutcomes()["passed"] == 1
    assert imported.parseoutcomes()["failed"] == 1
    written = moving.folder / "test_answers.gpt-5-mini.json"
    written.write_text(written.read_text().replace('"case": "a-refund"', '"case": "a/refund"'))
    assert moving.run("-k", "a/refund").parseoutcomes()["passed"] == 1


def test_no_output_on_the_page_is_wider_than_80_columns() -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    outputs = [block for language, block in blocks if not language]

    assert len(outputs) == 4
    assert all(len(line) <= 80 for output in outputs for line in output.splitlines())


def test_the_pages_that_tell_of_recordings_link_this_one() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")

    assert "(docs/from-pytest-recording.md)" in readme
    for page in ("recording.md", "cassettes.md"):
        assert "(from-pytest-recording.md)" in (DOCS / page).read_text(encoding="utf-8")

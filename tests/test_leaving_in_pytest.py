"""What `[tool.llmprod.wire]` forbids does not leave, whatever the application does about it."""

import pytest
from project import Project

APP = """
    import httpx2
    from openai import OpenAI

    def ask(text, **options):
        with OpenAI(timeout=5) as client:
            answer = client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": text}], **options
            )
        return answer.choices[0].message.content

    def ask_or_give_up(text, **options):
        try:
            return ask(text, **options)
        except Exception:
            return "sorry"
"""

TEST = """
    import pytest
    from app import ask, ask_or_give_up

    @pytest.mark.llm_cassette
    def test_asks():
        assert CALL
"""


def write(project: Project, call: str, table: str) -> None:
    project.pytester.makepyfile(app=APP, test_words=TEST.replace("CALL", call))
    project.pytester.makepyprojecttoml(f"[tool.llmprod.wire]\n{table}\n")


def test_a_request_with_personal_data_fails_the_test_and_is_not_sent(project: Project) -> None:
    write(project, 'ask_or_give_up("Write to bob@example.com")', 'forbid = ["pii"]')

    result = project.record()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.server.requests == []
    result.stdout.fnmatch_lines(
        [
            "This request must not leave, by *tool.llmprod.wire* in pyproject.toml.",
            "",
            "  request   POST chat to gpt-test at 127.0.0.1:*",
            "            not sent, and not answered from a recording",
            "  found     email b[*][*]@*",
            "            at body /messages/0/content",
            "",
            "  mend      take it out before the request is made, or name the value under allow",
        ]
    )
    assert "bob@" not in result.stdout.str()


def test_a_replay_is_no_excuse(project: Project) -> None:
    write(project, 'ask("Write to bob@example.com")', "")
    assert project.record().ret == 0
    write(project, 'ask_or_give_up("Write to bob@example.com")', 'forbid = ["email"]')

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  found     email *"])


@pytest.mark.parametrize(
    ("call", "table"),
    [
        (
            'ask("Write to support@acme.example")',
            'forbid = ["pii"]\nallow = ["Support@ACME.example"]',
        ),
        ('ask("Write to ana@acme.example")', 'forbid = ["pii"]\nallow = ["*@acme.example"]'),
        ('ask("Write to bob@example.com")', 'forbid = ["card", "secrets"]'),
        ('ask("Nothing of the kind")', 'forbid = ["pii", "secrets"]'),
    ],
)
def test_what_is_allowed_or_not_forbidden_leaves(project: Project, call: str, table: str) -> None:
    write(project, call, table)

    assert project.record().ret == 0
    assert len(project.server.requests) == 1

"""Child processes: what a process that a test forks asks is recorded and replayed too."""

import json
import multiprocessing
from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"
)

FORKING = """
    import os, pytest
    from feature import ask

    def in_child(word):
        child = os.fork()
        if not child:
            try:
                assert ask(word) == f"{word} {word}"
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0

    @pytest.mark.llm_cassette
    def test_forks():
        ask("first")
        in_child("child")
        assert ask("last") == "last last"
"""

POOL = """
    import multiprocessing, pytest
    from concurrent.futures import ProcessPoolExecutor
    from feature import ask

    @pytest.mark.llm_cassette
    def test_forks():
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(2, mp_context=fork) as pool:
            assert list(pool.map(ask, ["a", "b", "c", "d"])) == ["a a", "b b", "c c", "d d"]
"""


def cassette(project: Project) -> Path:
    return project.cassette().with_name("test_forks.gpt-test.json")


def words(project: Project) -> list[str]:
    """The words that were asked, in file order."""
    interactions = json.loads(cassette(project).read_text())["interactions"]
    return [
        each["request"]["body"]["json"]["messages"][0]["content"].split()[-1]
        for each in interactions
    ]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_what_a_forked_child_asks_is_recorded_and_replayed(project: Project, mode: str) -> None:
    project.pytester.makepyfile(test_words=FORKING)

    recorded = project.record(f"--llm-record={mode}", subprocess=True)
    project.server.requests.clear()
    replayed = project.run(subprocess=True)

    assert recorded.parseoutcomes() == {"passed": 1}
    assert words(project) == ["first", "last", "child"]
    assert replayed.parseoutcomes() == {"passed": 1}
    assert project.server.requests == []
    assert "unfinished" not in cassette(project).read_text()
    assert not list((project.path / ".llmprod" / "recording").iterdir())


def test_processes_of_a_pool_that_ask_before_their_test_does_lose_nothing(project: Project) -> None:
    project.pytester.makepyfile(test_words=POOL)

    recorded = project.record("--llm-record=once", subprocess=True)
    replayed = project.run(subprocess=True)

    assert recorded.parseoutcomes() == {"passed": 1}
    assert sorted(words(project)) == ["a", "b", "c", "d"]
    assert replayed.parseoutcomes() == {"passed": 1}
    assert "unfinished" not in cassette(project).read_text()


def test_a_pool_that_outlives_the_run_keeps_nothing_back(project: Project) -> None:
    project.pytester.makepyfile(test_words=POOL)
    project.edit("test_words.py", "def test_forks():", "def test_forks(pools=[]):")
    project.edit("test_words.py", "with Process", "pools.append(Process")
    project.edit(
        "test_words.py", "fork) as pool:\n        assert", "fork))\n    pool = pools[0]\n    assert"
    )

    recorded = project.record("--llm-record=once", subprocess=True)

    assert recorded.parseoutcomes() == {"passed": 1}
    assert sorted(words(project)) == ["a", "b", "c", "d"]
    assert not list((project.path / ".llmprod" / "recording").iterdir())


def test_rewrite_replaces_what_only_children_recorded(project: Project) -> None:
    project.pytester.makepyfile(test_words=POOL)
    project.record("--llm-record=rewrite", subprocess=True)
    project.edit("test_words.py", '["a", "b", "c", "d"]', '["a", "b", "e"]')
    project.edit("test_words.py", '"c c", "d d"', '"e e"')

    project.record("--llm-record=rewrite", subprocess=True)

    assert sorted(words(project)) == ["a", "b", "e"]


def test_new_episodes_keeps_what_children_played(project: Project) -> None:
    project.pytester.makepyfile(test_words=FORKING)
    project.record("--llm-record=once", subprocess=True)
    project.edit("test_words.py", 'ask("first")', 'ask("other")')

    project.record("--llm-record=new_episodes", subprocess=True)

    assert sorted(words(project)) == ["child", "last", "other"]


def test_a_miss_in_a_child_reaches_the_test_whole(project: Project) -> None:
    project.pytester.makepyfile(test_words=POOL)
    project.record("--llm-record=once", subprocess=True)
    project.edit("test_words.py", '"d"]', '"x"]')

    result = project.run(subprocess=True)

    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*No recording: prompt changed in messages?0?.content*"])

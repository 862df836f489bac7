"""docs/index.md leads to every page: by its kind, and to a how-to page by the words of the task."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
TOCTREE = r"^```\{toctree\}\n:caption: ([^\n]*)\n(.*?)^```$"
KINDS = {
    name: [line for line in body.splitlines() if line and not line.startswith(":")]
    for name, body in re.findall(
        r"^```\{toctree\}\n:caption: ([^\n]*)\n(.*?)^```$", INDEX, re.M | re.S
    )
}
TASKS = re.findall(r"^\| ([a-z][^|]+) \| (.*) \|$", INDEX, re.M)


def test_there_are_the_four_kinds() -> None:
    assert list(KINDS) == ["Tutorial", "How to", "Reference", "Explanations"]


def test_every_page_is_of_one_kind() -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    named = Counter(name for names in KINDS.values() for name in names)

    assert set(named) - {"design/index"} == pages
    assert set(named.values()) == {1}


def test_each_how_to_page_is_found_by_its_task() -> None:
    led_to = {link for _, links in TASKS for link in re.findall(r"\]\(([\w-]+)\.md\)", links)}

    assert led_to == set(KINDS["How to"])


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("change a prompt", "at-the-desk"),
        ("let a change in", "in-ci"),
        ("for another model", "model-swap"),
        ("fuzz", "strategies"),
        ("pytest-recording", "from-pytest-recording"),
        ("several processes", "shards"),
        ("Anthropic", "providers"),
    ],
)
def test_the_words_of_a_use_lead_to_its_page(words: str, page: str) -> None:
    (links,) = [links for task, links in TASKS if words in task]

    assert f"({page}.md)" in links

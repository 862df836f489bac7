"""docs/found-leak.md shows a leak as it is found, kept and mended."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest

from pytest_llmprod.core.text import squeezed

PAGE = (Path(__file__).parents[1] / "docs" / "found-leak.md").read_text(encoding="utf-8")
WEAK, TEST, MENDED = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.M)
[FIRST] = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.M)
SHOWN, AGAIN = re.findall(r"^```\n(E  .*?)^```$", PAGE, re.DOTALL | re.M)
[KEPT] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.M)


@pytest.fixture
def desk(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    pytester.mkpydir("app")
    (pytester.path / "app" / "guardrails.py").write_text(WEAK)
    pytester.makepyfile(test_leak=TEST)
    pytester.makeini("[pytest]")
    return pytester


def test_the_leak_is_found_kept_and_mended_as_the_page_shows(desk: pytest.Pytester) -> None:
    found = desk.run(sys.executable, "-m", "pytest", "--llm-fuzz").stdout.str()

    first, rest = SHOWN.split("...\n")
    for line in (*first.splitlines(), *rest.splitlines()):
        assert line in found
    kept = re.search(r"regressions/\S+\.json", SHOWN)
    assert kept is not None
    assert json.loads((desk.path / kept[0]).read_text()) == json.loads(KEPT)

    desk.makepyfile(test_leak=TEST.replace("@given", "@llm_st.regressions\n@given"))
    again = desk.run(sys.executable, "-m", "pytest")
    again.stdout.fnmatch_lines([f"{AGAIN.strip()[:2]}*{AGAIN.strip()[2:].strip()}"])

    (desk.path / "app" / "guardrails.py").write_text(MENDED)
    mended = desk.run(sys.executable, "-m", "pytest", "--llm-fuzz", "-p", "no:cacheprovider")
    mended.assert_outcomes(passed=1)


def test_the_first_example_of_the_page_leaks_as_it_says() -> None:
    names: dict[str, object] = {}
    exec(WEAK, names)
    redact = names["redact"]
    assert callable(redact)

    redacted = squeezed(redact(ast.literal_eval(FIRST.strip())))

    assert "2223000000267556" not in redacted
    assert "4222220019737" in redacted

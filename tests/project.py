"""A user's project in which tests run pytest."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from loopback import Provider

FEATURE = """
    from openai import OpenAI

    def ask(word, model="gpt-test"):
        client = OpenAI(max_retries=0)
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": f"Double this word: {word}"}]
        )
        client.close()
        return answer.choices[0].message.content
"""

EVAL = """
    import pytest
    from feature import ask

    @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
    def test_doubles(llm_case):
        assert ask(llm_case.input) == llm_case.expected
"""

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Project:
    """A user's project in an empty folder: a feature, a data set, an eval."""

    def __init__(self, pytester: pytest.Pytester, server: Provider) -> None:
        self.pytester = pytester
        self.server = server
        pytester.makepyfile(feature=FEATURE, test_words=EVAL)
        self.write_rows(WORDS)

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write_rows(self, words: tuple[str, ...]) -> None:
        rows = [{"id": word, "input": word, "expected": f"{word} {word}"} for word in words]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.path / "words.jsonl").write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.path / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def run(self, *arguments: str, subprocess: bool = False) -> pytest.RunResult:
        run = (
            self.pytester.runpytest_subprocess if subprocess else self.pytester.runpytest_inprocess
        )
        return run("--llm-eval", *arguments)

    def record(self, *arguments: str, subprocess: bool = False) -> pytest.RunResult:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_BASE_URL", self.server.url)
            patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
            mode = [] if any("--llm-record" in each for each in arguments) else ["--llm-record=all"]
            return self.run(*mode, *arguments, subprocess=subprocess)

    def data(self, *arguments: str, **keywords: Any) -> dict[str, Any]:
        """Run with --llm-json and return what it wrote."""
        self.run("--llm-json=run.json", *arguments, **keywords)
        document: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return document

    def digest(self) -> str:
        """Return what stands for all files, to tell by it whether another project is the same."""
        digest = hashlib.sha256()
        for path in sorted(self.path.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(self.path)}\n".encode() + path.read_bytes())
        return digest.hexdigest()

    def gates(self) -> dict[str, Any]:
        document = json.loads((self.path / "llmprod-gates.json").read_text())
        gates: dict[str, Any] = document["gates"]
        return gates

    def cassette(self, model: str = "gpt-test") -> Path:
        return self.path / "cassettes" / "test_words" / f"test_doubles.{model}.json"

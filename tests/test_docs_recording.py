"""docs/recording.md shows code that runs."""

import re
from pathlib import Path
from typing import Any

from loopback import Answer, Busy
from project import Project

PAGE = (Path(__file__).parents[1] / "docs" / "recording.md").read_text(encoding="utf-8")
FEATURE = """
from openai import OpenAI


def summarise(text):
    with OpenAI() as client:
        messages = [{"role": "user", "content": f"Summarise: {text}"}]
        answer = client.chat.completions.create(model="gpt-test", messages=messages)
    return answer.choices[0].message.content
"""


def test_the_test_that_waits_a_limit_out_passes_live_and_replayed(project: Project) -> None:
    (code,) = re.findall(r"^```python\n(def test_a_limit.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    project.pytester.makepyfile(
        feature=FEATURE, test_words=f"from feature import summarise\n{code}"
    )
    project.server.answer = busy_first()

    recorded = project.record()
    replayed = project.run()

    assert recorded.parseoutcomes() == {"passed": 1}
    assert replayed.parseoutcomes() == {"passed": 1}
    assert len(project.server.requests) == 2


def busy_first() -> Answer:
    answers = iter([Busy(retry_after_ms=20), "short"])

    def answer(body: dict[str, Any]) -> str:
        told = next(answers)
        if isinstance(told, Busy):
            raise told
        return told

    return answer

"""After a drill nothing of it is left: no thread, task, socket or patch, however it ended."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

DRILL = """
    import asyncio
    import pytest
    import sound
    import wrong
    from concurrent.futures import ThreadPoolExecutor

    @pytest.fixture
    def model(llm_script{fixture}):
        llm_script.json({{"label": "billing"}})

    {rest}
"""
MARK = (
    '@pytest.mark.llm_drill(feature="x", faults={faults!r}, fallback="sound:by_rules", '
    "within={within})"
)

#: How a drill may end: name -> (exit status of pytest, what follows the mark of the drill).
ENDINGS = {
    "survived": (
        0,
        """
    def test_it(llm_fault, model):
        sound.triage("my invoice is wrong")
    """,
    ),
    "failed": (
        1,
        """
    def test_it(llm_fault, model):
        wrong.answers_ok_to_everything("my invoice is wrong")
        raise ValueError("crashed")
    """,
    ),
    "interrupted": (
        2,
        """
    def test_it(llm_fault, model):
        ThreadPoolExecutor(1).submit(sound.ask, "my invoice is wrong")
        raise KeyboardInterrupt
    """,
    ),
    "exited": (
        2,
        """
    def test_it(llm_fault, model):
        ThreadPoolExecutor(1).submit(sound.ask, "my invoice is wrong")
        pytest.exit("enough")
    """,
    ),
    "interrupted_in_setup": (
        2,
        """
    def test_it(llm_fault, model, broken):
        sound.triage("my invoice is wrong")

    @pytest.fixture
    def broken(model):
        raise KeyboardInterrupt
    """,
    ),
    "broken_in_setup": (
        1,
        """
    def test_it(llm_fault, model, broken):
        sound.triage("my invoice is wrong")

    @pytest.fixture
    def broken(model):
        raise ValueError("setup")
    """,
    ),
    "broken_in_teardown": (
        1,
        """
    def test_it(llm_fault, model, broken):
        sound.triage("my invoice is wrong")

    @pytest.fixture
    def broken(model):
        yield
        raise ValueError("teardown")
    """,
    ),
    "left_a_task": (
        1,
        """
    def test_it(llm_fault, model):
        asyncio.run(ask())

    async def ask():
        asyncio.get_running_loop().create_task(asyncio.sleep(600))
        client = sound.openai.AsyncOpenAI(max_retries=0, timeout=0.1)
        asyncio.get_running_loop().create_task(
            client.chat.completions.create(**sound.request_for("Hi"))
        )
        await asyncio.sleep(0.05)
        raise ValueError("crashed")
    """,
    ),
}


# In virtual time a busy machine must not meet a deadline, and a long one costs nothing.
@pytest.mark.parametrize(
    ("fixture", "scale", "within"),
    [("", 1, 30), ("llm_server", 0.02, 1)],
    ids=["in the process", "on sockets"],
)
def test_nothing_of_a_drill_is_left_however_it_ended(
    pytester: pytest.Pytester, fixture: str, scale: float, within: int
) -> None:
    for path in (*HERE.glob("apps/*.py"), HERE / "leftovers.py"):
        (pytester.path / path.name).write_text(path.read_text())
    pytester.makeini("[pytest]")
    faults = ["no-answer", "slow-drip", "stream-reset", "stream-stalls", "quota"]
    for name, (_, rest) in ENDINGS.items():
        mark = MARK.format(faults=faults, within=within)
        text = DRILL.format(fixture=f", {fixture}" if fixture else "", rest=f"{mark}{rest}")
        pytester.makepyfile(**{f"test_{name}": text})

    found = left_by([f"test_{name}.py" for name in ENDINGS], pytester.path, scale)

    ended = {file: each["status"] for file, each in found.items()}
    assert ended == {f"test_{name}.py": status for name, (status, _) in ENDINGS.items()}, found
    assert {file: each["left"] for file, each in found.items() if each["left"]} == {}


def test_what_a_test_leaves_by_itself_is_seen(pytester: pytest.Pytester) -> None:
    for path in (*HERE.glob("apps/*.py"), HERE / "leftovers.py"):
        (pytester.path / path.name).write_text(path.read_text())
    pytester.makepyfile(
        """
        import os, socket, sound, threading

        def test_it():
            sound.listener = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=threading.Event().wait, daemon=True, name="idle").start()
            sound.by_rules = sound.charge
            os.environ["OPENAI_BASE_URL"] = "http://127.0.0.1/v1"
        """
    )

    (found,) = left_by([f"{pytester._name}.py"], pytester.path).values()

    kinds = [each.partition(" ")[0] for each in found["left"]]
    assert kinds == ["thread", "socket", "patch", "environ"], found


def left_by(files: list[str], folder: Path, scale: float = 1) -> dict[str, Any]:
    """Run test files in one process of their own, and return what each left behind."""
    command = [sys.executable, "leftovers.py", *files]
    environment = {**os.environ, "SCALE": str(scale)}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found

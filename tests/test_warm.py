"""Commands in warm forks: they do what a process of its own does, and leave each other alone."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import warm

SEES = """
import json, os, sys
seen = os.environ.get("SEEN"), "pytest_llmprod" in sys.modules
print(json.dumps([sys.argv[1:], os.getcwd(), *seen]))
print("told", file=sys.stderr)
sys.exit(3)
"""


def test_a_command_says_what_it_says_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "seeing.py").write_text(SEES)
    command = ["-m", "seeing", "one", "--two"]
    environ = {**os.environ, "SEEN": "yes"}

    forked = warm.run(command, cwd=tmp_path, env=environ)

    alone = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (3, alone.stdout, "told\n")
    assert '["one", "--two"]' in forked.stdout
    assert forked.stdout.endswith('"yes", false]\n')


def test_nothing_of_a_command_is_left_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "leaving.py").write_text(
        "import os, pytest, sys\n"
        "print(os.environ.get('LEFT'), hasattr(pytest, 'left'), 'leaving' in sys.modules)\n"
        "os.environ['LEFT'] = 'x'\npytest.left = True\nsys.modules['leaving'] = sys\n"
    )
    (tmp_path / "inner").mkdir()

    outputs = [warm.run(["-m", "leaving"], cwd=tmp_path).stdout for _ in range(2)]

    assert outputs == ["None False False\n"] * 2


def test_a_variable_that_a_command_is_not_to_have_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "asking.py").write_text("import os; print(os.environ.get('HOME'))\n")
    environ = {name: value for name, value in os.environ.items() if name != "HOME"}

    assert warm.run(["-m", "asking"], cwd=tmp_path, env={**environ, "HOME": "x"}).stdout == "x\n"
    assert warm.run(["-m", "asking"], cwd=tmp_path, env=environ).stdout == "None\n"


def test_a_command_hashes_otherwise_than_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "hashing.py").write_text("print(hash('a text'))")

    one, other = [warm.run(["-m", "hashing"], cwd=tmp_path).stdout for _ in range(2)]

    assert one != other


def test_a_script_finds_its_neighbours_and_those_of_pythonpath(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "bin" / "near.py").write_text("WORD = 'near'\n")
    (tmp_path / "far" / "away.py").write_text("WORD = 'away'\n")
    script = tmp_path / "bin" / "asks.py"
    script.write_text("import away, near\nprint(near.WORD, away.WORD)\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "far")}

    assert warm.run([str(script)], cwd=tmp_path, env=environ).stdout == "near away\n"


def test_an_error_ends_a_command_with_1_and_a_signal_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("raise ValueError('no such thing')\n")
    (tmp_path / "killed.py").write_text("import os\nos.kill(os.getpid(), 9)\n")

    failed = warm.run(["-m", "failing"], cwd=tmp_path)

    assert failed.returncode == 1
    assert failed.stderr.endswith("ValueError: no such thing\n")
    assert warm.run(["-m", "killed"], cwd=tmp_path).returncode == -9


def test_a_run_of_pytest_warns_of_nothing_and_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")

    run = warm.run(["-m", "pytest", "-p", "no:cacheprovider", "-W", "error"], cwd=tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr
    assert f"rootdir: {tmp_path}" in run.stdout
    assert "1 passed in" in run.stdout
    assert not (tmp_path / ".hypothesis").exists()


def test_workers_of_a_run_find_what_lies_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "warm.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--x')\n"
    )
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")

    run = warm.run(["-m", "pytest", "-n1", "-p", "warm", "--x=1"], cwd=tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr


def test_a_worker_talks_through_pipes_and_is_waited_for_as_often_as_one_likes() -> None:
    worker = warm.Worker(["-u", "-c", "import sys; print(sys.stdin.readline() * 2); sys.exit(4)"])

    worker.stdin.write(b"word\n")
    worker.stdin.flush()

    assert worker.stdout.read() == b"word\nword\n\n"
    assert [worker.wait(), worker.wait()] == [4, 4]
    worker.stdin.close()
    worker.stdout.close()


def test_a_worker_can_be_killed() -> None:
    worker = warm.Worker(["-c", "import sys; sys.stdin.read()"])

    worker.kill()

    assert worker.wait() == -9
    worker.stdin.close()
    worker.stdout.close()


def test_ctrl_c_ends_the_tests_and_what_they_wait_for(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(
        "import pathlib, sys, warm\n"
        'code = \'import time; print(1, file=open("begun", "w")); time.sleep(600)\'\n'
        "warm.run(['-c', code], cwd=pathlib.Path.cwd())\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    tests = subprocess.Popen(
        [sys.executable, "waiting.py"],
        cwd=tmp_path,
        env=environ,
        # What a shell starts in the background ignores Ctrl-C, and so does what it starts itself.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)

    tests.send_signal(signal.SIGINT)

    assert tests.wait(60) != 0


def test_a_job_of_which_the_tests_wrote_half_is_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'{"arguments": ["-m')
        ours.shutdown(socket.SHUT_WR)

        assert warm._received(theirs) is None


def test_workers_of_a_run_find_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def pytest_addoption(parser): parser.addoption('--near')")
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")

    run = warm.run(["-m", "pytest", "-n1", "-p", "beside", "--near=1"], cwd=tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr

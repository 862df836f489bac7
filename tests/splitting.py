"""Jobs of CI that share one run: a plugin that splits tests as pytest-split does, and merging."""

import json
import subprocess
from pathlib import Path
from typing import Any

import warm

SPLITTING = """
def pytest_addoption(parser):
    parser.addoption("--parts", type=int)
    parser.addoption("--part", type=int)

def pytest_collection_modifyitems(config, items):
    chosen = [item for number, item in enumerate(items)
              if number % config.option.parts == config.option.part - 1]
    left = [item for item in items if item not in chosen]
    config.hook.pytest_deselected(items=left)
    items[:] = chosen
"""


def run_shard(
    folder: Path, group: int, *arguments: str, splits: int = 3
) -> subprocess.CompletedProcess[str]:
    """Run one shard in `folder`, which stores it as shards/<group>.json."""
    (folder / "splitting.py").write_text(SPLITTING)
    options = ["-p", "splitting", f"--parts={splits}", f"--part={group}"]
    stored = f"--llm-json=shards/{group}.json"
    return python(folder, "pytest", "--llm-eval", *options, stored, *arguments)


def run_shards(folder: Path, *arguments: str, splits: int = 3) -> None:
    for group in range(1, splits + 1):
        result = run_shard(folder, group, *arguments, splits=splits)
        assert result.returncode in (0, 1), result.stdout + result.stderr


def merge(folder: Path, *arguments: str, expect: int = 3) -> subprocess.CompletedProcess[str]:
    command = ["pytest_llmprod.cli", "merge", "shards", f"--expect={expect}"]
    return python(folder, *command, "--json=merged.json", *arguments)


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return warm.run(["-m", *arguments], cwd=folder)


def read(path: Path) -> Any:
    """Return a JSON file without what differs from run to run: its id, and times of writing.

    What a drill took is told in whole seconds: in an event loop some milliseconds of it are real.
    """
    return _timeless(json.loads(path.read_text()))


def _timeless(value: Any) -> Any:
    if isinstance(value, list):
        return [_timeless(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _timeless(each) for key, each in value.items() if key not in _TIMES}
    for name in _SECONDS & kept.keys():
        kept[name] = None if kept[name] is None else round(kept[name])
    if isinstance(value.get("run"), dict):
        kept["run"].pop("id", None)
    return kept


_SECONDS = {"elapsed_s", "switch_s"}
_TIMES = ("started_at", "written_at", "valid_until")

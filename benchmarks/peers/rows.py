"""Rows: reads a file of JSON lines, for the tools that read none themselves."""

import json
from pathlib import Path


def read(name):
    lines = Path(name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]

"""What the tests of faults share: the laboratory of the wire, and clients on it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "wire"))

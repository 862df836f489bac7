"""Counting: has every record come that the workers of xdist have sent?

Each worker says at its end how many it has sent. One that does not come to its end says nothing,
and then nobody knows.
"""

from collections import Counter

from pytest_llmprod.core.text import counted, printable, shorten

_LONGEST = 200


class Counting:
    """Counts what has come from each worker, and compares that with what it says."""

    def __init__(self) -> None:
        """Make one that has counted nothing."""
        self._come: Counter[str] = Counter()
        self._problems: list[str] = []

    @property
    def problem(self) -> str:
        """Return in a sentence or more what is missing, '' where nothing is."""
        return " ".join(self._problems)

    def lack(self, problem: str) -> None:
        """Note, in a sentence, that something is missing."""
        self._problems.append(problem)

    def came(self, worker: str) -> None:
        """Count a record that has come from a worker."""
        self._come[worker] += 1

    def ended(self, worker: str, sent: int | None, error: str) -> None:
        """Take how many records a worker has sent; None where it crashed, with this error."""
        name, come = printable(worker), self._come[worker]
        if sent is None:
            why = shorten(printable(error.strip()), _LONGEST) or "nobody knows why"
            self._problems.append(
                f"Worker {name} ended before its time ({why}), and what its last test left behind "
                f"is missing."
            )
        elif sent != come:
            records = counted(sent, "record")
            self._problems.append(f"Worker {name} has sent {records}, and {come} came.")

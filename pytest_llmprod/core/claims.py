"""Claims: which process has an open file to itself.

The system keeps them, and takes them back from a process that ends, however it ends. They hold
between processes, and between two open files of one process.
"""

import sys
from io import FileIO
from time import sleep  # by name: a test of the application may replace `time.sleep`

_PAUSE_S = 0.02
_TRIES = 3000  # a minute

if sys.platform == "win32":
    import msvcrt

    # Locked bytes cannot be read there: one that nobody reaches stands for the whole file.
    _FAR = 0x7FFFFFFE

    def take(file: FileIO) -> bool:
        """Claim an open file; say whether nobody else had it."""
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def give_back(file: FileIO) -> None:
        """End a claim, also for a process that was forked from this one and has the file open."""
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def take(file: FileIO) -> bool:
        """Claim an open file; say whether nobody else had it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give_back(file: FileIO) -> None:
        """End a claim, also for a process that was forked from this one and has the file open."""
        fcntl.flock(file, fcntl.LOCK_UN)


def wait_for(file: FileIO) -> bool:
    """Claim an open file as soon as nobody else has it; return False after a minute."""
    for _ in range(_TRIES):
        if take(file):
            return True
        sleep(_PAUSE_S)
    return False

"""Clock: how long a replay waits.

As long as the recording did times a scale: not at all with 0, the default, and as long as the
provider took with 1. What is reported are the recorded times, whatever the scale. A drill has a
virtual clock, which `core/virtual_time.py` keeps.
"""

import time


class RealClock:
    """Waits by waiting."""

    def wait(self, seconds: float) -> None:
        """Wait in a thread."""
        if seconds > 0:
            time.sleep(seconds)

    async def wait_async(self, seconds: float) -> None:
        """Wait in a task; others get their turn even where there is nothing to wait for."""
        import anyio  # comes with httpx2, which has imported it by now

        await anyio.sleep(max(0.0, seconds))


REAL_CLOCK = RealClock()

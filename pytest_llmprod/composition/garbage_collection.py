"""Garbage collection: when Python looks for garbage in a run of evals.

Importing an application and collecting its tests makes hundreds of thousands of objects that live
to the end of the run. Python's collector walks all of them again and again and finds nothing.
`docs/design/garbage.md` has the figures.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# So many new objects at once there never are. Unlike `gc.disable()` it does not hide what an
# application that is imported meanwhile says to the collector.
_NEVER = 2**31 - 1


@contextmanager
def settling() -> Iterator[None]:
    """Let the collector rest in this block, and pass over what is there after it.

    It works as before for everything that is made later. Where an application has switched the
    collector off, before or in this block, nothing is changed, and thresholds that it sets in this
    block stay.
    """
    if not gc.isenabled():
        yield
        return
    first, *others = gc.get_threshold()
    gc.set_threshold(_NEVER, *others)
    try:
        yield
    finally:
        if gc.isenabled():
            gc.freeze()
        if gc.get_threshold()[0] == _NEVER:
            gc.set_threshold(first, *others)


def sweep() -> None:
    """Collect once after the last test, and pass over what is left, as `settling` does.

    What tests leave in cycles is found here, an error in a finalizer included. What they leave
    alive, reports above all, lives to the end of the run: without this it would be walked once
    more while gates are decided, and twice by pytest.
    """
    if gc.isenabled():
        gc.collect()
        gc.freeze()

"""Garbage: when Python looks for it in a run of evals.

Importing an application and collecting its tests makes hundreds of thousands of objects that live
to the end of the run. Python's collector walks all of them again and again and finds nothing.
`docs/design/garbage.md` has the figures.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settling() -> Iterator[None]:
    """Let the collector rest in this block, and pass over what is there after it.

    It works as before for everything that is made later. Where an application has switched the
    collector off, nothing is changed.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

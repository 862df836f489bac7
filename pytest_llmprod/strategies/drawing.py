"""Drawing: one of several, cheaply, the first one where a failure is shrunk.

`st.sampled_from` of today's Hypothesis takes twice the time of an integer, and a document draws a
dozen times. Choices are lists with the plainest one first, because integers shrink towards zero.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

Choice = TypeVar("Choice")


@cache
def below(count: int) -> st.SearchStrategy[int]:
    """Return a strategy of the numbers from 0 to `count` - 1."""
    return st.integers(0, count - 1)


def pick(draw: st.DrawFn, choices: Sequence[Choice]) -> Choice:
    """Return one of `choices`, the first one in the simplest case."""
    return choices[draw(below(len(choices)))] if len(choices) > 1 else choices[0]


def one_of(choices: Sequence[Choice]) -> st.SearchStrategy[Choice]:
    """Return a strategy of `choices`."""
    return below(len(choices)).map(choices.__getitem__)


def parts_of(number: int, *sizes: int) -> list[int]:
    """Return `number` as digits of a number system with these bases, the last one first.

    >>> parts_of(1234, 10, 100)
    [4, 23]
    """
    parts = []
    for size in sizes:
        number, part = divmod(number, size)
        parts.append(part)
    return parts


def chosen(name: str, asked: Iterable[str] | str | None, known: Collection[str]) -> tuple[str, ...]:
    """Return which of `known` a parameter asks for, in the order of `known`; None asks for all.

    Raises InvalidArgument, as strategies do for wrong arguments, where it asks for another.
    """
    if asked is None:
        return tuple(known)
    wanted = {asked} if isinstance(asked, str) else set(asked)
    unknown = sorted(wanted - set(known))
    if unknown or not wanted:
        raise InvalidArgument(
            f"{name}={asked!r} names {', '.join(map(repr, unknown)) or 'nothing'}. Known are "
            f"{', '.join(known)}."
        )
    return tuple(each for each in known if each in wanted)

"""Table: rows as the columns of a terminal."""

from collections.abc import Sequence

from pytest_llmprod.core.text import shorten, width


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], align: str) -> str:
    """Return rows below their headers; `align` has a letter l or r for each column.

    The cells are printed as they are: what came from a model has to be made printable before.
    """
    # Only a command or a plan that prints a table needs tabulate.
    import tabulate

    return tabulate.tabulate(
        rows,
        headers=headers,
        tablefmt="simple",
        disable_numparse=True,
        colalign=_sides(align),
    )


def named_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], align: str, columns: int
) -> list[str]:
    """Return the lines of a table whose first cells are names, cut so that a line fits `columns`.

    `align` has a letter l or r for each of the other columns. A name is at least 8 columns wide.
    """
    import tabulate  # for the same reason

    lines = [headers, *rows]  # tabulate would make a column wider than its header
    figures = tabulate.tabulate(
        [line[1:] for line in lines],
        tablefmt="plain",
        disable_numparse=True,
        colalign=_sides(align),
    ).splitlines()
    # tabulate counts characters, and a wide character takes two columns: names stand outside.
    room = max(8, columns - 2 - max(map(width, figures)))
    names = [shorten(line[0], room) for line in lines]
    column = max(map(width, names))
    return [
        f"{name}{' ' * (column - width(name))}  {line}".rstrip()
        for name, line in zip(names, figures, strict=True)
    ]


def _sides(align: str) -> list[str]:
    return ["right" if letter == "r" else "left" for letter in align]

"""Table: rows as the columns of a terminal."""

from collections.abc import Sequence

from pytest_llmprod.core.text import shorten, width


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], align: str) -> str:
    """Return rows below their headers; `align` has a letter l or r for each column.

    The cells are printed as they are: what came from a model has to be made printable before.
    """
    return _laid_out(headers, rows, align, "simple")


def named_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], align: str, columns: int
) -> list[str]:
    """Return the lines of a table whose first cells are names, cut so that a line fits `columns`.

    `align` has a letter l or r for each of the other columns. A name is at least 8 columns wide.
    """
    figures = _laid_out(headers[1:], [row[1:] for row in rows], align, "plain").splitlines()
    # tabulate counts characters, and a wide character takes two columns: names stand outside.
    room = max(8, columns - 2 - max(map(width, figures)))
    names = [shorten(row[0], room) for row in (headers, *rows)]
    column = max(map(width, names))
    return [
        f"{name}{' ' * (column - width(name))}  {line}".rstrip()
        for name, line in zip(names, figures, strict=True)
    ]


def _laid_out(
    headers: Sequence[str], rows: Sequence[Sequence[object]], align: str, form: str
) -> str:
    # Only a command or a plan that prints a table needs tabulate.
    import tabulate

    sides = ["right" if letter == "r" else "left" for letter in align]
    return tabulate.tabulate(
        rows, headers=headers, tablefmt=form, disable_numparse=True, colalign=sides
    )

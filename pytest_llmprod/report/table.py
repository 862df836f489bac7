"""Table: rows as the columns of a terminal."""

from collections.abc import Sequence


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], align: str) -> str:
    """Return rows below their headers; `align` has a letter l or r for each column.

    The cells are printed as they are: what came from a model has to be made printable before.
    """
    # Only a command that prints a table needs tabulate.
    import tabulate

    sides = ["right" if letter == "r" else "left" for letter in align]
    return tabulate.tabulate(
        rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=sides
    )
